"""How a raw file is to be read, and which of it fits which format."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from trialstats.errors import ConfigError, located

#: Suffix -> name of the format, as `RawOptions.format` takes it.
FORMATS = {
    ".csv": "csv",
    ".txt": "csv",
    ".dat": "csv",
    ".tsv": "tsv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xpt": "xpt",
    ".sas7bdat": "sas7bdat",
    ".sav": "sav",
    ".zsav": "sav",
    ".por": "por",
    ".dta": "dta",
    ".rds": "rds",
    ".rda": "rda",
    ".rdata": "rda",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".json": "json",
    ".ndjson": "ndjson",
}

_DELIMITED = {"csv", "tsv"}
_ROWS = {*_DELIMITED, "xlsx"}

#: Option -> formats that it has a meaning for.
_MEANT_FOR = {
    "sheet": {"xlsx"},
    "member": {"xpt", "rda"},
    "delimiter": _DELIMITED,
    "decimal": set(FORMATS.values()),
    "encoding": {*_DELIMITED, "xpt", "sas7bdat", "sav", "dta"},
    "comment": _ROWS,
    "skip_rows": _ROWS,
    "header": _ROWS,
}


@dataclass(frozen=True, slots=True)
class RawOptions:
    """How a raw file is to be read, where its suffix does not say.

    Attributes
    ----------
    format : str, optional
        Its format, a value of `FORMATS`; by its suffix when not given.
    sheet : str, optional
        Sheet of a workbook; the first visible one when not given.
    member : str, optional
        Member of a zip archive, object of an .rda file, or dataset of a SAS transport
        file; needed when there are several.
    delimiter : str, optional
        One character; a comma, or a tab in .tsv, when not given.
    decimal : str, optional
        The decimal mark of the numbers. Reading leaves it to whoever reads numbers.
    encoding : str, optional
        Name of the encoding; UTF-8, or what the byte order mark says, when not given.
    comment : str, optional
        Rows that begin so are no data. They count as rows of the file.
    skip_rows : int
        Rows before the header.
    header : bool
        Whether the first row holds the names; without it they are V1, V2, ...
    """

    format: str | None = None
    sheet: str | None = None
    member: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    comment: str | None = None
    skip_rows: int = 0
    header: bool = True

    @classmethod
    def of(cls, source: Mapping[str, Any]) -> Self:
        """Return the options that a source of a configuration names."""
        named = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in source.items() if key in named})


def require_fitting(options: RawOptions, format_: str, file: str) -> None:
    """Refuse options without a meaning, and those that the format does not know.

    Raises
    ------
    ConfigError
        With the first option that cannot be meant.
    """
    usual = RawOptions()
    for option, formats in _MEANT_FOR.items():
        value = getattr(options, option)
        if value != getattr(usual, option) and format_ not in formats:
            raise ConfigError(
                located(
                    f"{option} means nothing in a file of format {format_}",
                    file,
                    value=value,
                    remedy="leave it out",
                )
            )
    delimiter = options.delimiter
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n\0'):
        what = "the delimiter is not one character"
        remedy = 'write one character, such as ";"'
        raise ConfigError(located(what, file, value=delimiter, remedy=remedy))
    if options.comment == "":
        remedy = 'write what a comment begins with, such as "#"'
        raise ConfigError(located("comment is empty", file, remedy=remedy))
    if options.skip_rows < 0:
        what = "skip_rows is not a number of rows"
        value, remedy = options.skip_rows, "write 0 or more"
        raise ConfigError(located(what, file, value=value, remedy=remedy))


def format_named(options: RawOptions, suffix: str) -> str | None:
    """Return the format that the options name, else that of a suffix, if any.

    >>> format_named(RawOptions(), ".PQ"), format_named(RawOptions("tsv"), ".dat")
    ('parquet', 'tsv')
    """
    if options.format is None:
        return FORMATS.get(suffix.lower())
    return {**FORMATS, **{name: name for name in FORMATS.values()}}.get(
        options.format.lower()
    )
