"""The files that a draft is made from."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from trialstats.raw import RawTable

#: Folders that say of which kind files are, and others that say where they lie.
_KINDS = {"csv", "adam", "sdtm", "files", "xpt"}
_NO_TRIAL = {"", ".", "..", "data", "raw", "tmp"}

_ENDINGS = re.compile(
    r"(\.(csv|tsv|txt|dat|xlsx|xlsm|xpt|sas7bdat|z?sav|por|dta|rds|rda|rdata|parquet"
    r"|pq|json|ndjson|gz|zip))+$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Stack:
    """Files of one shape that are one table.

    Attributes
    ----------
    name : str
        Name of the table.
    paths : mapping of str to str
        What a file is of, such as a visit, to its path.
    into : str or None
        Column that holds what the rows are of; None where the files have one.
    evidence : str
        Why the files belong together.
    """

    name: str
    paths: Mapping[str, str]
    into: str | None
    evidence: str


@dataclass(frozen=True, slots=True)
class Received:
    """A table that was received.

    Attributes
    ----------
    path : str
        Path of the file as the user wrote it.
    table : RawTable
        Its cells.
    options : mapping
        Keys of a source that say how it is read, such as ``delimiter`` or ``sheet``.
    stack : Stack, optional
        The files that were put on each other, where the table is more than one.
    """

    path: str
    table: RawTable
    options: Mapping[str, Any] = field(default_factory=dict)
    stack: Stack | None = None


def trial_name(path: str, given: str | None = None) -> str:
    """Return a name of the trial from the path of one of its files.

    The folder names it, else the name that was given, else the file. A folder that
    says what kind of files it holds lies in the folder of the trial.

    >>> trial_name("data/raw/back_pain/visits.csv"), trial_name("data/raw/x_1.csv")
    ('back_pain', 'x_1')
    >>> trial_name("data/raw/back_pain/sdtm/dm.xpt")
    'back_pain'
    >>> trial_name("visits.csv", "Back pain")
    'back_pain'
    """
    folder = next(
        (f for f in PurePath(path).parts[-2::-1] if f.lower() not in _KINDS), ""
    )
    known = folder.lower() not in _NO_TRIAL and folder != "/"
    plain = folder if known else given or stem(path)
    return re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_") or "trial"


def stem(path: str) -> str:
    """Return the name of a file without its endings.

    >>> stem("data/raw/x/visits.csv.gz")
    'visits'
    """
    return _ENDINGS.sub("", PurePath(path).name)


def place_of(path: str, folder: str) -> str:
    """Return the path below ``data/`` under which a configuration names a file.

    >>> place_of("/home/a/data/raw/x/visits.csv", "x")
    'data/raw/x/visits.csv'
    >>> place_of("visits.csv", "x")
    'data/raw/x/visits.csv'
    """
    parts = PurePath(path).parts
    if "data" in parts[:-1]:
        return "/".join(parts[parts.index("data") :])
    return f"data/raw/{folder}/{parts[-1]}"


def source_names(files: Sequence[Received]) -> list[str]:
    """Return a name for the source of each file, without a beginning that all share.

    >>> from types import SimpleNamespace as N
    >>> paths = ("made_visits.csv", "made_labs.csv")
    >>> source_names([N(path=path, options={}, stack=None) for path in paths])
    ['visits', 'labs']
    """
    plain = [
        re.sub(
            r"[^a-z0-9]+",
            "_",
            _own_name(file).lower(),
        ).strip("_")
        for file in files
    ]
    if len(plain) > 1:
        first = plain[0].split("_")
        shared = 0
        while shared < len(first) - 1 and all(
            len(name.split("_")) > shared + 1
            and name.split("_")[shared] == first[shared]
            for name in plain
        ):
            shared += 1
        plain = ["_".join(name.split("_")[shared:]) for name in plain]
    names: list[str] = []
    for name in plain:
        candidate, number = name or "source", 2
        while candidate in names:
            candidate, number = f"{name or 'source'}_{number}", number + 1
        names.append(candidate)
    return names


def _own_name(file: Received) -> str:
    if file.stack is not None:
        return file.stack.name
    return str(file.options.get("sheet") or stem(file.path))
