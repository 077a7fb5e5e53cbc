"""Production scale, on paper: what the post's claim would need, and what its grid would cost."""
