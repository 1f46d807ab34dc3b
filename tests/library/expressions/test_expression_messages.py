"""What messages say: the part that is wrong, and what to write instead."""

import pandas as pd
import pytest

from trialstats.errors import ConfigError
from trialstats.expressions import condition, value
from trialstats.expressions.functions import FUNCTIONS

TABLE = pd.DataFrame(
    {
        "ARM": pd.Series(["a", "b"], dtype="str"),
        "AVAL": [1.0, 2.0],
        "ADT": pd.to_datetime(["2024-03-01", "2024-03-02"]),
        "SAFE": [True, False],
    }
)

#: Text -> what is wrong, what to write.
MESSAGES = {
    # Names
    "AVL > 1": ("the column 'AVL' is unknown", "did you mean 'AVAL'?"),
    "aval > 1": ("the column 'aval' is unknown", "did you mean 'AVAL'?"),
    "ARM == a": ("the column 'a' is unknown", "known: ARM, AVAL, ADT, SAFE"),
    "col('A VAL')": ("the column 'A VAL' is unknown", "did you mean 'AVAL'?"),
    "average(AVAL, 1)": ("the function 'average' is unknown", "known: abs, between"),
    "Round(AVAL)": ("the function 'Round' is unknown", "did you mean 'round'?"),
    "A.B > 1": ("'A.B' holds an attribute", "col('…')"),
    "class == 1": ("the word 'class' of Python", "col('class')"),
    # Types
    "ARM < 1": ("'ARM' is text and '1' is a number", "put text in quotes"),
    "AVAL == '1'": ("'AVAL' is a number and \"'1'\" is text", "leave numbers without"),
    "ADT >= '2024-03-01'": ("'ADT' is a date", "write date('2024-03-01')"),
    "ADT > 2024": ("'ADT' is a date and '2024' is a number", "year(…)"),
    "ADT + ARM": ("joins a date ('ADT') and text ('ARM')", "date(…)"),
    "ADT - ADT": ("joins a date ('ADT') and a date", "days(later, earlier)"),
    "ADT * 2": ("joins a date ('ADT') and a number", "a date takes + or -"),
    "2 - ADT": ("joins a number ('2') and a date", "a date takes + or -"),
    "ARM + AVAL": ("joins text ('ARM') and a number ('AVAL')", "text(…)"),
    "AVAL + (ARM + 'x')": ("joins a number ('AVAL') and text", "number(…)"),
    "ARM * 2": ("joins text ('ARM') and a number", "number(…)"),
    "ARM - ARM": ("joins text ('ARM') and text", "only + joins text"),
    "-ARM": ("turns the sign of text", "number(…)"),
    "SAFE + 1": ("computes with the condition 'SAFE'", "1 if … else 0"),
    "SAFE == 1": ("compares the condition 'SAFE'", "write SAFE or not (SAFE)"),
    "(AVAL > 1) == (AVAL > 2)": ("compares the condition 'AVAL > 1'", "and, or"),
    "SAFE in (1, 0)": ("'SAFE' is a condition and '1' is a number", "1 if … else 0"),
    "AVAL in ('a', 'b')": ("'AVAL' is a number and \"'a'\" is text", "quotes"),
    "AVAL in (1, 'b')": ("\"'b'\" is text", "quotes"),
    "ARM in ('a')": ("no list stands behind in: \"'a'\"", "x == 'a'"),
    "'a' in ARM": ("no list stands behind in: 'ARM'", "contains(x, 'a')"),
    "AVAL in (1, AVAL)": ("the list behind in holds 'AVAL'", "=="),
    "AVAL in ()": ("the list behind in is empty", "write what it holds"),
    "1 < AVAL in (1, 2)": ("joins in with other comparisons", "write them apart"),
    "AVAL if SAFE else ARM": ("'AVAL' is a number and 'ARM' is text", "text(…)"),
    "AVAL if AVAL else 1": ("'AVAL' is a number, not a condition", "present(AVAL)"),
    "not AVAL": ("'AVAL' is a number, not a condition", "present(AVAL)"),
    "SAFE and ARM": ("'ARM' is text, not a condition", "compare it, as in ARM == …"),
    "'1' > '0'": ("compares two constants", "a column stands without quotes"),
    "between(1, 0, AVAL)": ("compares two constants", "without quotes"),
    "present('AVAL')": ("asks whether the constant \"'AVAL'\"", "without quotes"),
    "missing(AVAL > 1)": ("asks whether the condition 'AVAL > 1'", "missing of the"),
    "count(AVAL > 1, SAFE)": ("asks whether the condition", "count of the columns"),
    # Functions
    "abs(ARM)": ("'abs(ARM)' takes a number, but 'ARM' is text", "number(…)"),
    "year(AVAL)": ("takes a date, but 'AVAL' is a number", "date('2024-03-01')"),
    "upper(ADT)": ("takes text, but 'ADT' is a date", "text(…)"),
    "text(SAFE)": ("takes text or a number or a date", "1 if … else 0"),
    "contains(AVAL, 'a')": ("takes text, but 'AVAL' is a number", "text(…)"),
    "max(AVAL, ADT)": ("'AVAL' is a number and 'ADT' is a date", "days(later"),
    "max(ARM, ARM)": ("takes a number or a date, but 'ARM' is text", "number(…)"),
    "max(AVAL)": ("works across the columns of one row", "max(a, b, …)"),
    "sum(AVAL, at_least=1)": ("fewer than two values", "sum(a, b, …"),
    "sum(AVAL, AVAL, at_least=3)": ("at least 3 of 2", "at_least=2 or fewer"),
    "sum(AVAL, AVAL, at_least=0)": ("at_least of sum", "whole number from 1"),
    "sum(AVAL, AVAL, at_least=AVAL)": ("at_least of sum", "sum(a, b, …"),
    "sum(AVAL, AVAL, prorate=True)": ("prorates and needs every", "at_least=2"),
    "sum(AVAL, AVAL, prorate=1)": ("prorate of sum", "True or False"),
    "mean(AVAL, AVAL, prorate=True)": ("prorate=, which mean does", "mean(a, b"),
    "abs()": ("'abs()' has too few values", "write abs(x)"),
    "abs(AVAL, 1)": ("has too many values", "write abs(x)"),
    "days(ADT)": ("has too few values", "days(later, earlier)"),
    "round(AVAL, 1.5)": ("digits of round", "whole number from -15 to 15"),
    "round(AVAL, 1, digits=1)": ("digits=", "write round(x, digits=0)"),
    "round(x=AVAL)": ("has too few values", "write round(x, digits=0)"),
    "part(ARM, '-')": ("part lacks its number", "part(x, 'separator', number)"),
    "part(ARM, '-', 0)": ("number of part", "whole number from 1"),
    "contains(ARM, ARM)": (
        "text of contains must be text in quotes",
        "write contains(x",
    ),
    "replace(ARM, 'a')": ("replace lacks its new", "replace(x, 'old', 'new')"),
    "between(AVAL, 1)": ("has not three values", "between(x, low, high)"),
    "date('01.03.2024')": ("is no date", "date('2024-03-01')"),
    "date('2024-02-30')": ("is no date", "date('2024-03-01')"),
    "date('2024-02-28T10:00')": ("is no date", "date('2024-03-01')"),
    "date(AVAL)": ("takes text or a date, but 'AVAL' is a number", "date("),
    "sum(items('Q', 1, 2))": ("the column 'Q1' is unknown", "known: ARM"),
    "sum(items('Q', 3, 1))": ("does not go up", "items('Q', 1, 21)"),
    "sum(items('Q', '1', '21'))": ("of the same length", "items('Q', '01', '21')"),
    "sum(items('Q', 1))": ("names no columns", "items('Q', 1, 21)"),
    "sum(items('Q', 1, 'x'))": ("no whole numbers", "items('Q', 1, 21)"),
    # Slips of the hand
    "ARM = 'a'": ("a single =", "=="),
    "AVAL > 1 AND SAFE": ("a word in capitals", "write and"),
    "AVAL > 1 && SAFE": ("&& or ||", "write and, or"),
    "AVAL <> 1": ("<>", "!="),
    "AVAL ≥ 1": ("a mathematical sign", ">="),
    "!SAFE": ("!", "write not"),
    "ARM == ‘a’": ("quotes that are not straight", "write '"),
    "AVAL > 1,5": ("'AVAL > 1,5' holds a list", "decimal point"),
    "AVAL ==": ("cannot be read", "write for example AVAL < 150"),
    "hos cat > 1": ("cannot be read from 'cat > 1' on", "col('…')"),
    "AVAL is None": ("'AVAL is None' holds is", "missing(x)"),
}


@pytest.mark.parametrize(("text", "words"), MESSAGES.items())
def test_messages(text, words):
    with pytest.raises(ConfigError) as caught:
        value(text, TABLE)
    message = str(caught.value)
    assert message.startswith(f"expression {text!r}: ")
    what, remedy = message.removeprefix(f"expression {text!r}: ").split("; ", 1)
    assert words[0] in what
    assert words[1] in (remedy if words[1] not in what else what)


@pytest.mark.parametrize("text", ["AVAL", "ARM", "ADT + 1", "'x'", "1"])
def test_a_value_is_no_condition(text):
    with pytest.raises(ConfigError, match="not a condition; compare it"):
        condition(text, TABLE)


def test_many_columns_are_not_all_listed():
    table = pd.DataFrame({f"C{n}": [1.0] for n in range(100)})
    with pytest.raises(ConfigError) as caught:
        value("NOPE", table)
    assert str(caught.value).endswith("C29 and 70 more")


def test_long_expressions_are_cut_in_messages():
    with pytest.raises(ConfigError) as caught:
        value("AVAL + " * 400 + "NOPE ==", TABLE)
    assert len(str(caught.value)) < 1500


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_says_how_it_is_written(name):
    # Nothing at all is too little for every function.
    with pytest.raises(ConfigError) as caught:
        value(f"{name}()", TABLE)
    assert str(caught.value).endswith(f"write {FUNCTIONS[name].usage}")
