"""Draft the sources: files, keys, codes for missing values, formats of dates."""

import itertools
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from trialstats.describe.columns import DATE_SHAPES, DATED, ISO8601, TEXT_CODES, Column
from trialstats.describe.received import Received, place_of, trial_name
from trialstats.describe.standards import sequence_of, standard_name
from trialstats.describe.study import Study
from trialstats.describe.subjects import Table

#: The format of dates that is read when none is named.
_DAY = "%Y-%m-%d"


def draft_sources(study: Study, files: Sequence[Received], trial: str) -> None:
    """Write the sources, with their keys, the codes for missing values and dates."""
    sheet = study.sheet
    codes: dict[str, str] = {}
    formats: list[str] = []
    folder = trial_name(files[0].path, trial)
    for name, table in zip(study.names, study.tables, strict=True):
        file = files[table.number]
        spec: dict[str, Any] = _place(file, folder)
        spec |= file.options
        if table.subject is None:
            spec["number_rows"] = study.subject
        elif table.subject != study.subject:
            spec["rename"] = {table.subject: study.subject}
        key, why = key_of(table, study.subject)
        spec["key"] = key
        sheet.put(("sources", name), spec, guess=why)
        if file.stack is not None:
            sheet.remark(("sources", name), f"guess: {file.stack.evidence}")
        for column in table.columns.values():
            codes |= {c: _meaning(c) for c in column.codes}
            formats += [f for f in column.formats if f not in formats]
    if codes:
        shown = dict(sorted(codes.items()))
        sheet.put(("missing_codes",), shown, guess="what the codes mean")
    if {ISO8601, _DAY} <= set(formats) and not _unpadded(study.tables):
        # ISO 8601 reads days without a time too.
        formats.remove(_DAY)
    if formats and formats != [_DAY]:
        sheet.put(
            ("date_formats",), _ordered_formats(formats), guess="all dates are read"
        )


def _place(file: Received, folder: str) -> dict[str, Any]:
    """Return where a table lies: in a file, or in several on each other."""
    if file.stack is None:
        return {"file": place_of(file.path, folder)}
    paths = {part: place_of(p, folder) for part, p in file.stack.paths.items()}
    if file.stack.into is None:
        return {"files": list(paths.values())}
    return {"files": paths, "into": file.stack.into}


def _meaning(code: str) -> str:
    return TEXT_CODES.get(code.upper(), "not recorded")


def _unpadded(tables: Sequence[Table]) -> bool:
    """Return whether a day is written without a zero, such as 2024-1-8."""
    return any(
        re.fullmatch(r"\d{4}-(\d-\d{1,2}|\d\d-\d)", level)
        for table in tables
        for column in table.columns.values()
        if _DAY in column.formats
        for level in column.levels
    )


def _ordered_formats(formats: Sequence[str]) -> list[str]:
    order = [*DATE_SHAPES, ISO8601]
    return sorted(formats, key=order.index)


def key_of(table: Table, subject: str) -> tuple[list[str], str]:
    """Return the fewest columns that tell the rows of a table apart, and a doubt.

    Rows that are the same in every column count once.
    """
    numbered = sequence_of(table.columns)
    if table.once and numbered is None:
        return [subject], ""
    frame = pd.DataFrame({n: c.ids for n, c in table.columns.items()})
    frame = frame.drop_duplicates()
    if numbered and not frame.duplicated([str(table.subject), numbered]).any():
        return [subject, numbered], ""
    names = [
        str(n)
        for n in frame
        if n != table.subject and len(table.columns[str(n)].levels) > 1
    ]
    names.sort(
        key=lambda n: (_key_rank(table.columns[n]), list(table.columns).index(n))
    )
    for size in (0, 1, 2, 3):
        for extra in itertools.combinations(names[:14], size):
            if not frame.duplicated([str(table.subject), *extra]).any():
                return [subject, *extra], ""
    chosen: list[str] = []
    while frame.duplicated([str(table.subject), *chosen]).any() and len(chosen) < 6:
        others = [n for n in names if n not in chosen]
        chosen.append(
            max(others, key=lambda n: _told_apart(frame, [*chosen, n], table))
        )
    chosen.sort(key=list(table.columns).index)
    if not frame.duplicated([str(table.subject), *chosen]).any():
        return [subject, *chosen], "which columns tell the rows apart"
    everything = [n for n in table.columns if n != table.subject]
    return [subject, *everything], "no few columns tell all rows apart"


def _told_apart(frame: pd.DataFrame, key: list[str], table: Table) -> int:
    """Return how many rows a key tells apart."""
    return int((~frame.duplicated([str(table.subject), *key])).sum())


def _key_rank(column: Column) -> int:
    """Return how late a column comes into a key: visits first, values last."""
    standard = standard_name(column.name, column.label)
    if standard in ("PARAMCD", "AVISIT", "VISIT"):
        return 0
    numbered = (column.label or "").lower() == "sequence number"
    if column.name.upper().endswith("SEQ") or numbered:
        return 1
    if column.kind == DATED:
        return 3
    if column.few or column.kind == "text":
        return 2
    return 4 if column.kind == "whole number" else 5


def draft_unused(study: Study) -> None:
    """Say at each source which of its columns the draft does not use."""
    variables = study.sheet.at("adsl", "variables")
    for place, (name, table) in enumerate(zip(study.names, study.tables, strict=True)):
        own = [
            v
            for v in variables.values()
            if v.get("source", study.names[study.main]) == name
        ]
        used = study.used[place] | {str(v.get("column")) for v in own}
        used |= {str(v["units"]["column"]) for v in own if "units" in v}
        used |= {str(table.subject), *study.left_out.get(place, [])}
        left = [
            f"{column.name} ({column.evidence})"
            for column in table.columns.values()
            if column.name not in used and column.levels
        ]
        if left:
            study.sheet.remark(("sources", name), f"not used: {'; '.join(left)}")
