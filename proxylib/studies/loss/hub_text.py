"""What became of the examples of a fine-tune in its base's tokens: the account that `extract` gives of what it scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transformers import PreTrainedTokenizerFast

from proxylib.data import became
from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.measure.tokenstats.account import HEARD
from proxylib.measure.tokenstats.encode import boundary_moves
from proxylib.models import chat as templates
from proxylib.models import tokenizers
from proxylib.models.fidelity import Heard, heard
from proxylib.models.lora import Row


def account(examples: Sequence[Trace], rows: Sequence[Row], tokenizer: PreTrainedTokenizerFast, chat: bool) -> dict[str, Any]:
    """Counts as `became.table` takes them.

    Parameters
    ----------
    rows : of the examples, see `lora.rows_of`
    tokenizer : of the base
    chat : whether prompts stand in its chat template

    Raises
    ------
    UserError
        Naming an example that the tokenizer cannot read.
    """
    prompts = [heard(tokenizer, example.prompt) for example in examples]
    solutions = [heard(tokenizer, example.solution) for example in examples]
    for example, texts in zip(examples, zip(prompts, solutions, strict=True), strict=True):
        _refuse_unread(example, texts[chat:])
    fronts = [len(row.ids) - sum(row.counted) for row in rows]
    added = [max(0, front - prompt.tokens) for front, prompt in zip(fronts, prompts, strict=True)] if chat else []
    moves = [] if chat else [boundary_moves(example, tokenizer) for example in examples]
    return {
        "traces": len(rows),
        **became.of_texts((example.prompt, example.solution) for example in examples),
        "scored": len(rows),
        "bos": sum(row.ids[0] == tokenizer.bos_token_id for row in rows),
        "template": sum(added),
        "stripped": sum(templates.of(tokenizer).rendered(example.prompt).stripped for example in examples) if chat else 0,
        **{name: sum(getattr(text, name) for text in (*prompts, *solutions)) for name in HEARD},
        "boundary_moves": sum(moves),
        "tokens_scored": sum(sum(row.counted) for row in rows),
        "tokens_truncated": sum(row.truncated for row in rows),
        "cut_bytes": sum(_cut(example.solution, row, tokenizer) for example, row in zip(examples, rows, strict=True)),
        "bytes": sum(solution.n_bytes for solution in solutions),
        became.DROPPED: {},  # such an example is refused
    }


def _refuse_unread(example: Trace, texts: Sequence[Heard]) -> None:
    if any(text.unread or text.control for text in texts):
        raise UserError(
            f"example {example.task}/{example.id}: over 1 % of it is unknown to the base's tokenizer or lost in it, or it "
            "holds a control word that cannot be read as text; leave it out"
        )


def _cut(solution: str, row: Row, tokenizer: PreTrainedTokenizerFast) -> int:
    """Bytes of the solution that found no room: those of its last tokens; of a character in several, all go with the first."""
    kept = sum(row.counted)
    _, spans = tokenizers.encode_with_spans(tokenizer, solution)
    if kept >= len(spans):  # nothing, or the end token alone
        return 0
    return len(solution[min(spans[kept][0], spans[kept - 1][1]) :].encode())
