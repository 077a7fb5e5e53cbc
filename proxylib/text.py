"""Text that strangers wrote, fit to be kept and shown: nothing in it acts on a terminal or a page, and no key is in it.

Names of models and files, traces, what servers and models say: all of it passes through here before anybody sees it.
"""

from __future__ import annotations

import html
import os
import re
import sys
from typing import Any
from urllib.parse import quote

SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(_\d+)?$")  # ends of names in the environment
LEAST = 8  # letters of a secret: what is shorter may stand in any text
NAMED = r"(?:api|access|auth|secret|private|client|session)?[-_]?(?:key|token|secret|password|passwd|signature)"
VALUE = r"(?=[^\s'\"\\]*\d)[^\s'\"\\<>]{12,}"
#: secrets that no variable holds -> what stays of them; \1 is what stands in front
PATTERNS = {
    r"(\w://)[^\s/@'\"<>]+@": r"\1<login>@",  # http://user:password@host
    rf"((?:[?&;]|%3F|%26){NAMED}(?:=|%3D))[^\s&'\"<>#;]+": r"\1<key>",  # ...?api_key=...
    r"(\bauthorization\\?['\"]?\s*[:=]\s*\\?['\"]?(?:bearer |basic |token )?\s*)(?!<)[^\s'\"\\]+": r"\1<key>",  # of a header
    rf"(\bbearer +){VALUE}": r"\1<key>",
    rf"(\b(?:x-)?{NAMED}\\?['\"]?\s*[:=]\s*\\?['\"]){VALUE}": r"\1<key>",  # "api_key": "...", api_key="..."
    r"()\b(?:sk|pk|rk)-[\w-]{16,}|\bhf_\w{16,}|\bgh[pousr]_\w{16,}|\bAKIA[A-Z0-9]{16}\b": "<key>",
}
#: punctuation that no markup takes for its own where it stands like this: 0.83, the end of a sentence, llama-64, a/b
PLAIN = r"[,;%(?!]|(?<!\d)\)|(?<=\d)\.(?=\d)|(?<=[^\W\d])[.:](?!\S)|(?<=\w)[-/](?=\w)"
PUNCTUATION = re.compile(rf"({PLAIN})|[!-/:-@\[-`{{-~]")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
JOINER = "\N{WORD JOINER}"  # nothing to an eye; between a backslash and a word, none that TeX knows


def visible(text: object) -> str:
    """The text with control characters, and those that turn the direction of writing, spelt out; its lines stay."""
    return "".join(c if c == "\n" or c.isprintable() else c.encode("unicode_escape").decode() for c in encodable(str(text)))


def escape(text: object) -> str:
    r"""The text so that HTML, Markdown and TeX show it as it is: in sentences, titles, tables, attributes.

    Punctuation becomes numbers, which neither HTML nor Markdown takes for structure. A dollar and a backslash are followed by
    a word joiner each, for MathJax reads a page that is finished.

    >>> escape("<b> of a_b: 0.83 [0.7, 0.9]")
    '&#60;b&#62; of a&#95;b: 0.83 &#91;0.7, 0.9&#93;'
    """
    return PUNCTUATION.sub(lambda mark: mark[0] if mark[1] else _as_number(mark[0]), visible(text))


def _as_number(mark: str) -> str:
    return f"&#{ord(mark)};{JOINER if mark in ('$', chr(92)) else ''}"


def line(text: object) -> str:
    """The text on one line, visible: names, messages."""
    return visible(" ".join(str(text).split()))


def name(text: object) -> str:
    """`escape` of a name in a sentence: one line."""
    return escape(line(text))


def encodable(text: str) -> str:
    """The text with `?` for every half of a surrogate pair that stands alone: JSON can hold it, UTF-8 and Parquet cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def secrets() -> dict[str, str]:
    """What the environment keeps secret -> the name of its variable; longer ones first, for one may begin another."""
    held = {value: name for name, value in os.environ.items() if SECRET.search(name.upper()) and len(value) >= LEAST}
    return dict(sorted(held.items(), key=lambda secret: -len(secret[0])))


def without_keys(text: str) -> str:
    """The text without the environment's secrets, and without what looks like one: servers and tracebacks quote them."""
    plain = COLOURS.sub("", text)  # a traceback in colours may cut a key into pieces
    clean = plain
    for value, variable in secrets().items():
        for spelling in dict.fromkeys((value, quote(value, safe=""), repr(value)[1:-1], html.escape(value))):
            clean = clean.replace(spelling, f"<{variable}>")
    for pattern, stays in PATTERNS.items():
        clean = re.sub(pattern, stays, clean, flags=re.IGNORECASE)
    return text if clean == plain else clean


def all_without_keys(value: Any) -> Any:
    """JSON values, each text in them `without_keys`."""
    if isinstance(value, dict):
        return type(value)({key: all_without_keys(part) for key, part in value.items()})
    if isinstance(value, list):
        return [all_without_keys(part) for part in value]
    return without_keys(value) if isinstance(value, str) else value


def warn(text: object) -> None:
    """One line on stderr."""
    print(f"proxylib: {line(without_keys(str(text)))}", file=sys.stderr)


def say(text: object) -> None:
    """Lines on stdout, now."""
    print(visible(without_keys(str(text))), flush=True)
