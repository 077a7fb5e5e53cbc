"""A real pretrained model on the package's own path: its token statistics, and a ladder of damaged copies of it."""
