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
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO

from proxylib.data.published import registry
from proxylib.errors import UserError
from proxylib.runs.files import alone, sha256
from proxylib.text import warn

MAGIC = b"GGUF"
PRE, FACTORS = "tokenizer.ggml.pre", "rope_freqs.weight"
SOURCE = "SOURCE.json"  # of a folder: which file it comes from
SPLIT = re.compile(r"-\d{5}-of-\d{5}\.gguf$")
WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
#: `tokenizer.ggml.pre` -> regular expression that cuts a text into what merges stay within; None: GPT-2's, digits apart or not
CUTS = {
    **dict.fromkeys(("smollm", "starcoder", "refact", "command-r", "gpt-2", "phi-2", "olmo"), None),
    **dict.fromkeys(("qwen2", "deepseek-r1-qwen"), WORDS % r"\p{N}"),
    **dict.fromkeys(("llama-bpe", "llama3", "llama-v3", "falcon3"), WORDS % r"\p{N}{1,3}"),
}
DIGITS_APART = ("smollm", "starcoder", "refact", "command-r")
#: those whose words of the vocabulary stay whole though no merges lead there, and whose bos opens a text unless a file says no
LLAMA_3 = ("llama-bpe", "llama3", "llama-v3", "falcon3")
#: `general.architecture` whose folders were compared with the models that files were made from (see the tests)
ARCHITECTURES = ("llama", "qwen2", "qwen3")
#: keys of an architecture that change nothing where they are what the rest of the file implies, or ever
IMPLIED = ("attention.key_length", "attention.value_length", "rope.dimension_count")
HARMLESS = ("rope.scaling.original_context_length", "rope.scaling.finetuned", "tensor_data_layout")
VERSION = 3  # of the conversion: raised where the same file becomes another folder, or none any more
GET = "take the model's own folder, or have its maker's safetensors converted"


def converted(file: Path, out: Path, said: Mapping[str, Any] = MappingProxyType({})) -> Path:
    """The folder of transformers that a GGUF file becomes, made once.

    Parameters
    ----------
    file : one whole GGUF file with its tokenizer
    out : the folder; one that holds what this file became is returned as it is, also to a process that waited for it
    said : more to be said of the file in the folder

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
    return _converted(file, sha256(_checked(file)), out, said)


def _converted(file: Path, digest: str, out: Path, said: Mapping[str, Any]) -> Path:
    out.parent.mkdir(parents=True, exist_ok=True)
    with alone(out.parent / f".{out.name}.lock", str(out), wait=True):
        if not holds(out, digest):
            for left in out.parent.glob(f".{out.name}.*/"):  # of a conversion that was killed
                shutil.rmtree(left, ignore_errors=True)
            with _beside(out) as made:
                _convert(file, made, {"sha256": digest, "version": VERSION, **said})
                shutil.rmtree(out, ignore_errors=True)
                made.rename(out)
    return out


def cached(file: Path) -> Path:
    """`converted` into the cache of published data, under the file's digest; a line says so the first time."""
    digest = sha256(_checked(file))
    out = registry.cache() / "converted" / f"{digest[:16]}-{VERSION}"
    if not holds(out, digest):
        warn(f"{file}: turned into a folder of transformers, once: {out}")
    return _converted(file, digest, out, {})


def identity(file: Path) -> str:
    """Which folder a file becomes: its SHA-256 and the version of the conversion. Nothing is converted."""
    return f"{sha256(file)}-{VERSION}"


def holds(folder: Path, digest: str) -> bool:
    """Whether a folder is what the file of that digest becomes under this version of the conversion."""
    said = source(folder)
    return (said.get("sha256"), said.get("version")) == (digest, VERSION)


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


def _convert(file: Path, out: Path, said: Mapping[str, Any]) -> None:
    facts = _read(file)
    model, tokenizer = _of_transformers(file)
    _refuse_leftovers(file, model, facts)
    _cut(tokenizer, facts["pre"])
    if facts["pre"] in LLAMA_3:
        tokenizer.backend_tokenizer.model.ignore_merges = True
        if facts["opened"] is None:
            tokenizer.add_bos_token = True
    _refuse_other_words(file, tokenizer, facts["tokens"])
    # what is left says that the weights are still rounded, and save_pretrained then refuses
    del model.config.quantization_config
    model.hf_quantizer = None
    with contextlib.redirect_stderr(_bars()):
        model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    versions = {name: metadata.version(name) for name in ("gguf", "transformers", "torch")}
    stands = {
        "file": file.name,
        **said,
        "tensors": facts["tensors"],
        "pre_tokenizer": facts["pre"],
        "converted_by": versions,
    }
    stands["weights"] = "float32 numbers that stand for those of the file, which are rounded as `tensors` says"
    (out / SOURCE).write_text(json.dumps(stands, indent=1) + "\n", encoding="utf-8")


def _read(file: Path) -> dict[str, Any]:
    """What the file says of itself, tensors by their precision included."""
    try:
        from gguf import GGMLQuantizationType, GGUFReader
    except ImportError:
        raise UserError(f"{file}: the package gguf is missing; pip install gguf") from None
    try:
        reader = GGUFReader(file)
        value = lambda name: reader.fields[name].contents() if name in reader.fields else None
        architecture, kind, pre = (value(name) for name in ("general.architecture", "tokenizer.ggml.model", PRE))
        tensors = Counter(GGMLQuantizationType(tensor.tensor_type).name for tensor in reader.tensors)
        shape = {name.partition(".")[2]: value(name) for name in reader.fields if name.startswith(f"{architecture}.")}
        flat = {tensor.name for tensor in reader.tensors if tensor.name == FACTORS and (tensor.data == 1).all()}
        facts = {
            "architecture": architecture,
            "pre": pre,
            "opened": value("tokenizer.ggml.add_bos_token"),
            "tokens": value("tokenizer.ggml.tokens"),
            "shape": shape,
            "names": {tensor.name for tensor in reader.tensors} - flat,
            "tensors": dict(sorted(tensors.items())),
        }
    except Exception as error:  # of a cut or damaged file: a dozen kinds
        raise UserError(f"{file}: cannot be read to its end ({' '.join(str(error).split())[:100]}); fetch it again") from None
    if architecture not in ARCHITECTURES:
        raise UserError(f"{file}: is a {architecture}; rebuilt here are {', '.join(ARCHITECTURES)}; {GET}")
    if kind is None or not facts["tokens"]:
        raise UserError(f"{file}: holds no tokenizer; {GET}")
    if kind != "gpt2" or pre not in CUTS:
        raise UserError(
            f"{file}: its tokenizer (model {kind}, cut by {pre}) is not rebuilt here, only gpt2 cut by {', '.join(CUTS)}; {GET}"
        )
    return facts


def _of_transformers(file: Path) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        given = {"gguf_file": file.name, "local_files_only": True}
        with contextlib.redirect_stderr(_bars()):
            reading = given | {"output_loading_info": True}
            model, report = AutoModelForCausalLM.from_pretrained(file.parent, dtype=torch.float32, **reading)
            tokenizer = AutoTokenizer.from_pretrained(file.parent, **given)
    except Exception as error:  # an architecture that it does not know, a precision that it cannot undo, a damaged block
        reason = " ".join(str(error).split())[:160]
        raise UserError(f"{file}: transformers cannot read it ({reason}); {GET}") from None
    finally:
        logging.set_verbosity(before)
    if lacking := sorted(report["missing_keys"]):
        raise UserError(f"{file}: has no weights for {lacking[0]}, which would be random; fetch it again")
    return model, tokenizer


def _refuse_leftovers(file: Path, model: Any, facts: dict[str, Any]) -> None:
    """`UserError` where the file says or holds something that transformers passes over without a word."""
    from transformers.integrations.ggml import GGUF_CONFIG_MAPPING
    from transformers.modeling_gguf_pytorch_utils import TensorProcessor, get_gguf_hf_weights_map

    read, config = GGUF_CONFIG_MAPPING[facts["architecture"]], model.config
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    scaling = facts["shape"].get("rope.scaling.type", "none") != "none"
    for key, value in facts["shape"].items():  # `read` names some that transformers drops, too: as None
        expected = read.get(key) or key in HARMLESS or (key in IMPLIED and value == head)
        if not expected and (scaling or not key.startswith("rope.scaling.")):
            raise UserError(f"{file}: {key} {value} would not be kept, and the model be another; {GET}")
    left = sorted(facts["names"] - set(get_gguf_hf_weights_map(model, TensorProcessor())))
    if left:
        raise UserError(f"{file}: its weights {left[0]} have no place in a {type(model).__name__} as rebuilt here; {GET}")


def _refuse_other_words(file: Path, tokenizer: Any, tokens: list[str]) -> None:
    """`UserError` unless each id stands for the token that it has in the file."""
    ours = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    if ours != list(tokens):
        place = next((i for i, (a, b) in enumerate(zip(ours, tokens, strict=False)) if a != b), min(len(ours), len(tokens)))
        raise UserError(f"{file}: token {place} of its vocabulary cannot be rebuilt; {GET}")


def _bars() -> TextIO:
    """Where bars of progress go: a terminal, else nowhere."""
    return sys.stderr if sys.stderr.isatty() else io.StringIO()


def _cut(tokenizer: Any, pre: str) -> None:
    """Set how texts are cut before merges, as llama.cpp does for a tokenizer of that name."""
    from tokenizers import Regex, pre_tokenizers

    words = CUTS[pre]
    parts = [pre_tokenizers.Digits(individual_digits=True)] if pre in DIGITS_APART else []
    if words:
        parts.append(pre_tokenizers.Split(Regex(words), "isolated"))
    parts.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=words is None))
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(parts)
