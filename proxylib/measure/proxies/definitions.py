"""Names, signs and open definitions of the eighty, and the windows over a trace."""

from __future__ import annotations

from dataclasses import dataclass

from proxylib.errors import UserError

#: statistic -> +1 where more is better, -1 where less is. Fixed a priori; entropy's sign is a guess (ours).
STATISTICS = {
    "cross_entropy": -1,
    "top1": +1,
    "top2": +1,
    "top3": +1,
    "top5": +1,
    "entropy": -1,
    "rank": -1,
    "reciprocal_rank": +1,
    "margin": -1,
    "wrong_confidence": -1,
}
WEIGHTINGS = (
    "uniform",
    "probability",
    "disagreement",
    "entropy",
    "inverse_entropy",
    "frequency",
    "inverse_frequency",
    "gaussian_nll",
)
NAMED_WINNERS = {"model selection": ("top1", "inverse_frequency"), "data selection": ("top5", "frequency")}


def name(statistic: str, weighting: str) -> str:
    """Column name of a proxy, such as ``top1|inverse_frequency``."""
    return f"{statistic}|{weighting}"


NAMES = tuple(name(statistic, weighting) for statistic in STATISTICS for weighting in WEIGHTINGS)

#: field of `Definition` -> what it may be, the default first
CHOICES = {
    "inverse_entropy": ("complement", "reciprocal"),
    "inverse_frequency": ("reciprocal", "complement"),
    "frequency_source": ("task", "all tasks", "text"),
    "gaussian": ("trace", "shared", "easy", "nat"),
    "gaussian_width": ("whole", "half", "double"),
    "rank": ("raw", "log", "share"),
    "ties": ("mid", "strict", "pessimistic"),
    "spread": ("token", "byte"),
}


@dataclass(frozen=True)
class Definition:
    """What the sources leave open about the eighty, with our defaults.

    Parameters
    ----------
    inverse_entropy : weight 1 - h ("complement") or 1 / (h + 0.01) ("reciprocal"), with h = entropy / log V
    inverse_frequency : weight 1 / f ("reciprocal") or 1 - f ("complement")
    frequency_source : f is the token's share of the tokens of its task ("task") or of all rows given ("all tasks"), or its
        word's share of the words of the task's texts ("text"; needs `with_word_frequency`)
    gaussian : centre and width of the kernel: mean and standard deviation of the trace's nll ("trace"), those of the task
        over a population of models ("shared"; needs `difficulty`), or the trace's width about 0 ("easy") or 1 nat ("nat")
    gaussian_width : the kernel's width as it is ("whole"), or half or twice of it
    rank : the statistic rank is r ("raw"), log r ("log") or r / V ("share"); reciprocal rank is always 1 / r
    ties : a token tied with others has the middle of their ranks and the expected top-k under random tie-breaking ("mid"),
        the best of them, #greater + 1 ("strict"), or the worst, #greater + #equal ("pessimistic")
    spread : a token counts once ("token"), or once for each of its bytes ("byte"), see `by_trace`

    Raises
    ------
    UserError
        A value that is not in `CHOICES`.

    Notes
    -----
    "strict" gives a model with constant logits rank 1 and top-1 everywhere. 1 - f is almost uniform where no token is
    frequent. "shared" and the two fixed centres compare nll across tokenizers, which the default does not.
    """

    inverse_entropy: str = "complement"
    inverse_frequency: str = "reciprocal"
    frequency_source: str = "task"
    gaussian: str = "trace"
    gaussian_width: str = "whole"
    rank: str = "raw"
    ties: str = "mid"
    spread: str = "token"

    def __post_init__(self) -> None:
        for field, allowed in CHOICES.items():
            if getattr(self, field) not in allowed:
                raise UserError(f"definition: {field} is '{getattr(self, field)}', expected one of {', '.join(allowed)}")


DEFAULT = Definition()
#: name -> definition: the default, then every other choice alone
DEFINITIONS = {"default": DEFAULT} | {
    f"{field.replace('_', ' ')}: {choice}": Definition(**{field: choice})
    for field, choices in CHOICES.items()
    for choice in choices[1:]
}
_TIED = ("top1", "top2", "top3", "top5", "rank", "reciprocal_rank", "wrong_confidence")
#: field of `Definition` -> statistics and weightings whose formulas hold it; a proxy holds it if either of its parts does
HELD_BY = {
    "inverse_entropy": ("inverse_entropy",),
    "inverse_frequency": ("inverse_frequency",),
    "frequency_source": ("frequency", "inverse_frequency"),
    "gaussian": ("gaussian_nll",),
    "gaussian_width": ("gaussian_nll",),
    "rank": ("rank",),
    "ties": _TIED,
    "spread": (*STATISTICS, *WEIGHTINGS),
}


def holds(proxy: str, definition: Definition) -> bool:
    """Whether a definition says anything else of a proxy than the default does."""
    changed = [field for field in CHOICES if getattr(definition, field) != getattr(DEFAULT, field)]
    return any(part in HELD_BY[field] for field in changed for part in proxy.split("|"))


@dataclass(frozen=True)
class Window:
    """Which tokens of a trace count.

    Parameters
    ----------
    side : "last" or "first"
    share : of the trace's tokens or of its text's characters, above 0 and at most 1; rounded up
    unit : "tokens", of each tokenizer its own, or "characters", the same piece of text for every tokenizer

    Raises
    ------
    UserError
        A side, share or unit that does not exist.
    """

    side: str = "last"
    share: float = 1.0
    unit: str = "tokens"

    def __post_init__(self) -> None:
        for field, allowed in {"side": ("last", "first"), "unit": ("tokens", "characters")}.items():
            if getattr(self, field) not in allowed:
                raise UserError(f"window: {field} is '{getattr(self, field)}', expected {' or '.join(allowed)}")
        if not 0 < self.share <= 1:
            raise UserError(f"window: share is {self.share}, expected above 0 and at most 1")


WINDOWS = {
    "all": Window(),
    "last half": Window(share=0.5),
    "last quarter": Window(share=0.25),
    "last tenth": Window(share=0.1),
    "first half": Window("first", 0.5),
    "last half of the characters": Window(share=0.5, unit="characters"),
    "last quarter of the characters": Window(share=0.25, unit="characters"),
    "last tenth of the characters": Window(share=0.1, unit="characters"),
    "first half of the characters": Window("first", 0.5, "characters"),
}
