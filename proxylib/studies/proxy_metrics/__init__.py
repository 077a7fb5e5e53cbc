"""Proxy metrics: model selection, ablations, style, crucial steps, numerics."""
