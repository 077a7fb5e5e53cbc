"""Loss as an evaluation: the scribe grid, its judges, and what loss predicts."""
