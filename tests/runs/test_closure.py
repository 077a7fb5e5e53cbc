"""What a stage depends on, found from the source: which stages changed while their version stayed?

A failing test leaves two ways out. If the change alters what the stage writes, raise the version where the stage is
registered (`proxylib/studies/*/stages.py`). In either case accept the new source with `python tests/runs/test_closure.py`,
which rewrites `stage_sources.json`.
"""

import ast
import json
import shutil
from pathlib import Path

import pytest

from proxylib import studies
from proxylib.runs import closure

TABLE = Path(__file__).with_name("stage_sources.json")
STAGES = studies.registry().stages


@pytest.mark.parametrize("stage", STAGES)
def test_a_changed_stage_has_a_new_version_or_was_accepted(stage):
    accepted = json.loads(TABLE.read_text())
    current = accepted.get(stage, {}).get("version") == STAGES[stage].version
    assert current, f"{stage}: this version is not accepted; see this file's head"
    assert accepted[stage]["source"] == STAGES[stage].source(), (
        f"{stage}: its source changed, its version did not; see this file's head"
    )


@pytest.mark.parametrize(
    ("stage", "modules"),
    [
        (
            "ranking",
            {
                "ranking.rankers",
                "ranking.protocols",
                "ranking.nulls",
                "measure.features",
                "measure.proxies.definitions",
                "stats",
            },
        ),
        ("train", {"models.architectures", "models.tokenizers", "data.corpora", "data.tasks.families", "data.tasks.base"}),
        (
            "measure",
            {"measure.proxies.metrics", "measure.tokenstats.chunked", "measure.benchmarks", "models.generate", "data.trace"},
        ),
        ("cell", {"models.lora", "data.domains.scribe.visits", "measure.tokenstats.extract", "models.loading"}),
        ("verdicts", {"judging.rubric", "judging.lm_judge", "judging.criteria", "models.generate"}),
        ("loss_fits", {"studies.loss.size_control", "studies.loss.cell_draws", "stats"}),
        ("datadecide", {"ranking.decision", "data.published.datadecide", "studies.data_selection.limits"}),
    ],
)
def test_a_stage_reaches_what_it_calls_in_other_rooms(stage, modules):
    found = closure.modules([STAGES[stage].builder])
    assert {f"proxylib.{name}" for name in modules} <= found
    assert not any(name.startswith(("proxylib.runs", "proxylib.cli")) for name in found)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of three modules in place of proxylib."""
    root = tmp_path / "proxylib"
    (root / "low").mkdir(parents=True)
    (root / "low" / "__init__.py").write_text('"""Low."""\nfrom proxylib.low.words import WORD\n')
    (root / "low" / "words.py").write_text('"""W."""\nWORD = "x"\nOTHER = "y"\n\n\ndef spoken():\n    return WORD\n')
    (root / "high.py").write_text(
        '"""H."""\nfrom proxylib import low\nfrom proxylib.low import words\n\n\ndef build():\n    return words.spoken()\n\n\n'
        "def passed_on():\n    return low.WORD\n\n\ndef looked_up(name):\n    return getattr(words, name)\n"
    )
    monkeypatch.setattr(closure, "PACKAGE", root)
    clear = closure.forget
    clear()
    yield root, clear
    clear()


def test_it_follows_names_from_function_to_function_and_leaves_what_is_not_named(package):
    assert set(closure.reached(["proxylib.high:build"])) == {
        ("proxylib.high", "build"),
        ("proxylib.low.words", "spoken"),
        ("proxylib.low.words", "WORD"),
    }


def test_a_name_that_a_package_passes_on_is_followed_to_its_definition(package):
    assert ("proxylib.low.words", "WORD") in closure.reached(["proxylib.high:passed_on"])


def test_a_module_that_is_looked_into_by_computed_names_counts_whole(package):
    root, clear = package
    before = closure.digest(["proxylib.high:looked_up"])
    words = root / "low" / "words.py"
    words.write_text(words.read_text().replace('"y"', '"z"'))
    clear()
    assert closure.digest(["proxylib.high:looked_up"]) != before


def test_the_digest_sees_code_and_neither_comments_nor_layout_nor_other_definitions(package):
    root, clear = package
    words = root / "low" / "words.py"
    text, before = words.read_text(), closure.digest(["proxylib.high:build"])
    for changed, same in [
        (text.replace("    return WORD", '    """Said."""\n    return WORD  # why'), True),
        (text.replace('OTHER = "y"', 'OTHER = "z"'), True),
        (text.replace('WORD = "x"', 'WORD = "z"'), False),
    ]:
        words.write_text(changed)
        clear()
        assert (closure.digest(["proxylib.high:build"]) == before) is same


def test_trees_of_other_releases_are_spelt_alike():
    tree = ast.parse('f"{word:<{width}}"\ndef run(): pass')
    before = closure.spelt(tree)
    tree.body[0].value.values[0].format_spec.values.append(ast.Constant(""))  # as 3.12.1 has it
    tree.body[1].type_params = []  # since 3.12
    assert closure.spelt(tree) == before
    assert closure.spelt(ast.parse("run('')")) != closure.spelt(ast.parse("run()"))


def test_moving_a_definition_to_another_module_changes_nothing(package):
    root, clear = package
    before = closure.digest(["proxylib.high:build"])
    shutil.move(root / "low" / "words.py", root / "low" / "text.py")
    for path in (root / "high.py", root / "low" / "__init__.py"):
        path.write_text(path.read_text().replace("import words", "import text as words").replace("low.words", "low.text"))
    clear()
    assert closure.digest(["proxylib.high:build"]) == before


def test_relative_imports_are_refused_since_they_would_be_missed(package):
    root, clear = package
    (root / "high.py").write_text("from .low import words\n\n\ndef build():\n    return words.spoken()\n")
    clear()
    with pytest.raises(ValueError, match="relative import"):
        closure.digest(["proxylib.high:build"])


if __name__ == "__main__":
    table = {name: {"version": stage.version, "source": stage.source()} for name, stage in sorted(STAGES.items())}
    TABLE.write_text(json.dumps(table, indent=1) + "\n")
