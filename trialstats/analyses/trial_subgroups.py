"""Rows of the effects within subgroups of the subjects of an analysis.

Within each level the analysis is made once more, by its own model, of the subjects of
that level alone. What it says of treatment is kept under the name of the level.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import pandas as pd

from trialstats.analyses.trial_counts import visits_after_baseline
from trialstats.analyses.trial_interactions import interaction_rows
from trialstats.analyses.trial_mmrm import role_at
from trialstats.analyses.trial_rows import Analysis, Row
from trialstats.errors import (
    ConfigError,
    ConvergenceError,
    DataError,
    NotEstimableError,
)
from trialstats.expressions import condition
from trialstats.parts import SUBGROUPS, Subgroups, subgroups_of
from trialstats.rows import distinct_keys, row_key
from trialstats.vocabulary import AVERAGE_OVER_VISITS

#: Counts of an arm that are kept of each level.
_COUNTS = ("n_with_data", "n_analysed", "events")

#: What a model does beside its effects, which is not done again in each level.
_NOT_AGAIN = (
    *("pairwise", "dose_response", "interaction", "summaries", "test"),
    "tipping_point",
)


class Model(Protocol):
    """What has to be known of a type of model."""

    @property
    def rows(self) -> Callable[[Analysis], Iterator[Row]]:
        """Fits it and yields its rows."""

    @property
    def counts(self) -> Callable[[Analysis], Iterator[Row]] | None:
        """Yields the numbers with data."""

    @property
    def effects(self) -> tuple[tuple[str, str], ...]:
        """Statistic and scale of its effects."""

    @property
    def method(self) -> Callable[[Analysis, str], str]:
        """Returns an effect's method in words."""


@dataclass(frozen=True, slots=True)
class _Level:
    """One level: its name in the rows, its part of their keys, its subjects."""

    name: str
    key: str
    analysis: Analysis


def subgroup_rows(analysis: Analysis, model: Model) -> Iterator[Row]:
    """Yield the effects within the subgroups of an analysis, and the tests between.

    Parameters
    ----------
    analysis : Analysis
    model : Model
        Its type.

    Yields
    ------
    dict
        Of each level the numbers of each arm and the effects of each treatment, with
        `model_id` ``subgroups``; a level without an estimate says why. Then the tests
        of interaction, and who has no level.

    Raises
    ------
    DataError
        When a subject has two levels, or ADSL lacks a variable.
    """
    divided = [
        (spec, _levels_of(analysis, spec)) for spec in subgroups_of(analysis.settings)
    ]
    names = [
        spec.name(level) for spec, found in divided for level in _ordered(spec, found)
    ]
    keys = distinct_keys([*names, *(spec.label for spec, _ in divided)])
    for spec, found in divided:
        made: list[Row] = []
        for level in _ordered(spec, found):
            name = spec.name(level)
            own = _within(analysis, spec, analysis.adsl[found == level])
            made += _level_rows(_Level(name, keys[name], own), model)
        yield from made
        placed = analysis.adsl.assign(**{SUBGROUPS: found})
        for row in interaction_rows(
            _within(analysis, spec, placed, strata=SUBGROUPS),
            spec,
            column=SUBGROUPS,
            visits=_visits(analysis),
            effects=made,
        ):
            yield _part(analysis, row, spec.label, keys[spec.label])
        yield from _left_rows(analysis, spec, keys[spec.label], found)


def level_analyses(analysis: Analysis) -> Iterator[tuple[str, Analysis]]:
    """Yield the name of each level, and the analysis of its subjects alone."""
    for spec in subgroups_of(analysis.settings):
        found = _levels_of(analysis, spec)
        for level in _ordered(spec, found):
            adsl = analysis.adsl[found == level]
            yield spec.name(level), _within(analysis, spec, adsl)


def _levels_of(analysis: Analysis, spec: Subgroups) -> pd.Series:
    """Return the level of each row of ADSL as text, missing where there is none."""
    adsl = analysis.adsl
    if spec.column is not None:
        if spec.column not in adsl:
            raise DataError(
                f"ADSL has no column {spec.column}, which divides {analysis.name}",
                column=spec.column,
                remedy="name a variable of ADSL under `subgroups`",
            )
        values = adsl[spec.column]
        return values.astype("str").where(values.notna())
    found = pd.Series([None] * len(adsl), index=adsl.index, dtype="str")
    for level, text in spec.conditions.items():
        here = condition(text, adsl)
        both = here & found.notna()
        if both.any():
            first = adsl.loc[both].iloc[0]
            raise DataError(
                f"subject {first['USUBJID']} is in two levels of {spec.label!r}",
                value=f"{found[both].iloc[0]} and {level}",
                remedy="write conditions that exclude each other",
            )
        found = found.mask(here, level)
    return found


def _ordered(spec: Subgroups, found: pd.Series) -> list[str]:
    """Return the levels: those configured, or those that somebody has, by name."""
    return list(spec.conditions) or sorted(found.dropna().unique())


def _within(
    analysis: Analysis, spec: Subgroups, adsl: pd.DataFrame, strata: str | None = None
) -> Analysis:
    """Return the analysis of other subjects, without what divides them in its model.

    A stratum that divides them is named `strata` instead, where that is given.
    """
    model = {k: v for k, v in analysis.model.items() if k not in _NOT_AGAIN}
    for key, instead in (("covariates", None), ("strata", strata)):
        if key in model:
            named = [instead if n == spec.column else n for n in model[key]]
            model[key] = [name for name in named if name is not None]
    settings = {k: v for k, v in analysis.settings.items() if k != "subgroups"}
    settings |= {"model": model}
    analyses = {**analysis.config["analyses"], analysis.name: settings}
    return replace(
        analysis, config={**analysis.config, "analyses": analyses}, adsl=adsl
    )


def _visits(analysis: Analysis) -> list[str | None]:
    """Return the visits whose differences have the role of the analysis."""
    at = analysis.settings.get("at")
    if not analysis.over_visits:
        return [at if isinstance(at, str) else None]
    listed = [*visits_after_baseline(analysis), AVERAGE_OVER_VISITS]
    if at is not None:
        return [at]
    return [visit for visit in listed if visit != AVERAGE_OVER_VISITS]


def _level_rows(level: _Level, model: Model) -> Iterator[Row]:
    """Yield the counts and effects of one level, or why it has no effect."""
    analysis = level.analysis
    visits = _visits(analysis)
    statistics = {*_COUNTS, *(name for name, _ in model.effects)}
    made = list(model.counts(analysis)) if model.counts else []
    try:
        made += list(model.rows(analysis))
    except (NotEstimableError, ConvergenceError) as reason:
        made += _failed(analysis, model, visits, str(reason))
    except ConfigError as reason:
        # The whole analysis has been made with these settings: the level lacks data.
        made += _failed(analysis, model, visits, _plain(analysis, str(reason)))
    seen: set[str] = set()
    for row in made:
        if row["statistic"] not in statistics or row.get("visit") not in visits:
            continue
        if not _is_of_arm_or_treatment(analysis, row):
            continue
        placed = _part(analysis, row, level.name, level.key)
        if placed["row_id"] not in seen:
            seen.add(placed["row_id"])
            yield placed


def _is_of_arm_or_treatment(analysis: Analysis, row: Row) -> bool:
    contrasts = [analysis.contrast(arm) for arm in analysis.treatments]
    return row.get("contrast") in contrasts or row.get("group") in analysis.arms


def _failed(
    analysis: Analysis, model: Model, visits: Sequence[str | None], reason: str
) -> Iterator[Row]:
    for visit in visits:
        for arm in analysis.treatments:
            for statistic, scale in model.effects:
                yield analysis.row(
                    statistic,
                    contrast=analysis.contrast(arm),
                    role=role_at(analysis, visit)
                    if visit and analysis.over_visits
                    else analysis.settings["role"],
                    visit=visit,
                    scale=scale,
                    method=model.method(analysis, statistic),
                    confidence_level=analysis.level,
                    not_estimable=reason,
                )


def _plain(analysis: Analysis, reason: str) -> str:
    """Return a message without the place in the configuration, which is not at fault.

    What to write instead would change the whole analysis, and is left out.
    """
    _, _, said = reason.removeprefix(analysis.place).partition(": ")
    return f"{said.partition(';')[0] or reason}."


def _part(analysis: Analysis, row: Row, name: str, key: str) -> Row:
    """Return a row of the analysis as one of a subgroup."""
    is_test = row["statistic"] == "interaction_test"
    group, contrast = row.get("group"), row.get("contrast")
    place = [contrast, key, group] if is_test else [contrast or group, key]
    parts = [analysis.name, row.get("visit"), *place, row["statistic"]]
    role = row["role"]
    return row | {
        "row_id": row_key(analysis.config["id"], *parts),
        "subgroup": name,
        # Effects of a part of the subjects are never what a trial was made for.
        "role": "secondary" if role == "primary" else role,
        "model_id": SUBGROUPS,
        "method": row["method"] if is_test else f"{row['method']}; within {name}",
    }


def _left_rows(
    analysis: Analysis, spec: Subgroups, key: str, found: pd.Series
) -> Iterator[Row]:
    """Yield, for each arm, who has no level; none when everybody has one."""
    subjects = analysis.subjects()
    without = found.loc[subjects.index].isna()
    if not without.any():
        return
    for arm in analysis.arms:
        own = subjects["TRT01P"] == arm
        row = analysis.row(
            "n_without_subgroup",
            group=arm,
            estimate=int((own & without).sum()),
            n_subjects=int(own.sum()),
            method=f"Number of subjects of the analysis set without a level of "
            f"{spec.label}, who are in none of its subgroups",
        )
        row_id = row_key(
            analysis.config["id"], analysis.name, arm, key, "n_without_subgroup"
        )
        yield row | {"row_id": row_id, "subgroup": spec.label, "model_id": SUBGROUPS}
