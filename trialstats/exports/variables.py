"""The variables of a dataset, as the metadata of its fields describe them.

Every writer begins here, so that all of them refuse the same faults in the same words.
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from trialstats.errors import DataError, combined, located
from trialstats.exports.characters import control_characters
from trialstats.exports.study import Dataset

#: Where a variable may come from, as Define-XML names it.
ORIGINS = ("Collected", "Derived", "Assigned", "Predecessor")

#: Kinds of variables; other types of Arrow have no place in these formats.
KINDS = ("text", "integer", "number", "date")

#: Whole numbers beyond this are no longer distinct as 64-bit floating point, which is
#: what readers of all these formats use.
LARGEST_WHOLE = 2**53

_EPOCH = dt.date(1970, 1, 1).toordinal()

#: Days since 1970 of the first and the last date that ISO 8601 writes in four digits.
_FIRST_DAY = dt.date.min.toordinal() - _EPOCH
_LAST_DAY = dt.date.max.toordinal() - _EPOCH

#: Row of a file that holds the first row of a table; the header is row 1.
FIRST_ROW = 2

#: A codelist: code -> what it means, None where the code speaks for itself.
Codelist = dict[Any, str | None]


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable and what is known of it; None where the metadata are silent.

    Attributes
    ----------
    name, kind : str
        Its name; one of `KINDS`.
    label, unit, origin, source, derivation : str or None
        Its label, unit, one of `ORIGINS`, where it comes from, and how it is derived.
    origin_source : str or None
        Who gave a collected value, in the terms of Define-XML: Subject, Investigator,
        Vendor or Sponsor.
    codelist : mapping or None
        Its codes, in order, with their meanings.
    length : int or None
        Longest text that is planned.
    required : bool
        Whether every row has a value.
    key : int or None
        Its place among the keys, from 1.
    values : tuple
        Its values; None where missing.
    """

    name: str
    kind: str
    label: str | None
    unit: str | None
    origin: str | None
    source: str | None
    derivation: str | None
    origin_source: str | None
    codelist: Codelist | None
    length: int | None
    required: bool
    key: int | None
    values: tuple[Any, ...]

    @property
    def present(self) -> list[Any]:
        """Its values without the missing ones."""
        return [value for value in self.values if value is not None]

    def distinct(self) -> list[Any]:
        """Return its values, each once, in ascending order."""
        return sorted(set(self.present))


def variables_of(dataset: Dataset) -> tuple[Variable, ...]:
    """Return the variables of a dataset after checking all of them.

    Parameters
    ----------
    dataset : Dataset
        Types: text, whole numbers, floating-point numbers, and dates.

    Returns
    -------
    tuple of Variable
        In the order of the table. Not-a-number is missing.

    Raises
    ------
    DataError
        When a name is repeated, a type has no place in an export, the metadata cannot
        be read, keys are absent or do not identify the rows, a value is outside its
        codelist, longer than its length, or no number or date at all; every problem
        in one message.
    """
    table = dataset.table
    problems = list(_shape_problems(dataset))
    if problems:
        raise DataError(combined(problems))
    variables = []
    for field, column in zip(table.schema, table.columns, strict=True):
        place = {"file": dataset.name, "column": field.name}
        kind, faults = kind_of(field.type), list(_value_faults(field.type, column))
        if kind is None or faults:
            problems += [located(**fault, **place) for fault in faults]
            continue
        variable, errors = _read(dataset, field, kind, _values(column))
        problems += [located(**error, **place) for error in errors]
        problems += _contents_problems(dataset, variable)
        variables.append(variable)
    if not problems:
        problems += _key_problems(dataset)
    if problems:
        raise DataError(combined(problems))
    return tuple(variables)


def kind_of(type_: pa.DataType) -> str | None:
    """Return the kind of a type of Arrow, None when exports have no place for it.

    >>> kind_of(pa.int32()), kind_of(pa.large_string()), kind_of(pa.bool_())
    ('integer', 'text', None)
    """
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return "text"
    if pa.types.is_integer(type_):
        return "integer"
    if pa.types.is_floating(type_):
        return "number"
    return "date" if pa.types.is_date32(type_) else None


def _shape_problems(dataset: Dataset) -> Iterator[str]:
    table, name = dataset.table, dataset.name
    try:
        table.validate(full=True)
    except pa.ArrowInvalid as reason:
        yield located(f"not a sound table: {reason}", name)
        return
    if not table.num_columns:
        yield located("no variables", name, remedy="export a table with columns")
    for column, count in Counter(table.schema.names).items():
        if count > 1:
            what, remedy = f"{count} variables of this name", "keep one of them"
            yield located(what, name, column=column, remedy=remedy)
    for key, count in Counter(dataset.keys).items():
        if key not in table.schema.names:
            remedy = f"name one of {', '.join(table.schema.names)}"
            yield located("a key that is no variable", name, value=key, remedy=remedy)
        elif count > 1:
            yield located("a key named twice", name, value=key, remedy="name it once")


def _key_problems(dataset: Dataset) -> list[str]:
    """Return rows that share their keys with a row before; null is a value."""
    if not dataset.keys:
        return []
    seen: dict[tuple[Any, ...], int] = {}
    problems = []
    columns = [_values(dataset.table.column(key)) for key in dataset.keys]
    for row, key in enumerate(zip(*columns, strict=True), FIRST_ROW):
        first = seen.setdefault(key, row)
        if first != row:
            pairs = zip(dataset.keys, key, strict=True)
            named = ", ".join(f"{n} = {v}" for n, v in pairs)
            what = f"the same keys as row {first} ({named})"
            remedy = "add the variable that tells the rows apart to the keys"
            problems.append(located(what, dataset.name, row, remedy=remedy))
    return problems


def _value_faults(type_: pa.DataType, column: Any) -> Iterator[dict[str, Any]]:
    """Yield what is wrong with the type, or with values that Python cannot hold."""
    kind = kind_of(type_)
    if kind is None:
        yield {
            "what": f"{type_} has no place in an export",
            "remedy": "write Y and N as text"
            if pa.types.is_boolean(type_)
            else f"make it {', '.join(KINDS[:-1])} or {KINDS[-1]}",
        }
    elif kind == "date":
        for row, day in enumerate(column.cast(pa.int32()).to_pylist(), FIRST_ROW):
            if day is not None and not _FIRST_DAY <= day <= _LAST_DAY:
                yield {
                    "what": "a date outside the years 1 to 9999",
                    "row": row,
                    "value": f"day {day} from 1970-01-01",
                    "remedy": "correct it or make it missing",
                }
    elif kind == "number":
        infinite = pc.is_inf(column).to_pylist()
        for row, (value, bad) in enumerate(
            zip(column.to_pylist(), infinite, strict=True), FIRST_ROW
        ):
            if bad:
                remedy = "make it missing, and say why in another variable"
                what = "an infinite number"
                yield {"what": what, "row": row, "value": value, "remedy": remedy}
    elif kind == "integer":
        for row, value in enumerate(column.to_pylist(), FIRST_ROW):
            if value is not None and int(float(value)) != value:
                yield {
                    "what": "a whole number that 64-bit floating point cannot hold",
                    "row": row,
                    "value": value,
                    "remedy": f"keep within {LARGEST_WHOLE}, or write it as text",
                }


def _values(column: Any) -> tuple[Any, ...]:
    """Return values of Python; not-a-number, the value unequal to itself, is None."""
    return tuple(None if value != value else value for value in column.to_pylist())


def _read(
    dataset: Dataset, field: pa.Field, kind: str, values: tuple[Any, ...]
) -> tuple[Variable, list[dict[str, Any]]]:
    """Return a variable and what is wrong with its metadata."""
    errors: list[dict[str, Any]] = []
    texts = _metadata(field, errors)
    origin = texts.get("origin")
    if origin is not None and origin not in ORIGINS:
        remedy = f"write one of {', '.join(ORIGINS)}"
        errors.append({"what": "unknown origin", "value": origin, "remedy": remedy})
    codelist = _codelist(texts["codelist"], kind, errors) if "codelist" in texts else {}
    place = (*dataset.keys, field.name).index(field.name)
    variable = Variable(
        name=field.name,
        kind=kind,
        **{n: texts.get(n) for n in ("label", "unit", "source", "derivation")},
        origin=origin,
        origin_source=texts.get("origin_source"),
        codelist=codelist or None,
        length=_length(texts.get("length"), errors),
        required=not field.nullable,
        key=place + 1 if place < len(dataset.keys) else None,
        values=values,
    )
    return variable, errors


def _metadata(field: pa.Field, errors: list[dict[str, Any]]) -> dict[str, str]:
    """Return the metadata as text; blank ones are absent."""
    texts = {}
    for key, content in (field.metadata or {}).items():
        try:
            name, text = key.decode("utf-8"), content.decode("utf-8")
        except UnicodeDecodeError:
            what = f"metadata {key!r} are not UTF-8"
            errors.append({"what": what, "remedy": "write them as text"})
            continue
        if text.strip():
            texts[name] = text
    return texts


def _length(text: str | None, errors: list[dict[str, Any]]) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text) < LARGEST_WHOLE):
        remedy = "write a whole number of characters"
        errors.append({"what": "not a length", "value": text, "remedy": remedy})
        return None
    return int(text)


_CODES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "number": (int, float),
    "date": (),
}


def _codelist(text: str, kind: str, errors: list[dict[str, Any]]) -> Codelist:
    """Return a codelist, empty when it cannot be read."""

    def wrong(what: str, value: object = None) -> Codelist:
        remedy = 'write JSON: [["M", "Male"], ["F", "Female"]], or ["M", "F"]'
        errors.append({"what": what, "value": value, "remedy": remedy})
        return {}

    try:
        listed = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return wrong("a codelist that is no JSON", text)
    if not isinstance(listed, list) or not listed:
        return wrong("a codelist that is no list of codes", text)
    paired = isinstance(listed[0], list)
    codes: Codelist = {}
    for entry in listed:
        code, decode = entry, None
        if paired and isinstance(entry, list) and len(entry) == 2:
            code, decode = entry
        meant = isinstance(decode, str) and decode.strip()
        if isinstance(code, list) or (paired and not meant):
            return wrong("a codelist of codes with and without meanings", text)
        code = _typed(code, kind)
        if isinstance(code, bool) or not isinstance(code, _CODES[kind]):
            return wrong(f"a code that is no {kind}", code)
        for unseen in control_characters(f"{code}{decode}"):
            return wrong(f"{unseen} in a codelist", text)
        if code in codes:
            return wrong("a code listed twice", code)
        codes[code] = decode
    return codes


def _typed(code: Any, kind: str) -> Any:
    """Return a code of numbers that is written as text, "1", as the number."""
    if kind not in {"integer", "number"} or not isinstance(code, str):
        return code
    try:
        return json.loads(code, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return code


def _no_constant(name: str) -> float:
    """Refuse NaN and Infinity, which Python reads though they are no JSON."""
    raise ValueError(name)


def _contents_problems(dataset: Dataset, variable: Variable) -> Iterator[str]:
    """Yield values that contradict what the metadata say."""
    for row, value in enumerate(variable.values, FIRST_ROW):
        what = remedy = None
        if value is None:
            if variable.required:
                what, remedy = "no value where one is required", "fill it"
        elif variable.codelist is not None and value not in variable.codelist:
            what, remedy = "a value outside its codelist", "list it under codelist"
        elif (
            variable.kind == "text"
            and variable.length is not None
            and len(value) > variable.length
        ):
            what = f"{len(value)} characters where {variable.length} are planned"
            remedy = "shorten it, or raise the length"
        if what:
            yield located(what, dataset.name, row, variable.name, value, remedy)
