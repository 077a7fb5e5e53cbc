"""Rounds of post-training: what they teach, what is lost meanwhile, and how soon that shows."""
