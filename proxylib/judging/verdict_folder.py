"""`proxylib judge`: notes from a file, verdicts into a folder.

The folder is a work folder (see `runs.folder`) with `verdicts.parquet` and `cache/`, in which every answer is kept. Its
request is the judge (model, server, how it is asked, the prompts), the notes and the repeats. It goes on with more notes,
more repeats or a larger limit of tokens; a verdict that was given is never asked for again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from proxylib.data import became
from proxylib.data.rows import json_lines
from proxylib.errors import UserError
from proxylib.judging import client, criteria, messages, spending
from proxylib.judging.criteria import CRITERIA
from proxylib.judging.questions import COLUMNS, PASS, UNSCORED, Ask
from proxylib.judging.settings import LLMJudge
from proxylib.runs.files import parquet_bytes, sha256
from proxylib.runs.folder import MANIFEST, Finished, Folder, Workspace, difference

VERDICTS, CACHE = "verdicts.parquet", "cache"
FIELDS = ("id", "dialogue", "note")
KEY = ["id", "criterion", "repeat"]  # of a verdict
GROWS = "max_new_tokens"  # of a judge: whole answers are the same under a larger limit, and cut ones are asked for again


class Judged(NamedTuple):
    """What `run` leaves: the folder, a row per question (see `client.judge`), the estimate that was said before, and what
    became of the text (see `became.table`).
    """

    folder: Path
    verdicts: pd.DataFrame
    estimate: spending.Estimate
    text: Mapping[str, Any]

    def summary(self) -> str:
        """Pass rates per criterion, with the unscored beside them, for a terminal."""
        rows = []
        for criterion, part in self.verdicts.groupby("criterion", sort=False):
            scored = part[part["status"] != UNSCORED]
            rate = "–" if scored.empty else f"{100 * (scored['status'] == PASS).mean():.0f}"
            rows.append({"criterion": criterion, "pass, %": rate, "scored": len(scored), "unscored": len(part) - len(scored)})
        used = f"{self.verdicts['tokens_in'].sum()} tokens in, {self.verdicts['tokens_out'].sum()} out"
        return f"{pd.DataFrame(rows).to_string(index=False)}\n\n{became.printed({'judge': self.text})}\n{used}\n{self.folder}"

    def shortfall(self, limit: float) -> str | None:
        """What is missing and how to mend it, where nothing was scored or the unscored share is above the limit."""
        lost, count = int((self.verdicts["status"] == UNSCORED).sum()), len(self.verdicts)
        if lost < count and lost <= limit * count:
            return None
        often, reason = reasons(self.verdicts)[0]
        mend = messages.remedy(reason)
        share = f"{100 * lost / count:.1f} %, limit {100 * limit:g} %"
        return f"{lost} of {count} questions are unscored ({share}); {often} x {reason}{'; ' + mend if mend else ''}"


def reasons(verdicts: pd.DataFrame) -> list[tuple[int, str]]:
    """Why questions are unscored, the commonest first, with counts; ids of requests make no reason another."""
    lost = verdicts[verdicts["status"] == UNSCORED]["reason"]
    groups = lost.groupby(lost.map(messages.alike), sort=False)
    return sorted(((len(group), group.iloc[0]) for _, group in groups), key=lambda pair: -pair[0])


def read(path: Path) -> list[dict[str, str]]:
    """Notes of a JSONL file: one object a line with id, dialogue and note, all text.

    Raises
    ------
    UserError
        Naming the line of what is no object, a field that is missing or given twice, a value that is no text, or an id that
        came before.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    notes: dict[str, dict[str, str]] = {}
    for place, row in json_lines(path):
        for name in FIELDS:
            if not isinstance(row.get(name), str):
                raise UserError(f"{place}: {name} is missing or no text; a note has {', '.join(FIELDS)}")
        note = {name: messages.encodable(row[name]) for name in FIELDS}
        if note["id"] in notes:
            raise UserError(f"{place}: id {note['id']} occurs twice")
        notes[note["id"]] = note
    if not notes:
        raise UserError(f"{path}: no notes")
    return list(notes.values())


def run(path: Path, settings: LLMJudge, out: Path, repeats: int, say=print) -> Judged:
    """Ask about every note and criterion and write what came of it.

    Parameters
    ----------
    path : see `read`
    settings : who judges, and within what limits
    out : made if needed; a call that was cut short, or left questions unscored, goes on there
    repeats : times that each question is asked, for the judge's own spread
    say : told the estimate before the first call

    Raises
    ------
    UserError
        Before any call: a bad file, a missing key or package, a folder that cannot be written or that another process writes,
        one with verdicts of another judge, or about notes or repeats that are not among these. After a handful: see
        `client.judge`.
    """
    asks, folder = _wanted(path, settings, out, repeats)
    expected = spending.estimate([], settings)

    def build(workspace: Workspace) -> None:
        nonlocal expected
        given, unanswered = _split(folder, asks)
        workspace.begin()
        if unanswered:
            expected = spending.estimate(unanswered, settings)
            say(f"{expected}; answers in {out / CACHE} cost nothing again")
            given = [*given, client.judge(unanswered, settings, out / CACHE)]
        order = pd.MultiIndex.from_tuples(map(_key, asks), names=KEY)
        verdicts = pd.concat([part for part in given if len(part)]).set_index(KEY).reindex(order).reset_index()
        workspace.note(text=account(asks, verdicts))
        workspace.write(VERDICTS, parquet_bytes(verdicts[list(COLUMNS)]))

    done = folder.make(build, enough=lambda finished: not settings.again and _all_scored(finished))
    verdicts = pd.read_parquet(done.folder / VERDICTS)
    return Judged(out, verdicts, expected, account(asks, verdicts))


def account(asks: Sequence[Ask], verdicts: pd.DataFrame) -> dict[str, Any]:
    """What became of the notes, as `became.table` takes it: a note is scored if all questions about it are."""
    notes = {ask.id: (ask.dialogue, ask.note) for ask in asks}
    unscored = verdicts[verdicts["status"] == UNSCORED]
    return {
        "traces": len(notes),
        **became.of_texts(notes.values()),
        "scored": len(notes) - unscored["id"].nunique(),
        "questions": len(verdicts),
        "questions_scored": len(verdicts) - len(unscored),
        became.DROPPED: {reason: count for count, reason in reasons(verdicts)},
    }


def estimate(path: Path, settings: LLMJudge, out: Path, repeats: int) -> spending.Estimate:
    """What `run` would ask for at most, and refuse before its first call; nothing is asked and nothing written."""
    asks, folder = _wanted(path, settings, out, repeats)
    done = folder.finished()
    enough = done is not None and not settings.again and _all_scored(done)
    return spending.estimate([] if enough else _split(folder, asks)[1], settings)


def _wanted(path: Path, settings: LLMJudge, out: Path, repeats: int) -> tuple[list[Ask], Folder]:
    """All questions, and the folder for them."""
    notes = read(path)
    asks = [
        Ask(row["id"], criterion, row["dialogue"], row["note"], repeat)
        for row in notes
        for criterion in CRITERIA
        for repeat in range(repeats)
    ]
    request = {
        "command": "judge",
        "judge": client.described(settings) | {"server": client.address(settings)},
        "repeats": repeats,
        "notes": {row["id"]: _digest(row) for row in notes},
    }
    return asks, Folder(out, request, (), lambda before, now: _other_judge(before, now) if _answered(out) else None)


def _split(folder: Folder, asks: Sequence[Ask]) -> tuple[list[pd.DataFrame], list[Ask]]:
    """Verdicts that an earlier call gave, and the questions that have none."""
    last = folder.last()
    if last:
        _refuse_fewer(last, folder.request)
    given = [_given(last)] if last else []
    known = {key for part in given for key in part[KEY].itertuples(index=False, name=None)}
    return given, [ask for ask in asks if _key(ask) not in known]


def _digest(note: dict[str, str]) -> str:
    return sha256(json.dumps([note["dialogue"], note["note"]]).encode())[:16]


def _key(ask: Ask) -> tuple[str, str, int]:
    return ask.id, ask.criterion, ask.repeat


def _answered(out: Path) -> bool:
    """Whether a judge has said anything yet: a name that no server knows binds a folder to nothing."""
    return (out / MANIFEST).exists() or any((out / CACHE).glob("*.json"))


def _given(finished: Finished) -> pd.DataFrame:
    """The verdicts of an earlier call, the unscored left out."""
    rows = pd.read_parquet(finished.folder / VERDICTS)
    return rows[rows["status"] != UNSCORED]


def _all_scored(finished: Finished) -> bool:
    return (pd.read_parquet(finished.folder / VERDICTS, columns=["status"])["status"] != UNSCORED).all()


def _other_judge(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """What makes an earlier request one of another judge; notes, repeats and the limit of tokens may grow."""
    had, has = before.get("judge"), dict(now["judge"])
    if before.get("command") != now["command"] or not isinstance(had, dict):
        return difference(before.get("command"), now["command"], "command")
    if isinstance(had.get(GROWS), int) and had[GROWS] <= has[GROWS]:
        had = had | {GROWS: has[GROWS]}
    changed = difference(had, has)
    return changed and f"another judge or other prompts: {changed}"


def _refuse_fewer(last: Finished, request: Mapping[str, Any]) -> None:
    """Verdicts are only replaced by verdicts about the same questions, or about these and more."""
    had, notes = last.request["notes"], request["notes"]
    if gone := [key for key, digest in had.items() if notes.get(key) != digest]:
        raise UserError(
            f"{last.folder}: holds verdicts of {len(gone)} notes that the file lacks or has otherwise, such as {gone[0]}; "
            "give another folder"
        )
    if last.request["repeats"] > request["repeats"]:
        raise UserError(
            f"parameter repeats: {request['repeats']}, but {last.folder} holds {last.request['repeats']}; give as many or "
            "another folder"
        )


def prompts() -> str:
    """The five prompts with their places, for reading."""
    versions = criteria.SCRIBE.prompts.versions
    return "\n\n".join(f"=== {name}, version {versions[name]} ===\n{criteria.template(name)}" for name in CRITERIA)
