"""The ladder's analysis on made-up copies whose order is known."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from proxylib.errors import UserError
from proxylib.measure import proxies
from proxylib.runs.folder import Workspace
from proxylib.stats import Bootstrap
from proxylib.studies.real_model import ladder
from proxylib.studies.real_model.settings import Copy, LadderSettings

COPIES = [Copy(kind="sound")] + [
    Copy(kind=kind, dose=dose)
    for kind in ("noise", "bits of a weight", "layers dropped", "wrong solutions")
    for dose in (2, 3, 4)
]
SETTINGS = LadderSettings(copies=tuple(COPIES), bootstrap=Bootstrap(draws=100, level=0.95, seed=1))
TASKS = (*ladder.HARD, *ladder.EASY)


def made(signal, skill, seed=0, questions=40):
    """Tables of copies: losses on traces are 3 minus `signal`, a share `skill` of the questions is right, prose is noise."""
    rng, tables = np.random.default_rng(seed), {}
    ids = [(name, str(n)) for name in ("gsm8k", "math500") for n in range(8)]
    hard = {task: rng.random(questions) for task in TASKS}
    for copy, s, k in zip(COPIES, signal, skill, strict=True):
        traces = pd.DataFrame(ids, columns=["task", "id"])
        for name in proxies.NAMES:
            traces[name] = (3 - s if name.startswith("cross_entropy") else s) + 0.01 * rng.standard_normal(len(ids))
        traces = traces.assign(nll=30 * (3 - s) + rng.random(len(ids)), tokens=30, n_bytes=90)
        prose = pd.DataFrame({"id": [str(n) for n in range(6)], "nll": 50 + rng.random(6), "n_bytes": 100})
        rows = [
            (task, str(item), answer, (1.0 if hard[task][item] < k else 3.0) if answer == 0 else 2.0 + answer / 10, 1, 4)
            for task in TASKS
            for item in range(questions)
            for answer in range(4)
        ]
        options = pd.DataFrame(rows, columns=["task", "item", "answer", "nll", "tokens", "n_bytes"])
        tables[copy.name] = {"traces": traces, "prose": prose, "options": options}
    return tables


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(ladder, "SHUFFLES", 60)


LEVELS = np.linspace(0.9, 0.3, len(COPIES))


@pytest.fixture(scope="module")
def follows():
    return ladder.bench(made(LEVELS, LEVELS), SETTINGS)


def orders(given, bootstrap):
    """Each signal's order, with the luck of copies that are equally good."""
    return ladder.orders(given, ladder.equal_copies(given, bootstrap.seed), bootstrap)


def test_an_answer_is_right_where_its_loss_a_byte_is_least_and_ties_share():
    asked = {
        "long": [(4, 4), (3, 2), (9, 2), (9, 2)],
        "tie": [(2, 1), (2, 1), (3, 1), (4, 1)],
        "no": [(2, 1), (1, 1), (3, 1), (3, 1)],
    }
    rows = [("t", item, place, *answer) for item, answers in asked.items() for place, answer in enumerate(answers)]
    options = pd.DataFrame(rows, columns=["task", "item", "answer", "nll", "n_bytes"])
    assert ladder.outcomes(options).loc["t"].to_dict() == {"long": 1.0, "tie": 0.5, "no": 0.0}


def test_signals_that_are_accuracy_order_it_and_noise_does_not(follows):
    table = orders(follows, SETTINGS.bootstrap).set_index(["signal", "score"])
    for signal in (ladder.NAMED, ladder.TRACES, ladder.BYTES):
        found = table.loc[signal, ladder.MAIN]
        assert found["estimate"] > 0.95 and found["low"] > 0 and found["estimate"] > found["luck"] and found["kendall"] > 0.8
    prose = table.loc[ladder.PROSE, ladder.MAIN]
    assert prose["low"] < 0 < prose["high"]
    assert (table["low"] <= table["low_given"] + 1e-12).all() and (table["high"] >= table["high_given"] - 1e-12).all()


def test_a_signal_that_is_turned_round_is_told_so():
    table = orders(ladder.bench(made(-LEVELS, LEVELS), SETTINGS), SETTINGS.bootstrap).set_index(["signal", "score"])
    assert table.loc[ladder.TRACES, ladder.MAIN]["high"] < 0 and table.loc[ladder.NAMED, ladder.MAIN]["high"] < 0


def test_a_kind_that_breaks_the_order_is_seen_where_it_is_left_out():
    skill = np.where([copy.kind == "wrong solutions" for copy in COPIES], 1.0, LEVELS)
    table = ladder.left_out(ladder.bench(made(LEVELS, skill), SETTINGS)).set_index(["signal", "kind"])["estimate"]
    assert table[ladder.NAMED].idxmax() == "wrong solutions" and table[ladder.NAMED, "wrong solutions"] > 0.95
    assert set(table[ladder.NAMED].index) == {copy.kind for copy in COPIES} - {"sound"}


def test_differences_are_paired(follows):
    table = ladder.differences(follows, SETTINGS.bootstrap).set_index(["first", "second", "score"])
    same = table.loc[ladder.NAMED, ladder.TRACES, ladder.MAIN]
    assert abs(same["estimate"]) < 0.05 and same["low"] <= 0 <= same["high"] and same["high"] - same["low"] < 0.3
    assert table.loc[ladder.NAMED, ladder.PROSE, ladder.MAIN]["estimate"] > 0.3


def test_copies_of_equal_accuracy_pass_luck_one_time_in_twenty():
    """Outcomes of each question are handed round here as well, so that copies err independently and are equally good."""
    passed = []
    for seed in range(40):
        tables, rng = made(LEVELS, np.full(len(COPIES), 0.6), seed), np.random.default_rng(seed)
        for options in (one["options"] for one in tables.values()):
            right = options["answer"] == 0
            options.loc[right, "nll"] = np.where(rng.random(right.sum()) < 0.6, 1.0, 3.0)
        rows = orders(ladder.bench(tables, SETTINGS), SETTINGS.bootstrap).set_index(["signal", "score"])
        passed.append(rows.loc[ladder.NAMED, ladder.MAIN]["estimate"] > rows.loc[ladder.NAMED, ladder.MAIN]["luck"])
    assert np.mean(passed) <= 0.2  # 0.05 is promised, of forty


def test_a_search_has_more_luck_than_one_signal(follows):
    best = ladder.best_of_eighty(follows, ladder.equal_copies(follows, SETTINGS.bootstrap.seed), SETTINGS.bootstrap).set_index(
        "score"
    )
    single = orders(follows, SETTINGS.bootstrap).set_index(["signal", "score"])
    assert best.loc[ladder.MAIN, "luck"] >= single.loc[ladder.NAMED, ladder.MAIN]["luck"] - 1e-9  # a search has more luck


def test_only_tasks_above_chance_count():
    low = made(LEVELS, LEVELS)
    for tables in low.values():  # nobody can add: the first answer is the dearest
        sums = tables["options"]["task"] == "sums"
        tables["options"].loc[sums & (tables["options"]["answer"] == 0), "nll"] = 9.0
    bench = ladder.bench(low, SETTINGS)
    assert bench.off_floor == [task for task in ladder.EASY if task != "sums"]
    floors = ladder.floors(bench, 0.95).set_index("task")
    assert not floors.loc["sums", "off_floor"] and floors.loc["code", "off_floor"] and floors.loc["sums", "highest"] == 0
    assert bench.scores[ladder.MAIN][0] == pytest.approx(np.mean([bench.right[task].mean(1) for task in bench.off_floor], 0))


def test_where_no_chosen_task_is_off_the_floor_all_five_count():
    tables = made(LEVELS, LEVELS)
    for options in (one["options"] for one in tables.values()):
        options.loc[options["task"].isin(ladder.EASY) & (options["answer"] == 0), "nll"] = 9.0
    bench = ladder.bench(tables, SETTINGS)
    assert bench.off_floor == [] and (bench.scores[ladder.MAIN] == 0).all()


def test_fine_tunes_as_one_kind_have_their_own_interval(follows):
    kinds = tuple(copy if copy.kind != "noise" else Copy(kind="good solutions", dose=copy.dose) for copy in COPIES)
    noise = follows.signals | {
        ladder.NAMED: follows.signals[ladder.NAMED] + np.random.default_rng(1).normal(0, 0.2, len(COPIES))
    }
    given = follows._replace(signals=noise, copies=follows.copies.assign(kind=[copy.kind for copy in kinds]))
    bootstrap = SETTINGS.bootstrap
    rows = ladder.estimates(orders(given, bootstrap), ladder.differences(given, bootstrap), given, bootstrap)
    apart, together = (rows.set_index("claim").loc[name] for name in ("real-model-ladder", ladder.ONE_KIND))
    assert apart["estimate"] == together["estimate"] and apart["low"] != together["low"]


def test_changes_are_against_the_sound_copy_and_wrong_lessons_are_told(follows):
    table = ladder.changes(follows, SETTINGS.bootstrap).set_index(["copy", "what"])
    assert (table.loc["sound"][["estimate", "low", "high"]] == 0).all().all()
    assert table.loc["noise 4", ladder.TRACES]["high"] < 0
    bootstrap = SETTINGS.bootstrap
    rows = ladder.estimates(orders(follows, bootstrap), ladder.differences(follows, bootstrap), follows, bootstrap)
    wrong, points = (rows.set_index("claim").loc[name] for name in (ladder.WRONG, ladder.WRONG_ACCURACY))
    assert wrong["n"] == 8 and wrong["high"] < 0  # here such copies lost
    assert points["n"] == 40 * len(follows.off_floor) and points["high"] < 0
    assert rows["claim"].str.startswith("real-model").all() and "4 kinds" in rows["n_unit"][0]


class Copied:
    """A finished copy, as the analysis reads it."""

    def __init__(self, tables, **facts):
        self.tables, self.facts = tables, {"parameters": 7} | facts

    def table(self, name):
        return self.tables[name]


def analysed(out, lost, copies=tuple(COPIES)):
    """Facts and workspace of the analysis of copies, some of which diverged."""
    tables = made(LEVELS, LEVELS)
    runs = {name: Copied({}, diverged=True) if name in lost else Copied(tables[name]) for name in tables}
    workspace = Workspace(out)
    step = SimpleNamespace(settings=SETTINGS.model_copy(update={"copies": copies}), parent=runs.get)
    ladder.build(step, workspace)
    return workspace.facts


def test_a_copy_that_diverged_is_left_out_by_name(tmp_path, capsys):
    facts = analysed(tmp_path, ["wrong solutions 3"])
    assert facts["copies"] == len(COPIES) - 1 and facts["diverged"] == ["wrong solutions 3"]
    assert "diverged and left out: wrong solutions 3" in capsys.readouterr().err
    assert "wrong solutions 3" not in set(pd.read_parquet(tmp_path / "changes.parquet")["copy"])


def test_without_a_copy_that_diverged_nothing_is_said_of_it(tmp_path, capsys):
    facts = analysed(tmp_path, [])
    assert facts["copies"] == len(COPIES) and "diverged" not in facts and capsys.readouterr().err == ""


def test_two_kinds_must_be_left_and_all_of_one_may_be_lost(tmp_path):
    few = tuple(copy for copy in COPIES if copy.kind in ("sound", "noise", "bits of a weight", "wrong solutions"))
    taught = [copy.name for copy in COPIES if copy.kind == "wrong solutions"]
    assert analysed(tmp_path / "two", taught, few)["kinds"] == 2
    few = tuple(copy for copy in few if copy.kind != "noise")
    with pytest.raises(UserError, match="left out: wrong solutions 2, .* lower real_model.lora.learning_rate"):
        analysed(tmp_path / "one", taught, few)
    few = tuple(copy for copy in few if copy.kind != "wrong solutions")
    with pytest.raises(UserError, match="real_model.copies: fewer than 2 kinds of damage"):
        analysed(tmp_path / "none", [], few)
