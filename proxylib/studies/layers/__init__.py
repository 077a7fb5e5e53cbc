"""Models with planted faults under six layers of evaluation: which layer catches what, after how long, at what price."""
