"""What can be bought, from a file as people write it."""

from pathlib import Path

import pytest

from proxylib.errors import UserError
from proxylib.studies.planning.settings import SAME, Plan, layers


def given(tmp_path, text):
    (tmp_path / "l.yaml").write_text(text)
    return Plan(table=Path("t.csv"), out=Path("out"), layers=tmp_path / "l.yaml", items=(10, 50), price=2.0)


def test_layers_take_what_they_do_not_say_from_the_command(tmp_path):
    read = layers(given(tmp_path, "judge: {price: 0.02}\nexpert: {look: 100, items: [5], off: 0.0, spread: 0.3}\n"))
    assert read["judge"].price == 0.02 and read["judge"].items == (10, 50) and read["judge"].off == 0
    assert read["expert"].price == 2 and read["expert"].items == (5,) and read["expert"].spread == 0.3
    assert list(layers(Plan(table=Path("t.csv"), out=Path("out")))) == [SAME]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no layer in it"),
        ("judge: 3", "judge is no mapping"),
        ("judge: {price: -1}", "judge.price: Input should be greater than or equal to 0"),
        ("judge: {cost: 1}", "judge.cost: Extra inputs"),
        ("judge: {items: []}", "judge.items: Tuple should have at least 1 item"),
        ("judge: {items: [0]}", "judge.items: a number of items"),
    ],
)
def test_a_wrong_layer_is_named(tmp_path, text, said):
    with pytest.raises(UserError) as error:
        layers(given(tmp_path, text))
    assert said in str(error.value) and "\n" not in str(error.value)
