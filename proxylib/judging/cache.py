"""What a judge answered, kept for good: one JSON file a question, data and nothing else.

An entry is written whole or not at all and carries a digest of its content. One that is damaged, or was edited by hand, is
named and its question asked again. The digest protects against accidents and careless hands; who writes the digest, too, can
forge an answer.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from proxylib.errors import UserError
from proxylib.runs.files import Damaged, canonical, read_sealed, sha256, write_sealed
from proxylib.settings import Frozen

CUT, FULL, FILTERED = "max_tokens", "model_length", "content_filter"  # ends of an answer, as Inspect calls them


class Answer(Frozen):
    """One answer as it came, without keys.

    Parameters
    ----------
    text : what the judge wrote, without what it marked as thoughts
    stop : why it ended, in Inspect's words
    error : what the server said against the question, if it did
    max_new_tokens : the limit under which it was written
    tokens_in, tokens_out : what it took, retries of its call included
    """

    text: str
    stop: str
    error: str
    max_new_tokens: int
    tokens_in: int
    tokens_out: int


class Cache:
    """Answers in a folder, under a digest of who was asked what.

    Parameters
    ----------
    folder : made if it is missing
    judge : what makes another judge of the same model: its name, its server's address, how it samples

    Raises
    ------
    UserError
        If nothing can be written there: said before the first call rather than after it was paid.
    """

    def __init__(self, folder: Path, judge: Mapping[str, Any]):
        self.folder, self.judge = folder, dict(judge)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for leftover in folder.glob(".*.tmp"):  # of a process that was killed
                leftover.unlink()
            trial = folder / ".trial.tmp"
            trial.write_bytes(b"")
            trial.unlink()
        except OSError as error:
            raise UserError(
                f"{folder}: answers cannot be kept there ({error.strerror}); give a folder that can be written"
            ) from None

    def digest(self, question: Mapping[str, Any]) -> str:
        """The name of a question's entry."""
        return sha256(canonical({"question": dict(question), "judge": self.judge}).encode())

    def answers(self, digest: str) -> list[Answer]:
        """The kept answers to a question, in the order in which they came; none where the entry is damaged."""
        path = self._path(digest)
        if not path.exists():
            return []
        try:
            entry = read_sealed(path)
            if entry["question"] != digest:
                raise Damaged(f"{path} holds the answers to another question")
            return [Answer.model_validate(answer) for answer in entry["answers"]]
        except (KeyError, TypeError, ValidationError):
            damage = f"{path} holds no answers"
        except Damaged as error:
            damage = str(error)
        print(f"proxylib: {damage}; its question is asked again", file=sys.stderr)
        return []

    def keep(self, digest: str, answers: Sequence[Answer]) -> None:
        """Write a question's answers.

        Raises
        ------
        UserError
            If that fails, as on a full disk.
        """
        rows = [answer.model_dump() for answer in answers]
        write_sealed(self._path(digest), {"question": digest, "judge": self.judge, "answers": rows})

    def _path(self, digest: str) -> Path:
        return self.folder / f"{digest}.json"
