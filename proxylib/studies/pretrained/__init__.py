"""A real pretrained model, as every study of one reads it."""
