"""Tiny causal language models, made here and saved as ordinary `transformers` directories."""
