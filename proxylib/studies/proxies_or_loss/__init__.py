"""Token statistics against loss as predictors of what a judge says."""
