"""Pieces of configuration as a person would write them, on a line if they fit."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

#: Text that needs no quotes inside a line of YAML.
_PLAIN = re.compile(r"[A-Za-z(][\w ./%()'*+!<=>~-]*(?<! )")

#: Keys that are read as text however they look, as codes such as -99.
_CODE = re.compile(r"-?\d+(\.\d+)?|[YN]|[A-Za-z]\w*")


def snippet(key: str, value: Any, *, width: int = 84) -> list[str]:
    """Return the lines of a key with its value.

    Parameters
    ----------
    key : str
        Name of the key.
    value : object
        Its value: a mapping, a list, text, a number or a truth value.
    width : int
        Characters of a line.

    Returns
    -------
    list of str

    Examples
    --------
    >>> snippet("range", [0, 10])
    ['range: [0, 10]']
    >>> snippet("units", {"column": "unit", "factors": {"lb": 0.45}}, width=30)
    ['units:', '  column: unit', '  factors: {lb: 0.45}']
    """
    return list(_lines(f"{_name(key)}:", value, width))


def _lines(start: str, value: Any, width: int) -> Iterator[str]:
    flat = f"{start} {inline(value)}"
    if len(flat) <= width or not isinstance(value, (Mapping, list)) or not value:
        yield flat
    elif isinstance(value, Mapping):
        yield start
        for key, inner in value.items():
            for line in _lines(f"{_name(key)}:", inner, width - 2):
                yield f"  {line}"
    else:
        yield start
        for item in value:
            yield f"  - {inline(item)}"


def inline(value: Any) -> str:
    """Return a value on one line.

    >>> inline({"-99": "not done", "Week 4": ["a", 1.5, True, "1", "a: b"]})
    '{-99: not done, Week 4: [a, 1.5, true, "1", "a: b"]}'
    """
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_name(k)}: {inline(v)}" for k, v in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list):
        return f"[{', '.join(inline(item) for item in value)}]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, (int, float)):
        return repr(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and yaml.safe_load(text) == text:
        return text
    return json.dumps(text, ensure_ascii=False)


def _name(key: str) -> str:
    # Configurations are read with keys as text: neither `-99` nor `on` needs quotes.
    return key if _CODE.fullmatch(key) or _PLAIN.fullmatch(key) else json.dumps(key)
