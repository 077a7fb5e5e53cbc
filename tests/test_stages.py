"""Which stages changed their source while their version stayed: their old runs may no longer be what the code would write.

A failing test leaves two ways out. If the change alters what the stage writes, raise its number in `grid.VERSIONS`. In
either case accept the new source with `python tests/test_stages.py`, which rewrites `stage_sources.json`.
"""

import ast
import hashlib
import json
from pathlib import Path

import pytest

from proxylib.grid import VERSIONS

PACKAGE = Path(__file__).resolve().parent.parent / "proxylib"
TABLE = Path(__file__).with_name("stage_sources.json")
TASKS = ("tasks/__init__.py", "tasks/base.py", "tasks/families.py")
TEXT = ("corpora.py", *TASKS)
TRAINING = ("models/train.py", "models/families.py", "models/devices.py", "models/tokenizers.py", "models/generate.py", *TEXT)
ANSWERS = ("evaluate.py", "models/generate.py", "models/devices.py")
EXTRACTION = (
    *(f"tokenstats/{name}.py" for name in ("extract", "encode", "heads", "chunked", "columns")),
    "models/tokenizers.py",
    "models/devices.py",
)
SCRIBE = ("tasks/scribe.py", "tasks/base.py", "models/tokenizers.py", "models/bases.py", "corpora.py")
JUDGING = (
    *(f"judging/{name}.py" for name in ("lm_judge", "rubric", "criteria", "llm")),
    *("tasks/scribe.py", "models/generate.py", "models/tokenizers.py"),
)
SOURCES = {
    "material": ("models/material.py", "models/tokenizers.py", "traces.py", *TEXT),
    "corpora": ("models/material.py", "models/tokenizers.py", *TEXT),
    "train": TRAINING,
    "measure": (
        "measure.py",
        "features.py",
        "proxies.py",
        "models/loading.py",
        "traces.py",
        "tasks/base.py",
        *dict.fromkeys((*EXTRACTION, *ANSWERS)),
    ),
    "population": ("population.py", "features.py", "stats.py"),
    "ranking": ("ranking.py", "model_selection.py", "proxies.py", "stats.py"),
    "variants": ("variants.py", "features.py", "proxies.py", "stats.py"),
    "own_models": (
        "bring.py",
        "own_models.py",
        "tokenstats/shards.py",
        "traces.py",
        "proxies.py",
        "ranking.py",
        "stats.py",
        *EXTRACTION,
    ),
    "numerics": ("numerics.py", "traces.py", "proxies.py", "tokenstats/reference.py", *EXTRACTION),
    "dial": ("dial.py", "variants.py", "features.py", "population.py", "proxies.py", "stats.py"),
    "trajectory": (
        "trajectory.py",
        "crucial.py",
        "proxies.py",
        "stats.py",
        "traces.py",
        *dict.fromkeys((*TRAINING, *EXTRACTION, *ANSWERS)),
    ),
    "scribe": SCRIBE,
    "base": tuple(dict.fromkeys((*SCRIBE, *TRAINING))),
    "cell": tuple(
        dict.fromkeys(("finetune.py", "models/loading.py", "proxies.py", *SCRIBE, *EXTRACTION, "models/generate.py"))
    ),
    "judge": tuple(dict.fromkeys(("judging/lm_judge.py", "judging/rubric.py", "judging/criteria.py", *SCRIBE, *TRAINING))),
    "refinement": ("judging/refine.py", "judging/agreement.py", "stats.py", *JUDGING),
    "verdicts": ("judging/pooled.py", *JUDGING),
    "quality": ("judging/quality.py", "judging/agreement.py", "stats.py", *JUDGING),
    "lossfit": ("lossfit.py", "losscontrol.py", "lossgrid.py", "stats.py", "proxies.py"),
    "judgments": ("judging/agreement.py", "published/judgments.py", "stats.py"),
    "datadecide": ("selection.py", "published/datadecide.py", "stats.py"),
}


def digest(stage):
    """SHA-256 of the stage's code without comments, layout and docstrings."""
    text = []
    for name in SOURCES[stage]:
        tree = ast.parse((PACKAGE / name).read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
                node.body = node.body[1:]
        text.append(ast.dump(tree))
    return hashlib.sha256("\n".join(text).encode()).hexdigest()


def test_every_stage_that_writes_data_is_watched():
    assert set(SOURCES) == set(VERSIONS) - {"page", "notebook"}


@pytest.mark.parametrize("stage", SOURCES)
def test_a_changed_stage_has_a_new_version_or_was_accepted(stage):
    accepted = json.loads(TABLE.read_text())[stage]
    assert accepted["version"] == VERSIONS[stage], (
        f"{stage}: version {VERSIONS[stage]} is not accepted yet; see this file's head"
    )
    assert accepted["source"] == digest(stage), f"{stage}: its source changed, its version did not; see this file's head"


def test_every_source_exists_once():
    for stage, names in SOURCES.items():
        assert len(names) == len(set(names)) and all((PACKAGE / name).exists() for name in names), stage


def test_the_digest_sees_code_and_not_comments(tmp_path, monkeypatch):
    (tmp_path / "a.py").write_text('"""Doc."""\nx = 1  # why\n')
    monkeypatch.setitem(SOURCES, "material", ("a.py",))
    monkeypatch.setattr("test_stages.PACKAGE", tmp_path)
    first = digest("material")
    (tmp_path / "a.py").write_text('"""Other."""\n\nx  =  1\n')
    assert digest("material") == first
    (tmp_path / "a.py").write_text("x = 2\n")
    assert digest("material") != first


if __name__ == "__main__":
    table = {stage: {"version": VERSIONS[stage], "source": digest(stage)} for stage in SOURCES}
    TABLE.write_text(json.dumps(table, indent=1) + "\n")
