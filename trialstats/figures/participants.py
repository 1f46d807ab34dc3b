"""The figures of a trial's participants: which rows and records each is drawn from."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from trialstats.figures.flow import flow_alt_text, flow_plot
from trialstats.figures.individual_profiles import (
    individual_profiles,
    individual_profiles_alt_text,
)
from trialstats.figures.kaplan_meier import kaplan_meier_plot
from trialstats.figures.kaplan_meier_text import kaplan_meier_alt_text
from trialstats.figures.pages import compose, title_blocks
from trialstats.figures.participant_records import (
    figure_title,
    one_a_line,
    response_words,
    values_of,
)
from trialstats.figures.periods import periods_alt_text, periods_plot
from trialstats.figures.trial import TrialFigure
from trialstats.figures.waterfall import waterfall_alt_text, waterfall_plot
from trialstats.parts import own_rows
from trialstats.vocabulary import lower_first

#: Kinds of figures that are drawn from records, by the name of their type.
OF_RECORDS = ("waterfall", "individual_profiles")

#: Models of a crossover by period.
OF_PERIODS = ("crossover", "two_period")

#: Points.
_WIDTH = 540.0


def flow_figure(rows: pd.DataFrame, *, trial: Mapping[str, Any]) -> TrialFigure:
    """Draw the flow of the participants of a trial."""
    title, own = f"{trial['trial']}: flow of participants", own_rows(rows)
    drawn = flow_plot(own, trial=trial, title=title)
    return TrialFigure(drawn, title, flow_alt_text(own, trial=trial, title=title))


def kaplan_meier_figure(
    rows: pd.DataFrame, *, trial: Mapping[str, Any], analysis: str
) -> TrialFigure:
    """Draw the curves of one analysis of a time to an event.

    Parameters
    ----------
    rows : DataFrame
        Rows of the trial, schema `ESTIMATES`.
    trial : mapping
        Its configuration; a figure of type kaplan_meier in it gives the options.
    analysis : str
        The analysis.

    Returns
    -------
    TrialFigure
        With the reason in place of the curves where there are none.
    """
    settings = trial["analyses"][analysis]
    options = _options(trial, analysis)
    said = options.get("title") or lower_first(settings["title"])
    title, own = f"{trial['trial']}: {said}", _of(rows, analysis)
    if not (own["statistic"] == "survival_step").any():
        return _note(title, own, trial)
    band = options.get("band", len(trial["arms"]["treatments"]) == 1)
    drawn = kaplan_meier_plot(own, trial=trial, title=title, band=band)
    return TrialFigure(drawn, title, kaplan_meier_alt_text(own, title=title))


def _options(trial: Mapping[str, Any], analysis: str) -> Mapping[str, Any]:
    found = (
        figure
        for figure in trial.get("figures", {}).values()
        if figure["type"] == "kaplan_meier" and figure["analysis"] == analysis
    )
    return next(found, {})


def periods_figure(
    rows: pd.DataFrame, *, trial: Mapping[str, Any], analysis: str
) -> TrialFigure:
    """Draw one analysis of a crossover by sequence and period.

    Parameters
    ----------
    rows, trial, analysis
        As for `kaplan_meier_figure`.
    """
    settings = trial["analyses"][analysis]
    title = f"{trial['trial']}: {lower_first(settings['title'])}, by period"
    own = _of(rows, analysis)
    if not (own["statistic"] == "period_mean").any():
        return _note(title, own, trial)
    unit = response_words(trial, settings)
    drawn = periods_plot(own, trial=trial, title=title, unit=unit)
    return TrialFigure(drawn, title, periods_alt_text(own, trial=trial, title=title))


def records_figure(
    rows: pd.DataFrame,
    adsl: pd.DataFrame,
    bds: pd.DataFrame,
    *,
    trial: Mapping[str, Any],
    figure: str,
) -> TrialFigure:
    """Draw the records of the participants as the configuration asks.

    Parameters
    ----------
    rows : DataFrame
        Rows of the trial, schema `ESTIMATES`, for the means over the lines.
    adsl, bds : DataFrame
        Its datasets.
    trial : mapping
        Its configuration.
    figure : str
        Name of the figure under `figures`.

    Returns
    -------
    TrialFigure
        With the reason in place of the records where there are none.
    """
    asked = trial["figures"][figure]
    title, unit = figure_title(trial, asked), response_words(trial, asked)
    better = trial["bds"][asked["parameter"]].get("better")
    values = values_of(trial, asked, adsl, bds)
    members, lines = len({v.subject for v in values}), asked.get("lines", ())
    if asked["type"] == "waterfall":
        values = one_a_line(values, asked, better)
    if not values:
        words = "Not drawn: nobody of the analysis set has a value."
        return _said(title, words, trial)
    if asked["type"] == "individual_profiles":
        means = _of(rows, asked["analysis"]) if "analysis" in asked else None
        drawn = individual_profiles(
            values, means, trial=trial, title=title, unit=unit, lines=lines
        )
        words = individual_profiles_alt_text(
            values, trial=trial, title=title, better=better
        )
        return TrialFigure(drawn, title, words)
    fewer = len({v.subject for v in values}) < members
    notes = ["Who has no value there is not shown."] if fewer else []
    drawn = waterfall_plot(
        values, trial=trial, title=title, unit=unit, lines=lines, notes=notes
    )
    change = asked["response"] != "AVAL"
    words = waterfall_alt_text(
        values, trial=trial, title=title, better=better, change=change
    )
    return TrialFigure(drawn, title, words)


def _of(rows: pd.DataFrame, analysis: str) -> pd.DataFrame:
    return own_rows(rows[rows["analysis"] == analysis])


def _note(title: str, rows: pd.DataFrame, trial: Mapping[str, Any]) -> TrialFigure:
    reasons = rows["not_estimable"].dropna()
    why = str(reasons.iloc[0]).rstrip(".") if len(reasons) else "no reason was kept"
    return _said(title, f"Not estimable: {why}.", trial)


def _said(title: str, words: str, trial: Mapping[str, Any]) -> TrialFigure:
    """Return a figure that says why there is nothing to draw."""
    synthetic = trial["data_status"] == "synthetic"
    blocks = title_blocks(title, words, _WIDTH, synthetic=synthetic)
    return TrialFigure(compose(blocks, _WIDTH), title, f"{title}. {words}")
