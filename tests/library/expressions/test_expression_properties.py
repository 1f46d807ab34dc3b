"""A random expression gives what a plain interpreter gives, row by row."""

import datetime as dt
import math
import operator
import re
from decimal import ROUND_HALF_UP, Context, Decimal

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from trialstats.expressions import parse, value

# An expression is a tuple: its function in `MEANING`, then the parts.

NUMBERS, TEXTS, DATES, FLAGS = ("N1", "N2", "a b"), ("T1", "T2"), ("D1", "D2"), ("F",)

#: Exactly computed: the interpreter and numpy must agree in every bit.
SOME_NUMBERS = st.sampled_from([0.0, 1.0, 2.0, -1.0, 0.5, -2.5, 0.1, 1.005, 3e7, 1e9])
SOME_TEXTS = st.text(alphabet="ab -1.5Äé€", max_size=6)
SOME_DATES = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)).map(
    lambda moment: moment.replace(microsecond=0)
)


#: The language writes days, and computes times of day.
SOME_DAYS = SOME_DATES.map(lambda moment: moment.replace(hour=0, minute=0, second=0))


def or_missing(values):
    return st.one_of(st.none(), values)


@st.composite
def tables(draw):
    rows = draw(st.integers(0, 5))

    def column(values):
        return draw(st.lists(or_missing(values), min_size=rows, max_size=rows))

    whole = st.integers(-3, 40)
    written = st.sampled_from(["2024-02-29", "1999-12-31T23:59", "7", " -1.50", "b-a"])
    return pd.DataFrame(
        {
            "N1": pd.Series(column(SOME_NUMBERS), dtype="float64"),
            "N2": pd.array(column(whole), dtype="Int64"),
            "a b": pd.Series(column(whole), dtype=object),
            "T1": pd.Series(column(SOME_TEXTS), dtype="str"),
            "T2": pd.Series(column(written), dtype=object),
            "D1": pd.Series(column(SOME_DATES), dtype="datetime64[s]"),
            "D2": pd.Series(column(SOME_DATES.map(dt.datetime.date)), dtype=object),
            "F": pd.array(column(st.booleans()), dtype="boolean"),
        }
    )


def columns(names):
    return st.sampled_from(names).map(lambda name: ("column", name))


def constants(values):
    return values.map(lambda constant: ("constant", constant))


def numbers(depth):
    """Return a strategy of numbers that are no constants."""
    if not depth:
        return columns(NUMBERS)
    some, parts = numbers(depth - 1), anything(depth - 1, numbers, SOME_NUMBERS)
    several = st.lists(parts, min_size=2, max_size=4)
    return st.one_of(
        st.tuples(st.sampled_from(["+", "-", "*", "/", "//", "%"]), some, parts),
        st.tuples(st.sampled_from(["neg", "abs", "floor", "ceil", "sqrt"]), some),
        st.tuples(st.just("round"), some, st.integers(-2, 3)),
        several.map(lambda items: ("min", *items)),
        several.map(lambda items: ("max", *items)),
        several.map(lambda items: ("coalesce", *items)),
        st.lists(some, min_size=2, max_size=4).map(lambda items: ("count", *items)),
        st.tuples(
            st.sampled_from(["sum", "mean", "prorate"]), several, st.integers(1, 2)
        ),
        st.tuples(st.just("choice"), conditions(depth - 1), some, parts),
        st.tuples(st.just("number"), texts(depth - 1)),
        st.tuples(st.sampled_from(["year", "month", "day"]), dates(depth - 1)),
        st.tuples(st.just("days"), dates(depth - 1), dates(depth - 1)),
    )


def texts(depth):
    if not depth:
        return columns(TEXTS)
    some, parts = texts(depth - 1), anything(depth - 1, texts, SOME_TEXTS)
    short = st.text(alphabet="ab-", min_size=1, max_size=2)
    return st.one_of(
        st.tuples(st.just("+"), some, parts),
        st.tuples(st.sampled_from(["upper", "lower", "strip"]), some),
        st.tuples(st.just("replace"), some, short, st.text("ab-", max_size=2)),
        st.tuples(st.just("part"), some, short, st.integers(1, 3)),
        st.tuples(st.just("coalesce"), some, parts),
        st.tuples(st.just("choice"), conditions(depth - 1), some, parts),
        st.tuples(st.just("text"), st.one_of(numbers(depth - 1), dates(depth - 1))),
    )


def dates(depth):
    if not depth:
        return columns(DATES)
    some = dates(depth - 1)
    return st.one_of(
        st.tuples(st.sampled_from(["+", "-"]), some, numbers(depth - 1)),
        st.tuples(st.just("date"), st.one_of(some, texts(depth - 1))),
        st.tuples(st.sampled_from(["min", "max", "coalesce"]), some, some),
        st.tuples(st.just("choice"), conditions(depth - 1), some, some),
    )


def conditions(depth):
    if not depth:
        return columns(FLAGS)
    some = conditions(depth - 1)
    compare = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    kinds = (numbers, SOME_NUMBERS), (texts, SOME_TEXTS), (dates, SOME_DAYS)
    choices = [
        st.tuples(st.sampled_from(["and", "or"]), some, some),
        st.tuples(st.just("not"), some),
    ]
    for of, values in kinds:
        one, other = of(depth - 1), anything(depth - 1, of, values)
        listed = st.lists(values, min_size=1, max_size=3)
        choices += [
            st.tuples(compare, one, other),
            st.tuples(st.sampled_from(["in", "not in"]), one, listed),
            st.tuples(st.sampled_from(["present", "missing"]), one),
            st.tuples(st.just("between"), one, one, other),
            st.tuples(st.just("chain"), compare, one, other, compare, one),
        ]
    wanted = st.text(alphabet="ab-", min_size=1, max_size=2)
    names = st.sampled_from(["contains", "startswith", "endswith"])
    choices.append(st.tuples(names, texts(depth - 1), wanted))
    return st.one_of(choices)


def anything(depth, of, values):
    return st.one_of(of(depth), constants(values))


def written(node):
    """Return an expression as a text of the language."""
    name, *parts = node
    if name == "column":
        return parts[0] if parts[0].isidentifier() else f"col({parts[0]!r})"
    if name == "constant":
        return literal(parts[0])
    if name == "neg":
        return f"-({written(parts[0])})"
    if name == "not":
        return f"(not {written(parts[0])})"
    if name == "choice":
        holds, chosen, otherwise = map(written, parts)
        return f"({chosen} if {holds} else {otherwise})"
    if name in {"in", "not in"}:
        listed = "".join(f"{literal(item)}, " for item in parts[1])
        return f"({written(parts[0])} {name} ({listed}))"
    if name == "chain":
        first, one, two, second, three = parts
        return f"({written(one)} {first} {written(two)} {second} {written(three)})"
    if name in {"sum", "mean", "prorate"}:
        listed = ", ".join(map(written, parts[0]))
        more = ", prorate=True" if name == "prorate" else ""
        name = "sum" if more else name
        return f"{name}({listed}, at_least={parts[1]}{more})"
    if name in JOINS:
        return f"({written(parts[0])} {name} {written(parts[1])})"
    listed = [written(p) if isinstance(p, tuple) else literal(p) for p in parts]
    return f"{name}({', '.join(listed)})"


def literal(constant):
    if isinstance(constant, dt.datetime):
        return f"date('{constant.date().isoformat()}')"
    return repr(constant)


def run(node, row):
    """Return what an expression gives in one row; None is missing."""
    name, *parts = node
    if name == "column":
        found = row[parts[0]]
        missing = found is None or found is pd.NA or found is pd.NaT or found != found
        return (False if parts[0] == "F" else None) if missing else as_plain(found)
    if name == "constant":
        return parts[0]
    if name == "choice":
        return run(parts[1] if run(parts[0], row) else parts[2], row)
    if name in {"sum", "mean", "prorate"}:
        return several(name, [run(part, row) for part in parts[0]], parts[1])
    if name == "chain":
        first, one, two, second, three = parts
        return run((first, one, two), row) and run((second, two, three), row)
    if name == "between":
        one, low, high = parts
        return run(("<=", low, one), row) and run(("<=", one, high), row)
    values = [run(part, row) if isinstance(part, tuple) else part for part in parts]
    if name in {"in", "not in"}:
        return values[0] is not None and (values[0] in values[1]) == (name == "in")
    if name in BLIND:
        return BLIND[name](*values)
    if any(one is None for one in values):
        return False if name in ASKING else None
    try:
        result = JOINS[name](*values) if name in JOINS else MEANING[name](*values)
    except (ZeroDivisionError, OverflowError, ValueError):
        return None
    return None if isinstance(result, float) and not math.isfinite(result) else result


def as_plain(found):
    if isinstance(found, bool | str | dt.datetime):
        return found.to_pydatetime() if isinstance(found, pd.Timestamp) else found
    if isinstance(found, dt.date):
        return dt.datetime.combine(found, dt.time())
    return float(found)


def several(name, values, at_least):
    known = [one for one in values if one is not None]
    if len(known) < at_least:
        return None
    total = 0.0
    for one in known:
        total += one
    if name == "prorate":
        total = total * len(values) / len(known)
    total = total / len(known) if name == "mean" else total
    return total if math.isfinite(total) else None


def plus(one, other, sign=1):
    if isinstance(other, dt.datetime):
        one, other = other, one
    if not isinstance(one, dt.datetime):
        return one + sign * other if isinstance(one, float) else one + other
    if abs(other) > 4e6:
        raise OverflowError
    return one + sign * dt.timedelta(seconds=round(other * 86400))


def half_away(number, digits):
    if abs(number) >= 2**52:
        return number
    context = Context(prec=400, rounding=ROUND_HALF_UP)
    step = Decimal(1).scaleb(-digits)
    return float(Decimal(repr(number)).quantize(step, context=context))


def as_text(one):
    if isinstance(one, dt.datetime):
        return one.isoformat().removesuffix("T00:00:00")
    if isinstance(one, float):
        whole = one.is_integer() and abs(one) < 2**53
        return str(int(one)) if whole else repr(one).removesuffix(".0")
    return one


def as_number(one):
    pattern = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
    return float(one) if re.fullmatch(pattern, one.strip()) else None


def as_date(one):
    if isinstance(one, str):
        pattern = r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?"
        found = re.fullmatch(pattern, one.strip())
        one = dt.datetime.fromisoformat(one.strip()) if found else None
    return one and dt.datetime.combine(one.date(), dt.time())


def part(one, separator, number):
    pieces = one.split(separator)
    return pieces[number - 1] if number <= len(pieces) else None


JOINS = {
    "+": plus,
    "-": lambda one, other: plus(one, other, -1),
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "and": lambda one, other: one and other,
    "or": lambda one, other: one or other,
}

#: False where a value is missing.
ASKING = {"==", "!=", "<", "<=", ">", ">=", "contains", "startswith", "endswith"}

#: Take missing values as they are.
BLIND = {
    "present": lambda one: one is not None,
    "missing": lambda one: one is None,
    "coalesce": lambda *values: next((one for one in values if one is not None), None),
    "count": lambda *values: float(sum(one is not None for one in values)),
    "not": operator.not_,
}

MEANING = {
    "neg": operator.neg,
    "abs": abs,
    "floor": lambda one: float(math.floor(one)),
    "ceil": lambda one: float(math.ceil(one)),
    "sqrt": math.sqrt,
    "round": half_away,
    "min": min,
    "max": max,
    "number": as_number,
    "year": lambda one: float(one.year),
    "month": lambda one: float(one.month),
    "day": lambda one: float(one.day),
    "days": lambda one, other: float((one.date() - other.date()).days),
    "upper": str.upper,
    "lower": str.lower,
    "strip": str.strip,
    "replace": str.replace,
    "part": part,
    "text": as_text,
    "date": as_date,
    "contains": lambda one, wanted: wanted in one,
    "startswith": str.startswith,
    "endswith": str.endswith,
}


@settings(max_examples=400)
@given(
    table=tables(),
    node=st.one_of(*(of(3) for of in (numbers, texts, dates, conditions))),
)
def test_a_random_expression_equals_the_interpreter(table, node):
    text = written(node)
    result = value(parse(text), table)
    kept = result.astype(object).where(result.notna(), None).tolist()
    expected = [run(node, row) for row in table.to_dict("records")]
    assert kept == expected, text


@settings(max_examples=300)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30)
)
def test_text_of_a_number_is_the_shortest_that_gives_it_back(values):
    table = pd.DataFrame({"X": values})
    assert value("text(X)", table).tolist() == [as_text(one) for one in values]
    assert value("number(text(X))", table).tolist() == values


@settings(max_examples=300)
@given(
    # Up to eleven digits: within them a decimal half has one shortest name.
    st.lists(
        st.decimals(-100_000, 100_000, places=6, allow_nan=False).map(float),
        min_size=1,
        max_size=30,
    ),
    st.integers(-3, 5),
)
def test_rounding_is_that_of_decimals(values, digits):
    table = pd.DataFrame({"X": values})
    result = value(f"round(X, {digits})", table).tolist()
    assert result == [half_away(one, digits) for one in values]


@given(SOME_DATES)
def test_text_of_a_date_gives_it_back(moment):
    table = pd.DataFrame({"X": pd.Series([moment], dtype="datetime64[s]")})
    assert value("date(text(X))", table).tolist() == value("date(X)", table).tolist()
    assert value("text(X)", table).tolist() == [as_text(moment)]
