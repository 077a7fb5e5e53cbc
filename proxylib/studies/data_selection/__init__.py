"""Choosing a pretraining corpus from small runs."""
