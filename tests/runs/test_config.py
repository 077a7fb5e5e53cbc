"""Profiles: overlay, validation, one-line errors that name file and key."""

import itertools
import math
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import contingency

from proxylib import studies
from proxylib.errors import UserError
from proxylib.models.settings import Model
from proxylib.runs import config
from proxylib.settings import overlay
from proxylib.studies.lab.settings import Member

MODEL = {"architecture": "llama", "tokenizer": "byte", "width": 32, "depth": 2, "mix": "expert", "post": "none", "share": 1.0}
ONE = {name: {"models": 1} for name in ("expert", "other", "seeds")}  # of replications


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(config.ROOT / "configs", tmp_path / "configs")
    return tmp_path / "configs"


def change(folder, profile, **values):
    path = folder / f"{profile}.yaml"
    path.write_text(yaml.safe_dump(overlay(yaml.safe_load(path.read_text()), values)))


@pytest.mark.parametrize("profile", config.PROFILES)
def test_every_profile_is_valid(profile):
    loaded = studies.profile(profile)
    assert loaded.name == profile and loaded.population and loaded.seeds


def test_a_profile_holds_differences_only():
    base = yaml.safe_load((config.ROOT / "configs" / "base.yaml").read_text())
    for profile in config.PROFILES:
        own = yaml.safe_load((config.ROOT / "configs" / f"{profile}.yaml").read_text())
        for section, values in own.items():
            if isinstance(values, dict) and {"architecture", "model"} & set(values):
                continue  # a model, or the run of one, is given whole
            same = (
                [k for k, v in values.items() if base.get(section, {}).get(k) == v]
                if isinstance(values, dict)
                else values == base.get(section)
            )
            assert not same, f"{profile}: {section} repeats the base ({same})"


def test_every_key_has_its_reason_above_it():
    for path in (config.ROOT / "configs").glob("*.yaml"):
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            key = line.split(":")[0].strip()
            if ":" in line and not line.lstrip().startswith(("#", "-")) and not line.rstrip().endswith(":"):
                assert lines[number - 1].lstrip().startswith("#"), f"{path.name}, line {number + 1}: {key} has no comment"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"training": {"tokens": "many"}}, "training.tokens"),
        ({"training": {"tokens": 10}}, "training.tokens"),
        ({"training": {"tokns": 5000}}, "training.tokns"),
        ({"training": {"batch_tokens": 64}}, "training.batch_tokens"),
        ({"material": {"prose_share": 0.1}}, "material.prose_share"),
        ({"material": {"prose_items": 1}}, "material.prose_items"),
        ({"training": {"post_share": 1.0}}, "training.post_share"),
        ({"training": {"post_learning_rate_share": 0.0}}, "training.post_learning_rate_share"),
        ({"bootstrap": {"level": 95}}, "bootstrap.level"),
        ({"population": [MODEL | {"architecture": "rnn"}]}, "architecture"),
        ({"population": [MODEL | {"tokenizer": "words"}]}, "tokenizer"),
        ({"population": [MODEL | {"post": "luck"}]}, "post"),
        ({"population": [MODEL | {"share": 0.0}]}, "share"),
        ({"population": [MODEL, MODEL | {"mix": "other"}]}, "share a name"),
        (
            {"population": [MODEL | {"architecture": "qwen3", "tokenizer": "bpe"}], "models": 1, "replications": ONE},
            "its family qwen3-bpe is that of a candidate",
        ),
        ({"ranked": ["sorting", "juggling"]}, "task 'juggling' is not in material.tasks"),
        ({"ranked": ["sorting"]}, "ranked"),
        ({"replications": {"expert": {"style": "poetic", "seeds": [1], "models": 1}}}, "replications.expert.style"),
        ({"models": 99}, "models: 99 are asked for, the table holds 6"),
        ({"counted": {"sorting": [2]}}, "counted: sorting has the levels 3, 4"),
        ({"trajectories": {"watch": {"items": 2}}}, "trajectories.watch.items"),
        ({"trajectories": {"watch": {"averaged": [2, 50]}}}, "are not within 1 and the last 3 checkpoints"),
        ({"trajectories": {"runs": [MODEL | {"post": "style"}]}}, "say post: none"),
        ({"trajectories": {"runs": [MODEL | {"post": "none"}] * 2}}, "two share a name"),
        ({"trajectories": {"runs": [MODEL | {"post": "none"}], "post": [MODEL | {"post": "style"}]}}, "two share a name"),
        ({"trajectories": {"post": [MODEL | {"post": "rejection"}]}}, "none and rejection cannot be watched"),
        ({"device": "tpu"}, "device"),
        ({"colour": "red"}, "colour"),
        ({"seeds": []}, "seeds"),
    ],
)
def test_a_bad_value_is_one_line_that_names_file_and_key(folder, values, said):
    change(folder, "smoke", **values)
    with pytest.raises(UserError) as error:
        config.load("smoke", studies.registry().profile, folder)
    assert said in str(error.value) and "smoke.yaml" in str(error.value) and "\n" not in str(error.value)


def test_malformed_yaml_names_the_line(folder):
    (folder / "smoke.yaml").write_text("training:\n  tokens: [1,\n")
    with pytest.raises(UserError, match=r"smoke.yaml, line \d"):
        config.load("smoke", studies.registry().profile, folder)


def test_yaml_cannot_run_code(folder, tmp_path):
    (folder / "smoke.yaml").write_text(f"training: !!python/object/apply:os.system ['touch {tmp_path}/ran']\n")
    with pytest.raises(UserError):
        config.load("smoke", studies.registry().profile, folder)
    assert not (tmp_path / "ran").exists()


def test_unknown_profile_and_model_list_what_exists():
    with pytest.raises(UserError, match="smoke, lab"):
        studies.profile("labb")
    smoke = studies.profile("smoke")
    with pytest.raises(UserError, match=f"{smoke.population[0].name}.*{smoke.expert.name}"):
        smoke.model("llama")
    assert smoke.model(smoke.expert.name) == smoke.expert
    assert all(smoke.model(model.name) == model for model in smoke.population)


def test_configs_are_frozen():
    with pytest.raises(Exception, match="frozen"):
        studies.profile("smoke").training.tokens = 3


def test_a_folder_of_ones_own_takes_the_place_of_configs(folder, monkeypatch):
    change(folder, "smoke", training={"tokens": 4321})
    monkeypatch.setenv("PROXYLIB_CONFIGS", str(folder))
    assert studies.profile("smoke").training.tokens == 4321


# ---- the population of the lab ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table():
    return pd.DataFrame([model.model_dump() | {"family": model.family} for model in studies.profile("lab").population])


@pytest.mark.parametrize("first", [18, 54])
def test_no_column_of_the_first_models_stands_for_another(table, first):
    columns = ["architecture", "tokenizer", "width", "share", "blend", "rest", "post"]
    part = table[:first].assign(
        blend=table["mix"].str.extract(r"blend-(\d+)")[0], rest=table["mix"].str.extract(r"-([a-z]+)$")[0]
    )
    part = part[columns].fillna("plain").astype(str)
    for one, other in itertools.combinations(columns, 2):
        counts = pd.crosstab(part[one], part[other])
        v = contingency.association(counts.to_numpy(), method="cramer")
        by_luck = math.sqrt(
            (counts.shape[0] - 1) * (counts.shape[1] - 1) / first / (min(counts.shape) - 1)
        )  # its root mean square
        assert v <= by_luck, (
            f"{one} and {other} of the first {first}: {v:.2f}, of columns that were shuffled about {by_luck:.2f}"
        )


def test_the_table_is_twelve_families_of_different_models_and_begins_with_one_of_each(table):
    assert len(table) == 54 and table["family"].nunique() == table["family"][:12].nunique() == 12
    assert not table.duplicated(["family", "width"]).any() and table["family"].value_counts().min() >= 4
    assert table["mix"].str.match(r"blend-(20|40|60|80)(-slips|-web)?$").all()


@pytest.mark.parametrize("name", ["share", "post"])
def test_recipes_and_amounts_are_about_as_frequent(table, name):
    assert np.ptp(table[name].value_counts()) <= 1


def test_the_expert_is_larger_than_any_candidate(table):
    expert = studies.profile("lab").expert
    assert expert.width > table["width"].max() and expert.depth > table["depth"].max()


@pytest.mark.parametrize(
    ("mix", "style", "expected"),
    [
        ("blend-20-web", "other", "blend-0-web"),
        ("blend-60-slips", "expert", "blend-100-slips"),
        ("blend-40", "other", "blend-0"),
        ("blend-80-web", "crossed", "blend-80-web"),
        ("answers", "expert", "answers"),
    ],
)
def test_a_model_in_another_style_reads_the_same_mix_in_that_style(mix, style, expected):
    model = Model(**(MODEL | {"mix": mix}))
    assert model.in_style(style) == Model(**(MODEL | {"mix": expected}))


def test_a_member_is_named_by_model_style_and_seed():
    model = Model(**MODEL)
    names = [Member(model=model, seed=4, style=style).name for style in ("crossed", "expert", "other")]
    assert names == ["llama-byte-32-seed4", "llama-byte-32-expert-seed4", "llama-byte-32-other-seed4"]


def test_the_tuning_seed_is_never_reported():
    # difficulty was tuned on seed 1 (experiment log)
    base = yaml.safe_load((config.ROOT / "configs" / "base.yaml").read_text())
    assert base["seeds"] == [1]
    for profile in ("lab", "reference"):
        loaded = studies.profile(profile)
        assert 1 not in loaded.seeds and all(1 not in replication.seeds for replication in loaded.replications.values())
