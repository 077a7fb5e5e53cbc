"""What a validation pass costs: the arithmetic of the article's own figures, and of what must be assumed beside them."""

from __future__ import annotations

import math
from typing import NamedTuple

import pandas as pd


class Range(NamedTuple):
    """A lowest and a highest value; between them the middle on a log scale."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """Geometric mean."""
        return math.sqrt(self.low * self.high)

    def times(self, *others: Range | float) -> Range:
        """Product, end by end."""
        low, high = self
        for other in others:
            part = other if isinstance(other, Range) else Range(other, other)
            low, high = low * part.low, high * part.high
        return Range(low, high)

    def over(self, *others: Range | float) -> Range:
        """Quotient: the lowest by the highest, and the other way round."""
        inverse = (Range(1 / other.high, 1 / other.low) if isinstance(other, Range) else 1 / other for other in others)
        return self.times(*inverse)


#: stated by the article
PARAMETERS, TRAINED, GPUS = 70e9, 15e12, 16_384.0
PRICE = Range(50.0, 100.0)  # dollars a GPU-hour
MINUTES = Range(2.0, 10.0)  # of a pass
VALIDATED = Range(1e6, 1e7)  # tokens of a pass: "millions"
EVERY = Range(2000.0, 5000.0)  # training steps between passes: "every few thousand"
OFTEN = Range(200.0, 5000.0)  # "every few hundred to few thousand"
SHARE = Range(0.005, 0.01)  # of total compute
#: assumed, as the article does not say: tokens of a step, from Llama 3's report; peak and use of one GPU (H100, bfloat16)
BATCH = Range(4e6, 16e6)
PEAK, USE = 989e12, Range(0.2, 0.5)
FORWARD, TRAINING = 2.0, 6.0  # FLOPs a parameter and token


def quantities() -> pd.DataFrame:
    """What follows from the stated figures.

    Returns
    -------
    quantity, unit, low, middle, high (over the ranges of the inputs: no sampling, no coverage); stated_low, stated_high (nan
    where the article gives no such figure)

    Notes
    -----
    Attention is left out of the FLOPs, and so are loading, switching and what else a pause may hold.
    """
    rate = USE.times(GPUS * PEAK)  # FLOPs a second of the cluster
    step = BATCH.times(TRAINING * PARAMETERS)  # FLOPs
    spacing = EVERY.times(step).over(rate)  # seconds of training between two passes
    pause = MINUTES.times(60.0)
    rows = [
        ("share, a pass every few thousand steps", "share", _share(EVERY), SHARE),
        ("share, as often as the article has it", "share", _share(OFTEN), SHARE),
        ("a pass on all GPUs", "minutes", VALIDATED.times(FORWARD * PARAMETERS / 60).over(rate), MINUTES),
        ("a pause of 2 to 10 minutes", "dollars", MINUTES.times(PRICE, GPUS / 60), None),
        ("a pass on all GPUs, priced", "dollars", VALIDATED.times(FORWARD * PARAMETERS / 3600, PRICE, GPUS).over(rate), None),
        (
            "share of the time that such pauses take",
            "share",
            Range(_part(pause.low, spacing.high), _part(pause.high, spacing.low)),
            SHARE,
        ),
        ("tokens of a pass that cost the stated share", "tokens", SHARE.times(EVERY, BATCH, TRAINING / FORWARD), VALIDATED),
        ("the training itself", "days", Range(TRAINED, TRAINED).times(TRAINING * PARAMETERS / 86_400).over(rate), None),
    ]
    columns = ["quantity", "unit", "low", "middle", "high", "stated_low", "stated_high"]
    nothing = (math.nan, math.nan)
    return pd.DataFrame(
        [(name, unit, one.low, one.middle, one.high, *(stated or nothing)) for name, unit, one, stated in rows], columns=columns
    )


def _share(every: Range) -> Range:
    """Of the compute of training that passes take: forward alone, against forward and backward of the steps between."""
    return VALIDATED.times(FORWARD / TRAINING).over(every, BATCH)


def _part(pause: float, training: float) -> float:
    return pause / (pause + training)
