"""Judgement of written notes: criteria, the exact rubric, judges that are models, and how far to believe them."""
