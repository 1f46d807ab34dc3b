"""Expressions that try to run code, or to use up time and memory, are refused."""

import builtins
import contextlib
import inspect
import sys
import time

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialstats.errors import ConfigError, TrialstatsError
from trialstats.expressions import parse, value
from trialstats.expressions.reading import DEEPEST, LONGEST, MOST_PARTS

TABLE = pd.DataFrame({"A": [1.0, 2.0], "T": ["aaaa", "b"], "__a__": [1.0, 2.0]})

#: Text -> what the message must name.
CODE = {
    "__import__('os').system('id')": "attribute",
    "__import__('os')": "'__import__'",
    "eval('1')": "'eval'",
    "exec('import os')": "'exec'",
    "compile('1', '', 'eval')": "'compile'",
    "open('/etc/passwd')": "'open'",
    "getattr(A, 'sum')": "'getattr'",
    "globals()": "'globals'",
    "vars()": "'vars'",
    "breakpoint()": "'breakpoint'",
    "input()": "'input'",
    "print(A)": "'print'",
    "().__class__": "attribute",
    "''.__class__.__mro__[1].__subclasses__()": "attribute",
    "A.sum()": "'A.sum'",
    "A.values": "'A.values'",
    "T.str.upper()": "attribute",
    "(1).real": "attribute",
    "A.__class__": "attribute",
    "__builtins__": "'__builtins__'",
    "__name__": "'__name__'",
    "__a__": "col('__a__')",
    "sum.__self__": "attribute",
    "A[0]": "'A[0]'",
    "A[:]": "square brackets",
    "[1, 2][0]": "square brackets",
    "'abc'[0]": "square brackets",
    "lambda: 1": "lambda",
    "(lambda: 1)()": "no function",
    "sum(a, b)(1)": "no function",
    "(A)(1)": "'A'",
    "2(A + 1)": "no function",
    "[x for x in (1, 2)]": "comprehension",
    "{x for x in (1, 2)}": "comprehension",
    "{x: 1 for x in (1, 2)}": "comprehension",
    "sum(x for x in (1, 2))": "comprehension",
    "f'{A}'": "f-string",
    "f'{__import__(\"os\")}' == T": "f-string",
    "(A := 1)": "assignment",
    "A := 1": "assignment",
    "A = 1": "single =",
    "sum(*A)": "star",
    "sum(A, *(1, 2))": "star",
    "round(A, **{'digits': 1})": "**",
    "*A, T": "cannot be read",
    "await A": "await",
    "(yield A)": "yield",
    "import os": "'import'",
    "del A": "'del'",
    "A; T": "several statements",
    "A\nT": "cannot be read",
    "b'A' == T": "bytes",
    "1j * A": "complex",
    "...": "ellipsis",
    "True": "'True'",
    "A > 1 or True": "'True'",
    "None": "'None'",
    "A == None": "'None'",
    "{'a': 1}": "dictionary",
    "{1, 2}": "a set",
    "[1, 2]": "a list",
    "A, T": "a list",
    "A @ A": "@",
    "A & A": "&",
    "A | A": "|",
    "~A": "~",
    "A ^ 2": "^",
    "A << 2": "<<",
    "A >> 2": ">>",
    "+A": "plus sign",
    "A is A": "is",
    "A is not None": "is not",
    "sum": "sum",
    "col(T)": "col",
    "col('A', 'T')": "col",
    "col(f'A')": "col",
    "items('Q', 1, 3)": "items",
    "A > 1 # and T == 'b'": "comment",
    "T == 'a' 'b'": "comma",
    "T == '''a'''": "triple quotes",
    "T == '\\d'": "backslash",
    "A > 1_000": "1_000",
    "A > 0x10": "0x10",
    "A > 0b1": "0b1",
    "A > 1 if": "cannot be read",
    "A > 1 2": "cannot be read",
    "T == '\ud800'": "characters",
    "T == '\\ud800'": "half a character",
    "A\0": "cannot be read",
    "": "empty",
    " \n ": "empty",
    "A > '": "cannot be read",
}  # fmt: skip

#: What would take much time or memory.
COSTLY = {
    "1" * (LONGEST + 1): f"{LONGEST + 1} characters",
    "9" * 3000: "too large",
    "A > 9007199254740993": "too large",
    "1e999": "too large",
    "9 ** 9 ** 9": "exponent",
    "A ** 1000000": "exponent",
    "A ** A": "exponent",
    "A ** -11": "exponent",
    "(" * 300 + "A" + ")" * 300: "nested",
    "(" * 150 + "A" + ")" * 150 + " +": "cannot be read",
    "-" * 3990 + "A": "nested",
    "not " * 900 + "A": "nested",
    "A" + " + A" * 900: "nested",
    "abs(" * 150 + "A" + ")" * 150: "nested",
    "A if A else " * 200 + "A": "nested",
    "A in (" + "1," * 1900 + ")": "parts",
    "A > 1" + " or A > 1" * 400: "parts",
    "sum(" + "A, " * 1100 + "A)": "parts",
    "sum(items('Q', 1, 100000))": "parts",
    "sum(items('Q', 1, 600), items('Q', 1, 600))": "parts",
    "'a' * 1000000": "text",
    "T * 1000000": "text",
    f"replace(T, 'a', '{'a' * 1001}')": "from 0 to 1000",
    "round(A, 400)": "whole number",
    "part(T, ' ', 10000000)": "whole number",
    "part(T, '', 1)": "from 1",
    "replace(T, '', 'x')": "from 1",
}


@pytest.mark.parametrize(("text", "words"), CODE.items())
def test_code_is_refused_by_name(text, words, monkeypatch):
    def ran(*arguments, **options):
        raise AssertionError("code was run")

    monkeypatch.setattr(builtins, "eval", ran)
    monkeypatch.setattr(builtins, "exec", ran)
    with pytest.raises(ConfigError) as caught:
        value(text, TABLE)
    message = str(caught.value)
    assert message.startswith("expression ")
    assert words in message.split(": ", 1)[1]
    # What is wrong, and what to write instead.
    assert "; " in message


@pytest.mark.parametrize(
    ("text", "words"), COSTLY.items(), ids=[text[:20] for text in COSTLY]
)
def test_costly_expressions_are_refused_at_once(text, words):
    started = time.process_time()
    with pytest.raises(ConfigError) as caught:
        value(text, TABLE)
    # A message is as short as the limits that it names.
    assert len(str(caught.value)) < 1500
    assert words in str(caught.value).split(": ", 1)[1]
    # Milliseconds; what is refused would take minutes.
    assert time.process_time() - started < 2


def test_texts_cannot_grow_without_end():
    grown = "T"
    for _ in range(5):
        grown = f"replace({grown}, 'a', '{'a' * 50}')"
    with pytest.raises(ConfigError, match=r"replace\(…\) makes a text of 500000 char"):
        value(grown, TABLE)
    doubled = f"replace(replace(T, 'a', '{'a' * 100}'), 'a', '{'a' * 60}')"
    assert value(doubled, TABLE).str.len().tolist() == [24_000, 1]
    with pytest.raises(ConfigError, match=r"\+ makes a text of 48000 characters"):
        value(f"{doubled} + {doubled}", TABLE)


def test_all_rows_together_cannot_fill_the_memory():
    # 70,000 rows of 30,000 characters would be 2.1 GB.
    table = pd.DataFrame({"T": ["a" * 30] * 70_000})
    with pytest.raises(ConfigError, match="2100000000 in all rows"):
        value(f"replace(T, 'a', '{'b' * 1000}')", table)


def test_the_limits_are_as_wide_as_they_say():
    depth = DEEPEST - 1
    assert value("abs(" * depth + "A" + ")" * depth, TABLE).tolist() == [1, 2]
    # The comparison, its list, the column, and the members.
    members = ", ".join(["1"] * (MOST_PARTS - 3))
    assert value(f"A in ({members})", TABLE).tolist() == [True, False]
    names = {f"Q{n}": [1.0] for n in range(1, MOST_PARTS + 1)}
    wide = pd.DataFrame(names)
    assert value(f"sum(items('Q', 1, {MOST_PARTS}))", wide).tolist() == [MOST_PARTS]
    assert value("A + " + " " * (LONGEST - 5) + "A", TABLE).tolist() == [2, 4]


def test_a_caller_deep_in_the_stack_gets_a_clear_error_too():
    def descend(levels):
        return descend(levels - 1) if levels else value(text, TABLE)

    text = "abs(" * 98 + "A" + ")" * 98
    room = sys.getrecursionlimit() - len(inspect.stack())
    assert descend(room // 4).tolist() == [1, 2]
    with pytest.raises(ConfigError, match="nested more than"):
        descend(room - 150)


@pytest.mark.parametrize("given_", [None, 1, True, ["A"], b"A"])
def test_what_is_no_text_is_refused(given_):
    with pytest.raises(ConfigError, match="it is not text"):
        parse(given_)


WORDS = st.sampled_from(
    [
        *("A", "T", "and", "or", "not", "in", "if", "else", "(", ")", "[", "]", "{"),
        *(
            "}",
            ",",
            ".",
            ":",
            "=",
            "==",
            "!=",
            "<",
            "+",
            "-",
            "*",
            "/",
            "//",
            "%",
            "**",
        ),
        *("@", "'a'", "''", "1", "2.5", "1e9", "\\", "#", "\n", ";", "lambda", "for"),
        *("is", "None", "True", "sum(", "round(", "items(", "col(", "date(", "part("),
        *("__", "present(", "text(", "number(", "'Q'", "f'", "b'", '"', "'", ":="),
        *("at_least=", "digits=2", "days(", "max(", "é", "\ud800", "9" * 30),
    ]
)


@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=25).map(" ".join)))
def test_any_text_is_an_expression_or_one_clear_error(text):
    # Whatever else is raised ends this test.
    with contextlib.suppress(TrialstatsError):
        value(text, TABLE)
