"""The declared grid: ids, dependants, errors."""

import re
import shutil

import pytest
import yaml

from proxylib import studies
from proxylib.errors import UserError
from proxylib.runs import closure, config
from proxylib.runs.step import NOTEBOOKS, cells_digest
from proxylib.runs.step import chains as chains_of
from proxylib.settings import overlay


@pytest.fixture
def folder(tmp_path, monkeypatch):
    shutil.copytree(config.ROOT / "configs", tmp_path / "configs")
    monkeypatch.setenv("PROXYLIB_CONFIGS", str(tmp_path / "configs"))
    return tmp_path / "configs"


def ids(profile="smoke"):
    return {step.name: step.key.run_id for step in studies.steps(profile)}


def changed_by(folder, **values):
    before = ids()
    path = folder / "smoke.yaml"
    path.write_text(yaml.safe_dump(overlay(yaml.safe_load(path.read_text()), values)))
    after = ids()
    return {name.split("/")[0] if not name.startswith("page") else name for name in before if before[name] != after.get(name)}


STAGES = ("train", "measure")
OF_THE_REAL_MODEL = {"damaged", "real_model", "page/a_real_model"}
OF_PUBLISHED = {"page/human_preferences", "page/choosing_a_corpus", "page/do_judges_agree", "page/forecasting", "page/monitor"}
OF_VERDICTS = {
    "robustness",
    "reverse_validation",
    "page/does_loss_validate_the_judge",
    "loss_fits",
    "second_domain",
    "proxies_or_loss",
    "scale",
    "surgical",
    "plan_stops",
    *(
        f"page/{name}"
        for name in (
            "scribe_grid",
            "loss_predicts_the_judge",
            "how_good_is_the_judge",
            "production_scale",
            "second_domain",
            "where_to_evaluate",
            "proxies_or_loss",
        )
    ),
}
OF_DOMAINS = {
    "loss_fits",
    "second_domain",
    "page/second_domain",
    "proxies_or_loss",
    "page/proxies_or_loss",
    "reverse_validation",
    "page/does_loss_validate_the_judge",
    "surgical",
    "plan_stops",
    "page/where_to_evaluate",
}
OF_JUDGE = {"prompt_search", "verdicts"} | OF_VERDICTS
OF_POLICIES = {"policy_start", "taught", "taught_longer", "sft_or_rl", "sft_or_rl_longer", "page/rl_or_sft"}
OF_NOTES = {"note_cell", "note_judge", "note_metrics", "real_notes", "page/real_notes"}
OF_CEILING = {"student", "student_of_few", "ceilings", "few_notes", "page/the_ceiling"}
OF_CELLS = {"cell", "source", "judge"} | OF_JUDGE
OF_THE_LAB = (
    {f"page/{name}" for name in studies.registry().pages}
    - OF_PUBLISHED
    - {"page/scoreboard", "page/telemetry"}
    - OF_VERDICTS
    - {"page/benchmark_settings", "page/what_catches_what", "page/regressions", "page/rl_or_sft", "page/the_ceiling"}
    - {"page/real_notes"}
    - {"page/a_real_model"}
)
OF_SOME_MODELS = {"your_models", "numerics", "page/your_models", "page/numerics"}
ANALYSES = {
    "ranking",
    "ranking_claims",
    "ablations",
    "whose_style",
    *(f"page/{name}" for name in ("eighty_metrics", "model_selection", "ablations", "whose_style")),
}
OF_THE_POPULATION = {"population", "training_noise", "your_models", "numerics"} | ANALYSES | OF_THE_LAB
OF_LOSSES = {"validation_losses", "domain_losses", "page/training_and_validation_loss", "page/per_domain_loss"}
OF_VALIDATION = {"overfit_run", "mixture_run"} | OF_LOSSES
OF_CHECKPOINTS = {"lab_checkpoints", "page/loss_and_capability", "page/choosing_a_checkpoint"}
READ_TRAJECTORIES = {"crucial_steps", "lab_forecasts", "late_checkpoints"}
OF_TRAJECTORIES = READ_TRAJECTORIES | OF_CHECKPOINTS | {"page/crucial_steps", "page/forecasting_in_the_lab"} | OF_LOSSES
SIMULATED = {"telemetry", "page/telemetry"}
OF_CORPORA = {"lab_corpora", "page/choosing_a_corpus_in_the_lab"}
OF_SETTINGS = {"configuration", "benchmark_settings", "page/benchmark_settings"}
OF_LAYERS = {"layers_base", "faulty", "layers", "page/what_catches_what"}
OF_ROUNDS = {"post_base", "rounds", "regressions", "page/regressions"}
OF_MODELS = (
    {"train", "measure", "reading", "trajectory", "crucial_steps", "lab_forecasts", "corpus_run"}
    | OF_VALIDATION
    | OF_CORPORA
    | {"late_checkpoints"}
    | OF_CHECKPOINTS
    | OF_THE_POPULATION
)


@pytest.mark.parametrize(
    ("values", "stages"),
    [
        ({"extraction": {"chunk": 64}}, (OF_MODELS - {"train", "overfit_run", "mixture_run"}) | OF_CELLS),
        (
            {"evaluation": {"max_new_tokens": 25}},
            (OF_MODELS - {"train", "numerics", "page/numerics"}) | OF_SETTINGS | OF_ROUNDS,
        ),
        (
            {"training": {"tokens": 20000}},
            (OF_MODELS - {"overfit_run", "mixture_run"}) | OF_SETTINGS | OF_ROUNDS | {"pretrained"},
        ),
        (
            {"training": {"post_learning_rate_share": 0.2}},
            OF_MODELS | OF_SETTINGS | OF_LAYERS | OF_ROUNDS | {"pretrained", "base"} | OF_CELLS | OF_POLICIES | OF_CEILING,
        ),
        (
            {"bootstrap": {"draws": 300}},
            OF_THE_POPULATION
            | OF_JUDGE
            | OF_PUBLISHED
            | OF_CORPORA
            | SIMULATED
            | {"benchmark_settings", "page/benchmark_settings", "pythia_shots", "layers", "page/what_catches_what"}
            | {"regressions", "page/regressions"}
            | {"surgical", "published_surgical", "plan_stops", "published_scale"}
            | {"sft_or_rl", "sft_or_rl_longer", "page/rl_or_sft", "note_metrics", "real_notes", "page/real_notes"}
            | {"ceilings", "few_notes", "page/the_ceiling"}
            | {"real_model", "page/a_real_model"}
            | {"crucial_steps", "lab_forecasts", "datadecide", "published_forecasts", "published_alarms", "regmix", "judgments"}
            | {"published_losses"}
            | OF_LOSSES
            | {"published_preferences"}
            | OF_CHECKPOINTS
            | {"published_checkpoints"},
        ),
        ({"real_model": {"lora": {"rank": 3}}}, OF_THE_REAL_MODEL),
        ({"late_checkpoints": {"items": 5}}, {"late_checkpoints"} | OF_CHECKPOINTS),
        ({"ranked": ["sorting", "walk"]}, ANALYSES | OF_CORPORA | OF_CHECKPOINTS | {"corpus_run"} | OF_SETTINGS),
        ({"trajectories": {"watch": {"items": 7}}}, {"trajectory"} | OF_TRAJECTORIES),
        ({"corpus_runs": {"items": 7}}, {"corpus_run"} | OF_CORPORA),
        ({"validation": {"items": 3}}, OF_VALIDATION),
        ({"your_models": {"items": 5}}, OF_SOME_MODELS),
        ({"scribe": {"learning_rate": 0.02}}, OF_CELLS | OF_POLICIES),
        ({"scribe": {"tokens": 70000}}, {"base"} | OF_CELLS | OF_POLICIES | OF_CEILING),
        (
            {"scribe": {"vocabulary": 500}},
            {"scribe", "domain_material", "base"} | OF_CELLS | OF_POLICIES | OF_CEILING,
        ),
        ({"scribe": {"seeds": [2]}}, {"base"} | OF_CELLS | OF_CEILING),
        ({"domains": {"claims": {"vocabulary": 500}}}, {"domain_material", "base", "cell", "verdicts", *OF_DOMAINS}),
        ({"scribe": {"robustness_notes": 5}}, {"robustness", "page/how_good_is_the_judge"}),
        ({"scribe": {"judge": {"tokens": 70000}}}, {"judge"} | OF_JUDGE),
        ({"reverse_validation": {"seed": 5}}, {"reverse_validation", "page/does_loss_validate_the_judge"}),
        ({"telemetry": {"worlds": 5}}, {"telemetry_worlds"} | SIMULATED),
        ({"planning": {"repeats": 3}}, {"surgical", "plan_stops", "page/where_to_evaluate"}),
        ({"ceiling": {"tests": 13}}, OF_CEILING),
        ({"layers": {"tokens": 7000}}, OF_LAYERS - {"layers_base"}),
        ({"sft_or_rl": {"tests": 5}}, OF_POLICIES - {"policy_start"}),
        ({"real_notes": {"held_out": 5}}, OF_NOTES - {"note_judge", "note_metrics"}),
        ({"layers": {"margin": 0.1}}, {"layers", "page/what_catches_what"}),
        ({"corpus_tokens": 6000}, {"corpora", "page/the_lab"}),
        ({"benchmark_settings": {"items": 5}}, OF_SETTINGS),
        ({"post_training": {"documents": 5}}, OF_ROUNDS),
        ({"post_training": {"peak": 0.2}}, OF_ROUNDS - {"post_base"}),
        (
            {"material": {"items": 18}},
            {"material", "corpora", "pretrained"} | OF_MODELS | OF_SETTINGS | OF_LAYERS | OF_ROUNDS,
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_a_changed_value_changes_its_dependants_and_nothing_else(folder, values, stages):
    assert changed_by(folder, **values) == stages


@pytest.mark.parametrize("profile", config.PROFILES)
def test_parents_come_before_children_and_ids_are_unique(profile):
    steps = studies.steps(profile)
    seen = set()
    for step in steps:
        assert {parent.key.run_id for parent in step.parents.values()} <= seen
        seen.add(step.key.run_id)
    assert len(seen) == len(steps) == len({step.name for step in steps})
    assert {step.name for step in steps if step.page} == {f"page/{name}" for name in studies.profile(profile).pages}


def test_a_notebook_and_the_grid_declare_the_same_step():
    declared = {step.name: step.key.run_id for step in studies.steps("lab")}
    for model in (studies.profile("lab").population[0], studies.profile("lab").expert):
        for stage in ("train", "measure"):
            step = studies.declare(stage, "lab", model=model.name, seed=None)
            assert declared[step.name] == step.key.run_id
    for step in studies.steps("smoke"):  # what `proxylib run` is told makes the same run
        assert studies.step_of_notebook(step.notebook, step.parameters).key == step.key, step.name


def test_a_population_reads_every_member_and_the_expert():
    profile = studies.profile("smoke")
    step = studies.declare("population", "smoke")
    roles = [f"{stage} {model.name}-seed{seed}" for seed in profile.seeds for model in profile.population for stage in STAGES]
    assert list(step.parents) == ["material", "expert", "reading", *roles]
    assert step.parents["expert"].name == f"measure/{profile.expert.name}-seed{profile.seeds[0]}"
    for role, parent in step.parents.items():
        stage, _, member = role.partition(" ")
        assert role in ("material", "expert", "reading") or parent.name == f"{stage}/{member}"


def test_a_population_in_one_style_shares_what_its_style_leaves_alone():
    profile = studies.profile("smoke")
    crossed, styled = (studies.declare("population", "smoke", which=which) for which in ("crossed", "other"))
    assert styled.name == "population/other"
    assert [member.style for member in styled.settings.members] == ["other"] * len(profile.population)
    for model in profile.population:
        here, there = f"train {model.name}-other-seed1", f"train {model.name}-seed1"
        same = not model.mix.startswith("blend")
        assert (styled.parents[here].key == crossed.parents[there].key) is same
        assert styled.parents[here].settings.model == model.in_style("other")
        assert styled.parents[here.replace("train", "measure")].parents["train"].key == styled.parents[here].key


def test_whole_says_who_reads_weights_and_token_rows():
    whole = {step.name.split("/")[0] for step in studies.steps("smoke") if step.whole}
    light = {step.name.split("/")[0] for step in studies.steps("smoke") if not step.whole}
    assert light == {
        *(
            "population",
            "training_noise",
            "published_forecasts",
            "published_preferences",
            "published_alarms",
            "published_checkpoints",
            "lab_checkpoints",
            "surgical",
            "published_surgical",
            "plan_stops",
            "published_scale",
            "ceilings",
            "few_notes",
            "sft_or_rl",
            "sft_or_rl_longer",
            "note_metrics",
            "real_notes",
            "proxies_or_loss",
            "scale",
            "second_domain",
            "ranking",
            "ranking_claims",
            "ablations",
            "whose_style",
            "crucial_steps",
            "lab_corpora",
            "loss_fits",
        ),
        *("lab_forecasts", "telemetry", "layers", "page", "benchmark_settings", "pythia_shots", "regressions"),
        *("validation_losses", "domain_losses", "published_losses", "reverse_validation", "real_model"),
    }
    assert whole == {
        *(
            "coloured",
            "damaged",
            "material",
            "corpora",
            "train",
            "measure",
            "reading",
            "trajectory",
            "late_checkpoints",
            "corpus_run",
            "your_models",
            "numerics",
            "datadecide",
            "regmix",
            "judgments",
            "telemetry_worlds",
            "layers_base",
            "faulty",
            "pretrained",
            "configuration",
            "post_base",
            "overfit_run",
            "mixture_run",
            "rounds",
            "policy_start",
            "fetched_model",
            "note_cell",
            "note_judge",
            "taught",
            "taught_longer",
            "student_of_few",
        ),
        *("scribe", "domain_material", "base", "cell", "source", "judge", "prompt_search", "verdicts", "robustness", "student"),
    }


def test_every_model_is_measured_beside_the_expert_and_the_expert_alone():
    profile = studies.profile("smoke")
    expert = f"measure/{profile.expert.name}-seed{profile.seeds[0]}"
    measured = [step for step in studies.steps("smoke") if step.name.startswith("measure/")]
    for step in measured:
        roles = {"train", "material"} | (set() if step.name == expert else {"expert"})
        assert set(step.parents) == roles and step.parents["train"].name == step.name.replace("measure/", "train/")
        assert step.name == expert or step.parents["expert"].name == expert
    assert len(measured) > len(profile.population)


def test_the_expert_is_the_most_work_of_a_training_and_analyses_are_none():
    steps = [step for step in studies.steps("reference") if step.name != "judge" and not step.shared]
    minutes = {step.name: step.resources.minutes for step in steps}
    trained = {name: minutes[name] for name in minutes if name.startswith("train/")}
    assert max(trained, key=trained.get) == "train/qwen3-bpe-112-seed2"
    assert minutes["ranking"] < 1 and minutes["crucial_steps"] < 1
    for step in steps:
        if step.name.startswith("trajectory/"):
            spec = step.settings.training
            assert step.resources.minutes == pytest.approx(spec.training.minutes(spec.model) + 40 * 0.1)


def test_trajectories_are_plain_runs_of_text_that_no_other_model_reads():
    profile = studies.profile("reference")
    names = {f"trajectory/{spec.name}" for spec in profile.trajectories.runs}
    steps = [step for step in studies.steps("reference") if step.name in names]
    assert len(steps) == len(profile.trajectories.runs) >= 6
    watched_after = [studies.declare("trajectory", "reference", model=spec.name) for spec in profile.trajectories.post]
    assert len({step.settings.training.model.family for step in watched_after}) == len(watched_after) >= 3
    assert {step.settings.training.model.post for step in watched_after} == {"style"}
    seeds = [step.settings.training.seed for step in (*steps, *watched_after)]
    others = {step.settings.seed for step in studies.steps("reference") if step.name.startswith("train/")}
    assert len(set(seeds)) == len(seeds) and not others.intersection(seeds)
    for step, spec in zip(steps, profile.trajectories.runs, strict=True):
        assert step.settings.training.model == spec and spec.post == "none" and spec.share > 1
        assert set(step.parents) == {"material", "expert"}
    assert (
        len({spec.family for spec in profile.trajectories.runs}) >= 6 and len({s.width for s in profile.trajectories.runs}) >= 2
    )


def test_the_judge_learns_from_bases_seeds_and_conversations_that_it_never_judges():
    judged = {role: step for role, step in studies.declare("verdicts", "lab").parents.items() if role.startswith("cell/")}
    sources = [step for role, step in studies.declare("judge", "lab").parents.items() if role.startswith("source")]
    assert sources and judged
    for source in sources:
        for step in judged.values():
            assert source.settings.base.width != step.settings.base.width
            assert source.settings.tests.seed != step.settings.tests.seed and not source.settings.tests.unseen
            assert source.parents["base"].key != step.parents["base"].key
            assert source.parents["base"].settings.seed != step.parents["base"].settings.seed


def test_both_schedules_share_the_middle_of_the_grid():
    profile = studies.profile("reference")
    cells = studies.declare("loss_fits", "reference").parents
    middle = profile.scribe.examples[1]
    by = {role: step.settings for role, step in cells.items() if role.startswith("cell/")}
    assert {s.schedule for s in by.values() if s.examples == middle} == {"epochs"}
    steps = -(-middle // profile.scribe.batch) * profile.scribe.epochs
    assert {s.steps for s in by.values() if s.schedule == "steps"} == {steps}


def test_an_override_makes_another_run():
    model = studies.profile("lab").population[0].name
    plain = studies.declare("train", "lab", model=model)
    assert studies.declare("train", "lab", model=model, tokens=5000).key != plain.key
    assert studies.declare("train", "lab", model=model, seed=9).key != plain.key


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"name": "trian", "profile": "smoke"}, "stage trian is unknown; there are "),
        ({"name": "train", "profile": "smokey", "model": "MODEL"}, "'smokey' is unknown"),
        ({"name": "train", "profile": "smoke", "model": "llama-byte-33"}, "'llama-byte-33' is not in this profile; it has"),
        ({"name": "train", "profile": "smoke", "modle": "x"}, "parameter modle is unknown in train"),
        ({"name": "train", "profile": "smoke", "model": "MODEL", "tokens": 5}, "parameter tokens"),
        (
            {"name": "population", "profile": "lab", "which": "other"},
            "profile lab has no population 'other'; beside crossed it has none",
        ),
    ],
)
def test_a_bad_declaration_is_one_line(call, said):
    if call.get("model") == "MODEL":
        call = call | {"model": studies.profile("smoke").population[0].name}
    with pytest.raises(UserError) as error:
        studies.declare(**call)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_an_unknown_mix_stops_when_it_is_declared(folder):
    path = folder / "smoke.yaml"
    values = yaml.safe_load(path.read_text())
    values["population"][0]["mix"] = "salad"
    path.write_text(yaml.safe_dump(values))
    with pytest.raises(UserError, match="recipe 'salad' is unknown"):
        studies.steps("smoke")


def test_a_page_depends_on_the_code_that_its_cells_call_and_its_stages_do_not(monkeypatch):
    """Modules that a page's notebook names are reached from it."""
    for name in studies.profile("reference").pages:
        notebook = NOTEBOOKS / "pages" / f"{name}.ipynb"
        reached = closure.modules(closure.called_by(notebook))
        for module, names in re.findall(r"from (proxylib\.[\w.]+) import ([\w, ]+)", notebook.read_text()):
            if not module.startswith(closure.ENGINE):
                assert module in reached or {f"{module}.{part.split()[0]}" for part in names.split(",")} & reached, (
                    name,
                    module,
                )
    before = ids()
    monkeypatch.setattr(closure, "digest_of_notebook", lambda path: "other")
    after = ids()
    assert {name for name in before if before[name] != after[name]} == {name for name in before if name.startswith("page/")}


def test_the_digest_of_a_notebook_ignores_what_an_editor_adds(tmp_path):
    import nbformat

    path = NOTEBOOKS / "pages" / "the_lab.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["widgets"] = {}
    notebook.cells[1]["execution_count"] = 3
    nbformat.write(notebook, tmp_path / "copy.ipynb")
    assert cells_digest(tmp_path / "copy.ipynb") == cells_digest(path)
    notebook.cells[-1].source += "\n1"
    nbformat.write(notebook, tmp_path / "copy.ipynb")
    assert cells_digest(tmp_path / "copy.ipynb") != cells_digest(path)


def test_what_most_has_to_wait_for_begins_first():
    steps = studies.steps("reference")
    chains = chains_of(steps)
    for step in steps:
        assert all(chains[parent.key.run_id] > chains[step.key.run_id] or step.page for parent in step.parents.values())
    by = {step.name: chains[step.key.run_id] for step in steps}
    ready = [name for name in by if name.startswith(("base/", "train/"))]
    assert max(ready, key=by.get) == "base/80-seed1001"  # the LM judge waits for its notes, and the studies of judges for it
