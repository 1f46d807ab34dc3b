"""The figures of one trial: which analysis is drawn, and how."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialstats.errors import DataError
from trialstats.figures.account import account_alt_text, account_plot
from trialstats.figures.adverse_events import (
    adverse_event_alt_text,
    adverse_event_plot,
)
from trialstats.figures.pages import compose, title_blocks
from trialstats.figures.period_means import period_plot, period_plot_alt_text
from trialstats.figures.residuals import residual_alt_text, residual_plot
from trialstats.figures.visits import mean_profile, mean_profile_alt_text
from trialstats.parts import own_rows
from trialstats.vocabulary import lower_first

Plot = Callable[..., Any]

#: How an analysis with this model is drawn: the figure and its words. In this order
#: the first model that a trial uses gives its profile.
PROFILES: dict[str, tuple[Plot, Callable[..., str]]] = {
    "mmrm": (mean_profile, mean_profile_alt_text),
    "crossover": (period_plot, period_plot_alt_text),
}


#: Points.
_WIDTH = 540.0


@dataclass(frozen=True, slots=True)
class TrialFigure:
    """A drawn figure with its title and what it shows in words."""

    figure: Any
    title: str
    alt: str


def profile_figure(rows: pd.DataFrame, *, trial: Mapping[str, Any]) -> TrialFigure:
    """Draw the means of a trial: by visit, or by treatment of a crossover.

    Parameters
    ----------
    rows : DataFrame
        All rows of the trial, schema `ESTIMATES`.
    trial : mapping
        Its configuration.

    Returns
    -------
    TrialFigure
        With the reason in place of the means where they could not be estimated: a
        trial must not lose its report for one analysis.

    Raises
    ------
    DataError
        When no analysis of the trial is of means over visits or periods.
    """
    rows = own_rows(rows)
    for model, (plot, words) in PROFILES.items():
        for name, analysis in trial["analyses"].items():
            if analysis["model"]["type"] == model:
                own = rows[rows["analysis"] == name]
                title = f"{trial['trial']}: {_profile_name(trial, analysis)}"
                means = own.loc[own["statistic"] == "ls_mean", "estimate"]
                if not means.notna().any():
                    return _note_figure(title, _reason(own), trial)
                unit = _response(trial, analysis)
                below = _method(own) + _direction(trial, analysis)
                drawn = plot(own, title=title, subtitle=below, unit=unit)
                return TrialFigure(drawn, title, words(own, title=title, unit=unit))
    raise DataError(
        f"{trial['trial']} has no analysis to draw",
        remedy=f"add one with a model of type {' or '.join(PROFILES)}",
    )


def adverse_events_figure(
    rows: pd.DataFrame, *, trial: Mapping[str, Any]
) -> TrialFigure:
    """Draw the adverse events of a trial."""
    title = f"{trial['trial']}: adverse events"
    own = rows[rows["statistic"].isin(["subjects_with_event", "risk_difference"])]
    names = {
        name
        for name, analysis in trial["analyses"].items()
        if analysis["model"]["type"] == "adverse_events"
    }
    own = own[own["analysis"].isin(names)]
    if len(own) and not own["estimate"].notna().any():
        return _note_figure(title, _reason(own), trial)
    return TrialFigure(
        adverse_event_plot(own, title=title),
        title,
        adverse_event_alt_text(own, title=title),
    )


def residual_figure(
    residuals: pd.DataFrame,
    rows: pd.DataFrame,
    *,
    trial: Mapping[str, Any],
    analysis: str,
) -> TrialFigure:
    """Draw the residuals of a mixed model.

    Parameters
    ----------
    residuals : DataFrame
        Schema `RESIDUALS`; none when the model has no estimate, whose reason is drawn.
    rows : DataFrame
        Rows of the trial, schema `ESTIMATES`.
    trial : mapping
        Its configuration.
    analysis : str
        The analysis.
    """
    title = f"{trial['trial']}: {_residual_name(trial['analyses'][analysis])}"
    own = own_rows(rows[rows["analysis"] == analysis])
    if residuals.empty:
        return _note_figure(title, _reason(own), trial)
    arms = [*trial["arms"]["treatments"], trial["arms"]["control"]]
    drawn = residual_plot(residuals, title=title, subtitle=_method(own), arms=arms)
    return TrialFigure(drawn, title, residual_alt_text(residuals, title=title))


def account_figure(counts: pd.DataFrame, *, trial: Mapping[str, Any]) -> TrialFigure:
    """Draw what became of the raw rows of a trial."""
    title = f"{trial['trial']}: what became of every raw row"
    drawn = account_plot(
        counts,
        title=title,
        synthetic=trial["data_status"] == "synthetic",
        trial=str(trial.get("id", "")),
    )
    return TrialFigure(drawn, title, account_alt_text(counts, title=title))


def _note_figure(title: str, note: str, trial: Mapping[str, Any]) -> TrialFigure:
    """Return a figure that says why there is nothing to draw."""
    synthetic = trial["data_status"] == "synthetic"
    blocks = title_blocks(title, note, _WIDTH, synthetic=synthetic)
    return TrialFigure(compose(blocks, _WIDTH), title, f"{title}. {note}")


def _reason(rows: pd.DataFrame) -> str:
    reasons = rows["not_estimable"].dropna()
    said = str(reasons.iloc[0]).rstrip(".") if len(reasons) else "no reason was kept"
    return f"Not estimable: {said}."


def _profile_name(trial: Mapping[str, Any], analysis: Mapping[str, Any]) -> str:
    """Name the figure of means: a model over visits has one visit in its title."""
    if analysis["model"]["type"] != "mmrm":
        return lower_first(analysis["title"])
    return f"{lower_first(_response(trial, analysis).rpartition(' (')[0])}, by visit"


def _residual_name(analysis: Mapping[str, Any]) -> str:
    """Name the figure of residuals: a model over visits has one visit in its title."""
    named = lower_first(analysis["title"])
    if analysis["model"]["type"] != "mmrm":
        return f"residuals, {named}"
    return f"residuals at all visits of the model for {named}"


def _response(trial: Mapping[str, Any], analysis: Mapping[str, Any]) -> str:
    """Return what is analysed, with its unit."""
    parameter = trial["bds"][analysis["parameter"]]
    label = parameter["label"]
    lower = lower_first(label)
    said = {"CHG": f"Change in {lower}", "PCHG": f"Percent change in {lower}"}
    unit = "%" if analysis["response"] == "PCHG" else parameter["unit"]
    return f"{said.get(analysis['response'], label)} ({unit})"


def _direction(trial: Mapping[str, Any], analysis: Mapping[str, Any]) -> str:
    """Say which direction is better, to end the line on the method."""
    better = trial["bds"][analysis["parameter"]].get("better")
    return f"; {better} is better" if better else ""


def _method(rows: pd.DataFrame) -> str:
    """Return the method of the differences, as their rows state it."""
    methods = rows.loc[rows["statistic"] == "difference", "method"]
    return str(methods.iloc[0]) if len(methods) else ""
