"""Histories of training runs as people bring them: tables, and files that evaluations and trainers leave."""
