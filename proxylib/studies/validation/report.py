"""Frames of the pages on training, validation and per-domain losses."""

from __future__ import annotations

import pandas as pd

from proxylib.report import tables, words
from proxylib.stats import Interval, mean_interval
from proxylib.studies.validation.by_domain import MEAN, PAID
from proxylib.studies.validation.losses import FEW, ONCE, SLIPS, SOME
from proxylib.studies.validation.settings import LEFT_ALONE, OWN, TO_OTHER, TO_STALLED
from proxylib.studies.validation.turns import TOTAL

#: corpus -> how it is called
CORPORA = {
    FEW: "few documents, read often",
    SOME: "three times as many",
    ONCE: "endless documents, read once",
    SLIPS: "right in form, wrong in content",
}
ARMS = {
    LEFT_ALONE: "left alone",
    TO_STALLED: "more of what stalled",
    TO_OTHER: "more of another",
}
SERIES = {OWN: "own text", TOTAL: "held out"}
DOMAINS = {"stalled": "the domain that stalled", PAID: "domains that paid", MEAN: "mean over domains"}
COLUMNS = ["estimate", "low", "high"]
TOKENS = (30_000, 100_000, 300_000, 600_000)  # ticks


def over_seeds(courses: pd.DataFrame, what: str, level: float) -> pd.DataFrame:
    """A series by corpus and step: corpus (as called), tokens, estimate, low, high over seeds."""
    rows = [
        (CORPORA[corpus], part["tokens"].mean(), *mean_interval(part[what], level))
        for (corpus, _), part in courses.groupby(["corpus", "step"], sort=False)
    ]
    return pd.DataFrame(rows, columns=["corpus", "tokens", *COLUMNS])


def losses_of(courses: pd.DataFrame, corpus: str, level: float) -> pd.DataFrame:
    """Loss on the run's own text and held out, of one corpus: loss, tokens, estimate, low, high."""
    part = courses[courses["corpus"] == corpus]
    rows = [over_seeds(part, series, level).assign(loss=label) for series, label in SERIES.items()]
    return pd.concat(rows, ignore_index=True)


def turning_table(summary: pd.DataFrame) -> pd.DataFrame:
    """By corpus: how often each rule speaks, how late, and what accuracy does from the minimum of validation on."""
    rows = tables.labelled(tables.rows(summary, series=TOTAL), "corpus", _in(summary))
    shown = rows.assign(
        **{end: rows[end].where(~rows["what"].isin(["alarm", "naive", "naive early"]), 100 * rows[end]) for end in COLUMNS}
    )
    heads = {
        "alarm": "alarm speaks, %",
        "late": "after the minimum, checkpoints",
        "naive": "two rises speak, %",
        "naive early": "before the minimum, %",
        "rise": "rise of the loss, nats",
        "lost": "accuracy since, points",
        "accuracy": "accuracy at the end, %",
    }
    return tables.wide(shown, ["corpus"], {"what": heads})


def passed_over(summary: pd.DataFrame) -> list[str]:
    """Corpora, as called, whose held-out loss is shown to rise and in none of whose runs the alarm speaks."""
    silent = lambda corpus: tables.interval(summary, what="alarm", corpus=corpus, series=TOTAL).estimate == 0
    rises = lambda corpus: tables.interval(summary, what="rise", corpus=corpus, series=TOTAL).low > 0
    return [label for corpus, label in _in(summary).items() if silent(corpus) and rises(corpus)]


def _in(summary: pd.DataFrame) -> dict[str, str]:
    return {name: label for name, label in CORPORA.items() if name in set(summary["corpus"])}


def style_rows(courses: pd.DataFrame, level: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Loss on the style, and accuracy, of runs on right solutions and on slips, over seeds."""
    part = courses[courses["corpus"].isin([ONCE, SLIPS])]
    return over_seeds(part, "style", level), over_seeds(part, "accuracy", level)


def cost_table(costs: pd.DataFrame) -> pd.DataFrame:
    """The arithmetic: what follows from the stated figures beside what is stated of it."""
    said = costs["stated_low"].notna()
    stated = [
        _range(row.stated_low, row.stated_high, row.unit) if ok else ""
        for ok, row in zip(said, costs.itertuples(), strict=True)
    ]
    follows = [_range(row.low, row.high, row.unit) for row in costs.itertuples()]
    return pd.DataFrame({"quantity": costs["quantity"], "follows": follows, "stated": stated})


def _range(low: float, high: float, unit: str) -> str:
    scale, name = (100, "%") if unit == "share" else (1, unit)
    return f"{_plain(scale * low)} to {_plain(scale * high)} {name}"


def _plain(value: float) -> str:
    """Two digits that count, thousands marked, no exponent."""
    return f"{float(f'{value:.2g}'):,.10f}".rstrip("0").rstrip(".")


def hidden_rows(lab: pd.DataFrame, published: pd.DataFrame, level: float) -> pd.DataFrame:
    """Share of steps at which an aggregate hides a domain, as seen and by noise: data, what, estimate, low, high in percent."""
    parts = [("lab, six runs", lab)]
    parts += [(label, published[published["data"] == data]) for data, label in (("ladder", "OLMo ladder"), ("7B", "OLMo 7B"))]
    rows = [
        (label, name, *(100 * end for end in mean_interval(part[what], level)))
        for label, part in parts
        for what, name in (("share", "as seen"), ("null", "by noise alone"))
    ]
    return pd.DataFrame(rows, columns=["data", "what", *COLUMNS])


def change_rows(summary: pd.DataFrame) -> pd.DataFrame:
    """What a change did to the stalled domain, to those that paid and to the mean: arm, domain, estimate, low, high in nats."""
    rows = tables.labelled(summary, "domain", DOMAINS)
    return tables.labelled(rows, "arm", {arm: ARMS[arm] for arm in (TO_STALLED, TO_OTHER, LEFT_ALONE)})


def effect_summary(effects: pd.DataFrame) -> pd.DataFrame:
    """By size: effects of upsampling on the domain itself and on the others; shares that are shown to rise or to fall."""
    rows = []
    for (size, own), part in effects.groupby(["size", "own"], sort=False):
        shown = part["p"] < 0.05
        rows.append(
            {
                "size": size,
                "on": "itself" if own else "others",
                "effects": len(part),
                "median, % of the loss": words.signed(part["estimate"].median(), 2),
                "shown to rise, %": words.percent((shown & (part["estimate"] > 0)).mean()),
                "shown to fall, %": words.percent((shown & (part["estimate"] < 0)).mean()),
            }
        )
    return pd.DataFrame(rows)


def alarms_table(summary: pd.DataFrame) -> pd.DataFrame:
    """By data: share of runs, in percent, that set off each alarm."""
    heads = {
        "turned": "validation has turned",
        "naive": "two rises in a row",
        "paying": "a domain pays",
        "stalled": "a domain stalls",
    }
    rows = summary[summary["what"].isin(list(heads))]
    return tables.wide(rows.assign(**100 * rows[COLUMNS]), ["data"], {"what": heads})


def estimate(estimates: pd.DataFrame, claim: str, scale: float = 1.0) -> Interval:
    """One row of a stage's estimates."""
    return Interval(*(scale * end for end in tables.interval(estimates, claim=claim)))
