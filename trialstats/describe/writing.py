"""Write a draft as YAML that a person reads: short nodes on a line, guesses above."""

import json
import re
import textwrap
from collections.abc import Mapping
from typing import Any

import yaml

from trialstats.describe.sheet import Path, Sheet

_WIDTH = 88
_PLAIN = re.compile(r"[A-Za-z(][\w ./%()'^+*<>=-]*(?<! )|\d+[A-Za-z][\w./-]*")
_WORDS_OF_YAML = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"}

#: Keys before which a line is left free.
_SECTIONS = {
    *("sources", "adsl", "bds", "responders", "adae", "adtte", "analysis_sets"),
    *("analyses", "missing_codes", "sequences"),
}


def written(sheet: Sheet, heading: list[str]) -> str:
    """Return the text of a draft.

    Parameters
    ----------
    sheet : Sheet
        The configuration and its remarks.
    heading : list of str
        Lines of comment at the beginning.
    """
    lines = [f"# {line}" for line in heading]
    _block(sheet.config, (), sheet, lines)
    return "\n".join(lines) + "\n"


def _block(node: Mapping[str, Any], path: Path, sheet: Sheet, lines: list[str]) -> None:
    indent = "  " * len(path)
    for key, value in node.items():
        here = (*path, str(key))
        if not path and key in _SECTIONS:
            lines.append("")
        for remark in sheet.remarks.get(here, []):
            width = _WIDTH - len(indent) - 2
            lines += [f"{indent}# {part}" for part in textwrap.wrap(remark, width)]
        start = f"{indent}{scalar(str(key))}:"
        remarked = any(
            known[: len(here)] == here and len(known) > len(here)
            for known in sheet.remarks
        )
        flat = f"{start} {flow(value)}"
        deep = isinstance(value, Mapping) and value
        sections = len(path) == 0 and key in (
            "sources",
            "adsl",
            "bds",
            "adtte",
            "analyses",
        )
        if deep and (remarked or sections or len(flat) > _WIDTH):
            lines.append(start)
            _block(value, here, sheet, lines)
        elif isinstance(value, list) and len(flat) > _WIDTH and value:
            lines.append(start)
            lines += [f"{indent}  - {flow(item)}" for item in value]
        else:
            lines.append(flat)


def flow(value: Any) -> str:
    """Return a value on one line.

    >>> flow({"column": "age", "recode": {"1": "Y"}, "range": [0, 1.5]})
    '{column: age, recode: {"1": "Y"}, range: [0, 1.5]}'
    """
    if isinstance(value, Mapping):
        return (
            "{"
            + ", ".join(f"{scalar(str(k))}: {flow(v)}" for k, v in value.items())
            + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return scalar(value)


def scalar(value: Any) -> str:
    """Return one value as YAML, text in quotes where it would not be read as text.

    >>> scalar("Week 4"), scalar("1"), scalar("N"), scalar("a: b"), scalar(True)
    ('Week 4', '"1"', '"N"', '"a: b"', 'true')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    text = str(value)
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML
    if plain and yaml.safe_load(text) == text:
        return text
    return json.dumps(text, ensure_ascii=False)
