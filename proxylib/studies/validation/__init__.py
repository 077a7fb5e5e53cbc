"""Training, validation and per-domain loss: what they show, when, and what they cost."""
