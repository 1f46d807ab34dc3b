"""The configured analyses of one trial, as rows of the estimates."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialstats.analyses.adverse_events import adverse_event_rows
from trialstats.analyses.descriptive import baseline_rows, disposition_rows
from trialstats.analyses.trial_counts import counts_at_visit, counts_by_visit
from trialstats.analyses.trial_crossover import crossover_residuals, crossover_rows
from trialstats.analyses.trial_means import ancova_rows
from trialstats.analyses.trial_mmrm import mmrm_residuals, mmrm_rows
from trialstats.analyses.trial_proportions import proportions_rows
from trialstats.analyses.trial_rows import Analysis, Row
from trialstats.errors import ConfigError, ConvergenceError, NotEstimableError
from trialstats.rows import ADAE, RESIDUALS, estimates_frame, frame_of

RowMaker = Callable[[Analysis], Iterator[Row]]

#: Opens the reason of a row whose model did not converge.
NOT_CONVERGED = "Not converged: "


@dataclass(frozen=True, slots=True)
class ModelType:
    """How an analysis with this model becomes rows.

    Attributes
    ----------
    rows : callable
        Fits the model and yields its rows.
    counts : callable or None
        Yields the numbers with data, which stand whether or not the model does.
    effects : tuple of (statistic, scale)
        What is reported as not estimable when the model fails.
    residuals : callable or None
        Returns the residuals that the figure of a mixed model draws.
    """

    rows: RowMaker
    counts: RowMaker | None
    effects: tuple[tuple[str, str], ...]
    residuals: Callable[[Analysis], pd.DataFrame] | None = None


_DIFFERENCE = (("difference", "natural"),)

_OF_RISKS = (
    ("risk_difference", "natural"),
    ("risk_ratio", "log"),
    ("odds_ratio", "log"),
)

#: Types of models, under the names of the configuration.
MODEL_TYPES: dict[str, ModelType] = {
    "ancova": ModelType(ancova_rows, counts_at_visit, _DIFFERENCE),
    "mmrm": ModelType(mmrm_rows, counts_by_visit, _DIFFERENCE, mmrm_residuals),
    "crossover": ModelType(
        crossover_rows, counts_at_visit, _DIFFERENCE, crossover_residuals
    ),
    "proportions": ModelType(proportions_rows, counts_at_visit, _OF_RISKS),
    "adverse_events": ModelType(adverse_event_rows, None, _OF_RISKS[:1]),
}


def analyse_trial(
    config: Mapping[str, Any],
    adsl: pd.DataFrame,
    bds: pd.DataFrame,
    adae: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Describe a trial and fit every configured analysis.

    Parameters
    ----------
    config : mapping
        The trial's configuration with its file's stem as ``id``.
    adsl, bds, adae : DataFrame
        The trial's datasets.

    Returns
    -------
    dict of str to DataFrame
        ``baseline``, ``disposition`` and each analysis, schema `rows.ESTIMATES`.

    Raises
    ------
    DataError
        When the data do not fit an analysis.
    ConfigError
        When a model type is unknown.
    """
    fitted = {
        name: fit_analysis(config, name, adsl, bds, adae) for name in config["analyses"]
    }
    return describe_trial(config, adsl, bds) | fitted


def describe_trial(
    config: Mapping[str, Any], adsl: pd.DataFrame, bds: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Return the rows of ``baseline`` and ``disposition``; see `analyse_trial`."""
    makers: dict[str, RowMaker] = {
        "baseline": baseline_rows,
        "disposition": disposition_rows,
    }
    none = frame_of([], ADAE)
    return {
        name: estimates_frame(make(Analysis(config, name, adsl, bds, none)))
        for name, make in makers.items()
    }


def fit_analysis(
    config: Mapping[str, Any],
    name: str,
    adsl: pd.DataFrame,
    bds: pd.DataFrame,
    adae: pd.DataFrame,
) -> pd.DataFrame:
    """Return the rows of one analysis; see `analyse_trial`.

    An effect that cannot be estimated, or whose model does not converge, is a row
    that keeps its role and says why.
    """
    model = _model_type(config, name)
    analysis = Analysis(config, name, adsl, bds, adae)
    rows = list(model.counts(analysis)) if model.counts else []
    try:
        rows += list(model.rows(analysis))
    except NotEstimableError as reason:
        rows += _failed(analysis, model, str(reason))
    except ConvergenceError as reason:
        rows += _failed(analysis, model, f"{NOT_CONVERGED}{reason}")
    return estimates_frame(rows)


def analysis_residuals(
    config: Mapping[str, Any],
    name: str,
    adsl: pd.DataFrame,
    bds: pd.DataFrame,
    adae: pd.DataFrame,
) -> pd.DataFrame:
    """Return the residuals of one analysis, schema `rows.RESIDUALS`.

    There are none of a model without random subjects or correlated visits, nor of one
    that has no estimate: `fit_analysis` says why.
    """
    model = _model_type(config, name)
    if model.residuals is not None:
        try:
            return model.residuals(Analysis(config, name, adsl, bds, adae))
        except (NotEstimableError, ConvergenceError):
            pass
    return frame_of([], RESIDUALS)


def _model_type(config: Mapping[str, Any], name: str) -> ModelType:
    kind = config["analyses"][name]["model"]["type"]
    if kind not in MODEL_TYPES:
        raise ConfigError(
            f"config/trials/{config['id']}.yaml, analyses.{name}.model.type: no model "
            f"{kind!r}; write one of {', '.join(MODEL_TYPES)}"
        )
    return MODEL_TYPES[kind]


def _failed(analysis: Analysis, model: ModelType, reason: str) -> Iterator[Row]:
    for arm in analysis.treatments:
        for statistic, scale in model.effects:
            yield analysis.row(
                statistic,
                contrast=analysis.contrast(arm),
                role=analysis.settings["role"],
                visit=analysis.settings.get("at"),
                scale=scale,
                method=f"Model {analysis.model['type']}, as configured",
                not_estimable=reason,
            )
