"""Frames of the page on benchmark settings."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.report import tables, words
from proxylib.report.words import with_interval
from proxylib.stats import Decision
from proxylib.studies.benchmark_settings import moves
from proxylib.studies.benchmark_settings.scores import PLAIN
from proxylib.studies.benchmark_settings.variance import REST

NAMES = {"template": "template", "shots": "shots", "ask": "worked or alone", "decoding": "decoding", "scorer": "scorer"}


def changes(table: pd.DataFrame) -> pd.DataFrame:
    """Effects or ranks as a forest: label, decision, estimate, low, high."""
    labels = [f"{row.setting}: {row.change}" if row.setting != "pass@k" else row.change for row in table.itertuples()]
    ends = table[["estimate", "low", "high"]]
    return ends.assign(label=labels, decision=[stats.decide(row) for row in ends.to_numpy()])


def ranks_table(ranks: pd.DataFrame) -> pd.DataFrame:
    """What each change does to the order of models."""
    return pd.DataFrame(
        {
            "setting": ranks["setting"],
            "change": ranks["change"],
            "pairs ordered the other way (%)": ranks["turned"].map(words.percent),
            "tied in one (%)": ranks["tied"].map(words.percent),
            "rank correlation": ranks["spearman"].round(2),
            "halves, one setting": ranks["within"].round(2),
            "halves, two settings": ranks["between"].round(2),
            "difference": tables.shown(ranks),
        }
    )


def variance(parts: pd.DataFrame) -> pd.DataFrame:
    """Shares of the variance in percent, largest first within a kind: label, kind, estimate, low, high."""
    frame = parts.assign(**{name: 100 * parts[name] for name in tables.ENDS})
    frame["label"] = [_spoken(source) for source in parts["source"]]
    return frame.sort_values("estimate", ascending=False, kind="stable")


def _spoken(source: str) -> str:
    name, _, by_model = source.partition(" by ")
    return source if source == REST else NAMES.get(name, name) + (" by model" if by_model else "")


def by_model(parts: pd.DataFrame) -> float:
    """Share of all settings by model together: what moves ranks."""
    return float(parts.loc[parts["kind"] == "by model", "estimate"].sum())


def gains(tuning: pd.DataFrame) -> dict[str, int]:
    """Under how many settings post-training is shown to help, to hurt, and neither."""
    decisions = [stats.decide(ends) for ends in tuning[tables.ENDS].to_numpy()]
    helped, hurt = decisions.count(Decision.HIGHER), decisions.count(Decision.LOWER)
    return {"helps": helped, "hurts": hurt, "neither": len(decisions) - helped - hurt}


def gains_forest(tuning: pd.DataFrame, scorer: str = "final value") -> pd.DataFrame:
    """What post-training gains by template, shots and way of answering, as a forest."""
    rows = tables.rows(tuning, scorer=scorer)
    labels = [f"{row.template}, {row.shots} shots, {row.ask}" for row in rows.itertuples()]
    return rows.assign(label=labels, decision=[stats.decide(ends) for ends in rows[tables.ENDS].to_numpy()])


def pythia_forest(tasks: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Gain of five examples by task, as a forest; decided by Holm's p over tasks."""
    alone = [stats.decide(ends) for ends in tasks[tables.ENDS].to_numpy()]
    kept = zip(alone, tasks["p"] < 1 - level, strict=True)
    return tasks.assign(label=tasks["task"], decision=[one if told else Decision.UNDECIDED for one, told in kept])


def reordered(ranks: pd.DataFrame) -> tuple[int, int]:
    """Tasks of which five examples order the runs otherwise than noise does, and tasks of which there is an order at all."""
    known = ranks.dropna(subset="spearman")
    return int((known["spearman"] < known["noise_low"]).sum()), len(known)


def pythia_ranks(ranks: pd.DataFrame) -> pd.DataFrame:
    """Order of the runs with no example and with five."""
    return pd.DataFrame(
        {
            "task": ranks["task"],
            "rank correlation": ranks["spearman"].round(2),
            "that noise alone leaves": ranks["noise"].round(2),
            "one in twenty below": ranks["noise_low"].round(2),
        }
    )


def dearer_table(dearer: pd.DataFrame) -> pd.DataFrame:
    """What answers cost, in passes of loss over the same problems."""
    units = {"seconds": "processor seconds", "flops": "FLOPs"}
    rows = [(units[row.unit], with_interval((row.estimate, row.low, row.high))) for row in dearer.itertuples()]
    return pd.DataFrame(rows, columns=["unit", "answers over loss (times)"])


def extremes(settings: pd.DataFrame) -> pd.DataFrame:
    """The five settings with the highest and the lowest mean score, in points."""
    ordered = settings.sort_values("score", ascending=False, kind="stable")
    shown = pd.concat([ordered.head(5), ordered.tail(5)])
    return shown.assign(score=shown["score"].round(1)).rename(columns={"score": "mean score (%)", "ask": "answer"})


def by_change(scores: pd.DataFrame, settings: pd.DataFrame, ranks: pd.DataFrame) -> pd.DataFrame:
    """Scores as shares: a row per model, best first as the lab asks, a column for that and for each change of one thing."""
    plain = {"template": settings["template"].iloc[0]} | PLAIN
    chosen = {"as the lab asks": plain}
    for row in ranks[ranks["setting"] != "pass@k"].itertuples():
        column = {"steps": "ask"}.get(row.setting, row.setting)
        value = int(row.change.split()[0]) if row.setting == "shots" else row.change
        chosen[row.change] = plain | {column: value}
    places = {name: int(tables.row(settings.reset_index(), **wanted)["index"]) for name, wanted in chosen.items()}
    wide = scores.pivot(index="model", columns="place", values="score")[list(places.values())] / 100
    return wide.set_axis(list(places), axis=1).sort_values("as the lab asks", ascending=False)


def usable(scores: pd.DataFrame, settings: pd.DataFrame) -> dict[str, float]:
    """Settings with one answer a problem under which the models keep half of their mean score as the lab asks.

    Returns
    -------
    settings (how many), apart (points between a model's best and worst of these, mean over models, luck included), turned
    (share of the pairs of models that two of them order in opposite ways), tied (in one of the two)
    """
    plain = tables.row(settings, **{"template": settings["template"].iloc[0]} | PLAIN)["score"]
    kept = settings[(settings["k"] == 1) & (settings["score"] >= plain / 2)]
    wide = scores.pivot(index="model", columns="place", values="score")[list(kept.index)]
    others = np.triu_indices(len(kept), 1)
    turned, tied = (share[others].mean() if len(kept) > 1 else np.nan for share in moves.pairs(*[wide.to_numpy()] * 2))
    apart = float((wide.max(axis=1) - wide.min(axis=1)).mean())
    return {"settings": len(kept), "apart": apart, "turned": float(turned), "tied": float(tied)}


def hours_table(table: pd.DataFrame) -> pd.DataFrame:
    """What a suite asks for, and how long that takes."""
    million = "{:.2g}".format
    return pd.DataFrame(
        {
            "benchmark": table["benchmark"],
            "problems": table["problems"].map("{:,}".format),
            "tokens read (M)": [f"{million(a)} to {million(b)}" for a, b in table[["read, shared", "read, anew"]].to_numpy()],
            "written (M)": table["written"].map(million),
            "hours": [f"{a:.2f} to {b:.2f}" for a, b in table[["from", "to"]].to_numpy()],
        }
    )
