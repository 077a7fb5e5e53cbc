"""Where to evaluate next: what an evaluation is worth once losses are known."""
