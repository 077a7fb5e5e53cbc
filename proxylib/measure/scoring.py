"""Whether a written answer is right, three ways from strict to lenient, and pass@k from several answers."""

from __future__ import annotations

import re

import numpy as np

from proxylib.data import tasks
from proxylib.errors import UserError

ANSWER = "answer"


def whole(reference: str, text: str) -> bool:
    """Whether the text is the reference, to the letter, but for space around it: what naive exact match asks for."""
    return text.strip() == reference.strip()


def value(answer: str, text: str) -> bool:
    """Whether the last answer line holds the answer exactly; see `tasks.right`."""
    return tasks.right(answer, text)


def lenient(answer: str, text: str) -> bool:
    """Whether the final value is the answer, however it is written.

    The final value is what stands behind the last "answer" on its line or the next that says something, or else the end of the
    last line; case, space and punctuation do not count.

    Notes
    -----
    A text that was cut in the middle of its work ends somewhere, and now and then in the right value: such a matcher finds a
    few answers that nobody gave.
    """
    asked = _bare(answer)
    _, said, tail = text.lower().rpartition(ANSWER)
    lines = [line for line in (tail if said else text.lower()).splitlines() if _bare(line)]
    if not asked or not lines:
        return False
    if said:
        return _bare(lines[0]) == asked
    words = re.findall(r"[^\W_]+", lines[-1])
    return any(_bare("".join(words[-count:])) == asked for count in range(1, len(asked) + 1))


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


SCORERS = {"whole text": whole, "final value": value, "lenient": lenient}


def pass_at_k(samples: np.ndarray, right: np.ndarray, k: int) -> np.ndarray:
    """Chance that at least one of k samples is right, without bias from n samples of which c are (Chen et al. 2021).

    Parameters
    ----------
    samples, right : [n] samples of each problem, and how many of them are right
    k : at most the fewest samples

    Returns
    -------
    [n] 1 - C(n - c, k) / C(n, k), as a product

    Raises
    ------
    UserError
        For k below 1 or above the samples of a problem: nothing says what more of them would give.

    Notes
    -----
    1 - (1 - c / n)^k, which is often taken, is biased downwards. pass@k rises with k by construction, so that two numbers with
    different k say nothing of two models.
    """
    samples, right = np.asarray(samples, float), np.asarray(right, float)
    if k < 1 or (len(samples) and k > samples.min()):
        raise UserError(f"pass@{k}: needs at least {max(k, 1)} samples of every problem; draw more, or ask for a smaller k")
    steps = np.arange(k)
    fails = np.clip((samples - right)[:, None] - steps, 0, None) / (samples[:, None] - steps)
    return 1 - fails.prod(1)
