"""Edits between two configurations are counted as a person would."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialstats.describe import edits

BASE = {
    "title": "Draft",
    "arms": {"control": "Placebo", "treatments": ["A", "B"]},
    "bds": {"PK": {"label": "Pk", "unit": "points", "visits": {"visit": "End"}}},
}


def changed(path, value):
    new = copy.deepcopy(BASE)
    node = new
    for key in path[:-1]:
        node = node[key]
    if value is None:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return new


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (BASE, []),
        (changed(["title"], "Trial"), ["title: Draft -> Trial"]),
        (changed(["bds"], None), ["bds: removed"]),
        (changed(["adtte"], {"T": {"a": 1, "b": 2}}), ["adtte: added"]),
        (changed(["arms", "treatments"], ["A", "C"]), ["arms.treatments.1: B -> C"]),
        (changed(["arms", "treatments"], ["A"]), ["arms.treatments.1: removed"]),
        (
            changed(["arms", "treatments"], ["X", "A", "B"]),
            ["arms.treatments.0: added"],
        ),
        (
            changed(["bds"], {"SCORE": BASE["bds"]["PK"]}),
            ["bds.PK: renamed SCORE"],
        ),
        (
            changed(["bds"], {"SCORE": {**BASE["bds"]["PK"], "label": "Score"}}),
            ["bds.PK: renamed SCORE", "bds.SCORE.label: Pk -> Score"],
        ),
        (
            changed(["bds"], {"SCORE": {"label": "Score", "unit": "mm"}}),
            ["bds.PK: removed", "bds.SCORE: added"],
        ),
        # A node of another kind is one change, whatever stood below it.
        (changed(["arms"], "two"), [f"arms: {str(BASE['arms'])[:37]}... -> two"]),
    ],
)
def test_edits_are_the_largest_nodes_that_differ(new, expected):
    assert edits(BASE, new) == expected


def test_equal_numbers_are_no_edit_and_the_order_of_keys_is_none():
    assert edits({"a": 1, "b": 2}, {"b": 2.0, "a": 1}) == []
    assert edits({"a": True}, {"a": 1}) == ["a: True -> 1"]
    assert edits({"a": "1"}, {"a": 1}) == ["a: 1 -> 1"]


def test_two_plain_values_under_other_names_are_two_edits():
    # Nothing is left of the first: it was taken away, and another was written.
    assert edits({"a": 1}, {"b": 2}) == ["a: removed", "b: added"]
    assert edits({"a": 1}, {"b": 1}) == ["a: renamed b"]


TREES = st.recursive(
    st.integers(0, 3) | st.sampled_from(["x", "y"]),
    lambda inner: (
        st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)
        | st.lists(inner, max_size=3)
    ),
    max_leaves=12,
)
MAPPINGS = st.dictionaries(st.sampled_from("abcd"), TREES, max_size=4)


@given(MAPPINGS, MAPPINGS)
def test_there_are_no_edits_only_between_equal_trees(old, new):
    assert (edits(old, new) == []) == (old == new)


@given(MAPPINGS, MAPPINGS)
def test_replacing_every_key_is_the_most_that_edits_count(old, new):
    assert len(edits(old, new)) <= size(old) + size(new)


@given(MAPPINGS, MAPPINGS)
def test_the_way_back_takes_as_many_edits(old, new):
    assert len(edits(old, new)) == len(edits(new, old))


def size(node):
    """Return the number of nodes of a tree."""
    below = node.values() if isinstance(node, dict) else node
    return 1 + sum(size(n) for n in below) if isinstance(node, dict | list) else 1
