"""Frames in, figures, tables, pages, the book and the scoreboard out."""
