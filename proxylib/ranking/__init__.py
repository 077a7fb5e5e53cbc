"""From features and scores to orders of models, and how far to believe them."""
