"""The page "What agrees with metafor and meta" says what the walk and its lists say."""

import re
from pathlib import Path

import pytest
import yaml

from tests.library.meta.reference_cases import CASES, HERE, files_of

LISTS = sorted((HERE / "disagreements").glob("*.yaml"))


def page(root: Path) -> str:
    """Return the page."""
    path = root / "docs" / "methods" / "agreement_with_metafor.md"
    return path.read_text(encoding="utf-8")


def listed() -> dict[str, str | dict[str, str]]:
    """Return everything that is listed, "<file> <id>" -> reason, or value -> reason."""
    found: dict[str, str | dict[str, str]] = {}
    for path in LISTS:
        found |= yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def rows(root: Path) -> dict[str, tuple[int, ...]]:
    """Return cases, agreeing, but for values, and listed, by family."""
    numbers = r"(\d+) \| (\d+) \| (\d+) \| (\d+)"
    found = re.findall(rf"^\| `?([\w.]+)`? \| {numbers} \|", page(root), re.MULTILINE)
    return {name: tuple(map(int, counts)) for name, *counts in found}


def counted(prefix: str) -> tuple[int, ...]:
    """Return the numbers of a row from the walk and its lists."""
    cases = sum(CASES[name] for name in files_of(prefix))
    here = [reason for key, reason in listed().items() if key.startswith(prefix)]
    whole = sum(isinstance(reason, str) for reason in here)
    return cases, cases - len(here), len(here) - whole, whole


def test_the_table_counts_every_case(root: Path) -> None:
    table = rows(root)
    assert table.pop("all") == counted("")
    assert table == {name: counted(name) for name in table}
    # Every file belongs to one family.
    for file in CASES:
        assert sum(file.startswith(name) for name in table) == 1, file


def test_every_listed_case_stands_on_the_page_with_its_reason(root: Path) -> None:
    lines = page(root).splitlines()
    for key, reason in listed().items():
        file, case = key.split(" ", 1)
        assert file in CASES
        if isinstance(reason, str):
            assert f"| `{file}` | `{case}` | {reason} |" in lines, key
        else:
            values = ", ".join(f"`{value}`" for value in reason)
            (why,) = set(reason.values())
            assert f"| `{key}` | {values} | {why} |" in lines, key


def test_the_page_lists_nothing_else(root: Path) -> None:
    whole = re.findall(r"^\| `([\w.]+)` \| `([^`]+)` \| ", page(root), re.MULTILINE)
    parts = re.findall(r"^\| `([\w.]+) ([^`]+)` \| `", page(root), re.MULTILINE)
    assert len(set(whole)) == len(whole)
    assert {f"{file} {case}" for file, case in (*whole, *parts)} == set(listed())


def test_few_cases_are_listed() -> None:
    """At most 3 % of all; none of the plain models, no whole case of the formulas."""
    cases, _, parts, whole = counted("")
    assert parts + whole <= 0.03 * cases
    for family in ("metafor.rma_uni", "metafor.mh_peto"):
        assert counted(family)[2:] == (0, 0)
    assert counted("metafor.escalc")[3] == 0
    assert counted("meta.")[3] == 0


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_every_reason_says_something(path: Path) -> None:
    for key, reason in yaml.safe_load(path.read_text(encoding="utf-8")).items():
        for text in [reason] if isinstance(reason, str) else reason.values():
            assert len(text) > 20, key
