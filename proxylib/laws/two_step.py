"""From compute, or from parameters and tokens, to a signal, and from the signal to the score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from proxylib.errors import UserError
from proxylib.laws.curves import Exponential, Fitted, Linear, LogPower, Power, Sigmoid
from proxylib.laws.ladder import Chinchilla, Chinchilla1, LadderSigmoid, SingleStep
from proxylib.settings import Frozen

Law = Power | LogPower | Linear | Exponential | Sigmoid | Chinchilla | Chinchilla1 | LadderSigmoid | SingleStep


@dataclass(frozen=True, eq=False)
class FittedTwoStep:
    """Both steps of a forecast.

    Parameters
    ----------
    first : x -> signal
    second : signal -> score
    """

    first: Fitted
    second: Fitted

    @property
    def converged(self) -> bool:
        """Whether both did."""
        return self.first.fit.converged and self.second.fit.converged

    @property
    def reason(self) -> str:
        """Why a step failed, or how the first one ended."""
        failed = [fitted for fitted in (self.first, self.second) if not fitted.fit.converged]
        return "; ".join(f"{fitted.law}: {fitted.fit.reason}" for fitted in failed) or self.first.fit.reason

    def signal(self, x: object) -> np.ndarray:
        """The signal that the first step expects at x."""
        return self.first.predict(x)

    def predict(self, x: object) -> np.ndarray:
        """The score at x; nan where a step has no parameters."""
        return self.second.predict(self.first.predict(x))


class TwoStep(Frozen):
    """A law of the signal, and a map from the signal to the score.

    Parameters
    ----------
    first : in compute, tokens, steps; or in parameters and tokens
    second : `Linear`, `Exponential`, `Sigmoid` or `LadderSigmoid`

    Notes
    -----
    Errors of the steps add up, and the map is only known where signals were seen: a forecast reads it beyond. The two steps
    may stand on different points: the ladder fits the first to the ends of its runs and the second to all checkpoints.
    """

    first: Law
    second: Law

    @property
    def name(self) -> str:
        """Of both steps."""
        return f"{self.first.name} -> {self.second.name}"

    def fit(
        self,
        x: object,
        signal: object,
        score: object,
        weights: object = None,
        pairs: tuple[object, object] | None = None,
    ) -> FittedTwoStep:
        """Fit both steps.

        Parameters
        ----------
        x : [n] or [n, 2]
        signal, score : [n] at x; the score may be None where `pairs` are given
        weights : [n] of the squared residuals, in both steps
        pairs : signals and scores that the second step is fitted to instead

        Raises
        ------
        UserError
            As the laws, with the law's name; or if there is no score to fit.
        """
        if pairs is None and score is None:
            raise UserError(f"{self.name}: no scores to fit; give score or pairs")
        second = self.second.fit(*pairs) if pairs is not None else self.second.fit(signal, score, weights)
        return FittedTwoStep(self.first.fit(x, signal, weights), second)
