"""Sentences, the figure and the page of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from proxylib.report import document, plots, words
from proxylib.stats import Interval, decide
from proxylib.studies.planning.candidates import COUNTED, Candidates, some
from proxylib.studies.planning.decide import Planned, Reckoned
from proxylib.studies.planning.relation import FEWEST, telling
from proxylib.studies.planning.settings import Layer, Plan
from proxylib.text import escape, line

KNOWN, OPEN, NEXT = "evaluated", "not evaluated", "to buy next"
LEAST = 5e-5  # share: less is no points
MAY = 0.05  # chance to be the best, from which a candidate may be it
MOST_SAID = 5  # unevaluated candidates whose intervals a terminal shows, the most promising first
STEP = {"loss": 0.1}  # of a signal, for which a slope is said
WHY = {
    "tolerance": "then stop: {regret} of score are expected to be lost, at most the {tolerance} of --tolerance",
    "budget": "then the budget is spent: {regret} of score are expected to be lost",
    "nothing": "then stop: nothing on offer is expected to change the choice; {regret} of score are expected to be lost",
    "length": "then plan again with what came of it: {regret} of score are expected to be lost",
}


def points(share: float) -> str:
    """A share of items as points: 3.1 points, 1 point."""
    said = f"{100 * share:.2g}" if abs(share) >= LEAST else "0"
    return f"{said} point{'s' * (said != '1')}"


def price(value: float) -> str:
    """A price, in whichever unit it was given."""
    return f"{value:,.4g}" if value < 1e5 else f"{value:,.0f}"


def read_as(known: Candidates, layers: Mapping[str, Layer]) -> Iterator[str]:
    """What would be planned with."""
    count = int(known.evaluated.sum())
    yield f"{len(known.frame)} candidates, {count} evaluated; signals: {words.listed(known.signals)}"
    for name, layer in layers.items():
        items = words.listed([f"{items:,}" for items in layer.items])
        yield f"on offer: {line(name)}, {items} items at {price(layer.price)} each, {price(layer.look)} a candidate"


def sentences(known: Candidates, reckoned: Reckoned, given: Plan) -> list[str]:
    """What a terminal shows: the relation, what it says of those that nobody evaluated, what to buy, when to stop.

    Where it is not known which way scores follow the signal, one line that says so, and what would tell.
    """
    if reckoned.planned is None:
        return [no_order_sentence(known, reckoned.fit)]
    said = [relation_sentence(known, reckoned.fit), *beside_sentences(reckoned.rest)]
    if reckoned.fit is not None:
        said += list(open_sentences(known, reckoned.planned, reckoned.predictions, given))
    return [*said, *buying_sentences(reckoned.planned, given), worth_sentence(reckoned.planned, reckoned.predictions)]


def relation_sentence(known: Candidates, fit: pd.DataFrame | None) -> str:
    """The line, or why there is none."""
    signal, count = known.signals[0], int(known.evaluated.sum())
    if fit is None:
        return (
            f"cannot tell how scores follow {line(signal)} from {words.counted(count, 'score')}: at least {FEWEST} that differ "
            "are needed, of candidates that differ in it"
        )
    row = fit.iloc[0]
    unit = STEP.get(signal, np.log(2) if signal in COUNTED else 1.0)
    per = f"a doubling of {signal}" if signal in COUNTED else f"{unit:g} more {line(signal)}"
    ends = Interval(*(100 * unit * row[name] for name in ("slope", "low", "high")))
    words_ = words.chosen(decide(ends), "higher", "lower", "not shown to be higher or lower")
    odd = "; of a loss one expects the opposite" if signal == "loss" and ends.low > 0 else ""
    return (
        f"scores are {words_} with {per}: {words.with_interval(ends)} points ({count} evaluated, R2 {row['r2']:.2f}, "
        f"scatter {points(row['scatter'])}){odd}"
    )


def no_order_sentence(known: Candidates, fit: pd.DataFrame | None) -> str:
    """Why candidates get no order, and what would give them one. The lowest loss needs no score to be a guess, and on known
    grids it is a better one than a fit that has yet to learn which way scores follow it.
    """
    signal = known.signals[0]
    next_ = words.listed([line(name) for name in known.frame["name"].iloc[telling(known)]])
    lowest = line(known.frame.loc[known.frame["loss"].idxmin(), "name"]) if signal == "loss" else None
    until = "" if lowest is None else f"; until then the lowest loss is the better guess: {lowest}"
    return f"no order: {relation_sentence(known, fit)}; what would tell most is a score of {next_}{until}"


def beside_sentences(rest: pd.DataFrame) -> Iterator[str]:
    """Whether size and data say as much as the loss."""
    if len(rest) < 2:
        return
    alone = rest["error"].iloc[0]
    for row in rest.iloc[1:].itertuples():
        more = Interval(row.more, row.low, row.high)
        verdict = words.chosen(
            decide(more),
            f"{row.signals} tell a left-out score less well than loss",
            f"{row.signals} tell a left-out score better than loss",
            f"{row.signals} are not shown to tell a left-out score better or worse than loss",
        )
        yield f"{verdict} (errors {points(row.error)} and {points(alone)})"


def open_sentences(known: Candidates, planned: Planned, predictions: pd.DataFrame, given: Plan) -> Iterator[str]:
    """Intervals of candidates that nobody evaluated, the most promising first."""
    rows = predictions[~known.evaluated].assign(promise=planned.known.mean[~known.evaluated])
    shown = rows.sort_values("promise", ascending=False, kind="stable").head(MOST_SAID)
    for row in shown.itertuples():
        ends = words.with_interval((row.estimate, row.low, row.high), 100)
        beyond = "" if not row.outside else f" (extrapolated: {row.outside})"
        yield f"{line(row.name)}: {ends} % by the line, {given.level:.0%} of such scores{beyond}"
    if len(rows) > MOST_SAID:
        yield f"{len(rows) - MOST_SAID} more candidates are in the table"


def buying_sentences(planned: Planned, given: Plan) -> Iterator[str]:
    """What to buy, in order, and when to stop."""
    steps = planned.steps
    regret = steps["regret"].iloc[-1] if len(steps) else planned.compared["regret"].iloc[0]
    best = planned.candidates.loc[planned.candidates["expected"].idxmax()]
    take = f"{line(best['name'])} seems best ({100 * best['best']:.0f} % chance)"
    if not len(steps):
        ends = WHY[planned.why].format(regret=points(regret), tolerance=points(given.tolerance)).removeprefix("then ")
        yield f"buy nothing: {take}; {ends}"
        return
    first = steps.iloc[0]
    yield (
        f"next, buy {first['items']:,} items of {line(first['layer'])} on {line(first['name'])} for {price(first['price'])}; "
        f"{take} now"
    )
    if len(steps) > 1:
        later = [f"{name} ({items:,})" for name, items in zip(steps["name"][1:], steps["items"][1:], strict=True)]
        yield f"after it, as things look now: {some(later)}"
    yield WHY[planned.why].format(regret=points(regret), tolerance=points(given.tolerance))


def worth_sentence(planned: Planned, predictions: pd.DataFrame) -> str:
    """What the plan is worth against others, and whether that is the word of a fit beyond what was evaluated."""
    parts = [f"{row.what} {points(row.regret)} (price {price(row.price)})" for row in planned.compared.itertuples()]
    return f"expected to be lost: {', '.join(parts)}{rests_on(planned, predictions)}"


def rests_on(planned: Planned, predictions: pd.DataFrame) -> str:
    """Which extrapolations what is expected rests on: those of candidates that may be the best, or are to be bought."""
    matters = (planned.candidates["best"] >= MAY) | planned.candidates["name"].isin(planned.steps["name"])
    rows = predictions[matters.to_numpy() & predictions["outside"].ne("").to_numpy()]
    if rows.empty:
        return ""
    signals = list(dict.fromkeys(rows["outside"]))
    return f" (rests on extrapolated {'; '.join(signals)}: {some(list(rows['name']))})"


def looks(known: Candidates, planned: Planned | None) -> pd.DataFrame:
    """A row per candidate as the figure shows it: place, rate with low and high in percent, kind; without a plan, those that
    were evaluated.
    """
    noise, seen = np.sqrt(known.frame["noise"].to_numpy(float)), known.evaluated
    nothing = pd.DataFrame(np.nan, index=known.frame.index, columns=["expected", "low", "high"])
    frame = nothing if planned is None else planned.candidates
    kinds = np.where(seen, KNOWN, OPEN)
    rate = np.where(seen, known.frame["score"], frame["expected"])
    low, high = (np.where(seen, rate + side * 2 * noise, frame[end]) for side, end in ((-1, "low"), (1, "high")))
    shown = pd.DataFrame({"place": known.frame[known.signals[0]], "rate": 100 * rate, "low": 100 * np.clip(low, 0, 1)})
    shown = shown.assign(high=100 * np.clip(high, 0, 1), kind=kinds, name=known.frame["name"]).dropna(subset=["rate"])
    again = shown[shown["name"].isin(set() if planned is None else planned.steps["name"])].assign(kind=NEXT)
    return pd.concat([shown, again], ignore_index=True)


def figure(known: Candidates, reckoned: Reckoned) -> Figure:
    """The surface along the signal that is trusted most: what was evaluated, what is in doubt, what to buy."""
    canvas, (ax,) = plots.canvas(height=3.6)
    signal, planned = known.signals[0], reckoned.planned
    lines = reckoned.predictions.assign(place=known.frame[signal])
    plots.surface_in_doubt(looks(known, planned), lines, ax, label=line(signal))
    if signal in COUNTED:
        plots.ratios(ax.xaxis)
    if planned is None:
        plots.finding(canvas, f"Which way scores follow {line(signal)} is not known")
    else:
        doubtful = int((planned.candidates["best"] >= MAY).sum())
        finding = f"{words.counted(doubtful, 'candidate')} of {len(known.frame)} may be the best (chance above {MAY:.0%})"
        plots.finding(canvas, finding)
    return plots.legend_below(canvas, ax)


def page(known: Candidates, reckoned: Reckoned, said: list[str], notes: list[str], given: Plan) -> bytes:
    """The page: HTML that asks no other host for anything; text of strangers is escaped."""
    body = [
        f"<h1>What to evaluate next: {escape(line(given.table.name))}</h1>",
        f'<p class="verdict">{escape(verdict(known, reckoned.planned))}</p>',
        document.image(
            figure(known, reckoned),
            f"scores against {line(known.signals[0])}: evaluated, expected with intervals, and what to buy next",
        ),
        f"<ul>{''.join(f'<li>{escape(text)}</li>' for text in said)}</ul>",
        "" if reckoned.planned is None else purchases_shown(reckoned.planned),
        f"<h2>Candidates</h2>{document.table(candidates_table(known, reckoned))}",
        f"<h2>How it was read</h2><ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>" if notes else "",
        "<p>Expected to be lost: how much lower the true score of what seems best is than that of the best; the mean over "
        "worlds that agree with the table. Bars: two standard errors of a score, or the interval of a score that nobody "
        "measured; the shade is the line with its interval.</p>",
    ]
    return document.whole(f"{line(given.table.name)}: plan", "".join(body))


def purchases_shown(planned: Planned) -> str:
    """Tables of what to buy and of what that is worth."""
    steps, compared = planned.steps.drop(columns=["at", "option"]), planned.compared
    shown = steps.assign(price=steps["price"].map(price), spent=steps["spent"].map(price), regret=steps["regret"].map(points))
    compared = compared.assign(price=compared["price"].map(price), regret=compared["regret"].map(points))
    order = f"<h2>What to buy, in order</h2>{document.table(shown)}" if len(steps) else ""
    return f"{order}<h2>What is expected to be lost</h2>{document.table(compared)}"


def verdict(known: Candidates, planned: Planned | None) -> str:
    """One sentence on top."""
    if planned is None:
        return f"The scores do not tell how they follow {line(known.signals[0])}, so that candidates get no order."
    if not len(planned.steps):
        return "Nothing more is worth its price."
    first = planned.steps.iloc[0]
    return f"Next: {first['items']:,} items on {line(first['name'])}."


def candidates_table(known: Candidates, reckoned: Reckoned) -> pd.DataFrame:
    """Every candidate, the most promising first, as the page shows it; without a plan as they came."""
    percent = lambda values: [words.percent(value, 1) for value in values]
    frame = pd.DataFrame({"candidate": known.frame["name"].map(line)})
    for signal in known.signals:
        frame[line(signal)] = [f"{value:.4g}" for value in known.frame[signal]]
    frame["score, %"] = percent(known.frame["score"])
    if reckoned.planned is None:
        return frame
    rows, predictions = reckoned.planned.candidates, reckoned.predictions
    said = [words.with_interval(row, 100) for row in predictions[["estimate", "low", "high"]].to_numpy(float)]
    expected, best = percent(rows["expected"]), percent(rows["best"])
    frame = frame.assign(**{"expected, %": expected, "by the line, %": said, "chance to be best, %": best})
    frame["extrapolated"] = predictions["outside"].to_numpy()
    return frame.iloc[np.argsort(-rows["expected"].to_numpy(), kind="stable")]
