"""Votes from a file, as people keep them: which columns, who won, and what is no vote."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.errors import UserError
from proxylib.report import words
from proxylib.studies.preferences import columns
from proxylib.studies.preferences.columns import Columns
from proxylib.studies.preferences.settings import ONE_OF, SIDES, SPELLINGS, Preferences
from proxylib.text import line

NEEDED = ("a", "b", "winner")
POINTS = {"a": 1.0, "tie": 0.5, "b": 0.0}
#: how winners are usually written, in small letters, blanks and underscores as one
WORDS = {
    "a": ("a", "model_a", "model a", "left", "first", "answer_a", "response_a", "[[a]]", "a>b", "a>>b", "model_1"),
    "b": ("b", "model_b", "model b", "right", "second", "answer_b", "response_b", "[[b]]", "b>a", "b>>a", "model_2"),
    "tie": ("tie", "tie (bothbad)", "tie (both bad)", "bothbad", "both_bad", "both bad", "both_good", "both good", "both",
            "draw", "equal", "same", "neither", "tie (inconsistent)", "[[c]]", "c", "a=b", "tied"),
}  # fmt: skip
NUMBERED = {"a": ("1",), "b": ("2",), "tie": ("0",)}  # as PandaLM's and AlpacaEval's annotators write
NO_ANSWER = ("nan", "none", "null", "n/a", "na", "-", "error", "garbage", "unknown", "skip")
YES, NO = ("1", "1.0", "true"), ("0", "0.0", "false")
MOST_NAME = 200  # letters of a model's name


class Votes(NamedTuple):
    """What was read.

    frame : a row per vote: a, b (models), points (of a); where the file has them judge, question, text_a, text_b
    unscored : votes without a winner, left out
    rows : of the file
    notes : what ought to be known, in sentences
    """

    frame: pd.DataFrame
    unscored: int
    rows: int
    notes: tuple[str, ...]


def load(given: Preferences) -> Votes:
    """Read a file of votes.

    Raises
    ------
    UserError
        One line that names file, column or row, and the mend.
    """
    read = columns.read(given.votes, lambda names: chosen(names, given))
    for name in ("a", "b"):
        _refuse_empty(read, name)
    frame = pd.DataFrame({name: _named(read, name) for name in ("a", "b")})
    if frame.empty:
        raise UserError(f"{given.votes}: no vote in it; a row is a vote")
    models = set(frame["a"].unique()) | set(frame["b"].unique())
    if given.baseline is not None and line(given.baseline) not in models:
        raise UserError(f"--baseline: {given.baseline} is no model in {given.votes}; there are {_few(sorted(models))}")
    frame["points"] = _points(read, frame, models, given)
    for name in ("judge", "question"):
        if name in read.values:
            frame[name] = read.values[name]
    for name in columns.TEXTS:
        if name in read.values:
            frame[name] = read.values[name]
    return _kept(frame, read, given)


def chosen(names: Collection[str], given: Preferences) -> dict[str, str]:
    """Our name -> the file's, for every column that is read; `UserError` names one that is missing."""
    lower = {}
    for name in names:
        lower.setdefault(name.strip().lower(), name)
    picked: dict[str, str] = {}
    for ours, spellings in SPELLINGS.items():
        if ours in given.fields:
            theirs = given.fields[ours]
            if theirs not in names:
                raise UserError(f"--fields: {given.votes} has no column {theirs}; there are {_few(names)}")
            picked[ours] = theirs
        elif theirs := next((lower[name] for name in spellings if name in lower and lower[name] not in picked.values()), None):
            picked[ours] = theirs
    if "winner" not in picked and set(ONE_OF.values()) <= set(lower):
        picked |= {f"winner {side}": lower[name] for side, name in ONE_OF.items()}
    elif missing := next((name for name in NEEDED if name not in picked), None):
        raise UserError(
            f"{given.votes}: no column {missing}; there are {_few(names)}; --fields {missing}=NAME says which it is"
        )
    if ("text_a" in picked) != ("text_b" in picked):
        picked = {ours: theirs for ours, theirs in picked.items() if ours not in columns.TEXTS}
    return picked


def _few(names: Collection[str]) -> str:
    shown = [line(name)[:40] for name in list(names)[:12]]
    return words.listed(shown) if len(names) <= 12 else f"{', '.join(shown)} and {len(names) - 12} more"


def _refuse_empty(read: Columns, name: str) -> None:
    empty = np.flatnonzero(pd.isna(read.values[name]))
    if len(empty):
        raise UserError(f"{read.place(empty[0])}: {read.names[name]} is empty; every vote names both models")


def _named(read: Columns, name: str) -> np.ndarray:
    """Names on one line, fit to be shown; each different one is looked at once."""
    codes, names = pd.factorize(read.values[name])
    shown = [line(each) for each in names]
    for number, each in enumerate(shown):
        if not each or len(each) > MOST_NAME:
            row = int(np.flatnonzero(codes == number)[0])
            what = f"{each[:40]!r}... has {len(each)} letters" if each else "is blank"
            raise UserError(f"{read.place(row)}: {read.names[name]} {what}; a model's name has 1 to {MOST_NAME}")
    return np.array(shown, object)[codes] if len(shown) else np.array([], object)


def _points(read: Columns, frame: pd.DataFrame, models: set[str], given: Preferences) -> np.ndarray:
    """[rows] points of a; nan where there is no winner."""
    if "winner" not in read.values:
        return _one_of(read)
    codes, spelt = pd.factorize(read.values["winner"])
    spelt = [line(each) for each in spelt]
    known = _words(spelt, models, given, read.names["winner"])
    points = np.full(len(spelt) + 1, np.nan)  # the last for cells that are empty
    by_name = []
    for number, word in enumerate(spelt):
        side = known.get(_plain(word))
        if side in POINTS:
            points[number] = POINTS[side]
        elif word in models:
            by_name.append(number)
        elif side is None:
            row = int(np.flatnonzero(codes == number)[0])
            raise UserError(
                f"{read.place(row)}: {read.names['winner']} is {word[:40]!r}, expected a, b, tie or the name of one of the two "
                f"models; --winners a=... b=... tie=... says how they are written"
            )
    values = points[codes]
    rows = np.flatnonzero(np.isin(codes, by_name))
    winner = np.array(spelt, object)[codes[rows]] if len(rows) else np.array([], object)
    first, second = (frame[name].to_numpy()[rows] == winner for name in ("a", "b"))
    if len(neither := np.flatnonzero(~first & ~second)):
        row = rows[neither[0]]
        raise UserError(
            f"{read.place(row)}: {winner[neither[0]]} won, which is neither of the two; mend the row or leave it away"
        )
    values[rows] = np.where(first & second, 0.5, first)
    return values


def _plain(word: str) -> str:
    return word.strip().lower()


def _words(spelt: Collection[str], models: set[str], given: Preferences, column: str) -> dict[str, str]:
    """Word -> outcome, "" for no answer; `UserError` where numbers or names can be read in two ways."""
    if given.winners:
        said = {_plain(word): side for side, text in given.winners.items() for word in text.split(",")}
        return dict.fromkeys(NO_ANSWER, "") | said
    whole = {_plain(word).removesuffix(".0") for word in spelt}
    known = {word: side for side, spellings in WORDS.items() for word in spellings}
    if both := sorted(whole & set(known) & {_plain(model) for model in models}):
        raise UserError(
            f"{given.votes}: {column} is {both[0]!r}, which is also a model; --winners a=... b=... says how sides are written"
        )
    numbers = {word for word in whole if word.lstrip("-").replace(".", "", 1).isdigit()}
    if (
        numbers
        and not numbers <= {"0", "1", "2"} | ({"1.5"} if "2" in numbers else set())
        or numbers
        and "0" in numbers
        and "2" not in numbers
    ):
        raise UserError(
            f"{given.votes}: {column} is {words.listed(sorted(numbers)[:5])}, which can be read in two ways; "
            f"--winners a=1 b=0 says who won (1 and 2 are a and b, with 0 for a tie)"
        )
    numbered = {f"{word}{point}": side for side, numbers in NUMBERED.items() for word in numbers for point in ("", ".0")}
    return known | numbered | {"1.5": "tie"} | dict.fromkeys(NO_ANSWER, "")


def _one_of(read: Columns) -> np.ndarray:
    """Points from three columns of 0 and 1, of which one is 1."""
    marks = []
    for side in SIDES:
        values = pd.Series(read.values[f"winner {side}"], dtype=object).str.strip().str.lower()
        strange = np.flatnonzero(~values.isin([*YES, *NO]).to_numpy())
        if len(strange):
            raise UserError(
                f"{read.place(strange[0])}: {ONE_OF[side]} is {line(values.iloc[strange[0]])[:40]!r}, expected 0 or 1"
            )
        marks.append(values.isin(YES).to_numpy())
    whole = np.column_stack(marks)
    if len(wrong := np.flatnonzero(whole.sum(1) != 1)):
        raise UserError(f"{read.place(wrong[0])}: {whole[wrong[0]].sum()} outcomes are marked; a vote has one")
    return whole @ np.array([POINTS[side] for side in SIDES])


def _kept(frame: pd.DataFrame, read: Columns, given: Preferences) -> Votes:
    """Votes that count; what does not is said."""
    total, unscored = len(frame), int(frame["points"].isna().sum())
    itself = int((frame["a"] == frame["b"]).sum())
    notes = []
    if unscored:
        notes.append(f"{unscored:,} of {total:,} votes have no winner and are left out")
    if itself:
        notes.append(f"{words.counted(itself, 'vote')} of a model against itself left out: they say nothing of any other")
    kept = frame["points"].notna() & (frame["a"] != frame["b"])
    notes += _clusters(frame[kept])
    if count := int((_again(frame, read) & kept).sum()):
        notes.append(
            f"{words.counted(count, 'vote')} with the judge, question, turn, models and winner of another: counted all the same"
        )
    frame = frame[kept].reset_index(drop=True)
    if frame.empty:
        raise UserError(f"{given.votes}: no vote is left: {'; '.join(notes)}")
    return Votes(_whole(frame), unscored, total, tuple(notes))


def _again(frame: pd.DataFrame, read: Columns) -> pd.Series:
    """Which rows say what an earlier one said; none where judge or question is unknown, as people may agree.

    A copy cannot be told from a judge that was asked again. Intervals that are clustered by judge are no shorter for it.
    """
    if not {"judge", "question"} <= set(frame):
        return pd.Series(False, index=frame.index)
    keys = frame.assign(turn=read.values.get("turn"))
    known = frame["judge"].notna() & frame["question"].notna()
    return keys.duplicated() & known


def _clusters(frame: pd.DataFrame) -> Iterator[str]:
    """What is not known of judges and questions, in sentences."""
    for name in ("judge", "question"):
        if name not in frame:
            yield f"no column says the {name}: intervals take the votes for those of as many different {name}s"
        elif missing := int(frame[name].isna().sum()):
            yield f"{words.counted(missing, 'vote')} without a {name} taken for those of one"
        if name in frame and len(frame) > 1 and len(frame[name].unique()) == 1:
            yield f"one {name} only: nothing is known of other {name}s"


def _whole(frame: pd.DataFrame) -> pd.DataFrame:
    """Unknown judges and questions under one name, conversations as what the model said."""
    filled = {name: frame[name].fillna("") for name in ("judge", "question") if name in frame}
    return frame.assign(**filled)


def spoken(text: str | None) -> str:
    """What a model said: of a conversation as JSON, the assistant's turns; other text as it is."""
    if not text or text.lstrip()[:1] != "[":
        return text or ""
    try:
        turns = json.loads(text)
    except (ValueError, RecursionError):
        return text
    said = [_turn(turn) for turn in turns] if isinstance(turns, list) else []
    return "\n".join(part for part in said if part) if said else text


def _turn(turn: object) -> str:
    if isinstance(turn, str):
        return turn
    if isinstance(turn, Mapping) and turn.get("role") in ("assistant", "gpt", "model"):
        content = turn.get("content")
        parts = content if isinstance(content, list) else [content]
        return "\n".join(str(part.get("text") or "") if isinstance(part, Mapping) else str(part or "") for part in parts)
    return ""
