"""The examples in the tables of docs/expressions.md are true, and none is missing."""

import doctest
import re
from pathlib import Path

import pandas as pd
import pytest

from trialstats.expressions import value
from trialstats.expressions.functions import FUNCTIONS, WRITTEN_AS_FUNCTIONS

PAGE = Path(__file__).resolve().parents[3] / "docs/expressions.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", TEXT, re.MULTILINE)


@pytest.fixture(scope="module")
def table():
    """Return the table that the page itself makes in its first block."""
    block = TEXT.split("```")[1].removeprefix("python\n")
    test = doctest.DocTestParser().get_doctest(block, {}, PAGE.name, str(PAGE), 0)
    doctest.DocTestRunner().run(test, clear_globs=False)
    return test.globs["table"]


def printed(one):
    if pd.isna(one):
        return "–"
    if isinstance(one, float):
        return f"{one:g}"
    return one.date().isoformat() if isinstance(one, pd.Timestamp) else str(one)


@pytest.mark.parametrize(("expression", "expected"), EXAMPLES)
def test_the_example_gives_what_the_page_says(expression, expected, table):
    given = value(expression, table).tolist()
    assert ", ".join(printed(one) for one in given) == expected


def test_every_row_of_a_table_is_an_example():
    rows = [line for line in TEXT.splitlines() if re.match(r"\| `", line)]
    assert len(rows) == len(EXAMPLES) > 40


@pytest.mark.parametrize("name", [*FUNCTIONS, *WRITTEN_AS_FUNCTIONS])
def test_every_function_stands_on_the_page(name):
    assert re.search(rf"`{name}`|\b{name}\(", TEXT)
