"""Frames of the page on where to evaluate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from proxylib.report import tables, words
from proxylib.stats import decide
from proxylib.studies.planning import stops
from proxylib.studies.planning.grids import DECIDING
from proxylib.studies.planning.policies import PLAN, RANDOM, SPREAD, UNSURE
from proxylib.studies.planning.summaries import WITHOUT

SHOWN = (RANDOM, SPREAD, UNSURE, PLAN, UNSURE + WITHOUT)
STOP = {"promised": "promised", "nothing": "lost"}  # what a promise of nothing misses by is what is lost


def lines(curves: pd.DataFrame, score: str, measure: str, policies: Sequence[str] = SHOWN, **where: object) -> pd.DataFrame:
    """Curves of a score as the figure draws them, intervals at no less than 0: policy, cells, estimate, low, high."""
    rows = tables.rows(curves, score=score, measure=measure, **where)
    rows = rows[rows["policy"].isin(policies) & (rows["cells"] > 0)]
    rows = rows.assign(low=rows["low"].clip(lower=0), order=rows["policy"].map(list(policies).index))
    return rows.sort_values(["order", "cells"], kind="stable", ignore_index=True)


def judge(curves: pd.DataFrame) -> str:
    """The judge whose curves decide in a domain."""
    return next(score for score in DECIDING if score in set(curves["score"]))


def at(curves: pd.DataFrame, policy: str, measure: str, cells: int, **where: object) -> float:
    """A mean, in points."""
    return float(tables.row(curves, policy=policy, measure=measure, cells=cells, **where)["estimate"])


def by_policy(curves: pd.DataFrame, measure: str, cells: Sequence[int], **where: object) -> pd.DataFrame:
    """A row a policy, a column per number of cells, in points."""
    rows = tables.rows(curves, measure=measure, **where)
    rows = rows[rows["cells"].isin(cells)]
    wide = rows.pivot(index="policy", columns="cells", values="estimate").reindex(rows["policy"].drop_duplicates())
    wide.columns = [f"{count} cells" if count else "nothing bought" for count in wide.columns]
    return wide.round(1).reset_index()


def by_notes(curves: pd.DataFrame, score: str, cells: int, measure: str = "error") -> pd.DataFrame:
    """A row a policy, a column per number of notes, in points."""
    rows = tables.rows(curves, score=score, measure=measure, cells=cells)
    wide = rows.pivot(index="policy", columns="items", values="estimate").reindex(rows["policy"].drop_duplicates())
    wide.columns = [f"{count} notes" for count in wide.columns]
    return wide.round(1).reset_index()


def kept(promises: pd.DataFrame) -> pd.DataFrame:
    """What came of promises by their size, published sets together: promised, regret, states, in points."""
    weighed = promises.assign(**{name: promises[name] * promises["states"] for name in ("promised", "regret")})
    whole = weighed.groupby(["low", "high"])[["promised", "regret", "states"]].sum().reset_index()
    return whole.assign(**{name: whole[name] / whole["states"] for name in ("promised", "regret")})


def kept_table(promises: pd.DataFrame) -> pd.DataFrame:
    """The same as the page shows it."""
    whole = kept(promises)
    names = [f"{row.low:g} to {row.high:g}" if row.high < 100 else f"from {row.low:g}" for row in whole.itertuples()]
    shown = pd.DataFrame({"promised (points)": names, "mean promise (points)": whole["promised"].round(2)})
    return shown.assign(**{"what came (points)": whole["regret"].round(2), "states": whole["states"].astype(int)})


def promises_figure(several: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The same of several places under each other, as the figure draws it: promised, regret, by."""
    return pd.concat([kept(promises).assign(by=place) for place, promises in several.items()], ignore_index=True)


def stop_lines(misses: pd.DataFrame) -> pd.DataFrame:
    """What is promised and what is lost where plans stop, by tolerance, as the figure draws it: what, tolerance, and ends."""
    rows = misses[(misses["promise"] == stops.AS_IT_IS) & misses["measure"].isin(STOP)]
    rows = rows.assign(what=rows["measure"].map(STOP), low=rows["low"].clip(lower=0))
    return rows.sort_values(["what", "tolerance"], ascending=[False, True], kind="stable", ignore_index=True)


def stop_words(claim: Sequence[float], margin: float) -> str:
    """Whether a promise is kept where the plan says stop, within a margin in points."""
    kept = "less than half a point beyond what was promised"
    return words.chosen(decide(claim, margin), kept.replace("less", "more"), kept, f"not shown to be {kept}")


def stop_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Where plans stop in each study, by tolerance, promises as they are."""
    rows = rows[rows["promise"] == stops.AS_IT_IS].sort_values(["tolerance", "study"], kind="stable")
    columns = {"promised": "promised (points)", "regret": "lost (points)", "nothing": "lost if nothing is bought (points)"}
    shown = pd.DataFrame({"stop at (points)": rows["tolerance"], "study": rows["study"]})
    shown["plans that stop, %"] = (100 * rows["stopped"]).round(0).astype(int)
    return shown.assign(**{name: rows[column].round(2) for column, name in columns.items()}).reset_index(drop=True)


def corrected_table(misses: pd.DataFrame) -> pd.DataFrame:
    """How far promises are off in a study, as they are and corrected, by tolerance."""
    rows = misses[misses["measure"].isin(("size", "size, minus that as it is"))]
    ends = [words.with_interval(row) for row in rows[["estimate", "low", "high"]].to_numpy(float)]
    wide = rows.assign(said=ends).pivot(index=["promise", "tolerance"], columns="measure", values="said").reset_index()
    names = {"tolerance": "stop at (points)", "size": "off by (points)", "size, minus that as it is": "minus as it is (points)"}
    return wide.rename(columns=names).rename_axis(columns=None)
