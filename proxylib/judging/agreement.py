"""How far judges agree: with people, with each other, with themselves turned round. Frames in, tidy frames out."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.data.published import judgments
from proxylib.data.published.judgments import GPT4, HUMAN, TIE
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap

VOTES = ("a", "b", TIE)
WORD = re.compile(r"[a-z0-9]+")


def _pairs(first: pd.DataFrame, second: pd.DataFrame | None) -> pd.DataFrame:
    """Pairs of votes on the same item: each of `first` with each of `second`, or without it, each two of `first` once."""
    if second is None:
        numbered = first.assign(number=np.arange(len(first)))
        joined = numbered.merge(numbered, on=["item", "question"], suffixes=("", " other"))
        return joined[joined["number"] < joined["number other"]]
    return first.merge(second, on=["item", "question"], suffixes=("", " other"))


def _tables(pairs: pd.DataFrame) -> np.ndarray:
    """[questions, 3, 3] counts of pairs of votes; without order between the two where they are of one kind."""
    place = {vote: number for number, vote in enumerate(VOTES)}
    questions = pd.factorize(pairs["question"])[0]
    counts = np.zeros((questions.max() + 1, 3, 3))
    np.add.at(counts, (questions, pairs["vote"].map(place), pairs["vote other"].map(place)), 1)
    return counts


def agreement(votes: pd.DataFrame, kinds: list[tuple[str, str]], bootstrap: Bootstrap) -> pd.DataFrame:
    """Agreement of pairs of votes on the same item.

    Parameters
    ----------
    votes : item, question, kind, vote; missing votes are left out and counted
    kinds : pairs of kinds; the same kind twice means two of its voters
    bootstrap : bootstrap over questions, whose items are drawn together

    Returns
    -------
    first, second, statistic, estimate, low, high, n, agreeing. "without ties": share of agreeing pairs among those in which
    neither is a tie (n and agreeing count them); "kappa": Cohen's over three classes, made symmetric for pairs of one kind

    Notes
    -----
    Without ties is how the MT-Bench paper counts; it leaves out just the items on which people hesitate. A voter who always
    says "a" agrees with half of the others and has a kappa of zero.
    """
    known = votes.dropna(subset=["vote"])
    rows = []
    for first, second in kinds:
        theirs = known[known["kind"] == first]
        pairs = _pairs(theirs, None if first == second else known[known["kind"] == second])
        tables = _tables(pairs)
        if first == second:
            tables = (tables + tables.transpose(0, 2, 1)) / 2
        questions = bootstrap.over(np.arange(len(tables)))
        drawn = np.einsum("dq,qij->dij", questions.weights, tables)
        firm = drawn[:, :2, :2]
        whole, equal = firm.sum((1, 2)), np.trace(firm, axis1=1, axis2=2)
        sizes = [int(round(questions.drawn(count).estimate)) for count in (whole, equal)]
        for name, values in (("without ties", equal / whole), ("kappa", kappas(drawn))):
            interval = questions.drawn(values).interval()
            rows.append((first, second, name, *interval, *sizes))
    return pd.DataFrame(rows, columns=["first", "second", "statistic", "estimate", "low", "high", "n", "agreeing"])


def kappas(tables: np.ndarray) -> np.ndarray:
    """Cohen's kappa of each [.., k, k] table; nan where chance alone would agree fully."""
    share = tables / tables.sum((-2, -1), keepdims=True)
    observed = np.trace(share, axis1=-2, axis2=-1)
    chance = (share.sum(-1) * share.sum(-2)).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(chance < 1 - 1e-12, (observed - chance) / (1 - chance), np.nan)


def kappa(
    first: Sequence[str], second: Sequence[str], weights: np.ndarray | None = None, groups: Sequence[object] | None = None
) -> float | np.ndarray:
    """Cohen's kappa of two raters of the same things.

    Parameters
    ----------
    first, second : labels; an unscored thing is a label of its own, so that silence is no agreement
    weights : [draws, n] how often each thing counts, as `stats.Resampling` has them; None: once
    groups : of each thing; with them, agreement beyond the chance that each group's own rates give, so that a rater who only
        knows which group passes more earns nothing

    Returns
    -------
    One value, or with weights [draws]. 0 where both always say the same one thing: such raters show no agreement beyond
    chance, though they never disagree.
    """
    labels, codes = np.unique([*first, *second], return_inverse=True)
    first_codes, other = np.split(codes, 2)
    place = np.zeros(len(first_codes), int) if groups is None else np.unique(list(groups), return_inverse=True)[1]
    rows = np.ones((1, len(first_codes))) if weights is None else weights
    observed, chance, whole = (np.zeros(len(rows)) for _ in range(3))
    for group in range(place.max() + 1):
        members = np.flatnonzero(place == group)
        cells = np.zeros((len(members), len(labels), len(labels)))
        cells[np.arange(len(members)), first_codes[members], other[members]] = 1
        table = np.einsum("dn,nij->dij", rows[:, members], cells)
        total = table.sum((1, 2))
        observed += np.trace(table, axis1=1, axis2=2)
        with np.errstate(invalid="ignore", divide="ignore"):
            chance += np.nan_to_num((table.sum(1) * table.sum(2)).sum(1) / total)
        whole += total
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.where(chance < whole - 1e-9, (observed - chance) / (whole - chance), 0.0)
    return float(values[0]) if weights is None else values


def length_bias(votes: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """How often each kind of voter prefers the longer answer, and by how much more than people do.

    Parameters
    ----------
    votes : item, question, kind, vote, longer

    Returns
    -------
    kind, statistic, estimate, low, high, n: "prefers the longer", a share of its votes on pairs of unequal length without
    ties; "minus human", paired by item with the people's share on the same items
    """
    firm = votes[votes["vote"].isin(["a", "b"]) & votes["longer"].isin(["a", "b"])]
    firm = firm.assign(longer_won=(firm["vote"] == firm["longer"]).astype(float))
    by_item = firm.pivot_table(index=["item", "question"], columns="kind", values="longer_won", aggfunc="mean")
    counts = firm.pivot_table(index=["item", "question"], columns="kind", values="longer_won", aggfunc="size")
    questions = bootstrap.over(by_item.index.get_level_values("question"))
    rows = []
    for kind in by_item.columns:
        value, size = by_item[kind].fillna(0).to_numpy(), counts[kind].fillna(0).to_numpy()
        share = questions.drawn(questions.ratio(value * size, size))
        rows.append((kind, "prefers the longer", *share.interval(), size.sum()))
        if kind != HUMAN:
            both = by_item[[kind, HUMAN]].notna().all(axis=1).to_numpy()
            gap = np.where(both, by_item[kind] - by_item[HUMAN], 0.0)
            rows.append((kind, "minus human", *questions.drawn(questions.ratio(gap, both)).interval(), both.sum()))
    return pd.DataFrame(rows, columns=["kind", "statistic", "estimate", "low", "high", "n"]).astype({"n": int})


def transitivity(votes: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """Share of triples of models, judged on one question and turn without a tie, that form a circle.

    Parameters
    ----------
    votes : question, turn, a, b, vote, of one judge

    Returns
    -------
    statistic ("circular triples"), estimate, low, high, n (triples); no row where fewer than two questions have a triple. The
    interval draws the questions that have one: one without says nothing, and is no trial where no circle was seen

    Notes
    -----
    Verdicts by the flip of a coin form a circle in one triple of four.
    """
    firm = votes[votes["vote"] != TIE]
    circles: dict[object, list[int]] = {}
    for (question, _), part in firm.groupby(["question", "turn"]):
        beats = {(row.a, row.b): row.vote == "a" for row in part.itertuples()}
        models = sorted({*part["a"], *part["b"]})
        counted = circles.setdefault(question, [0, 0])
        for x, y, z in itertools.combinations(models, 3):
            if all(pair in beats for pair in ((x, y), (y, z), (x, z))):
                counted[0] += beats[x, y] == beats[y, z] != beats[x, z]
                counted[1] += 1
    columns = ["statistic", "estimate", "low", "high", "n"]
    counts = np.array(list(circles.values()), float).reshape(-1, 2)
    counts = counts[counts[:, 1] > 0]
    if len(counts) < 2:
        return pd.DataFrame([], columns=columns)
    questions = bootstrap.over(np.arange(len(counts)))
    share = questions.drawn(questions.ratio(counts[:, 0], counts[:, 1])).share()
    return pd.DataFrame([("circular triples", *share, int(counts[:, 1].sum()))], columns=columns)


def _words(text: str) -> list[str]:
    return WORD.findall(text.lower())


def overlap_f1(text: str, reference: str) -> float:
    """F1 of the words of a text and of its reference, repeated words counted as often as in both (ROUGE-1)."""
    a, b = pd.Series(_words(text)).value_counts(), pd.Series(_words(reference)).value_counts()
    if a.empty or b.empty:
        return 0.0
    shared = np.minimum(*(series.reindex(a.index.union(b.index), fill_value=0) for series in (a, b))).sum()
    return float(2 * shared / (a.sum() + b.sum()))


def unsupported(text: str, source: str) -> float:
    """Share of a text's words that its source does not have; 0 for an empty text."""
    said, known = _words(text), set(_words(source))
    return float(np.mean([word not in known for word in said])) if said else 0.0


#: what a program can say of a note without reading it -> the people's score that it should follow, and the sign
AUTOMATIC: dict[str, tuple[Callable[[pd.Series], float], str, int]] = {
    "overlap with the reference": (lambda row: overlap_f1(row["summary"], row["reference"]), "factual_f1", 1),
    "length": (lambda row: len(_words(row["summary"])), "factual_f1", 1),
    "words that the dialogue lacks": (lambda row: unsupported(row["summary"], row["dialogue"]), "hallucination", 1),
    "shortfall of length": (lambda row: -len(_words(row["summary"])), "omission", 1),
}


def of_notes(notes: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """Spearman correlation of automatic measures of clinical notes with people's scores of their facts.

    Returns
    -------
    measure, score, estimate, low, high, n (notes); the bootstrap draws dialogues, each with the notes of all systems
    """
    dialogues = bootstrap.over(pd.factorize(notes["item"])[0])
    rows = []
    for measure, (function, score, sign) in AUTOMATIC.items():
        values = notes.apply(function, axis=1).to_numpy(float)
        rho = sign * stats.spearman_draws(values, notes[score].to_numpy(float), dialogues.weights)
        rows.append((measure, score, *dialogues.drawn(rho).interval(), len(notes)))
    return pd.DataFrame(rows, columns=["measure", "score", "estimate", "low", "high", "n"])


def build(step, workspace: Workspace) -> None:
    """Judgments of real answers.

    Parameters
    ----------
    step : a declared `judgments` step; its settings are an `Bootstrap`
    workspace : receives the tables `mt_bench` and `pandalm` (see `agreement`), `length` (see `length_bias`), `circles` (see
        `transitivity`) and `notes` (see `of_notes`)
    """
    bootstrap: Bootstrap = step.settings
    votes, pairs = judgments.mt_bench(), judgments.pandalm()
    machines = [kind for kind in pairs["kind"].unique() if kind != HUMAN]
    workspace.write_table("mt_bench", agreement(votes, [(GPT4, HUMAN), (HUMAN, HUMAN)], bootstrap))
    kinds = [*((machine, HUMAN) for machine in machines), (HUMAN, HUMAN), tuple(machines)]
    workspace.write_table("pandalm", agreement(pairs, kinds, bootstrap))
    workspace.write_table("length", length_bias(pairs, bootstrap))
    workspace.write_table("circles", transitivity(votes[votes["kind"] == GPT4], bootstrap))
    workspace.write_table("notes", of_notes(judgments.mts_notes(), bootstrap))
    lost = pairs["vote"].isna().groupby(pairs["kind"]).sum()
    workspace.note(votes=len(votes), unscored={kind: int(count) for kind, count in lost.items() if count})
