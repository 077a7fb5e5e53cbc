"""What simulated users of a product tell of a model: attribution, survivors, newcomers, long answers."""
