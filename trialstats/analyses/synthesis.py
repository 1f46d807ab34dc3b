"""A configured synthesis: its trials, its models, and one row per statistic."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialstats.analyses.combining import Combined, combine, entering
from trialstats.analyses.study_effects import study_effects
from trialstats.analyses.synthesis_beside import Beside
from trialstats.analyses.synthesis_components import component_rows
from trialstats.analyses.synthesis_diagnostics import (
    influence_rows,
    leave_one_out_rows,
    small_study_rows,
)
from trialstats.analyses.synthesis_findings import findings_rows
from trialstats.analyses.synthesis_flow import flow_rows
from trialstats.analyses.synthesis_heterogeneity import (
    check_subgroups,
    regression_rows,
    subgroup_of,
    subgroup_rows,
)
from trialstats.analyses.synthesis_inputs import (
    Config,
    check_variations,
    fitted_rows,
    published_rows,
    refuse_repeated,
    shown_pools,
)
from trialstats.analyses.synthesis_models import Model, models_of, settings_of
from trialstats.analyses.synthesis_points import radial_rows, risk_rows
from trialstats.analyses.synthesis_rows import (
    MEASURE_WORDS,
    Row,
    Subject,
    covariance_rows,
    effect_rows,
    input_rows,
    model_rows,
    pool_row,
    weight_rows,
)
from trialstats.analyses.synthesis_sensitivity import bayesian_rows, grid_rows
from trialstats.analyses.synthesis_totals import total_rows, total_weight_row
from trialstats.analyses.trial_effect import (
    TrialEffect,
    least_sure,
    n_subjects_of,
    n_trials_of,
)
from trialstats.analyses.trial_effects import fitted_effects, published_effects
from trialstats.meta.pooled import Pooled
from trialstats.records import Record
from trialstats.rows import estimates_frame


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the effects of a synthesis come from.

    Attributes
    ----------
    published : list of mapping
        Rows of the published tables.
    fitted : mapping of str to DataFrame
        Rows of fitted trials by ``trial.analysis``.
    studies : DataFrame or None
        A table of studies.
    """

    published: list[Record]
    fitted: Mapping[str, pd.DataFrame]
    studies: pd.DataFrame | None


def synthesise(
    config: Config,
    effects: pd.DataFrame,
    trials: pd.DataFrame,
    pools: pd.DataFrame,
    trial_rows: Mapping[str, pd.DataFrame] | None = None,
    studies: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Run one synthesis.

    Parameters
    ----------
    config : mapping
        A file of ``config/syntheses``, with its name under ``id``.
    effects, trials, pools : DataFrame
        Published results: schemas EFFECTS, PUBLISHED_TRIALS and PUBLISHED_POOLS of
        `evidence_rows`.
    trial_rows : mapping of str to DataFrame, optional
        Rows of fitted trials by ``trial.analysis``; those that `config` names enter
        with their fitted contrast.
    studies : DataFrame, optional
        The table of studies that `config` names, as
        `trialstats.clean.studies.build_studies` gives it; it enters whole.

    Returns
    -------
    DataFrame
        Schema `rows.ESTIMATES`: the trials' numbers and effects in the order of the
        configuration; each model's result, heterogeneity and weights; the published
        pools shown beside. A trial without an effect stays, with the reason.

    Raises
    ------
    ConfigError
        When something that is named does not exist or may not enter.
    """
    chosen = published_rows(config, effects, trials)
    fitted = fitted_rows(config, trial_rows)
    shown = shown_pools(config, pools)
    sources = Sources(chosen, fitted, studies)
    main = effects_in(config, sources)
    refuse_repeated(config, main)
    check_variations(config, [effect.trial for effect in main])
    subject = Subject.of(config)
    rows: list[Row] = []
    for effect in main:
        rows += input_rows(effect, subject)
    check_subgroups(config, main)
    groups = {id(effect): subgroup_of(effect, config) for effect in main}
    for effect, row in zip(main, effect_rows(main, subject), strict=True):
        rows.append(row | {"subgroup": groups[id(effect)]})
    rows += covariance_rows(main, subject)
    rows += risk_rows(main, subject)
    if config["pooling"] and len(main) > 1:
        rows += total_rows(main, [groups[id(effect)] for effect in main], subject)
    if config["pooling"] and main:
        for model in models_of(config, _independent_trials(config, main)):
            rows += _fitted_model(model, main, sources)
    rows += [pool_row(row, subject) for row in shown]
    rows += flow_rows(config, subject)
    return estimates_frame(rows)


def _independent_trials(config: Config, main: Sequence[TrialEffect]) -> int | None:
    """Return the number of trials, None where one trial brings several effects."""
    method = str((config.get("model") or {}).get("method", "inverse_variance"))
    names = [effect.trial for effect in entering(main, method)]
    return len(names) if len(set(names)) == len(names) else None


def effects_in(config: Config, sources: Sources) -> list[TrialEffect]:
    """Return the trials' effects: published, then of the table, then fitted ones."""
    settings = settings_of(config)
    listed = published_effects(sources.published, settings)
    if sources.studies is not None:
        listed += study_effects(sources.studies, config, settings)
    chosen = config.get("contrasts") or {}
    for name, rows in sources.fitted.items():
        listed += fitted_effects(name, rows, settings, chosen.get(name))
    return listed


def _fitted_model(
    model: Model,
    main: Sequence[TrialEffect],
    sources: Sources,
) -> Iterator[Row]:
    """Yield the rows of one model: pooled effect, heterogeneity, weights."""
    subject = Subject.of(model.config)
    listed = effects_in(model.config, sources) if model.own_effects else main
    kept = [effect for effect in listed if effect.trial not in model.exclude]
    if model.own_effects:
        yield from effect_rows(kept, subject, model_id=model.model_id)
        yield from covariance_rows(kept, subject, model_id=model.model_id)
    entered = entering(kept, model.arguments["method"])
    about: dict[str, Any] = {
        "model_id": model.model_id,
        "role": model.role,
        "n_trials": n_trials_of(entered),
        "data_status": least_sure([e.data_status for e in entered or kept]),
    }
    about["n_subjects"] = n_subjects_of(entered)
    pooled, reason = combine(entered, model.arguments, model.settings.measure)
    paired = any("paired" in effect.method for effect in entered)
    words = _words(model, paired=paired)
    yield from model_rows(pooled, reason, subject, words, about)
    if pooled is not None:
        yield from component_rows(pooled, subject, about)
    if pooled is not None and model.role == "primary":
        yield from findings_rows(pooled, entered, model.config, subject, about)
        yield from _beside(pooled, entered, model.config, subject, about)
    shares = dict.fromkeys(map(id, entered))
    if pooled is not None and pooled.weights is not None:
        shares = dict(zip(shares, pooled.weights, strict=True))
        if model.role == "primary" and len(entered) > 1:
            yield total_weight_row(pooled.weights, subject, about)
    groups: dict[int, str | None] = {}
    if pooled is not None and pooled.groups is not None:
        groups = dict(zip(map(id, entered), pooled.groups, strict=True))
    yield from weight_rows(
        [(e, shares.get(id(e)), groups.get(id(e))) for e in kept],
        subject,
        about,
        reason,
    )


def _beside(
    pooled: Combined,
    entered: Sequence[TrialEffect],
    config: Config,
    subject: Subject,
    about: Mapping[str, Any],
) -> Iterator[Row]:
    """Yield what stands beside a main model that weights trials by their variances."""
    if not isinstance(pooled.fit, Pooled) or pooled.k < 2:
        return
    beside = Beside(pooled.fit, entered, config, subject, about)
    yield from subgroup_rows(beside)
    yield from regression_rows(beside)
    yield from bayesian_rows(beside)
    if config.get("diagnostics", True):
        yield from grid_rows(beside)
        yield from leave_one_out_rows(beside)
        yield from influence_rows(beside)
        yield from radial_rows(beside)
        yield from small_study_rows(beside)


def _words(model: Model, *, paired: bool) -> str:
    """Return what distinguishes the model beyond the way of pooling, in words."""
    settings = model.settings
    parts = [MEASURE_WORDS[settings.measure]]
    if paired and settings.measure == "SMD":
        parts.append(f"crossover trials paired at r = {settings.correlation:g}")
    if model.exclude:
        parts.append(f"without {', '.join(model.exclude)}")
    return "; ".join(parts)
