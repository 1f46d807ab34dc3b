"""Which figures a trial has, by name, and how each is drawn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialstats.errors import DataError
from trialstats.figures.participants import (
    OF_PERIODS,
    OF_RECORDS,
    flow_figure,
    kaplan_meier_figure,
    periods_figure,
    records_figure,
)
from trialstats.figures.tipping_point import tipping_point_figure
from trialstats.figures.trial import (
    TrialFigure,
    account_figure,
    adverse_events_figure,
    profile_figure,
    residual_figure,
)
from trialstats.figures.trial_analyses import analyses_figure, compared_analyses
from trialstats.figures.trial_subgroups import subgroup_figure

#: Models with residuals, which have a figure of their own for each analysis.
MIXED_MODELS = frozenset({"mmrm", "crossover"})


@dataclass(frozen=True, slots=True)
class Material:
    """What the figures of one trial may show.

    Attributes
    ----------
    trial : mapping
        Its configuration.
    rows : DataFrame
        All its rows, schema `ESTIMATES`.
    residuals : mapping of str to DataFrame
        By the name of the analysis, schema `RESIDUALS`.
    steps : DataFrame
        What became of its raw rows, schema `cleaning_rows.STEPS`.
    adsl, bds, adae, adtte : DataFrame
        Its datasets.
    """

    trial: Mapping[str, Any]
    rows: pd.DataFrame
    residuals: Mapping[str, pd.DataFrame]
    steps: pd.DataFrame
    adsl: pd.DataFrame
    bds: pd.DataFrame
    adae: pd.DataFrame
    adtte: pd.DataFrame


@dataclass(frozen=True, slots=True)
class TrialKind:
    """One kind of figure.

    Attributes
    ----------
    names : callable
        Returns the names of such figures that the configuration of a trial gives.
    draw : callable
        Draws the one of that name.
    """

    names: Callable[[Mapping[str, Any]], list[str]]
    draw: Callable[[str, Material], TrialFigure]


def analyses_of(trial: Mapping[str, Any], *models: str) -> list[str]:
    """Return the names of the analyses of a trial with one of these types of model."""
    return [n for n, a in trial["analyses"].items() if a["model"]["type"] in models]


def _single(name: str, *models: str) -> Callable[[Mapping[str, Any]], list[str]]:
    """Return a figure that a trial has once, when an analysis is of these types."""
    return lambda trial: [name] if not models or analyses_of(trial, *models) else []


def _residual_names(trial: Mapping[str, Any]) -> list[str]:
    return [f"residuals_{name}" for name in analyses_of(trial, *MIXED_MODELS)]


def _draw_residuals(name: str, material: Material) -> TrialFigure:
    analysis = name.removeprefix("residuals_")
    return residual_figure(
        material.residuals[analysis],
        material.rows,
        trial=material.trial,
        analysis=analysis,
    )


def _prefixed(prefix: str, *models: str) -> Callable[[Mapping[str, Any]], list[str]]:
    """Return a figure that each analysis with one of these models has."""
    return lambda trial: [f"{prefix}{name}" for name in analyses_of(trial, *models)]


def _draw_curves(name: str, material: Material) -> TrialFigure:
    analysis = name.removeprefix("kaplan_meier_")
    return kaplan_meier_figure(material.rows, trial=material.trial, analysis=analysis)


def _draw_periods(name: str, material: Material) -> TrialFigure:
    analysis = name.removeprefix("periods_")
    return periods_figure(material.rows, trial=material.trial, analysis=analysis)


def _record_names(trial: Mapping[str, Any]) -> list[str]:
    figures = trial.get("figures", {}).items()
    return [f"{f['type']}_{n}" for n, f in figures if f["type"] in OF_RECORDS]


def _draw_records(name: str, material: Material) -> TrialFigure:
    kind = next(kind for kind in OF_RECORDS if name.startswith(f"{kind}_"))
    return records_figure(
        material.rows,
        material.adsl,
        material.bds,
        trial=material.trial,
        figure=name.removeprefix(f"{kind}_"),
    )


def _subgroup_names(trial: Mapping[str, Any]) -> list[str]:
    return [f"subgroups_{n}" for n, a in trial["analyses"].items() if "subgroups" in a]


def _draw_subgroups(name: str, material: Material) -> TrialFigure:
    analysis = name.removeprefix("subgroups_")
    return subgroup_figure(material.rows, trial=material.trial, analysis=analysis)


def _tipping_point_names(trial: Mapping[str, Any]) -> list[str]:
    return [
        f"tipping_point_{name}"
        for name, analysis in trial["analyses"].items()
        if analysis["model"].get("tipping_point")
    ]


def _draw_tipping_point(name: str, material: Material) -> TrialFigure:
    analysis = name.removeprefix("tipping_point_")
    return tipping_point_figure(material.rows, trial=material.trial, analysis=analysis)


def _compared_names(trial: Mapping[str, Any]) -> list[str]:
    return [f"analyses_{parameter}" for parameter in compared_analyses(trial)]


def _draw_compared(name: str, material: Material) -> TrialFigure:
    parameter = name.removeprefix("analyses_")
    return analyses_figure(material.rows, trial=material.trial, parameter=parameter)


#: In the order of the report.
KINDS: tuple[TrialKind, ...] = (
    TrialKind(_single("flow"), lambda _, m: flow_figure(m.rows, trial=m.trial)),
    TrialKind(
        _single("profile", *MIXED_MODELS),
        lambda _, m: profile_figure(m.rows, trial=m.trial),
    ),
    TrialKind(_prefixed("periods_", *OF_PERIODS), _draw_periods),
    TrialKind(_prefixed("kaplan_meier_", "survival"), _draw_curves),
    TrialKind(_compared_names, _draw_compared),
    TrialKind(_subgroup_names, _draw_subgroups),
    TrialKind(_tipping_point_names, _draw_tipping_point),
    TrialKind(_record_names, _draw_records),
    TrialKind(
        _single("adverse_events", "adverse_events"),
        lambda _, m: adverse_events_figure(m.rows, trial=m.trial),
    ),
    TrialKind(_single("account"), lambda _, m: account_figure(m.steps, trial=m.trial)),
    TrialKind(_residual_names, _draw_residuals),
)


def figure_names(trial: Mapping[str, Any]) -> list[str]:
    """Return the names of the figures of a trial, from its configuration."""
    return [name for kind in KINDS for name in kind.names(trial)]


def draw_figure(name: str, material: Material) -> TrialFigure:
    """Draw the figure of a trial that `figure_names` names.

    Raises
    ------
    DataError
        When the trial has no such figure.
    """
    for kind in KINDS:
        if name in kind.names(material.trial):
            return kind.draw(name, material)
    known = ", ".join(figure_names(material.trial))
    raise DataError(f"there is no figure {name!r}", remedy=f"known: {known}")
