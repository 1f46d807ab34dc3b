"""Sources of a trial that must fit together: files, keys, joins, derived columns."""

import codecs
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from trialstats.config.checking import unknown_name
from trialstats.config.declared import sources_used
from trialstats.config.formulas import condition_problems, names_in, value_problems
from trialstats.config.raw_files import files_of

Config = Mapping[str, Any]
Found = Iterator[tuple[str, str]]


def source_problems(trial: Config) -> Found:
    """Yield place and sentence for sources that cannot be meant."""
    sources, adsl = trial["sources"], trial["adsl"]
    yield from unknown_name("adsl.from", "source", adsl["from"], sources)
    for place, name in _sources_named(trial):
        yield from unknown_name(place, "source", name, sources)
    used = sources_used(trial)
    for name, source in sources.items():
        if name in used and adsl["subject"] not in source["key"]:
            yield f"sources.{name}.key", f"must hold {adsl['subject']!r}"
        place = f"sources.{name}"
        yield from _file_problems(place, source)
        yield from _column_problems(place, source)
        yield from _join_problems(trial, name)
        yield from _derived_problems(place, source)


def _sources_named(trial: Config) -> Iterator[tuple[str, str]]:
    for name, variable in trial["adsl"]["variables"].items():
        if "source" in variable:
            yield f"adsl.variables.{name}.source", variable["source"]
    for part in ("bds", "adtte"):
        for code, spec in trial.get(part, {}).items():
            if "from" in spec:
                yield f"{part}.{code}.from", spec["from"]
    if "adae" in trial:
        yield "adae.from", trial["adae"]["from"]


def _file_problems(place: str, source: Config) -> Found:
    key = "file" if "file" in source else "files"
    files = list(files_of(source).values())
    listed = source["files"] if "files" in source else [source["file"]]
    again = [file for file in listed if list(listed).count(file) > 1]
    if isinstance(listed, Mapping):
        again = [file for file in files if files.count(file) > 1]
    for file in dict.fromkeys(again):
        yield f"{place}.{key}", f"{file!r} is listed twice; leave one out"
    for file in dict.fromkeys(files):
        if (reason := outside(file)) is not None:
            yield f"{place}.{key}", f"value {file!r} {reason}"
    if "into" in source and not isinstance(source.get("files"), Mapping):
        remedy = "write `files` as `name: file`, such as `Week 4: data/raw/w4.csv`"
        yield f"{place}.into", f"there are no names of files to put into it; {remedy}"
    encoding = source.get("encoding")
    if encoding is not None and not _is_encoding(encoding):
        remedy = "write its name, such as utf-8, latin-1 or cp1252"
        yield f"{place}.encoding", f"no text encoding {encoding!r}; {remedy}"


def outside(file: str) -> str | None:
    """Return why the path of a file cannot be meant, None when it can.

    >>> outside("data/raw/a.csv")
    >>> outside("../a.csv")
    'leads out of its folder by ..; write a path below data/'
    """
    plain = file.replace("\\", "/")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", file):
        return "is an address; write the path of a file below data/"
    if PurePosixPath(plain).is_absolute() or PureWindowsPath(file).drive:
        return "is no relative path; write one below data/"
    if file.startswith("~"):
        return "leads to a home folder; write a path below data/"
    if ".." in PurePosixPath(plain).parts:
        return "leads out of its folder by ..; write a path below data/"
    if "\0" in file or not file.strip():
        return "names no file; write a path below data/"
    return None


def _is_encoding(name: str) -> bool:
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return False
    # Some codecs compress or encrypt bytes and know no text.
    return bool(getattr(found, "_is_text_encoding", True))


def _column_problems(place: str, source: Config) -> Found:
    """Yield names of columns that are given twice, or to no purpose."""
    if "columns" in source and source.get("header", True):
        remedy = "add `header: false`, or write `rename` for new names"
        yield f"{place}.columns", f"is for files without a header; {remedy}"
    for key in ("columns", "key"):
        names = source.get(key, [])
        for name in dict.fromkeys(n for n in names if names.count(n) > 1):
            yield f"{place}.{key}", f"{name!r} is named twice; leave one out"
    if "columns" in source and not source.get("header", True):
        for old in source.get("rename", {}):
            yield from unknown_name(f"{place}.rename", "column", old, source["columns"])
    new = [
        *(("rename", name) for name in source.get("rename", {}).values()),
        *((key, source[key]) for key in ("into", "number_rows") if key in source),
        *(("join", c) for join in source.get("join", []) for c in join["columns"]),
        *(("derive", name) for name in source.get("derive", {})),
    ]
    made: dict[str, str] = {}
    for key, name in new:
        if name in made:
            what = f"the column {name!r} is made under {made[name]!r} too"
            yield f"{place}.{key}", f"{what}; choose another name"
        made.setdefault(name, key)


def _join_problems(trial: Config, name: str) -> Found:
    sources = trial["sources"]
    order = list(sources)
    for number, join in enumerate(sources[name].get("join", [])):
        place, other = f"sources.{name}.join.{number}", join["source"]
        if other not in sources:
            yield from unknown_name(f"{place}.source", "source", other, sources)
            continue
        if other == name:
            yield f"{place}.source", "a source is not joined to itself; name another"
            continue
        if "join" in sources[other] and order.index(other) > order.index(name):
            what = f"{other!r} is joined itself and stands below"
            yield f"{place}.source", f"{what}; put it before {name!r}"
        pairs = join["on"]
        here = list(pairs)
        there = list(pairs.values()) if isinstance(pairs, Mapping) else here
        for column, owner in (
            *((c, name) for c in here),
            *((c, other) for c in [*there, *join["columns"]]),
        ):
            if column in sources[owner].get("derive", {}):
                what = f"{column!r} is derived in {owner!r} after sources are joined"
                yield place, f"{what}; name a column of the file"


def _derived_problems(place: str, source: Config) -> Found:
    derived = source.get("derive", {})
    later = list(derived)
    for name, text in derived.items():
        at = f"{place}.derive.{name}"
        yield from value_problems(at, text, None, "any")
        for used in names_in(text):
            if used == name:
                yield at, f"{name!r} is made from itself; choose another name"
            elif used in later:
                yield at, f"{used!r} is derived below; put it before {name!r}"
        later.remove(name)
    for number, rule in enumerate(source.get("set_aside", [])):
        at = f"{place}.set_aside.{number}.when"
        yield from condition_problems(at, rule["when"], None)
