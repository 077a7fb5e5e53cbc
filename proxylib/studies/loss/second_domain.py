"""One relation of loss and score for several domains, or one each?

Every domain's line in final loss is taken to the configurations of the others, and compared with a line of their own. What is
left out for the wide interval is one base at a time, whichever its domain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.judging.criteria import GRADED, LENIENT, STRICT
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap
from proxylib.studies.loss import claimed
from proxylib.studies.loss.cell_draws import Draws, Intervals, draws, frame_of, judged, line, rows_of
from proxylib.studies.loss.lines import line_of
from proxylib.studies.loss.loss_fits import in_schedule, with_grades

SCORES = (GRADED, STRICT, LENIENT)  # what every domain is judged by
SCHEDULE = "epochs"  # which all of them have


class SideBySide(NamedTuple):
    """Configurations of several domains with what a line is drawn through.

    domain, base : [configurations] names; a base's holds its domain
    loss, score : [1 + draws, configurations], the sample itself first; each domain's notes and seeds are drawn apart
    """

    domain: np.ndarray
    base: np.ndarray
    loss: np.ndarray
    score: np.ndarray
    bootstrap: Bootstrap

    @property
    def domains(self) -> list[str]:
        """Their names in order."""
        return list(dict.fromkeys(self.domain))

    def both(self, statistic: Statistic) -> Intervals:
        """Over notes and seeds with the configurations fixed, and over bases (jackknife, Student's t)."""
        every = np.ones((1, len(self.base)))
        given = self.bootstrap.drawn(statistic(self, every)).interval("widened", undefined="nan")
        sample = self._replace(loss=self.loss[:1], score=self.score[:1])
        without = np.stack([self.base != base for base in dict.fromkeys(self.base)]).astype(float)
        over = statistic(sample, without)
        return Intervals.wider(given, stats.jackknife_interval(given.estimate, over, self.bootstrap.level))


#: a statistic's values from configurations and weights [rows, configurations] with as many rows, or one for all
Statistic = Callable[[SideBySide, np.ndarray], np.ndarray]


def side_by_side(drawn: Mapping[str, Draws], score: str) -> SideBySide:
    """All configurations of all domains under one score."""
    each = [
        (np.full(len(d.configurations), name), name + "/" + d.configurations["base"].to_numpy(str), d)
        for name, d in drawn.items()
    ]
    return SideBySide(
        np.concatenate([names for names, _, _ in each]),
        np.concatenate([bases for _, bases, _ in each]),
        np.concatenate([d.signals["final_loss"] for _, _, d in each], axis=1),
        np.concatenate([d.rates[score] for _, _, d in each], axis=1),
        each[0][2].bootstrap,
    )


def _line(s: SideBySide, weights: np.ndarray, members: np.ndarray) -> dict[str, np.ndarray]:
    """The line through some configurations; undefined where none of them counts."""
    w = np.broadcast_to(weights, np.broadcast_shapes(weights.shape, s.loss.shape))[:, members]
    with np.errstate(invalid="ignore", divide="ignore"):
        return line(s.loss[:, members], s.score[:, members], w)


def slope_gap(s: SideBySide, weights: np.ndarray) -> np.ndarray:
    """Slope of the last domain minus that of the first, points per 0.1 nats."""
    first, last = (_line(s, weights, s.domain == name)["slope"] for name in (s.domains[0], s.domains[-1]))
    return 0.1 * (last - first)


def level_gap(s: SideBySide, weights: np.ndarray) -> np.ndarray:
    """Line of the last domain minus that of the first, points, at the mean loss of all configurations."""
    at = s.loss[0].mean()
    first, last = (_line(s, weights, s.domain == name) for name in (s.domains[0], s.domains[-1]))
    return (last["intercept"] + last["slope"] * at) - (first["intercept"] + first["slope"] * at)


def correlation_gap(s: SideBySide, weights: np.ndarray) -> np.ndarray:
    """Correlation of the last domain minus that of the first."""
    first, last = (_line(s, weights, s.domain == name)["r"] for name in (s.domains[0], s.domains[-1]))
    return last - first


def own_error(s: SideBySide, weights: np.ndarray, name: str) -> np.ndarray:
    """Root mean square error, points, of a domain's scores, each base forecast by the line of the domain's others."""
    return _error(s, weights, name, lambda kept, *_: _line(s, kept, s.domain == name))


def borrowed_error(s: SideBySide, weights: np.ndarray, name: str) -> np.ndarray:
    """Likewise by the line of the other domains, as it is."""
    return _error(s, weights, name, lambda _, whole, __: _line(s, whole, s.domain != name))


def borrowed_unseen_error(s: SideBySide, weights: np.ndarray, name: str) -> np.ndarray:
    """Likewise by their line without their base of the same place in size, which leaves as many bases as an own line has."""
    places = {base: place for other in s.domains for place, base in enumerate(dict.fromkeys(s.base[s.domain == other]))}
    place_of = np.array([places[base] for base in s.base])
    return _error(s, weights, name, lambda _, whole, base: _line(s, whole * (place_of != places[base]), s.domain != name))


def borrowed_slope_error(s: SideBySide, weights: np.ndarray, name: str) -> np.ndarray:
    """Likewise by their slope, and the level of the domain's other bases."""

    def levelled(kept: np.ndarray, whole: np.ndarray, _: str) -> dict[str, np.ndarray]:
        slope = _line(s, whole, s.domain != name)["slope"]
        w = kept * (s.domain == name)
        with np.errstate(invalid="ignore", divide="ignore"):
            level = (w * (s.score - slope[:, None] * s.loss)).sum(1) / w.sum(1)
        return {"slope": slope, "intercept": level}

    return _error(s, weights, name, levelled)


def _error(
    s: SideBySide, weights: np.ndarray, name: str, fit: Callable[[np.ndarray, np.ndarray, str], dict[str, np.ndarray]]
) -> np.ndarray:
    """[rows] error over a domain's configurations; `fit` is given the weights without a base, all of them, and the base."""
    squares, counted = 0.0, 0.0
    for base in dict.fromkeys(s.base[s.domain == name]):
        out = s.base == base
        fitted = fit(weights * ~out, weights, base)
        missed = s.score[:, out] - fitted["intercept"][:, None] - fitted["slope"][:, None] * s.loss[:, out]
        w = weights[:, out]
        squares = squares + np.where(w > 0, w * missed**2, 0.0).sum(1)
        counted = counted + w.sum(1)
    return np.sqrt(squares / counted)


#: statistic -> how it is worked out for one domain
ERRORS = {
    "own line": own_error,
    "borrowed line": borrowed_error,
    "borrowed slope": borrowed_slope_error,
    "borrowed line, base unseen": borrowed_unseen_error,
}


def relation(drawn: Mapping[str, Draws]) -> pd.DataFrame:
    """Is it one relation? A row per score, domain ("all" for both) and statistic, with both intervals.

    Returns
    -------
    judge, domain, statistic, estimate, low, high, low_given, high_given. Statistics: "r" of each domain, "slope gap",
    "level gap" and "correlation gap" of the last against the first, and of each domain and their mean the errors of `ERRORS`
    and all others minus the first

    Notes
    -----
    With fifteen configurations of five bases a domain, a line that is forecast from four bases is itself unsure: an error that
    is no larger with the other domain's line may say that neither is good. A common level would be luck, as texts differ in
    how many nats they leave to say.
    """
    rows = []
    for score in SCORES:
        s = side_by_side(drawn, score)
        gaps = {"slope gap": slope_gap, "level gap": level_gap, "correlation gap": correlation_gap}
        rows += rows_of({name: s.both(gap) for name, gap in gaps.items()}, judge=score, domain="all")
        for name, d in drawn.items():
            every = np.ones(len(d.configurations), bool)
            r = d.correlated(lambda d, w, score=score: line_of(d, score, w)["r"], every)
            rows += rows_of({"r": r}, judge=score, domain=name)
        for name in (*s.domains, "all"):
            rows += rows_of(_errors(s, s.domains if name == "all" else [name]), judge=score, domain=name)
    return frame_of(rows, "judge", "domain", kind=Intervals)


def _errors(s: SideBySide, members: Sequence[str]) -> dict[str, Intervals]:
    """Mean over domains of each error of `ERRORS`, and of the others minus the first."""
    mean = lambda error: lambda s, w: np.mean([error(s, w, name) for name in members], axis=0)
    means = {statistic: mean(error) for statistic, error in ERRORS.items()}
    own, *borrowed = means
    minus = {f"{name} minus own": lambda s, w, name=name: means[name](s, w) - means[own](s, w) for name in borrowed}
    return {statistic: s.both(error) for statistic, error in (means | minus).items()}


def f_tests(drawn: Mapping[str, Draws]) -> pd.DataFrame:
    """F tests of a level and of a slope for each domain, as if configurations were independent.

    Returns
    -------
    judge, added ("a level each", to one line; "a slope each", to that), F, p, df, rest (degrees of freedom)
    """
    import statsmodels.api as sm

    rows = []
    for score in SCORES:
        s = side_by_side(drawn, score)
        x, y = s.loss[0], s.score[0]
        apart = np.stack([s.domain == name for name in s.domains[1:]], -1).astype(float)
        designs = (np.ones((len(x), 0)), apart, np.hstack([apart, apart * x[:, None]]))
        fits = [sm.OLS(y, np.column_stack([np.ones(len(x)), x, more])).fit() for more in designs]
        for added, small, large in zip(("a level each", "a slope each"), fits, fits[1:], strict=False):
            if large.df_resid > 0 and large.ssr > 0:
                rows.append((score, added, *large.compare_f_test(small), large.df_resid))
    return pd.DataFrame(rows, columns=["judge", "added", "F", "p", "df", "rest"])


def estimates(drawn: Mapping[str, Draws], table: pd.DataFrame) -> pd.DataFrame:
    """What the scoreboard takes: a row per claim, of the last domain, and of both together."""
    last = list(drawn)[-1]
    d = drawn[last]
    keys = ["judge", "domain", "statistic"]
    known = {row[:3]: Intervals(*row[3:]) for row in table[[*keys, *Intervals._fields]].itertuples(index=False, name=None)}
    of = lambda *key: known.get(key, Intervals(*[np.nan] * 5))
    both = sum(len(each.configurations) for each in drawn.values())
    claims = {
        "loss-domains": (of(STRICT, last, "r"), len(d.configurations)),
        "loss-second-domain": (of(GRADED, "all", "borrowed line minus own"), both),
        "ours-borrowed-slope": (of(GRADED, "all", "borrowed slope minus own"), both),
        "ours-second-domain-beyond": (claimed.beyond(d, GRADED), len(d.configurations)),
    }
    rows = [
        {"claim": claim, **interval._asdict(), "n": n} for claim, (interval, n) in claims.items() if np.isfinite(interval).all()
    ]
    columns = ["claim", *Intervals._fields, "n"]
    return pd.DataFrame(rows, columns=columns).assign(level=d.bootstrap.level, n_unit="configurations")


def build(step, workspace: Workspace) -> None:
    """Lines of every domain against each other.

    Parameters
    ----------
    step : a declared `second_domain` step; of each domain it has the parents `loss_fits/NAME` and `verdicts/NAME`
    workspace : receives the tables `relation`, `f_tests` and `estimates`
    """
    names = [role.removeprefix("loss_fits/") for role in step.parents if role.startswith("loss_fits/")]
    drawn = {}
    for number, name in enumerate(names):
        cells = in_schedule(step.parent(f"loss_fits/{name}").table("cells"), SCHEDULE)
        run = step.parent(f"verdicts/{name}")
        verdicts = with_grades(run.table("verdicts"), run.table("grades"))
        verdicts = verdicts[verdicts["cell"].isin(cells["cell"]) & verdicts["judge"].isin(SCORES)]
        bootstrap: Bootstrap = step.settings.bootstrap
        apart = bootstrap.model_copy(update={"seed": bootstrap.seed + number})
        drawn[name] = draws(judged(cells.drop(columns=list(SCORES), errors="ignore"), verdicts), apart)
    table = relation(drawn)
    workspace.write_table("relation", table)
    workspace.write_table("f_tests", f_tests(drawn))
    workspace.write_table("estimates", estimates(drawn, table))
