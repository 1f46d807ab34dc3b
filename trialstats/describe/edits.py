"""Count what a person changed in a draft to make a configuration of it.

An edit is one node of the two trees that differs and stands in no larger one: a value
that was changed, a key that was added, removed or renamed with all that is below it, an
entry of a list. A key whose value stays the same under another name is one edit. A key
with another name and one difference below it is two, as many as taking one key away and
writing another, which is what all larger differences count as. Order counts in lists
only, and 1 is 1.0.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def edits(draft: Mapping[str, Any], shipped: Mapping[str, Any]) -> list[str]:
    """Return the edits that lead from a draft to a configuration, a line each.

    Parameters
    ----------
    draft, shipped : mapping
        The two configurations, as YAML gives them.

    Examples
    --------
    >>> edits({"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 3}})
    ['b.c: 2 -> 3']
    >>> edits({"a": {"x": 1, "y": 2}}, {"b": {"x": 1, "y": 2}})
    ['a: renamed b']
    """
    return list(_of_mappings(draft, shipped, ""))


def _of_nodes(old: Any, new: Any, place: str) -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _of_mappings(old, new, place)
    elif _is_list(old) and _is_list(new):
        yield from _of_lists(old, new, place)
    elif old != new or (type(old) is not type(new) and not _both_numbers(old, new)):
        yield f"{place}: {_short(old)} -> {_short(new)}"


def _of_mappings(
    old: Mapping[str, Any], new: Mapping[str, Any], place: str
) -> Iterator[str]:
    removed = [key for key in old if key not in new]
    added = [key for key in new if key not in old]
    for key in old:
        if key in new:
            yield from _of_nodes(old[key], new[key], _join(place, key))
    for before, after in _renamed(old, new, removed, added):
        removed.remove(before)
        added.remove(after)
        yield f"{_join(place, before)}: renamed {after}"
        yield from _of_nodes(old[before], new[after], _join(place, after))
    yield from (f"{_join(place, key)}: removed" for key in removed)
    yield from (f"{_join(place, key)}: added" for key in added)


def _renamed(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    removed: Sequence[str],
    added: Sequence[str],
) -> list[tuple[str, str]]:
    """Return keys that changed their name: their values differ by one edit at most.

    Pairs with the same value come first, then by the order of the keys.
    """
    costs = sorted(
        (
            len(list(_of_nodes(old[before], new[after], ""))),
            removed.index(before),
            added.index(after),
        )
        for before in removed
        for after in added
    )
    pairs: list[tuple[str, str]] = []
    for cost, one, other in costs:
        before, after = removed[one], added[other]
        free = all(before != one_ and after != other_ for one_, other_ in pairs)
        if cost <= 1 and free:
            # Values that are no mappings and differ have nothing in common.
            alike = isinstance(old[before], Mapping) and isinstance(new[after], Mapping)
            if alike or not cost:
                pairs.append((before, after))
    return pairs


def _of_lists(old: Sequence[Any], new: Sequence[Any], place: str) -> Iterator[str]:
    """Yield the fewest entries that were changed, added or removed."""
    rows, columns = len(old), len(new)
    best: list[list[list[str]]] = [
        [[] for _ in range(columns + 1)] for _ in range(rows + 1)
    ]
    for i in range(rows + 1):
        for j in range(columns + 1):
            options = []
            if i:
                options.append([*best[i - 1][j], f"{place}.{i - 1}: removed"])
            if j:
                options.append([*best[i][j - 1], f"{place}.{j - 1}: added"])
            if i and j:
                changed = list(_of_nodes(old[i - 1], new[j - 1], f"{place}.{j - 1}"))
                options.append([*best[i - 1][j - 1], *changed])
            if options:
                best[i][j] = min(options, key=len)
    yield from best[rows][columns]


def _is_list(node: Any) -> bool:
    return isinstance(node, Sequence) and not isinstance(node, str)


def _both_numbers(old: Any, new: Any) -> bool:
    numbers = (int, float)
    plain = not isinstance(old, bool) and not isinstance(new, bool)
    return plain and isinstance(old, numbers) and isinstance(new, numbers)


def _join(place: str, key: object) -> str:
    return f"{place}.{key}" if place else str(key)


def _short(node: Any) -> str:
    text = str(node)
    return text if len(text) <= 40 else f"{text[:37]}..."
