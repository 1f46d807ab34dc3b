"""Rows of a table of counts: subjects on each line, by arm and in total, tested."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from trialstats.analyses.descriptive import groups_of, split
from trialstats.analyses.trial_characteristics import require_subjects, tested_row
from trialstats.analyses.trial_rows import Analysis, Row
from trialstats.errors import ConfigError
from trialstats.expressions import condition
from trialstats.rows import distinct_keys

_COUNTED = "Number of subjects; percentages are of all in the analysis set of the arm"


def counts_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield how many subjects stand on each line, in each place that `by` names."""
    subjects = require_subjects(analysis)
    yield from _lines(analysis, subjects, None)
    by = analysis.model.get("by", [])
    if not by:
        return
    known = subjects[by].notna().all(axis=1)
    listed = subjects.loc[known, by].drop_duplicates().sort_values(by, kind="stable")
    for place in listed.itertuples(index=False, name=None):
        here = pd.Series(True, index=subjects.index)
        for column, value in zip(by, place, strict=True):
            here &= subjects[column] == value
        words = ", ".join(
            f"{_label(analysis, column)} {value}"
            for column, value in zip(by, place, strict=True)
        )
        yield from _lines(analysis, subjects[here], words)


def _label(analysis: Analysis, column: str) -> str:
    spec = analysis.config["adsl"]["variables"].get(column, {})
    return str(spec.get("label", column))


def _lines(
    analysis: Analysis, subjects: pd.DataFrame, place: str | None
) -> Iterator[Row]:
    lines = analysis.model["lines"]
    for name, key in distinct_keys(lines).items():
        spec = lines[name]
        if "sum" in spec:
            yield from _sums(analysis, subjects, (name, key), spec, place)
        elif "when" in spec:
            flag = condition(spec["when"], subjects)
            yield from _counted(
                analysis, subjects, flag, (name, key), (None, None), spec, place
            )
        else:
            yield from _levels(analysis, subjects, (name, key), spec, place)


def _levels(
    analysis: Analysis,
    subjects: pd.DataFrame,
    line: tuple[str, str],
    spec: Mapping[str, Any],
    place: str | None,
) -> Iterator[Row]:
    """Yield a count for each level of a variable, among those whom `where` names."""
    column = spec["variable"]
    if column not in subjects:
        raise ConfigError(
            f"{analysis.place}.model.lines.{line[0]}.variable: ADSL has no {column!r}"
        )
    chosen = pd.Series(True, index=subjects.index)
    if "where" in spec:
        chosen = condition(spec["where"], subjects)
    everybody = analysis.subjects()
    levels = spec.get("levels") or sorted(
        everybody.loc[_among(spec, everybody), column].dropna().astype(str).unique()
    )
    values = subjects[column].astype("str")
    keys = distinct_keys(levels)
    for level, key in keys.items():
        flag = chosen & (values == level)
        yield from _counted(analysis, subjects, flag, line, (level, key), spec, place)
    missing = chosen & subjects[column].isna()
    yield from _counted(
        analysis,
        subjects,
        missing,
        line,
        ("Missing", "missing-value"),
        {k: v for k, v in spec.items() if k != "test"},
        place,
    )
    other = chosen & subjects[column].notna() & ~values.isin(levels)
    if other.any():
        seen = ", ".join(sorted(values[other].unique()))
        raise ConfigError(
            f"{analysis.place}.model.lines.{line[0]}.levels: the data hold {seen} "
            "too; add what is missing"
        )


def _among(spec: Mapping[str, Any], subjects: pd.DataFrame) -> pd.Series:
    if "where" in spec:
        return condition(spec["where"], subjects)
    return pd.Series(True, index=subjects.index)


def _counted(
    analysis: Analysis,
    subjects: pd.DataFrame,
    flag: pd.Series,
    line: tuple[str, str],
    level: tuple[str | None, str | None],
    spec: Mapping[str, Any],
    place: str | None,
) -> Iterator[Row]:
    """Yield the counts of one line, and its test against all other subjects."""
    column, groups = groups_of(analysis)
    key = [part for part in (place, line[1], level[1]) if part]
    named = line[0] if level[0] is None else f"{line[0]}: {level[0]}"
    where: Row = {"parameter": named, "subgroup": place}
    for group, part in split(subjects, column, groups):
        yield analysis.row(
            "count",
            key=key,
            group=group,
            estimate=int(flag.loc[part.index].sum()),
            n_subjects=len(part),
            method=_COUNTED,
            **where,
        )
    if "test" in spec and place is None:
        yield tested_row(
            analysis,
            spec["test"],
            flag.map({True: "on the line", False: "others"}),
            subjects[column],
            False,
            key=key,
            **where,
        )


def _sums(
    analysis: Analysis,
    subjects: pd.DataFrame,
    line: tuple[str, str],
    spec: Mapping[str, Any],
    place: str | None,
) -> Iterator[Row]:
    """Yield the total of a variable of numbers."""
    column, groups = groups_of(analysis)
    name = spec["sum"]
    if name not in subjects or not pd.api.types.is_numeric_dtype(subjects[name]):
        raise ConfigError(
            f"{analysis.place}.model.lines.{line[0]}.sum: ADSL has no {name!r} that "
            "holds numbers"
        )
    for group, part in split(subjects, column, groups):
        yield analysis.row(
            "total",
            key=[part for part in (place, line[1]) if part],
            group=group,
            parameter=line[0],
            subgroup=place,
            estimate=float(part[name].sum()),
            n_subjects=int(part[name].notna().sum()),
            method=f"Sum of {name} over the subjects with a value",
        )
