"""Rows of a table of characteristics: named variables by arm and in total, tested."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from trialstats.analyses.descriptive import (
    baseline_in_words,
    baseline_values,
    groups_of,
    level_rows,
    moment_rows,
    split,
)
from trialstats.analyses.trial_rows import Analysis, Row
from trialstats.contingency import chi_square_test, fisher_exact_test
from trialstats.errors import ConfigError, DataError, NotEstimableError
from trialstats.group_means import one_way_anova
from trialstats.rows import distinct_keys

#: Tests of a variable, and of what they are: numbers or levels.
TESTS = {"anova": "numbers", "chi_square": "levels", "fisher": "levels"}

_WORDS = {
    "anova": "One-way analysis of variance of the arms",
    "chi_square": "Pearson's chi-square test, without a correction",
    "fisher": "Fisher's exact test (Freeman and Halton beyond two rows and columns)",
}


def variables_of(analysis: Analysis) -> Mapping[str, Mapping[str, Any]]:
    """Return the variables that are described, each with its settings."""
    named = analysis.model["variables"]
    return named if isinstance(named, Mapping) else {name: {} for name in named}


def characteristics_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield numbers and moments, or counts of levels, and the test of each variable."""
    subjects = analysis.subjects()
    column, groups = groups_of(analysis)
    for name, settings in variables_of(analysis).items():
        values, spec = _values(analysis, name, subjects)
        said = "" if name in subjects else baseline_in_words(analysis.bds, name)
        levels = _levels(analysis, name, values, settings)
        for group, part in split(subjects, column, groups):
            shared: Row = {
                "group": group,
                "parameter": name,
                "unit": spec.get("unit"),
                "method": f"{spec.get('label', name)}; subjects of the analysis set "
                f"with a value{said}",
            }
            own = values.loc[part.index]
            if levels is None:
                yield from moment_rows(analysis, own, shared)
            else:
                yield from level_rows(analysis, own, levels, shared)
        if "test" in settings:
            yield tested_row(
                analysis,
                settings["test"],
                values,
                subjects[column],
                levels is None,
                key=[name],
                parameter=name,
            )


def _values(
    analysis: Analysis, name: str, subjects: pd.DataFrame
) -> tuple[pd.Series, Mapping[str, Any]]:
    """Return the values of a variable of ADSL, or the baseline of a parameter."""
    adsl = analysis.config["adsl"]
    flags = adsl.get("flags", {})
    if name in subjects:
        known: Mapping[str, Any] = {**flags, **adsl["variables"]}.get(name, {})
        return subjects[name], known
    if name in analysis.config["bds"]:
        found = baseline_values(analysis.bds, name)
        return subjects["USUBJID"].map(found), analysis.config["bds"][name]
    raise ConfigError(
        f"{analysis.place}.model.variables: there is no variable {name!r}; name one "
        "of ADSL, or a parameter for its baseline"
    )


def _levels(
    analysis: Analysis, name: str, values: pd.Series, settings: Mapping[str, Any]
) -> dict[str, str] | None:
    """Return the levels with their keys; None of a variable of numbers."""
    if pd.api.types.is_datetime64_any_dtype(values):
        raise ConfigError(
            f"{analysis.place}.model.variables.{name}: {name} holds dates, which are "
            "not described; leave it out, or derive a number or a category of it"
        )
    if pd.api.types.is_numeric_dtype(values) and "levels" not in settings:
        return None
    seen = sorted(values.dropna().astype(str).unique())
    named = settings.get("levels")
    if named is None:
        return distinct_keys(seen)
    absent = [level for level in seen if level not in named]
    if absent:
        raise ConfigError(
            f"{analysis.place}.model.variables.{name}.levels: the data hold "
            f"{', '.join(map(repr, absent))} too; add what is missing"
        )
    return distinct_keys(named)


def tested_row(
    analysis: Analysis,
    kind: str,
    values: pd.Series,
    groups: pd.Series,
    numbers: bool,
    *,
    key: list[str],
    **where: Any,
) -> Row:
    """Return the row of a test that values do not depend on the arm.

    Parameters
    ----------
    analysis : Analysis
    kind : {"anova", "chi_square", "fisher"}
    values, groups : Series
        Of the same subjects; those without a value are left out.
    numbers : bool
        Whether the values are numbers, and not levels.
    key : list of str
        Part of the row's key.
    **where
        Other columns of the row.
    """
    wanted = TESTS[kind]
    if wanted != ("numbers" if numbers else "levels"):
        raise ConfigError(
            f"{analysis.place}.model: {kind!r} is a test of {wanted}, and "
            f"{key[0]} holds {'numbers' if numbers else 'levels'}; write "
            f"{'anova' if numbers else 'chi_square or fisher'}"
        )
    known = values.notna() & groups.notna()
    shared: Row = {"method": f"{_WORDS[kind]}; subjects with a value", **where}
    try:
        found = _tested(kind, values[known], groups[known])
    except NotEstimableError as reason:
        return analysis.row(
            f"{kind}_test", key=key, not_estimable=str(reason), **shared
        )
    return analysis.row(
        f"{kind}_test", key=key, n_subjects=int(known.sum()), **found, **shared
    )


def _tested(kind: str, values: pd.Series, groups: pd.Series) -> Row:
    if kind == "anova":
        frame = pd.DataFrame({"value": values.astype(float), "group": groups})
        anova = one_way_anova(frame, response="value", group="group")
        return {
            "estimate": anova.statistic,
            "numerator_df": float(anova.numerator_df),
            "df": float(anova.df),
            "test_statistic": anova.statistic,
            "p_value": anova.p_value,
        }
    table = pd.crosstab(values.astype(str), groups.astype(str)).to_numpy()
    if min(table.shape) < 2:
        raise NotEstimableError("There is one level, or one arm, alone.")
    if kind == "chi_square":
        pearson = chi_square_test(table)
        return {
            "estimate": pearson.statistic,
            "df": float(pearson.df),
            "test_statistic": pearson.statistic,
            "p_value": pearson.p_value,
        }
    exact = fisher_exact_test(table)
    return {"estimate": exact.probability, "p_value": exact.p_value}


def require_subjects(analysis: Analysis) -> pd.DataFrame:
    """Return the subjects of the analysis set; there must be some."""
    subjects = analysis.subjects()
    if subjects.empty:
        raise DataError(
            f"nobody is in the analysis set {analysis.settings['analysis_set']}",
            remedy="mend its condition under analysis_sets",
        )
    return subjects
