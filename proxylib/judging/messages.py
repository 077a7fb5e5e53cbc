"""What judges and their servers say, made fit to be kept and shown: no keys, one line, nothing that a terminal obeys."""

from __future__ import annotations

import json
import re
from typing import Any

from proxylib.text import encodable, line, without_keys

REASON = 300  # characters of a reason that are kept
MENDABLE = (408, 409, 429)  # of the statuses from 400 to 499, those that asking again can mend
#: what a reason names -> how to go on; the first that fits
REMEDIES = {
    r"^limit$": "raise --limit-tokens or --limit-cost",
    r"^cut at": "",  # says so itself
    r"^cut where": "",
    r"^malformed: empty": "add --again to ask once more; a reasoning judge needs more --max-new-tokens",
    r"^malformed": "add --again to ask once more, or take a judge that answers as it is asked",
    r"^withheld": "take another judge; this one's filter withholds answers",
    r"\(429\)|rate.?limit|too many requests": "give fewer --connections or more --retries",
    r"time.?out|timed out": "raise --timeout",
    r"connect\w*error|connection (error|refused|reset)": "look whether the server runs, and at its address",
    r"\(5\d\d\)": "run the same command once the server answers",
    r"temperature": "give another --temperature (some models take 1 alone)",
    r"response_format|json_schema|schema|guided|structured": "add --no-schema",
    r"context|too (long|large|many)": "give fewer --max-new-tokens",
    r"\(40[13]\)": "look at the key",
    r"\(404\)": "look at --model and at the server's address",
}


class ServerError(Exception):
    """A server answered with status 200 and an error instead of an answer; the message is the server's.

    Parameters
    ----------
    body : its answer, as read from JSON
    """

    def __init__(self, body: Any):
        super().__init__(words(body) or "neither an answer nor an error")
        error = body.get("error", body) if isinstance(body, dict) else None
        code = error.get("code") if isinstance(error, dict) else None
        self.status_code = code if isinstance(code, int) and 400 <= code < 600 else None


def words(body: Any) -> str:
    """The message in the body of an error: servers put it in half a dozen places; "" where there is none."""
    if isinstance(body, str):
        return body
    if isinstance(body, list):
        return "; ".join(filter(None, map(words, body[:3])))
    if not isinstance(body, dict):
        return ""
    places = (words(body.get(name)) for name in ("error", "message", "detail", "msg"))
    return next(filter(None, places), json.dumps(body["error"]) if body.get("error") else "")


def kept(text: str) -> str:
    """A judge's text as it is written to disk: encodable, without secrets, otherwise as it came."""
    return without_keys(encodable(text))


def shown(text: str) -> str:
    """One line, control characters spelt out, without secrets, and only then cut: a cut secret is not found any more."""
    return line(kept(text))[:REASON]


def status(error: BaseException) -> int | None:
    """The HTTP status with which a server refused, if it did."""
    code = getattr(_cause(error), "status_code", None)
    return code if isinstance(code, int) else None


def lasting(error: BaseException) -> bool:
    """Whether a server refused for good: asking again would meet the same."""
    code = status(error)
    return code is not None and 400 <= code < 500 and code not in MENDABLE


def unreached(error: BaseException | None) -> bool:
    """Whether no connection came about: the clients wrap that in errors of their own."""
    while error is not None:
        if isinstance(error, ConnectionRefusedError) or type(error).__name__ in ("ConnectError", "ConnectTimeout"):
            return True
        error = error.__cause__ or error.__context__
    return False


def said(error: BaseException) -> str:
    """An error's kind, and the server's own words where it has any."""
    cause, code = _cause(error), status(error)
    return f"{type(cause).__name__}{f' ({code})' if code else ''}: {words(getattr(cause, 'body', None)) or cause}"


def alike(reason: str) -> str:
    """The reason without words that hold a digit: ids of requests, times, counts."""
    return " ".join(word for word in reason.split() if not any(map(str.isdigit, word)))


def remedy(reason: str) -> str:
    """What to change so that a server that refused for this reason may answer; "" if nothing is known."""
    return next((mend for pattern, mend in REMEDIES.items() if re.search(pattern, reason, re.IGNORECASE)), "")


def _cause(error: BaseException) -> BaseException:
    """The provider's own error under what the retries and Inspect wrap around it."""
    attempt = getattr(error, "last_attempt", None)
    if attempt is not None and attempt.exception() is not None:
        return _cause(attempt.exception())
    return error.__cause__ if getattr(error, "provider_message", None) and error.__cause__ else error
