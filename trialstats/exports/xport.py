"""SAS transport files, version 5: what agencies take datasets in.

Layout after SAS Institute's technical note TS-140: records of 80 bytes, a header for
the library and one for its only member, 140 bytes a variable, then the rows one after
another without a mark between them. The format has room for little, and cuts what does
not fit; here everything that would be cut is an error that names it.

pyreadstat is not used for writing: it stamps the time, cuts labels, and turns numbers
beyond 9e74 into infinite ones (1.3.7). The tests read what is written here by it.
"""

import datetime as dt
import re
import struct
import unicodedata
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from trialstats.errors import DataError, combined, located
from trialstats.exports.characters import control_characters
from trialstats.exports.ibm_numbers import LARGEST, SMALLEST, ibm_bytes, is_held
from trialstats.exports.study import Dataset
from trialstats.exports.variables import FIRST_ROW, Variable, variables_of

LONGEST_NAME, LONGEST_LABEL, LONGEST_TEXT, MOST_VARIABLES = 8, 40, 200, 9999

#: Day zero of SAS, and the first day that its calendar knows.
SAS_EPOCH = dt.date(1960, 1, 1)
FIRST_SAS_DATE = dt.date(1582, 1, 1)

#: The time of writing is left out: the same dataset gives the same bytes.
_STAMP = b"01JAN70:00:00:00"

#: Release and system as the technical note prints them; readers take no notice.
_RELEASE, _SYSTEM = b"6.06", b"bsd4.2"

_RECORD = 80
_NAME = re.compile(r"[A-Z_][A-Z0-9_]*", re.ASCII)


def to_xport(dataset: Dataset) -> bytes:
    """Return a dataset as a SAS transport file, version 5.

    Numbers are exact. A date becomes the number of days since 1 January 1960 with the
    format DATE9. A missing text is blank, as is an empty one: SAS knows no difference.
    Units, origins and codelists have no place in the format.

    Parameters
    ----------
    dataset : Dataset
        Names of at most 8 capitals, digits and underscores; labels of at most 40 and
        texts of at most 200 ASCII characters.

    Returns
    -------
    bytes
        The file; the same bytes for the same dataset.

    Raises
    ------
    DataError
        When something does not fit and would be cut, changed or lost; every problem
        in one message.
    """
    variables = variables_of(dataset)
    problems = [*_dataset_problems(dataset, len(variables))]
    for variable in variables:
        problems += _name_problems(dataset, variable)
        problems += _CHECKS[variable.kind](dataset, variable)
    if problems:
        raise DataError(combined(problems))
    widths = [_width(variable) for variable in variables]
    rows = _rows(variables, widths)
    _refuse_lost_rows(dataset, rows)
    head = _library_header() + _member_header(dataset, len(variables))
    described = b"".join(_namestrs(variables, widths))
    return b"".join(
        [head, _padded(described), _header("OBS     "), _padded(rows.tobytes())]
    )


def _dataset_problems(dataset: Dataset, n_variables: int) -> Iterator[str]:
    for what in _name_faults(dataset.name):
        remedy = f"name the dataset with at most {LONGEST_NAME} capitals and digits"
        yield located(what, dataset.name, remedy=remedy)
    for what in _text_faults(dataset.label, LONGEST_LABEL):
        remedy = "write a shorter label of the dataset in ASCII characters"
        yield located(
            f"label: {what}", dataset.name, value=dataset.label, remedy=remedy
        )
    if n_variables > MOST_VARIABLES:
        what = f"{n_variables} variables where the format holds {MOST_VARIABLES}"
        yield located(what, dataset.name, remedy="export two datasets")


def _name_problems(dataset: Dataset, variable: Variable) -> Iterator[str]:
    for what in _name_faults(variable.name):
        remedy = f"rename it with at most {LONGEST_NAME} capitals and digits"
        yield located(what, dataset.name, column=variable.name, remedy=remedy)
    label = variable.label or ""
    for what in _text_faults(label, LONGEST_LABEL):
        yield located(
            f"label: {what}",
            dataset.name,
            column=variable.name,
            value=label,
            remedy="write a shorter label in ASCII characters",
        )


def _name_faults(name: str) -> Iterator[str]:
    if len(name) > LONGEST_NAME:
        yield f"a name of {len(name)} characters where {LONGEST_NAME} fit"
    elif not _NAME.fullmatch(name):
        yield "a name of other characters than A to Z, 0 to 9 and _"


def _text_faults(text: str, longest: int) -> Iterator[str]:
    """Yield why a text does not fit as it is."""
    foreign = dict.fromkeys(c for c in text if not c.isascii())
    for character in foreign:
        name = unicodedata.name(character, f"U+{ord(character):04X}")
        yield f"{character} ({name}) is no ASCII character"
    yield from control_characters("".join(c for c in text if c.isascii()))
    if not foreign and len(text) > longest:
        yield f"{len(text)} characters where {longest} fit"
    if text.endswith(" "):
        yield "blanks at its end, which the format drops"


def _check_text(dataset: Dataset, variable: Variable) -> Iterator[str]:
    if variable.length is not None and variable.length > LONGEST_TEXT:
        what = f"a length of {variable.length} where {LONGEST_TEXT} characters fit"
        remedy = "lower the length, or split the variable"
        yield located(what, dataset.name, column=variable.name, remedy=remedy)
    if "" in variable.values and None in variable.values:
        yield located(
            "empty texts beside missing ones, which the format cannot tell apart",
            dataset.name,
            variable.values.index("") + FIRST_ROW,
            variable.name,
            remedy="make the empty texts missing, or write what they mean",
        )
    for row, value in enumerate(variable.values, FIRST_ROW):
        for what in _text_faults(value or "", LONGEST_TEXT):
            remedy = "rewrite it, or export Dataset-JSON, which holds any text"
            yield located(what, dataset.name, row, variable.name, value, remedy)


def _check_number(dataset: Dataset, variable: Variable) -> Iterator[str]:
    for place in np.flatnonzero(~is_held(_floats(variable))).tolist():
        yield located(
            f"outside the numbers of the format, {SMALLEST:.2g} to {LARGEST:.2g}",
            dataset.name,
            place + FIRST_ROW,
            variable.name,
            variable.values[place],
            "change the unit, or make it missing",
        )


def _check_date(dataset: Dataset, variable: Variable) -> Iterator[str]:
    for row, value in enumerate(variable.values, FIRST_ROW):
        if value is not None and value < FIRST_SAS_DATE:
            yield located(
                f"a date before {FIRST_SAS_DATE}, where the calendar of SAS begins",
                dataset.name,
                row,
                variable.name,
                str(value),
                "correct it, or write it as text",
            )


_CHECKS = {
    "text": _check_text,
    "integer": _check_number,
    "number": _check_number,
    "date": _check_date,
}


def _floats(variable: Variable) -> NDArray[np.float64]:
    values = variable.values
    if variable.kind == "date":
        values = tuple(v and (v - SAS_EPOCH).days for v in values)
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def _width(variable: Variable) -> int:
    if variable.kind != "text":
        return 8
    longest = max((len(value) for value in variable.present), default=0)
    return max(longest, variable.length or 0, 1)


def _rows(variables: tuple[Variable, ...], widths: list[int]) -> NDArray[np.uint8]:
    """Return the bytes of all rows, one row each."""
    n_rows = len(variables[0].values)
    blocks = []
    for variable, width in zip(variables, widths, strict=True):
        if variable.kind == "text":
            texts = ((value or "").ljust(width) for value in variable.values)
            written = "".join(texts).encode("ascii")
            blocks.append(np.frombuffer(written, np.uint8).reshape(n_rows, width))
        else:
            blocks.append(ibm_bytes(_floats(variable)))
    return np.hstack(blocks)


def _refuse_lost_rows(dataset: Dataset, rows: NDArray[np.uint8]) -> None:
    """Refuse a last row that looks like the blanks which fill the last record.

    The format does not say how many rows there are; readers drop blank rows at the
    end, ReadStat also where a row is longer than a record.
    """
    n_rows = len(rows)
    if n_rows and (rows[-1] == ord(" ")).all():
        raise DataError(
            "a blank last row, which readers of the format take for the end",
            file=dataset.name,
            row=n_rows - 1 + FIRST_ROW,
            remedy="leave the row out, or add a variable that is never missing",
        )


def _padded(content: bytes) -> bytes:
    return content + b" " * (-len(content) % _RECORD)


def _header(kind: str, numbers: str = "0" * 30) -> bytes:
    return _padded(f"HEADER RECORD*******{kind}HEADER RECORD!!!!!!!{numbers}".encode())


def _origin(name: bytes, kind: bytes) -> bytes:
    """Return the record that says what follows and what wrote it."""
    parts = (b"SAS", name, kind, _RELEASE, _SYSTEM)
    written = b"".join(part.ljust(8) for part in parts)
    return written.ljust(_RECORD - len(_STAMP)) + _STAMP


def _library_header() -> bytes:
    return _header("LIBRARY ") + _origin(b"SAS", b"SASLIB") + _padded(_STAMP)


def _member_header(dataset: Dataset, n_variables: int) -> bytes:
    label = dataset.label.encode("ascii")
    return b"".join(
        [
            _header("MEMBER  ", "000000000000000001600000000140"),
            _header("DSCRPTR "),
            _origin(dataset.name.encode("ascii"), b"SASDATA"),
            _padded(_STAMP + b" " * 16 + label),
            _header("NAMESTR ", f"000000{n_variables:04d}".ljust(30, "0")),
        ]
    )


def _namestrs(variables: tuple[Variable, ...], widths: list[int]) -> Iterator[bytes]:
    """Yield the description of each variable.

    In order: type (1 number, 2 text), hash (0), width, number, name, label, format
    with its width, decimals and justification, filling, format of input, position in
    the row, filling.
    """
    position = 0
    layout = struct.Struct(">hhhh8s40s8shhh2x8shhl52x")
    for number, (variable, width) in enumerate(
        zip(variables, widths, strict=True), start=1
    ):
        is_text, is_date = variable.kind == "text", variable.kind == "date"
        yield layout.pack(
            2 if is_text else 1,
            0,
            width,
            number,
            variable.name.encode("ascii").ljust(8),
            (variable.label or "").encode("ascii").ljust(40),
            (b"DATE" if is_date else b"").ljust(8),
            9 if is_date else 0,
            0,
            0,
            b" " * 8,
            0,
            0,
            position,
        )
        position += width
