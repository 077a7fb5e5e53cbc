"""Benchmarks: how far do the settings of an evaluation move scores and ranks, and what does one cost?"""
