"""What the correlation with loss says of the judge."""
