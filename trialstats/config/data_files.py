"""Data files that a configuration names: they exist, and lie where data may lie.

A configuration may come from anybody, and what it names is printed in tables. So no
file is read outside the folder ``data`` of the dossier, unless the variable of the
environment ``TRIALSTATS_DATA`` names further folders, separated as in ``PATH``: links
below ``data`` may then lead there.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trialstats.config.checking import suggestion
from trialstats.config.raw_files import files_of
from trialstats.config.sources import outside

#: Variable of the environment that names further folders of data.
FURTHER = "TRIALSTATS_DATA"


def files_of_trial(trial: Mapping[str, Any], file: str) -> dict[str, str]:
    """Return the raw files of a trial, by the place where each is named.

    Parameters
    ----------
    trial : mapping
        The trial's configuration.
    file : str
        Its file.
    """
    named = {}
    for name, source in trial["sources"].items():
        place = f"{file}, at sources.{name}"
        for key, path in files_of(source).items():
            many = (
                f"files.{key}" if isinstance(source.get("files"), Mapping) else "files"
            )
            where = f"{place}.file" if key is None else f"{place}.{many}"
            while where in named:
                # A list has no names: each of its files has the same place.
                where += " "
            named[where] = path
    return named


def missing_files(named: Mapping[str, str], root: str | Path) -> list[str]:
    """Return what is wrong with the files that a configuration names, a sentence each.

    Parameters
    ----------
    named : mapping of str to str
        File by the place where it is named.
    root : path
        Folder of the dossier.
    """
    allowed = data_folders(root)
    problems = []
    for place, file in named.items():
        what = _missing(file, Path(root), allowed)
        if what is not None:
            problems.append(f"{place.rstrip()}: {what}")
    return problems


def data_folders(root: str | Path) -> list[Path]:
    """Return the folders that files may lie in: ``data``, and those of the environment.

    Parameters
    ----------
    root : path
        Folder of the dossier.
    """
    further = os.environ.get(FURTHER, "").split(os.pathsep)
    return [Path(root).resolve() / "data", *(Path(p).resolve() for p in further if p)]


def _missing(file: str, root: Path, allowed: list[Path]) -> str | None:
    if (reason := outside(file)) is not None:
        return f"value {file!r} {reason}"
    path = root / file
    try:
        real = path.resolve()
        there = path.is_file()
    except (OSError, RuntimeError):
        return f"the links of {file!r} lead nowhere; put the file itself there"
    if not any(real.is_relative_to(folder) for folder in allowed):
        if path.is_symlink() or real != (root.resolve() / file):
            what = f"{file!r} is a link out of the folder of the data"
            return (
                f"{what}; put the file itself below data/, or name the folder that it "
                f"leads to in the environment variable {FURTHER}"
            )
        return f"{file!r} does not lie below data/; put it there"
    if there:
        return None
    beside = sorted(p.name for p in path.parent.glob("*.*"))
    remedy = suggestion(path.name, beside)
    return f"there is no file {file!r}; put it there, or mend the name: {remedy}"
