"""The configured analyses of one trial, as rows of the estimates."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialstats.analyses.adverse_events import adverse_event_rows
from trialstats.analyses.descriptive import (
    baseline_rows,
    disposition_rows,
    groups_of,
    randomised_subjects,
)
from trialstats.analyses.estimand_account import estimand_rows
from trialstats.analyses.trial_bioequivalence import (
    bioequivalence_method,
    bioequivalence_rows,
)
from trialstats.analyses.trial_characteristics import characteristics_rows
from trialstats.analyses.trial_cmh import cmh_method, cmh_rows
from trialstats.analyses.trial_counts import (
    counts_at_visit,
    counts_by_visit,
    visits_after_baseline,
)
from trialstats.analyses.trial_crossover import crossover_residuals, crossover_rows
from trialstats.analyses.trial_flow import analysed_rows
from trialstats.analyses.trial_logistic import (
    logistic_counts,
    logistic_method,
    logistic_rows,
)
from trialstats.analyses.trial_means import ancova_rows
from trialstats.analyses.trial_mmrm import (
    NoStructureFitsError,
    mmrm_residuals,
    mmrm_rows,
    role_at,
    structure_rows,
)
from trialstats.analyses.trial_models import (
    adverse_events_method,
    ancova_method,
    crossover_method,
    mmrm_method,
    proportions_method,
)
from trialstats.analyses.trial_proportions import proportions_rows
from trialstats.analyses.trial_rows import Analysis, Row
from trialstats.analyses.trial_shift import shift_rows
from trialstats.analyses.trial_subgroups import subgroup_rows
from trialstats.analyses.trial_subject_counts import counts_rows
from trialstats.analyses.trial_summaries import summary_rows
from trialstats.analyses.trial_survival import (
    survival_counts,
    survival_method,
    survival_rows,
)
from trialstats.analyses.trial_tipping_points import tipping_point_rows
from trialstats.analyses.trial_two_period import two_period_method, two_period_rows
from trialstats.errors import ConfigError, ConvergenceError, NotEstimableError
from trialstats.rows import ADAE, ADTTE, RESIDUALS, estimates_frame, frame_of
from trialstats.vocabulary import AVERAGE_OVER_VISITS

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
    method : callable
        Returns the configured method of one of these effects in words.
    residuals : callable or None
        Returns the residuals that the figure of a mixed model draws.
    """

    rows: RowMaker
    counts: RowMaker | None
    effects: tuple[tuple[str, str], ...]
    method: Callable[[Analysis, str], str]
    residuals: Callable[[Analysis], pd.DataFrame] | None = None


_DIFFERENCE = (("difference", "natural"),)

_OF_RISKS = (
    ("risk_difference", "natural"),
    ("risk_ratio", "log"),
    ("odds_ratio", "log"),
)


def _described(_analysis: Analysis, _statistic: str) -> str:
    """Return the method of a description, which has no model, in words."""
    return "Description of the analysis set, without a model"


#: What a description without anybody is reported by.
_NONE_DESCRIBED = (("n", "natural"),)

#: Types of models, under the names of the configuration.
MODEL_TYPES: dict[str, ModelType] = {
    "ancova": ModelType(ancova_rows, counts_at_visit, _DIFFERENCE, ancova_method),
    "mmrm": ModelType(
        mmrm_rows, counts_by_visit, _DIFFERENCE, mmrm_method, mmrm_residuals
    ),
    "crossover": ModelType(
        crossover_rows,
        counts_at_visit,
        _DIFFERENCE,
        crossover_method,
        crossover_residuals,
    ),
    "proportions": ModelType(
        proportions_rows, counts_at_visit, _OF_RISKS, proportions_method
    ),
    "adverse_events": ModelType(
        adverse_event_rows, None, _OF_RISKS[:1], adverse_events_method
    ),
    "cmh": ModelType(
        cmh_rows, counts_at_visit, (("cmh_row_means_test", "natural"),), cmh_method
    ),
    "logistic": ModelType(
        logistic_rows, logistic_counts, _OF_RISKS[2:], logistic_method
    ),
    "survival": ModelType(
        survival_rows, survival_counts, (("hazard_ratio", "log"),), survival_method
    ),
    "bioequivalence": ModelType(
        bioequivalence_rows,
        counts_at_visit,
        (("geometric_mean_ratio", "log"),),
        bioequivalence_method,
    ),
    "two_period": ModelType(
        two_period_rows, counts_at_visit, _DIFFERENCE, two_period_method
    ),
    "summary": ModelType(summary_rows, None, _NONE_DESCRIBED, _described),
    "characteristics": ModelType(
        characteristics_rows, None, _NONE_DESCRIBED, _described
    ),
    "counts": ModelType(counts_rows, None, _NONE_DESCRIBED, _described),
    "shift": ModelType(shift_rows, None, _NONE_DESCRIBED, _described),
}


def analyse_trial(
    config: Mapping[str, Any],
    adsl: pd.DataFrame,
    bds: pd.DataFrame,
    adae: pd.DataFrame,
    adtte: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:
    """Describe a trial and fit every configured analysis.

    Parameters
    ----------
    config : mapping
        The trial's configuration with its file's stem as ``id``.
    adsl, bds, adae : DataFrame
        The trial's datasets.
    adtte : DataFrame, optional
        Its times to events; a trial without any has none.

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
        name: fit_analysis(config, name, adsl, bds, adae, adtte)
        for name in config["analyses"]
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
    adtte: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the rows of one analysis; see `analyse_trial`.

    An effect that cannot be estimated, or whose model does not converge, is a row
    that keeps its role and says why.
    """
    model = _model_type(config, name)
    times = frame_of([], ADTTE) if adtte is None else adtte
    analysis = Analysis(config, name, adsl, bds, adae, times)
    rows = list(model.counts(analysis)) if model.counts else []
    rows += estimand_rows(analysis)
    rows += analysed_rows(analysis, *groups_of(analysis), randomised_subjects(adsl))
    try:
        rows += list(model.rows(analysis))
    except NotEstimableError as reason:
        rows += _failed(analysis, model, str(reason))
        if isinstance(reason, NoStructureFitsError):
            rows += structure_rows(analysis, reason.reasons)
    except ConvergenceError as reason:
        rows += _failed(analysis, model, f"{NOT_CONVERGED}{reason}")
    rows += subgroup_rows(analysis, model)
    rows += tipping_point_rows(analysis)
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
    """Yield every effect that the table of a fitted model has, without an estimate."""
    if model.effects == _NONE_DESCRIBED:
        yield analysis.row(
            "n",
            role=analysis.settings["role"],
            method=model.method(analysis, "n"),
            not_estimable=reason,
        )
        return
    for visit, role in _places(analysis):
        for arm in analysis.treatments:
            for statistic, scale in model.effects:
                yield analysis.row(
                    statistic,
                    contrast=analysis.contrast(arm),
                    role=role,
                    visit=visit,
                    scale=scale,
                    method=model.method(analysis, statistic),
                    confidence_level=analysis.level,
                    not_estimable=reason,
                )


def _places(analysis: Analysis) -> list[tuple[str | None, str]]:
    """Return the visits of an analysis, each with the role of its effects."""
    at = analysis.settings.get("at")
    if not analysis.over_visits:
        at = at if isinstance(at, str) else None
        return [(at, str(analysis.settings["role"]))]
    visits = visits_after_baseline(analysis)
    if at is None and not visits:
        # Nobody has a value: the role stands on a row without a visit.
        return [(None, str(analysis.settings["role"]))]
    return [(v, role_at(analysis, v)) for v in (*visits, AVERAGE_OVER_VISITS)]
