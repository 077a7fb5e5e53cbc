"""What a student reads, that only notes are learnt from, and that a killed run ends alike."""

from types import SimpleNamespace

import pytest
import torch
from models.small_training import CONFIG, SMOL, contents
from studies.validation.small_runs import table

from proxylib.data.domains import scribe
from proxylib.models import architectures, tokenizers
from proxylib.models.packing import IGNORE
from proxylib.runs.folder import Folder
from proxylib.runs.store import Workspace
from proxylib.studies.ceiling import student, teachers
from proxylib.studies.ceiling.settings import FewSettings, StudentSettings, Teacher

CONTEXT = 800  # bytes: a dialogue with its note
SETTINGS = StudentSettings(
    model=SMOL,
    training=CONFIG.model_copy(update={"context": CONTEXT, "batch_tokens": 2 * CONTEXT}),
    teacher=Teacher(errors="habit", passes=0.6),
    examples=(4, 10),
    peak=1.0,
    tests=6,
    test_seed=20,
    max_new_tokens=8,
    seed=2,
)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A base that knows nothing."""
    folder = tmp_path_factory.mktemp("base") / "model"
    tokenizer = tokenizers.train("byte", ["a"], 300)
    torch.manual_seed(0)
    architectures.build(SMOL, len(tokenizer), CONTEXT).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return SimpleNamespace(path=lambda name: folder)


def built(base, folder, settings=SETTINGS):
    folder.mkdir(exist_ok=True)
    workspace = Workspace(folder, Folder(folder, {}).progress())
    student.build(SimpleNamespace(settings=settings, parent=lambda role: base), workspace)
    return workspace


@pytest.fixture(scope="module")
def run(base, tmp_path_factory):
    return built(base, tmp_path_factory.mktemp("student"))


def test_labels_are_the_notes_and_what_ends_them():
    tokenizer = tokenizers.train("byte", ["a"], 300)
    examples = scribe.examples(12, 5, unseen=False)
    notes = [f"{number} {example.note}" for number, example in enumerate(examples)]
    rows = student.rows_of(tokenizer, examples, notes, 2 * CONTEXT)
    assert len(rows.ids) < len(examples) and (rows.ids >= 0).all()
    counted = [tokenizer.decode(ids[labels != IGNORE]) for ids, labels in zip(rows.ids, rows.labels, strict=True)]
    assert sorted(note for row in counted for note in row.split("</s>") if note) == sorted(notes)
    assert (rows.labels[rows.labels != IGNORE] == rows.ids[rows.labels != IGNORE]).all()
    whole = [tokenizer.decode(ids) for ids in rows.ids]
    for example, note in zip(examples, notes, strict=True):
        assert sum(f"<s>{example.prompt}{note}</s>" in row for row in whole) == 1


def test_a_student_of_few_examples_is_one_of_many_on_its_way(base, run, tmp_path):
    few = SETTINGS.model_copy(update={"examples": (4,)})
    alone = built(base, tmp_path / "few", few)
    for name in ("outcomes", "notes"):
        both = [table(one, name) for one in (alone, run)]
        greedy = [frame[(frame["examples"] == 4) & (frame["written"] == "greedy")].reset_index(drop=True) for frame in both]
        assert greedy[0].equals(greedy[1])
    assert table(alone, "losses").equals(table(run, "losses").head(3))


def test_the_rate_rises_once_and_stays():
    first = [student.rising(step, 100, 0.5) for step in range(100)]
    assert first[0] == 1 / student.RISE and first == sorted(first) and set(first[student.RISE :]) == {1.0}
    assert student.steady(0, 100, 0.5) == 1.0


def test_a_student_writes_on_every_test_at_every_number_of_examples(run):
    outcomes, notes, losses = (table(run, name) for name in student.TABLES)
    assert outcomes.groupby(["examples", "written"], sort=False).size().to_dict() == {
        (4, "greedy"): 30,
        (10, "greedy"): 30,
        (10, "sampled"): 30,
    }
    assert len(notes) == 18 and outcomes["grade"].between(0, 1).all()
    assert set(losses["on"]) == {"training", "expert's notes", "teacher's notes"} and len(losses) == 6
    assert table(run, "course")["nll"].iloc[0] == pytest.approx(losses["nll"].iloc[0])
    assert not list(run.folder.glob("part-*"))


def test_tests_are_the_same_whatever_the_seed_and_never_what_is_learnt_from():
    one, other = (student.lessons(SETTINGS.model_copy(update={"seed": seed})) for seed in (2, 3))
    assert one.tests == other.tests and one.examples != other.examples and one.tested != other.tested
    drugs = lambda examples: {example.encounter.drug for example in examples}
    assert not drugs(one.tests) & drugs(one.examples)
    assert one.taught != [example.note for example in one.examples] and any(map(teachers.passes, one.examples, one.taught))


def test_a_student_that_was_killed_goes_on_and_ends_alike(base, run, tmp_path):
    whole, begun = student.pretrain.Loop.run, []

    def dying(loop, name, phase):
        begun.append(len(phase.rows.ids))
        if len(begun) == 2:
            raise KeyboardInterrupt
        whole(loop, name, phase)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(student.pretrain.Loop, "run", dying)
        with pytest.raises(KeyboardInterrupt):
            built(base, tmp_path / "killed")
        assert contents(built(base, tmp_path / "killed")) == contents(run)
    assert len(begun) == 4


def test_few_notes_are_read_again_in_another_order_until_as_many_are_read():
    few = FewSettings(**dict(SETTINGS), notes=3)
    places = student.order(few)
    assert places[:3] == [0, 1, 2] and len(places) == 10
    passes = [places[start : start + 3] for start in range(0, 9, 3)]
    assert all(sorted(part) == [0, 1, 2] for part in passes)
    longer = student.order(few.model_copy(update={"examples": (24,), "notes": 8}))
    assert longer[8:16] != longer[16:] and sorted(longer[16:]) == list(range(8))
    assert student.order(SETTINGS) == list(range(10))
    given, whole = student.lessons(few), student.lessons(SETTINGS)
    assert [example.id for example in given.examples[:3]] == [example.id for example in whole.examples[:3]]
    assert given.taught[:3] == whole.taught[:3] and given.tested == whole.tested
    assert len({example.id for example in given.examples}) == 3
    by_note = dict(zip((example.id for example in given.examples), given.taught, strict=True))
    assert all(by_note[example.id] == note for example, note in zip(given.examples, given.taught, strict=True))
