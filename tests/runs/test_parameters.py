"""Parameters of notebooks: whatever papermill takes is read without being run, and no given value is silently of no use."""

import json
import unicodedata

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxylib.errors import UserError
from proxylib.runs import parameters


def notebook(path, *sources, tags=("parameters",), **metadata):
    cells = [nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)}) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=[*cells, nbformat.v4.new_code_cell("1")], metadata=metadata), path)
    return path


@pytest.fixture
def cell(tmp_path):
    return lambda source: notebook(tmp_path / "own.ipynb", source)


PLAIN = {  # source -> default and type's name
    "x: int = 3  # help": (3, "int"),
    "x: float = 3": (3, "float"),
    "x: 'float' = 3": (3, "float"),
    "x = 10 * 60 - 1": (599, "int"),
    "x = 2 ** 10": (1024, "int"),
    "x = -0.5": (-0.5, "float"),
    "x = None": (None, ""),
    "x: int | None = None": (None, "int or None"),
    "x: typing.Optional[str] = None": (None, "str or None"),
    "x: Any = 3": (3, ""),
    "x: Literal['a', 'b'] = 'a'": ("a", "str"),
    "x: list[int] = [1,\n  2]": ([1, 2], "list"),
    "x = {'a': [1, None]}": ({"a": [1, None]}, "dict"),
    'x = """two\nlines"""': ("two\nlines", "str"),
    "x = '\\d'": ("\\d", "str"),
    "x = y = 3": (3, "int"),
    "y, x = 'a', 3": (3, "int"),
    "y, (z, x) = 1, (2, 'a')": ("a", "str"),
    "x = 1\nx = 'a'": ("a", "str"),
    "x: float\nx = 1": (1, "float"),
    "if True:\n    x = 3": ("if True:\n    x = 3", ""),
    "import os\nx = os.cpu_count()": ("os.cpu_count()", ""),
    "from math import pi\nx = pi": ("pi", ""),
    "x = {'a', 'b'}": ("{'a', 'b'}", "set"),
    "x = (1, 2)": ("(1, 2)", "tuple"),
    "import datetime\nx = datetime.date(2024, 1, 1)": ("datetime.date(2024, 1, 1)", "date"),
    "x = 1e999": ("1e309", "float"),
    "x = 10 ** 10 ** 10": ("10 ** 10 ** 10", ""),
    "x = 'a' * 10 ** 9": ("'a' * 10 ** 9", ""),
    "x = 1 / 0": ("1 / 0", ""),
    "x = {[]: 1}": ("{[]: 1}", ""),
    "x = f'{1}'": ("f'{1}'", ""),
    "%matplotlib inline\nx = 3": (3, "int"),
    "!ls\nx = 3": (3, "int"),
    '"""What it does."""\nx = 3; z = 4': (3, "int"),
    "print([i for i in range(3)])\nx = 3": (3, "int"),
}


@pytest.mark.parametrize("source", PLAIN)
def test_what_a_cell_assigns_is_read(cell, source):
    parameter = parameters.read(cell(source))["x"]
    assert (parameter.default, parameter.kind) == PLAIN[source]
    json.dumps(parameter.default, allow_nan=False)


@pytest.mark.parametrize(
    ("source", "value", "said"),
    [
        ("x = 10 * 60", "three", "expected int, given 'three'"),
        ("x: float = 1", "a", "expected float"),
        ("x: int | None = None", "a", "expected int or None"),
        ("x = {'a', 'b'}", ["a"], "is a set, which cannot be given"),
        ("x = (1, 2)", [1, 2], "is a tuple, which cannot be given"),
        ("x: tuple[int, int] = read()", [1, 2], "is a tuple, which cannot be given"),
        ("import datetime\nx = datetime.date(2024, 1, 1)", "2024-02-30", "is a date, which cannot be given"),
        ("x = 2\nhalf = x / 2", 4, "line 2: reads x before the given value takes its place"),
        ("x = 2\nprint(x)", 4, "line 2: reads x before"),
        ("import os\ny = 3", 4, "parameter x is unknown in own.ipynb; it has y"),
        ("pass", 4, "it has none"),
    ],
)
def test_a_value_that_cannot_take_its_place_is_refused(cell, source, value, said):
    with pytest.raises(UserError) as error:
        parameters.check(cell(source), {"x": value})
    assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("source", "value"),
    [("x: float = 1", 0.5), ("x: float = 1", 2), ("x = 0.5", 2), ("x = None", [1]), ("x = 3", None), ("x: int | str = 3", "a")],
)
def test_a_value_of_its_type_is_taken(cell, source, value):
    parameters.check(cell(source), {"x": value})


def test_a_name_without_a_value_must_be_given(cell):
    path = cell("x: int\ny = 2")
    assert parameters.defaults(path) == {"y": 2}
    parameters.check(path, {"x": 3})
    with pytest.raises(UserError, match="x of own.ipynb has no default; give it: -p x VALUE"):
        parameters.check(path, {})


def test_what_is_worked_out_from_a_value_that_is_given_too_is_no_fault(cell):
    parameters.check(cell("x = 2\nhalf = x / 2"), {"x": 4, "half": 1.5})


@pytest.mark.parametrize(
    ("sources", "more", "said"),
    [
        (("x = 1", "y = 2"), {}, "2 cells are tagged 'parameters'"),
        (("x = 1",), {"tags": ()}, "no cell is tagged 'parameters'"),
        (("x = ",), {}, "parameters cell, line 1: not Python"),
        (("x = 1\n  y = 2",), {}, "not Python"),
        (("x = '\0'",), {}, "not Python"),
        ((f"x = {'(' * 300}1{')' * 300}",), {}, "not Python"),
        (("x <- 1",), {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}, "a notebook of the language 'R'"),
    ],
)
def test_a_notebook_whose_parameters_cannot_be_told_is_one_line(tmp_path, sources, more, said):
    with pytest.raises(UserError) as error:
        parameters.read(notebook(tmp_path / "own.ipynb", *sources, **more))
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_tagged_text_and_an_older_format_are_refused(tmp_path):
    tagged = nbformat.v4.new_markdown_cell("x = 1", metadata={"tags": ["parameters"]})
    nbformat.write(nbformat.v4.new_notebook(cells=[tagged]), tmp_path / "text.ipynb")
    with pytest.raises(UserError, match="holds no code"):
        parameters.read(tmp_path / "text.ipynb")
    old = nbformat.v3.new_notebook(worksheets=[nbformat.v3.new_worksheet(cells=[nbformat.v3.new_code_cell("x = 1")])])
    (tmp_path / "old.ipynb").write_text(nbformat.v3.writes_json(old))
    with pytest.raises(UserError, match="older format"):
        parameters.read(tmp_path / "old.ipynb")


names = st.sampled_from(["a", "b", "rate", "größe"])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=3)
literals = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=2)
        | st.tuples(inner)
        | st.sets(st.integers(), max_size=2)
    ),
    max_leaves=5,
)
values = literals.map(repr) | st.sampled_from(
    ["a", "1 + 2", "1 // 0", "9 ** 9 ** 9", "f()", "lambda: a", "[a for a in b]", "...", "1j"]
)
annotations = st.sampled_from(["", ": int", ": 'str'", ": int | None", ": Optional[list[int]]", ": no.such[1]", ": 'no such'"])
lines = st.one_of(
    st.builds("{}{} = {}".format, names, annotations, values),
    st.builds("{}: {}".format, names, st.sampled_from(["int", "str"])),
    st.builds("{}, {} = {}".format, names, names, values),
    st.builds("{} = {} = {}".format, names, names, values),
    st.builds("{} += {}".format, names, values),
    st.builds("if {}:\n    {} = {}".format, values, names, values),
    st.sampled_from(
        ["", "# a comment", "import os", "%time a = 1", "!ls {a}", "print(a)", "def f(): return 1", "a =", "del a"]
    ),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(lines, min_size=1, max_size=4).map("\n".join), names, literals)
def test_any_cell_is_read_as_python_runs_it_or_refused_in_one_line(cell, source, name, value):
    path = cell(source)
    try:
        known = parameters.read(path)
        parameters.check(path, {name: value})
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert name in known and (value is None or not known[name].kind or isinstance(value, known[name].kinds))


exact = st.one_of(literals.map(repr), st.sampled_from(["1 + 2", "2 ** 8 - 1", "7 // 2", "7 % 4", "1 / 4", "-3 * 0.5"]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(names, exact), min_size=1, max_size=4), st.booleans())
def test_defaults_are_what_python_makes_of_them(cell, pairs, together):
    source = "\n".join(f"{name} = {value}" for name, value in pairs)
    if together:
        source = f"{', '.join(name for name, _ in pairs)}, = {', '.join(value for _, value in pairs)},"
    scope = {"inf": float("inf"), "nan": float("nan")}
    exec(source, scope)
    for name, parameter in parameters.read(cell(source)).items():
        value = scope[unicodedata.normalize("NFKC", name)]
        assert parameter.kind in ("", type(value).__name__)
        if "inf" not in repr(value) and "nan" not in repr(value):
            assert parameter.kind == ("" if value is None else type(value).__name__)
        try:
            plain = json.loads(json.dumps(value, allow_nan=False)) == value
        except (TypeError, ValueError):
            plain = False
        assert not plain or parameter.default == value
        json.dumps(parameter.default, allow_nan=False)
