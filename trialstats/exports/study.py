"""What is exported: a study, its datasets, and what links their files."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from trialstats.errors import DataError, combined, located
from trialstats.exports.characters import control_characters

#: Creation time that is written where a standard asks for one. The same datasets give
#: the same bytes on every day; a reader recognises this one as no time at all.
NO_TIME = "1970-01-01T00:00:00"

_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?([+-]\d{2}:\d{2}|Z)?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Study:
    """The study that datasets belong to.

    Attributes
    ----------
    name : str
        Its short identifier, such as the value of `STUDYID`.
    title : str
        Its title, in words.
    description : str
        What the datasets are; may be empty.
    version : str
        Version of the datasets; it becomes part of their identifiers.
    """

    name: str
    title: str
    description: str
    version: str

    def __post_init__(self) -> None:
        """Refuse texts that identify nothing or cannot be written."""
        refuse_unseen(
            "the study",
            {n: getattr(self, n) for n in ("name", "title", "description", "version")},
            needed=("name", "title", "version"),
        )

    @property
    def oid(self) -> str:
        """Identifier of the study."""
        return f"STDY.{self.name}"

    @property
    def metadata_oid(self) -> str:
        """Identifier of this version of its metadata."""
        return f"MDV.{self.name}.{self.version}"

    @property
    def file_oid(self) -> str:
        """Identifier that files of this version begin with."""
        return f"{self.name}.{self.version}"


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset with what a reader must know of it.

    Attributes
    ----------
    name : str
        Its name, such as ADSL.
    label : str
        What it is, in a few words.
    table : Table
        The rows; the metadata of each field describe the variable.
    structure : str
        One row per what, in words.
    keys : tuple of str
        Variables that identify a row, in order; empty when nothing does.
    class_ : str
        Class of the dataset in the terms of ADaM, such as BASIC DATA STRUCTURE.
    subclass : str, optional
        Its subclass, such as TIME-TO-EVENT.
    """

    name: str
    label: str
    table: pa.Table
    structure: str
    keys: tuple[str, ...]
    class_: str
    subclass: str | None = None

    def __post_init__(self) -> None:
        """Refuse a dataset without a name, and texts that cannot be written."""
        texts = {n: getattr(self, n) for n in ("name", "label", "structure")}
        refuse_unseen(f"dataset {self.name!r}", texts, needed=("name",))

    @property
    def oid(self) -> str:
        """Identifier of the dataset."""
        return f"IG.{self.name}"

    def item_oid(self, variable: str) -> str:
        """Return the identifier of one of its variables."""
        return f"IT.{self.name}.{variable}"


def refuse_unseen(
    place: str, texts: Mapping[str, str | None], needed: tuple[str, ...] = ()
) -> None:
    """Refuse texts that hold control characters, and empty ones that are needed.

    Raises
    ------
    DataError
        Every problem in one message.
    """
    problems = []
    for name, text in texts.items():
        if name in needed and not (text or "").strip():
            remedy = f"write the {name} in words"
            problems.append(located(f"no {name}", place, remedy=remedy))
        for what in control_characters(text or ""):
            what = f"{what} in the {name}"
            problems.append(located(what, place, value=text, remedy="remove it"))
    if problems:
        raise DataError(combined(problems))


def checked_time(created: str) -> str:
    """Return a creation time when it is one as ISO 8601 writes it.

    Raises
    ------
    DataError
        When it is not.

    >>> checked_time("2025-03-01T12:00:00Z")
    '2025-03-01T12:00:00Z'
    """
    written = _TIME.fullmatch(created)
    try:
        dt.datetime.fromisoformat(created)
    except ValueError:
        written = None
    if not written:
        raise DataError(
            "not a creation time",
            value=created,
            remedy=f"write it as {NO_TIME}, with a time zone if one is known",
        )
    return created
