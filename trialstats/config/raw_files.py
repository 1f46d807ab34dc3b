"""The files of a source, which a configuration names in one of three ways."""

from collections.abc import Mapping
from typing import Any


def files_of(spec: Mapping[str, Any]) -> dict[str | None, str]:
    """Return the files of a source, by the name that ``into`` receives.

    >>> files_of({"file": "a.csv"})
    {None: 'a.csv'}
    >>> files_of({"files": {"Week 4": "w4.csv"}})
    {'Week 4': 'w4.csv'}
    """
    if "file" in spec:
        return {None: spec["file"]}
    files = spec["files"]
    return dict(files) if isinstance(files, Mapping) else {f: f for f in files}
