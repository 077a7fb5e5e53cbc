"""Options derived from settings: every default and bound from its class, every error one line that names the option."""

import re
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from proxylib.cli import options, parser
from proxylib.errors import UserError
from proxylib.settings import Frozen
from proxylib.studies.loss.settings import hub


class Inner(Frozen):
    """A group of options."""

    chunk: int = Field(default=128, ge=1, description="positions at a time")
    share: bool = Field(default=True, description="compute a beginning once")
    rate: float = Field(default=0.05, ge=0, le=1, allow_inf_nan=False, description="in 5 % steps")


class Outer(Frozen):
    """Do something.

    More about it.
    """

    name: str | None = Field(default=None, description="of the thing", json_schema_extra=options.POSITIONAL)
    models: tuple[str, ...] = Field(description="folders")
    out: Path | None = Field(default=None, description="a folder")
    seeds: tuple[int, ...] = Field(default=(), description="numbers")
    device: Literal["cpu", "cuda"] = Field(default="cpu", description="where")
    chat: bool = Field(default=False, description="a user's turn")
    fields: dict[str, str] = Field(default={}, description="names")
    parameters: dict[str, Any] = {}
    inner: Inner = Inner()


def parsed(*words):
    whole = options.Parser(prog="proxylib")
    commands = whole.add_subparsers(required=True, metavar="COMMAND", parser_class=options.Parser)
    options.command(commands, "do", Outer, lambda settings: 0)
    args = whole.parse_args(["do", *words])
    return options.read(args.kind, vars(args), "do")


def test_what_is_not_said_is_as_the_class_has_it():
    assert parsed("--models", "a") == Outer(models=("a",))


def test_words_become_what_the_class_wants():
    words = ["thing", "--models", "a", "b", "--models", "c", "--out", "x", "--seeds", "1", "2e3", "--device", "cuda", "--chat"]
    words += ["--fields", "prompt=q=a", "solution=s", "-p", "rate", "2e-4", "--chunk", "7", "--no-share", "--rate", "1e-2"]
    inner = Inner(chunk=7, share=False, rate=0.01)
    assert parsed(*words) == Outer(
        name="thing",
        models=("a", "b", "c"),
        out=Path("x"),
        seeds=(1, 2000),
        device="cuda",
        chat=True,
        fields={"prompt": "q=a", "solution": "s"},
        parameters={"rate": 0.0002},
        inner=inner,
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--models", "a", "--chunk", "0"], "--chunk: Input should be greater than or equal to 1 (given: 0)"),
        (["--models", "a", "--chunk", "many"], "--chunk: Input should be a valid integer (given: 'many')"),
        (["--models", "a", "--chunk", "2.5"], "--chunk: Input should be a valid integer"),
        (["--models", "a", "--chunk", "true"], "--chunk: Input should be a valid integer (given: True)"),
        (["--models", "a", "--chunk", "[1"], "--chunk: Input should be a valid integer (given: '[1')"),
        (["--models", "a", "--rate", "nan"], "--rate: Input should be a"),
        (["--models", "a", "--rate", "2"], "--rate: Input should be less than or equal to 1 (given: 2)"),
        (["--models", "a", "--seeds", "1", "x"], "--seeds: Input should be a valid integer (given: 'x')"),
        (["--models", "a", "-p", "rate", "[1"], "parameter rate: '[1' is not YAML; quote it"),
        (["--models", "a", "-p", "day", "!!set {a}"], "parameter day: only numbers, text"),
        (["--models", "a", "-y", "gone.yaml"], "gone.yaml: no such file"),
    ],
)
def test_a_value_out_of_bounds_names_its_option(words, said):
    with pytest.raises(UserError) as caught:
        parsed(*words)
    assert str(caught.value).startswith(said) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--models"),
        (["--models", "a", "--device", "tpu"], "--device: invalid choice: 'tpu'"),
        (["--models", "a", "--fields", "prompt"], "--fields: 'prompt' is not OURS=THEIRS"),
        (["--models"], "--models: expected at least one argument"),
    ],
)
def test_a_word_that_does_not_fit_is_one_line(words, said):
    with pytest.raises(UserError) as caught:
        parsed(*words)
    assert said in str(caught.value) and str(caught.value).endswith("; see proxylib do --help")


def test_an_option_that_there_is_not_is_one_line():
    with pytest.raises(UserError, match="^unrecognized arguments: --no-chat; see proxylib --help$"):
        parsed("--models", "a", "--no-chat")  # only what is on by default can be switched off


@given(chunk=st.integers(1, 10**9), rate=st.floats(0, 1))
def test_numbers_survive_the_command_line(chunk, rate):
    found = parsed("--models", "a", "--chunk", str(chunk), "--rate", repr(rate))
    assert (found.inner.chunk, found.inner.rate) == (chunk, rate)


@pytest.fixture(scope="module")
def commands():
    """Name -> parser of every command."""
    (action,) = (action for action in parser()._actions if action.dest == "command")
    return action.choices


def test_the_help_of_every_command_shows_every_field_and_default_of_its_class(commands, monkeypatch):
    monkeypatch.setenv("COLUMNS", "10000")  # no word is broken
    for command in commands.values():
        shown = " ".join(command.format_help().split())
        assert "Undefined" not in shown and "None" not in shown
        for name, field in options.fields(command.get_default("kind")):
            if name == "parameters":
                continue
            spelling = rf" {options.flag(name, field)}( [^a-z]+| {{\S+)? (do not )?"
            option = re.search(spelling + re.escape(field.description), shown)
            assert option, name
            if isinstance(field.default, int | float | str) and not isinstance(field.default, bool):
                default = f"{field.default:g}" if isinstance(field.default, float) else field.default
                assert shown[option.end() :].startswith(f" (default {default})"), name


def test_no_command_has_two_options_of_one_name_nor_one_that_the_parser_uses_itself(commands):
    for command in commands.values():
        names = [name for name, _ in options.fields(command.get_default("kind"))]
        assert len(set(names)) == len(names) and not set(names) & {"kind", "function", "command", "parameter", "yaml"}


def test_a_default_stands_in_its_class_and_not_in_the_parser(commands):
    for command in commands.values():
        own = {action.dest: action.default for action in command._actions if action.dest not in ("help", "parameter", "yaml")}
        assert set(own.values()) <= {"==SUPPRESS=="}


@pytest.mark.parametrize(
    "words",
    [
        ["extract", "--model", "m", "--traces", "t", "--out", "o", "--device", "auto"],
        ["rank", "--models", "m", "n", "--traces", "t", "--out", "o", "--device", "auto"],
        ["extract", "--model", "m", "--traces", "t", "--out", "o", "--device", "cuda"],
        ["rank", "--models", "m", "n", "--traces", "t", "--out", "o", "--device", "cuda"],
        ["benchmark", "--model", "m", "--out", "o", "--device", "cuda"],
        ["benchmark", "--model", "m", "--out", "o", "--device", "auto"],
        ["judge", "--model", "hf/m", "--notes", "n", "--out", "o", "--device", "cuda"],
        ["judge", "--model", "hf/m", "--notes", "n", "--out", "o", "--device", "auto"],
    ],
)
def test_commands_that_run_a_model_take_a_device_and_bfloat16(words):
    args = parser().parse_args([*words, "--dtype", "bfloat16"])
    given = options.read(args.kind, vars(args), args.command)
    taken = getattr(given, "settings", getattr(given, "judge", given))
    assert (taken.device, taken.dtype) == (words[-1], "bfloat16")


def test_a_cell_takes_another_device_and_precision_by_name():
    assert (hub({}).device, hub({}).dtype) == ("cuda", "bfloat16")
    assert (hub({"device": "cpu", "dtype": "float32"}).device, hub({"dtype": "float32"}).dtype) == ("cpu", "float32")
