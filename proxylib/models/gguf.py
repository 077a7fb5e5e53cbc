"""GGUF files, as llama.cpp reads them, turned once into ordinary folders of transformers.

Weights of few bits are written as the float32 numbers that they stand for: the folder is as good as the file, not as the
model before it was rounded. How the tokenizer cuts a text is set by the name that the file gives it, never guessed.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from proxylib.data.published import registry
from proxylib.errors import UserError
from proxylib.runs.files import alone, sha256
from proxylib.text import warn

MAGIC = b"GGUF"
SOURCE = "SOURCE.json"  # of a folder: which file it comes from
SPLIT = re.compile(r"-\d{5}-of-\d{5}\.gguf$")
WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
#: `tokenizer.ggml.pre` -> regular expression that cuts a text into what merges stay within; None: GPT-2's, digits apart or not
CUTS = {"smollm": None, "gpt-2": None, "qwen2": WORDS % r"\p{N}", "llama-bpe": WORDS % r"\p{N}{1,3}"}
DIGITS_APART = ("smollm",)
GET = "take the model's own folder, or have its maker's safetensors converted"


def converted(file: Path, out: Path) -> Path:
    """The folder of transformers that a GGUF file becomes, made once.

    Parameters
    ----------
    file : one whole GGUF file with its tokenizer
    out : the folder; one that holds what this file became is returned as it is, also to a process that waited for it

    Raises
    ------
    UserError
        Naming the file: none of the format, a part of several, cut short, of an architecture or with a tokenizer that cannot
        be rebuilt exactly. Nothing is left then.

    Notes
    -----
    `SOURCE.json` in the folder holds name and SHA-256 of the file, how many of its tensors stand in which precision, and the
    versions that converted it.
    """
    digest = sha256(_checked(file))
    out.parent.mkdir(parents=True, exist_ok=True)
    with alone(out.parent / f".{out.name}.lock", str(out), wait=True):
        if source(out).get("sha256") != digest:
            with _beside(out) as made:
                _convert(file, made, digest)
                shutil.rmtree(out, ignore_errors=True)
                made.rename(out)
    return out


def cached(file: Path) -> Path:
    """`converted` into the cache of published data, under the file's digest; a line says so the first time."""
    digest = sha256(_checked(file))
    out = registry.cache() / "converted" / digest[:16]
    if source(out).get("sha256") != digest:
        warn(f"{file}: turned into a folder of transformers, once: {out}")
    return converted(file, out)


def source(folder: Path) -> dict[str, Any]:
    """What a folder says of the GGUF file that it comes from; empty for any other folder."""
    with contextlib.suppress(OSError, ValueError):
        return json.loads((folder / SOURCE).read_text(encoding="utf-8"))
    return {}


def _checked(file: Path) -> Path:
    """The file, if it begins as one of the format."""
    if not file.is_file():
        raise UserError(f"{file}: no such file")
    if SPLIT.search(file.name):
        raise UserError(f"{file}: is one part of several; join them with llama.cpp's gguf-split --merge")
    with file.open("rb") as opened:
        if opened.read(4) != MAGIC:
            raise UserError(f"{file}: is no GGUF file; {GET}")
    return file


@contextlib.contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """A folder on the same disk that becomes `out`, or goes."""
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as place:
        yield Path(place) / "made"


def _convert(file: Path, out: Path, digest: str) -> None:
    facts = _read(file)
    model, tokenizer = _of_transformers(file)
    _cut(tokenizer, facts["pre"])
    # what is left says that the weights are still rounded, and save_pretrained then refuses
    del model.config.quantization_config
    model.hf_quantizer = None
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    versions = {name: metadata.version(name) for name in ("gguf", "transformers", "torch")}
    said = {
        "file": file.name,
        "sha256": digest,
        "tensors": facts["tensors"],
        "pre_tokenizer": facts["pre"],
        "converted_by": versions,
    }
    said["weights"] = "float32 numbers that stand for those of the file, which are rounded as `tensors` says"
    (out / SOURCE).write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def _read(file: Path) -> dict[str, Any]:
    """How the file's tokenizer cuts, and how many tensors stand in which precision."""
    try:
        from gguf import GGMLQuantizationType, GGUFReader
    except ImportError:
        raise UserError(f"{file}: the package gguf is missing; pip install gguf") from None
    try:
        reader = GGUFReader(file)
        value = lambda name: reader.fields[name].contents() if name in reader.fields else None
        kind, pre = value("tokenizer.ggml.model"), value("tokenizer.ggml.pre")
        tensors = Counter(GGMLQuantizationType(tensor.tensor_type).name for tensor in reader.tensors)
    except Exception as error:  # of a cut or damaged file: a dozen kinds
        raise UserError(f"{file}: cannot be read to its end ({' '.join(str(error).split())[:100]}); fetch it again") from None
    if kind is None:
        raise UserError(f"{file}: holds no tokenizer; {GET}")
    if kind != "gpt2" or pre not in CUTS:
        raise UserError(
            f"{file}: its tokenizer (model {kind}, cut by {pre}) is not rebuilt here, only gpt2 cut by {', '.join(CUTS)}; {GET}"
        )
    return {"pre": pre, "tensors": dict(sorted(tensors.items()))}


def _of_transformers(file: Path) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    before, bars = logging.get_verbosity(), sys.stderr if sys.stderr.isatty() else io.StringIO()
    logging.set_verbosity_error()
    try:
        given = {"gguf_file": file.name, "local_files_only": True}
        with contextlib.redirect_stderr(bars):
            model = AutoModelForCausalLM.from_pretrained(file.parent, dtype=torch.float32, **given)
            return model, AutoTokenizer.from_pretrained(file.parent, **given)
    except Exception as error:  # an architecture that it does not know, a precision that it cannot undo, a damaged block
        reason = " ".join(str(error).split())[:160]
        raise UserError(f"{file}: transformers cannot read it ({reason}); {GET}") from None
    finally:
        logging.set_verbosity(before)


def _cut(tokenizer: Any, pre: str) -> None:
    """Set how texts are cut before merges, as llama.cpp does for a tokenizer of that name."""
    from tokenizers import Regex, pre_tokenizers

    words = CUTS[pre]
    parts = [pre_tokenizers.Digits(individual_digits=True)] if pre in DIGITS_APART else []
    if words:
        parts.append(pre_tokenizers.Split(Regex(words), "isolated"))
    parts.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=words is None))
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(parts)
