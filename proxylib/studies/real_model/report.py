"""Frames of the page on a real model; its sentences stand in the notebook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from proxylib.report.tables import row, rows, shown
from proxylib.report.words import chosen, listed
from proxylib.stats import Decision, Interval, decide
from proxylib.studies.real_model.ladder import MAIN, NAMED, PROSE, SIGNALS, TRACES
from proxylib.studies.real_model.settings import SOUND, TAUGHT

TINT = "surprise"
ENDS = ("low", "high")
#: a signal in a sentence, and what one does to have it
CALLED = {NAMED: "the proxy", TRACES: "loss on the same solutions", PROSE: "loss on prose"}
DONE = {
    NAMED: "read expert solutions with it and count what it agrees with",
    TRACES: "take its loss on expert solutions",
    PROSE: "take its loss on prose",
}


def coloured(pieces: pd.DataFrame, prompts: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Title and tokens of every solution, its nats scaled to a mean of one as `TINT`; see `pages.coloured_trace`."""
    for (task, name), part in pieces.groupby(["task", "id"], sort=False):
        prompt = row(prompts, task=task, id=name)["prompt"]
        yield f"{task}\n{prompt}", part.assign(**{TINT: part["nll"] / max(part["nll"].mean(), 1e-9)})


def against(levels: pd.DataFrame, signal: str, score: str = MAIN) -> pd.DataFrame:
    """Points of a figure: copy, damage (its kind), x (the signal as it is), estimate, low, high (the score, percent)."""
    signals = rows(levels, what=signal).set_index("copy")["estimate"]
    points = rows(levels, what=score)
    return points.assign(x=points["copy"].map(signals), damage=points["kind"])


def ordering(orders: pd.DataFrame, score: str = MAIN) -> pd.DataFrame:
    """Rows of a figure: signal, estimate, low, high and luck, in the order of `SIGNALS`."""
    part = rows(orders, score=score).set_index("signal").loc[[*SIGNALS]].reset_index()
    return part.assign(what=part["signal"])


def given(orders: pd.DataFrame, signal: str, score: str = MAIN) -> Interval:
    """Rank correlation of a signal, with the interval over problems, these copies given."""
    found = row(orders, signal=signal, score=score)
    return Interval(*(float(found[end]) for end in ("estimate", "low_given", "high_given")))


def difference(differences: pd.DataFrame, first: str, second: str, score: str = MAIN) -> Interval:
    """Rank correlation of one signal minus that of another, with the interval that decides."""
    found = row(differences, first=first, second=second, score=score)
    return Interval(*(float(found[end]) for end in ("estimate", "low", "high")))


def followed(decisions: Mapping[str, Decision], given: Mapping[str, Decision]) -> str:
    """Which of the signals are shown to order copies as accuracy does; `given` decides among these kinds of damage alone."""
    found = [CALLED[signal] for signal, decision in decisions.items() if decision == Decision.HIGHER]
    if len(found) == len(decisions):
        return "Yes, all three do"
    if found:
        return f"Only {listed(found)} {'is' if len(found) == 1 else 'are'} shown to, beyond these kinds of damage"
    if all(decision == Decision.HIGHER for decision in given.values()):
        return "Among these copies yes, beyond these kinds of damage it is not shown"
    return "None of the three is shown to"


def beside(decisions: Mapping[str, Decision]) -> str:
    """How the proxy stands to both losses."""
    said = {CALLED[other]: chosen(d, "better than", "worse than", "not told apart from") for other, d in decisions.items()}
    if len(set(said.values())) == 1:
        return f"{next(iter(said.values()))} either loss"
    return " and ".join(f"{words} {other}" for other, words in said.items())


def advised(decisions: Mapping[str, Decision], differences: pd.DataFrame) -> str:
    """What to look at to see whether a model was harmed: of what is shown to order copies, what is not shown to be worse."""
    shown_to = {signal for signal, decision in decisions.items() if decision == Decision.HIGHER}
    worse = decide(difference(differences, NAMED, TRACES)) == Decision.LOWER
    own = TRACES if worse or (NAMED not in shown_to and TRACES in shown_to) else NAMED
    usable = [signal for signal in (own, PROSE) if signal in shown_to]
    if not usable:
        return f"evaluate it: neither {CALLED[own]} nor {CALLED[PROSE]} is shown to order copies beyond these kinds of damage"
    if len(usable) == 1:
        other = PROSE if usable == [own] else own
        return f"{DONE[usable[0]]}: {CALLED[other]} is not shown to order copies beyond these kinds of damage"
    return chosen(
        decide(difference(differences, own, PROSE)),
        f"{DONE[own]}: {CALLED[PROSE]} says less",
        f"{DONE[PROSE]}: {CALLED[own]} says less",
        f"{DONE[PROSE]}, or {DONE[own]}: neither is shown to be better",
    )


def lessons_said(loss: Decision, accuracy: Decision) -> str:
    """What a fine-tune on wrong solutions does to the loss on right ones, and to accuracy; more is better for both."""
    if loss == Decision.HIGHER and accuracy == Decision.HIGHER:
        return "Even solutions with wrong results lower the loss on right ones, and accuracy here rises with it"
    rises = "falls" if accuracy == Decision.LOWER else "is not shown to rise"
    return chosen(
        loss,
        f"A lower loss on solutions is no better model yet: solutions with wrong results lower it too, and accuracy {rises}",
        "Solutions with wrong results raise the loss on right ones, so that it shows such a fine-tune",
        "Solutions with wrong results are not shown to move the loss on right ones",
    )


def orders_table(orders: pd.DataFrame) -> pd.DataFrame:
    """A row for each score and a column for each signal, with intervals and Kendall's tau; luck is the largest in a row."""
    told = [f"{interval}; {tau:.2f}" for interval, tau in zip(shown(orders), orders["kendall"], strict=True)]
    wide = orders.assign(shown=told).pivot(index="score", columns="signal", values="shown")
    luck = orders.groupby("score")["luck"].max().round(2)
    first = [MAIN, *(name for name in orders["score"].unique() if name != MAIN)]
    return wide.loc[first, [*SIGNALS]].assign(luck=luck).reset_index().rename(columns={"score": "what copies are asked"})


def floors_table(floors: pd.DataFrame) -> pd.DataFrame:
    """Tasks, what the sound copy scores, and the range of all copies, percent."""
    table = floors.assign(sound=shown(floors), range=[f"{low:.0f} to {high:.0f}" for low, high in _ends(floors)])
    table["off the floor"] = ["yes" if off else "no" for off in floors["off_floor"]]
    return table[["task", "questions", "sound", "range", "off the floor"]].rename(
        columns={"sound": "sound copy, %", "range": "all copies, %"}
    )


def _ends(floors: pd.DataFrame) -> Iterator[tuple[float, float]]:
    return zip(floors["lowest"], floors["highest"], strict=True)


def lessons_table(changes: pd.DataFrame, lesson: str) -> pd.DataFrame:
    """What fine-tunes change against the sound copy: loss on their own set, on all sets, accuracy; with intervals."""
    part = changes[changes["kind"].isin(TAUGHT)]
    columns = {f"{TRACES}, {lesson}": "loss on GSM8K falls by, nats", TRACES: "loss on all sets falls by, nats"}
    columns |= {MAIN: "accuracy gains, points"}
    table = part[part["what"].isin(columns)].copy()
    table["shown"] = shown(table)
    wide = table.pivot(index="copy", columns="what", values="shown")
    return wide.loc[part["copy"].drop_duplicates(), [*columns]].rename(columns=columns).reset_index()


def misled(changes: pd.DataFrame, signal: str) -> list[str]:
    """Copies of which a signal says that they are better than the sound one, while their accuracy is not shown to be."""
    wide = changes[changes["kind"] != SOUND].pivot(index="copy", columns="what", values="low")
    return list(wide.index[(wide[signal] > 0) & ~(wide[MAIN] > 0)])


def fooled(changes: pd.DataFrame, signal: str) -> list[str]:
    """Kinds of damage of which a copy is better than the sound one by a signal, while its accuracy is shown to be worse."""
    low, high = (changes[changes["kind"] != SOUND].pivot(index=["kind", "copy"], columns="what", values=end) for end in ENDS)
    return list(dict.fromkeys(kind for kind, _ in low.index[(low[signal] > 0) & (high[MAIN] < 0)]))


def taken(kinds: list[str]) -> str:
    """What the proxy makes of the kinds of damage that fool it."""
    if kinds:
        return f"The proxy takes copies damaged by {listed(kinds)} for better than the sound one, while they are worse"
    return "The proxy takes no copy that is shown to be worse for a better one"


def sets_table(spread: pd.DataFrame) -> pd.DataFrame:
    """Token statistics of each set, as one reads them."""
    return pd.DataFrame(
        {
            "set": spread["task"],
            "tokens": spread["tokens"],
            "loss, nats per token": spread["nll"].round(2),
            "entropy, nats": spread["entropy"].round(2),
            "bits per byte": spread["bits_per_byte"].round(2),
            "top-1, %": (100 * spread["top1"]).round(0).astype(int),
            "top-5, %": (100 * spread["top5"]).round(0).astype(int),
            "median rank": spread["rank"].round(0).astype(int),
            "nearly certain, %": (100 * spread["certain"]).round(0).astype(int),
            "nats in the dearest tenth, %": (100 * spread["dearest"]).round(0).astype(int),
        }
    )
