"""Profiles: overlay, validation, one-line errors that name file and key."""

import shutil

import pytest
import yaml

from proxylib import config
from proxylib.errors import UserError


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(config.CONFIGS, tmp_path / "configs")
    return tmp_path / "configs"


def change(folder, profile, **values):
    path = folder / f"{profile}.yaml"
    path.write_text(yaml.safe_dump(config.overlay(yaml.safe_load(path.read_text()), values)))


@pytest.mark.parametrize("profile", config.PROFILES)
def test_every_profile_is_valid(profile):
    loaded = config.load(profile)
    assert loaded.name == profile and loaded.population and loaded.seeds


def test_a_profile_holds_differences_only():
    base = yaml.safe_load((config.CONFIGS / "base.yaml").read_text())
    for profile in config.PROFILES:
        own = yaml.safe_load((config.CONFIGS / f"{profile}.yaml").read_text())
        for section, values in own.items():
            same = (
                [k for k, v in values.items() if base[section].get(k) == v]
                if isinstance(values, dict)
                else values == base.get(section)
            )
            assert not same, f"{profile}: {section} repeats the base ({same})"


def test_every_key_has_its_reason_above_it():
    for path in config.CONFIGS.glob("*.yaml"):
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
        ({"material": {"prose_share": 1.5}}, "material.prose_share"),
        ({"inference": {"level": 95}}, "inference.level"),
        ({"population": [{"architecture": "rnn", "tokenizer": "byte", "width": 32, "depth": 2}]}, "architecture"),
        ({"population": [{"architecture": "llama", "tokenizer": "byte", "width": 32, "depth": 2}] * 2}, "share a name"),
        ({"device": "tpu"}, "device"),
        ({"colour": "red"}, "colour"),
        ({"seeds": []}, "seeds"),
    ],
)
def test_a_bad_value_is_one_line_that_names_file_and_key(folder, values, said):
    change(folder, "smoke", **values)
    with pytest.raises(UserError) as error:
        config.load("smoke", folder)
    assert said in str(error.value) and "smoke.yaml" in str(error.value) and "\n" not in str(error.value)


def test_malformed_yaml_names_the_line(folder):
    (folder / "smoke.yaml").write_text("training:\n  tokens: [1,\n")
    with pytest.raises(UserError, match=r"smoke.yaml, line \d"):
        config.load("smoke", folder)


def test_yaml_cannot_run_code(folder, tmp_path):
    (folder / "smoke.yaml").write_text(f"training: !!python/object/apply:os.system ['touch {tmp_path}/ran']\n")
    with pytest.raises(UserError):
        config.load("smoke", folder)
    assert not (tmp_path / "ran").exists()


def test_unknown_profile_and_model_list_what_exists():
    with pytest.raises(UserError, match="smoke, lab"):
        config.load("labb")
    with pytest.raises(UserError, match="llama-byte-32"):
        config.load("smoke").model("llama")


def test_configs_are_frozen():
    with pytest.raises(Exception, match="frozen"):
        config.load("smoke").training.tokens = 3


def test_a_folder_of_ones_own_takes_the_place_of_configs(folder, monkeypatch):
    change(folder, "smoke", training={"tokens": 4321})
    monkeypatch.setenv("PROXYLIB_CONFIGS", str(folder))
    assert config.load("smoke").training.tokens == 4321
