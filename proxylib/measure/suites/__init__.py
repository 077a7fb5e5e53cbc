"""Benchmarks by name: those whose sets are at hand run here, the others through lm-evaluation-harness."""
