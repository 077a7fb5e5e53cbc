"""JSON objects in text: where they stand, what of their marks is mended, and what a broken one hides."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from proxylib.judging import objects

plain = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text(st.characters(codec="utf-8", exclude_characters="“”"), max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=2),
    max_leaves=4,
)
values = st.dictionaries(st.text("abc", min_size=1, max_size=2), plain, min_size=1, max_size=3)
prose = st.text("word .\n:", max_size=12)
#: how an object is spelt -> text
SPELT = {
    "JSON": json.dumps,
    "with line ends": lambda value: json.dumps(value, indent=2, ensure_ascii=False),
    "with a comma too many": lambda value: json.dumps(value)[:-1] + " , }",
    "as Python does": repr,
}


def as_dict(value):
    """Members as the dict that they came of."""
    if isinstance(value, objects.Members):
        return {name: as_dict(inner) for name, inner in value}
    return [as_dict(part) for part in value] if isinstance(value, list) else value


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(prose, values, st.sampled_from(list(SPELT))), max_size=3), prose)
def test_objects_between_words_are_found_in_their_order_however_they_are_spelt(parts, end):
    text = "".join(before + SPELT[spelling](value) for before, value, spelling in parts) + end
    rows = objects.outermost(text)
    assert [as_dict(row.members) for row in rows] == [value for _, value, _ in parts]
    assert [text[row.start : row.end] for row in rows] == [SPELT[spelling](value) for _, value, spelling in parts]
    anywhere = [as_dict(members) for members in objects.anywhere(text)]
    assert all(value in anywhere for _, value, _ in parts)


def test_a_broken_object_hides_what_it_holds_from_the_outermost_alone():
    text = '{"a": broken {"b": 1}} {"c": 2} {"d": {"e": 3}'
    assert [as_dict(row.members) for row in objects.outermost(text)] == [{"c": 2}]
    assert [as_dict(members) for members in objects.anywhere(text)] == [{"b": 1}, {"c": 2}, {"e": 3}]


def test_a_name_that_is_given_twice_is_kept_twice():
    for text in ('{"a": 1, "a": 2}', "{'a': 1, 'a': 2}", '{"a": 1, "a": 2,}'):
        assert objects.outermost(text)[0].members == [("a", 1), ("a", 2)]


def test_objects_inside_of_one_come_with_their_names():
    members = objects.outermost(json.dumps({"A ": {"b": 1}, "c": [[{"d": 2}], 3], "e": '{"f": 4}', "g": 'say {"h": 5}'}))[
        0
    ].members
    assert [(name, as_dict(inner)) for name, inner in objects.inside(members)] == [
        ("a", {"b": 1}),
        ("c", {"d": 2}),
        ("e", {"f": 4}),
    ]
    assert as_dict(dict(members)["g"]) == 'say {"h": 5}'


def test_only_texts_and_no_code_are_read():
    for text in ("{'a': print(1)}", "{'a': b}", "{'a'}", "{1: 'a'}", "{'a': f'{1}'}", "{'a': " * 300):
        assert objects.outermost(text) == [], text
