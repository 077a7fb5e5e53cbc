"""proxylib: forecasts of a language model's score from signals that are cheaper than the evaluation.

Importing this package imports neither torch nor a plotting library; each module imports what it needs.
"""

__version__ = "0.1.0"
