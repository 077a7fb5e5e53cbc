"""Per-token statistics of a model's next-token distribution over expert solutions."""
