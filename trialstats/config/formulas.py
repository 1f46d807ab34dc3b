"""Expressions in a configuration: whether they can be read, and what they give.

An expression is tried on a table without rows, whose columns have the types that they
will have: that a text is compared with a number is known before any data are read.
"""

from collections.abc import Iterator, Mapping

from trialstats.config.checking import unknown_name
from trialstats.errors import ConfigError

Found = Iterator[tuple[str, str]]

#: pandas types by the type of a variable.
_DTYPES = {
    "text": "str",
    "number": "Float64",
    "integer": "Int64",
    "date": "datetime64[s]",
}

#: What a type of a variable may be made from, by the kind of the dtype, in words.
_GIVEN = {"f": "a number", "b": "a condition", "M": "a date"}
_WANTED = {
    "text": "text",
    "number": "a number",
    "integer": "a number",
    "date": "a date",
}
_INSTEAD = {
    "text": "write text(…), or 'Y' if … else 'N' for a condition",
    "number": "write number(…) for text, 1 if … else 0 for a condition",
    "date": "write date(…) for text",
}


def condition_problems(
    place: str, text: str, columns: Mapping[str, str] | None, *, kind: str = "column"
) -> Found:
    """Yield place and sentence when a condition cannot be used.

    Parameters
    ----------
    place : str
        Where it stands, such as ``adsl.where``.
    text : str
        The condition.
    columns : mapping of str to str or None
        Columns that it may name, with their types; None for those of a raw file, which
        are text and not known before the file is read.
    kind : str
        What the columns are, for the message.
    """
    yield from _problems(place, text, columns, kind, None)


def value_problems(
    place: str,
    text: str,
    columns: Mapping[str, str] | None,
    wanted: str,
    *,
    kind: str = "column",
) -> Found:
    """Yield place and sentence when an expression cannot give a value of a type.

    Parameters
    ----------
    place, text, columns, kind
        As for `condition_problems`.
    wanted : {"text", "number", "integer", "date", "any"}
        What it must give.
    """
    yield from _problems(place, text, columns, kind, wanted)


def names_in(text: str | None) -> tuple[str, ...]:
    """Return the columns that an expression names; none when it cannot be read."""
    from trialstats.expressions import parse

    try:
        return () if text is None else parse(text).names
    except ConfigError:
        return ()


def _problems(
    place: str,
    text: str,
    columns: Mapping[str, str] | None,
    kind: str,
    wanted: str | None,
) -> Found:
    # Loaded where an expression is checked: they bring pandas along.
    import pandas as pd

    from trialstats.expressions import condition, parse, value

    try:
        names = parse(text).names
    except ConfigError as reason:
        yield place, str(reason)
        return
    types = dict.fromkeys(names, "text") if columns is None else dict(columns)
    unknown = [name for name in names if name not in types]
    for name in unknown:
        yield from unknown_name(place, kind, name, types)
    if unknown:
        return
    frame = pd.DataFrame(
        {name: pd.Series([], dtype=_DTYPES[types[name]]) for name in names}
    )
    try:
        if wanted is None:
            condition(text, frame)
            return
        given = value(text, frame).dtype.kind
    except ConfigError as reason:
        yield place, str(reason)
        return
    said = _GIVEN.get(given, "text")
    if wanted != "any" and said != _WANTED[wanted]:
        remedy = _INSTEAD["number" if wanted == "integer" else wanted]
        what = f"expression {text!r} gives {said}, and {_WANTED[wanted]} is needed"
        yield place, f"{what}; {remedy}"
