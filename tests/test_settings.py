"""Values read from YAML, and settings validated: numbers are numbers, and errors name their place."""

import math
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from proxylib.errors import UserError
from proxylib.settings import Frozen, overlay, parsed, read_yaml, validated


class Rate(Frozen):
    """A rate."""

    rate: float = Field(gt=0, description="of learning")
    steps: tuple[int, ...] = ()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2e-4", 0.0002),
        ("1e6", 1_000_000),
        ("40_000", 40_000),
        ("0x1F", 31),
        (".5", 0.5),
        ("no", "no"),  # these five are other things under YAML 1.1
        ("on", "on"),
        ("010", "010"),
        ("12:30", "12:30"),
        ("2024-02-30", "2024-02-30"),
        ("-1E+3", -1000),
        ("1.5e3", 1500.0),
        ("1.0e+6", 1_000_000.0),
        ("5e-1", 0.5),
        ("3", 3),
        ("true", True),
        ("'2e-4'", "2e-4"),
        ("[1e2, x]", [100, "x"]),
        ("e5", "e5"),
        ("1e", "1e"),
        ("2e-4x", "2e-4x"),
    ],
)
def test_a_power_of_ten_is_a_number_and_whole_where_it_is_written_whole(text, value):
    found = parsed(text)
    assert found == value and type(found) is type(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_python_writes_of_a_number_is_read_as_that_number(value):
    assert parsed(repr(value)) == value


def test_a_file_is_read_like_a_word(tmp_path):
    (tmp_path / "rate.yaml").write_text("rate: 2e-4\nsteps: [1e2]\n")
    assert validated(Rate, read_yaml(tmp_path / "rate.yaml"), "file") == Rate(rate=0.0002, steps=(100,))


@pytest.mark.parametrize("text", ["!!python/object/apply:os.getcwd []", "[1", "a: b: c"])
def test_what_is_no_plain_yaml_is_refused_with_its_file(text, tmp_path):
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(UserError, match="bad.yaml.*: not YAML"):
        read_yaml(tmp_path / "bad.yaml")


def test_an_error_names_its_place_as_a_person_calls_it():
    for where, said in (("file.yaml", "file.yaml: rate: "), (lambda key: f"parameter {key}", "parameter rate: ")):
        with pytest.raises(UserError) as caught:
            validated(Rate, {"rate": -1.0}, where)
        assert str(caught.value) == f"{said}Input should be greater than 0 (given: -1.0)"


@pytest.mark.parametrize("values", [{"rate": "2e-4"}, {"rate": math.nan}, {"rate": 1, "x": 1}, {"rate": 1, "steps": [1.5]}, {}])
def test_nothing_is_guessed(values):
    with pytest.raises(UserError):
        validated(Rate, values, "here")


def test_changes_are_laid_over_section_by_section_and_lists_replaced_whole():
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 3}
    assert overlay(base, {"a": {"c": [9]}, "e": 4}) == {"a": {"b": 1, "c": [9]}, "d": 3, "e": 4}
    assert base == {"a": {"b": 1, "c": [1, 2]}, "d": 3}


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join(['*' + before] * 10)}]\n" for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 5000, "nested more than 50 deep"),
        ("[" * 5000 + "]" * 5000, "nested more than 50 deep"),
        ("{a: " * 5000, "nested more than 50 deep"),
        ("\n".join(" " * depth + "a:" for depth in range(500)), "nested more than 50 deep"),
        ("- " * 5000 + "a", "nested more than 50 deep"),
        (BOMB, "more than 100,000 values"),
        (BOMB.replace("[x", "[{k: v}"), "more than 100,000 values"),
        ("a: &a {x: 1}\nb: &b {<<: [" + "*a, " * 400 + "]}\nc: {<<: [" + "*b, " * 400 + "]}", "more than 100,000 values"),
        ("a: &a [*a]", "more than 100,000 values"),
        ("a: &a {b: {c: *a}}", "more than 100,000 values"),
        ("a: !!timestamp 2024-02-30", "day is out of range"),
        (f"a: {'9' * 5000}", "4300"),
        ("a: 1\nb: 2\na: 3", "line 1: not YAML (key a is given twice)"),
        ("a: {b: 1, b: 2}", "key b is given twice"),
        ("a: \x00", "not YAML"),
        ("a: !!python/object/apply:os.system [id]", "not YAML"),
        ("a: " + "x" * 2_000_000, "more than 1,000,000 bytes"),
    ],
)
def test_yaml_that_no_settings_are_is_one_quick_line(tmp_path, text, said):
    (tmp_path / "p.yaml").write_text(text)
    began = time.perf_counter()
    with pytest.raises(UserError) as raised:
        read_yaml(tmp_path / "p.yaml")
    assert said in str(raised.value) and "p.yaml" in str(raised.value) and time.perf_counter() - began < 2


def test_files_that_cannot_be_read_as_text_are_one_line(tmp_path):
    (tmp_path / "latin.yaml").write_bytes("a: é".encode("latin-1"))
    for path, said in ((tmp_path, "directory"), (tmp_path / "latin.yaml", "not UTF-8"), (Path("/dev/zero"), "more than")):
        with pytest.raises(UserError, match=said):
            read_yaml(path)


def test_aliases_within_bounds_mean_what_they_say(tmp_path):
    (tmp_path / "p.yaml").write_text("a: &a {x: 1, y: [2, 3]}\nb: {<<: *a, x: 4}\nc: [*a, *a]\n")
    values = read_yaml(tmp_path / "p.yaml")
    assert values["b"] == {"x": 4, "y": [2, 3]} and values["c"] == [values["a"]] * 2


def test_a_date_among_settings_is_one_line():
    with pytest.raises(UserError, match="only plain values"):
        validated(Frozen, {"day": parsed("!!timestamp 2024-02-03")}, "p.yaml")


def test_what_is_read_twice_is_read_anew():
    """A text is parsed once, and whoever changes what was read changes it for nobody else."""
    first = parsed("a: {b: [1, 2]}")
    first["a"]["b"].append(3)
    assert parsed("a: {b: [1, 2]}") == {"a": {"b": [1, 2]}}
