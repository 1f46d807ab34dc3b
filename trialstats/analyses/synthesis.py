"""A configured synthesis: its trials, its models, and one row per statistic."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialstats.analyses.synthesis_inputs import (
    Config,
    check_variations,
    file_of,
    fitted_rows,
    published_rows,
    shown_pools,
)
from trialstats.analyses.synthesis_rows import (
    MEASURE_WORDS,
    Row,
    Subject,
    effect_rows,
    input_rows,
    model_rows,
    pool_row,
    weight_rows,
)
from trialstats.analyses.trial_effect import Settings, TrialEffect, least_sure
from trialstats.analyses.trial_effects import fitted_effect, published_effects
from trialstats.errors import ConfigError, NotEstimableError
from trialstats.meta import Pooled, pool
from trialstats.records import Record
from trialstats.rows import estimates_frame

#: What a synthesis uses unless its configuration says otherwise.
MODEL = {
    "tau_squared": "REML",
    "inference": "knapp_hartung",
    "prediction": "t",
    "level": 0.95,
}

#: What changes the trials' effects, not only how they are pooled.
_CHANGES_EFFECTS = ("measure", "paired", "zero_cells")


@dataclass(frozen=True, slots=True)
class Model:
    """One way to pool: the main model, or a sensitivity analysis.

    Attributes
    ----------
    model_id : str
        Its key within the synthesis.
    role : str
        ``primary`` or ``sensitivity``.
    config : mapping
        The configuration with what the sensitivity analysis changes.
    exclude : tuple of str
        Trials left out.
    own_effects : bool
        Whether the trials' effects differ from those of the main model.
    """

    model_id: str
    role: str
    config: Config
    exclude: tuple[str, ...] = ()
    own_effects: bool = False

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of `trialstats.meta.pool`."""
        return MODEL | dict(self.config.get("model") or {})

    @property
    def settings(self) -> Settings:
        """How trials become effects."""
        return settings_of(self.config)


def synthesise(
    config: Config,
    effects: pd.DataFrame,
    trials: pd.DataFrame,
    pools: pd.DataFrame,
    trial_rows: Mapping[str, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Run one synthesis.

    Parameters
    ----------
    config : mapping
        A file of ``config/syntheses``, with its name under ``id``.
    effects, trials, pools : DataFrame
        Published results: schemas `rows.EFFECTS`, `rows.PUBLISHED_TRIALS` and
        `rows.PUBLISHED_POOLS`.
    trial_rows : mapping of str to DataFrame, optional
        Rows of fitted trials by ``trial.analysis``; those that `config` names enter
        with their fitted contrast.

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
    main = effects_in(config, chosen, fitted)
    check_variations(config, [effect.trial for effect in main])
    subject = Subject.of(config)
    rows: list[Row] = []
    for effect in main:
        rows += input_rows(effect, subject)
    rows += effect_rows(main, subject)
    if config["pooling"] and main:
        for model in models_of(config):
            rows += _fitted_model(model, main, chosen, fitted)
    rows += [pool_row(row, subject) for row in shown]
    return estimates_frame(rows)


def models_of(config: Config) -> list[Model]:
    """Return the main model and the sensitivity analyses of a synthesis.

    The key of a model is its estimator and interval; a sensitivity analysis that
    changes something else is named by that, or by its own ``name``.
    """
    arguments = MODEL | dict(config.get("model") or {})
    models = [Model(_model_key(arguments), "primary", config)]
    for variation in config.get("sensitivity") or ():
        pooling = {
            name: variation[name]
            for name in ("tau_squared", "inference")
            if name in variation
        }
        changed = {n: variation[n] for n in _CHANGES_EFFECTS if n in variation}
        models.append(
            Model(
                model_id=variation.get("name") or _variation_key(variation, arguments),
                role="sensitivity",
                config={**config, **changed, "model": arguments | pooling},
                exclude=tuple(variation.get("exclude") or ()),
                own_effects=bool(changed),
            )
        )
    names = [model.model_id for model in models]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ConfigError(
            f"{file_of(config)}, at sensitivity: {', '.join(repeated)} twice; "
            "remove one, or give it a `name`"
        )
    return models


def settings_of(config: Config) -> Settings:
    """Return how a synthesis turns trials into effects."""
    return Settings(
        measure=config["measure"],
        better=config["outcome"]["better"],
        correlation=(config.get("paired") or {}).get("correlation"),
        **dict(config.get("zero_cells") or {}),
    )


def effects_in(
    config: Config, chosen: Sequence[Record], fitted: Mapping[str, pd.DataFrame]
) -> list[TrialEffect]:
    """Return the trials' effects: published ones first, then fitted ones."""
    settings = settings_of(config)
    return [
        *published_effects(chosen, settings),
        *(fitted_effect(name, rows, settings) for name, rows in fitted.items()),
    ]


def _model_key(arguments: Mapping[str, Any]) -> str:
    return f"{arguments['tau_squared']}.{arguments['inference']}"


def _variation_key(variation: Config, arguments: Mapping[str, Any]) -> str:
    parts = []
    if "tau_squared" in variation or "inference" in variation:
        parts.append(_model_key({**arguments, **variation}))
    if "measure" in variation:
        parts.append(str(variation["measure"]))
    if "paired" in variation:
        parts.append(f"paired-r-{variation['paired']['correlation']:g}")
    if "zero_cells" in variation:
        rule = variation["zero_cells"]
        parts.append(f"add-{rule['add']:g}-{rule['to']}-{rule['double_zero']}")
    if "exclude" in variation:
        parts.append("without-" + "-".join(variation["exclude"]))
    return "-".join(parts)


def _fitted_model(
    model: Model,
    main: Sequence[TrialEffect],
    chosen: Sequence[Record],
    fitted: Mapping[str, pd.DataFrame],
) -> Iterator[Row]:
    """Yield the rows of one model: pooled effect, heterogeneity, weights."""
    subject = Subject.of(model.config)
    listed = effects_in(model.config, chosen, fitted) if model.own_effects else main
    kept = [effect for effect in listed if effect.trial not in model.exclude]
    if model.own_effects:
        yield from effect_rows(kept, subject, model_id=model.model_id)
    entered = [effect for effect in kept if effect.not_estimable is None]
    about: dict[str, Any] = {
        "model_id": model.model_id,
        "role": model.role,
        "n_trials": len(entered),
        "data_status": least_sure([e.data_status for e in entered or kept]),
    }
    people = [effect.n_subjects for effect in entered]
    about["n_subjects"] = sum(n for n in people if n is not None) or None
    pooled, reason = _pooled(entered, model.arguments)
    paired = any("paired" in effect.method for effect in entered)
    words = _words(model, paired=paired)
    yield from model_rows(pooled, reason, subject, words, about)
    weights = iter(pooled.weights if pooled else [None] * len(entered))
    yield from weight_rows(
        [(e, next(weights) if e.not_estimable is None else None) for e in kept],
        subject,
        about,
        reason,
    )


def _pooled(
    entered: Sequence[TrialEffect], arguments: Mapping[str, Any]
) -> tuple[Pooled | None, str | None]:
    """Return the pooled effect, or the reason why there is none."""
    if not entered:
        return None, "no trial has an effect"
    effect = [float(e.effect or 0.0) for e in entered]
    variance = [float(e.variance or 0.0) for e in entered]
    try:
        return pool(effect, variance, **arguments), None
    except NotEstimableError as reason:
        return None, str(reason)


def _words(model: Model, *, paired: bool) -> str:
    """Return what distinguishes the model beyond the way of pooling, in words."""
    settings = model.settings
    parts = [MEASURE_WORDS[settings.measure]]
    if paired and settings.measure == "SMD":
        parts.append(f"crossover trials paired at r = {settings.correlation:g}")
    if model.exclude:
        parts.append(f"without {', '.join(model.exclude)}")
    return "; ".join(parts)
