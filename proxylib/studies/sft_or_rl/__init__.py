"""Iterated fine-tuning against reinforcement learning, under an exact and an imperfect judge."""
