"""The files that a draft is made from."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from trialstats.raw import RawTable

#: Folders that say where files lie and not of which trial they are.
_NO_TRIAL = {"", ".", "..", "data", "raw", "csv", "adam", "sdtm", "files", "tmp"}

_ENDINGS = re.compile(
    r"(\.(csv|tsv|txt|dat|xlsx|xlsm|xpt|sas7bdat|z?sav|por|dta|rds|rda|rdata|parquet"
    r"|pq|json|ndjson|gz|zip))+$",
    re.IGNORECASE,
)


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
    """

    path: str
    table: RawTable
    options: Mapping[str, Any] = field(default_factory=dict)


def trial_name(path: str, given: str | None = None) -> str:
    """Return a name of the trial from the path of one of its files.

    The folder names it, else the name that was given, else the file.

    >>> trial_name("data/raw/back_pain/visits.csv"), trial_name("data/raw/x_1.csv")
    ('back_pain', 'x_1')
    >>> trial_name("visits.csv", "Back pain")
    'back_pain'
    """
    folder = PurePath(path).parent.name
    known = folder.lower() not in _NO_TRIAL
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
    >>> source_names([N(path=f"made_{x}.csv", options={}) for x in ("visits", "labs")])
    ['visits', 'labs']
    """
    plain = [
        re.sub(
            r"[^a-z0-9]+",
            "_",
            str(file.options.get("sheet") or stem(file.path)).lower(),
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
