"""Values read from YAML, and settings validated: numbers are numbers, and errors name their place."""

import math

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
