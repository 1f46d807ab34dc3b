"""The models of a configured synthesis: the main one and its variations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trialstats.analyses.synthesis_inputs import file_of
from trialstats.analyses.trial_effect import Settings
from trialstats.errors import ConfigError

Config = Mapping[str, Any]

#: What a synthesis uses unless its configuration says otherwise.
MODEL = {
    "method": "inverse_variance",
    "tau_squared": "REML",
    "inference": "knapp_hartung",
    "prediction": "t",
    "level": 0.95,
}

#: Trials up to which the ad hoc variant stands beside Hartung-Knapp: with one large
#: trial among them the plain interval can be too narrow (docs/validation_small_k.md).
FEW_TRIALS = 10

#: What a variation may change in the way of pooling.
_POOLING = ("method", "tau_squared", "inference", "levels")

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
        """How effects are pooled: the keys of ``model``, with defaults."""
        return MODEL | dict(self.config.get("model") or {})

    @property
    def settings(self) -> Settings:
        """How trials become effects."""
        return settings_of(self.config)


def models_of(config: Config, n_trials: int | None = None) -> list[Model]:
    """Return the main model and the sensitivity analyses of a synthesis.

    The key of a model is its estimator and interval; a sensitivity analysis that
    changes something else is named by that, or by its own ``name``.

    Parameters
    ----------
    config : mapping
        A file of ``config/syntheses``.
    n_trials : int, optional
        Trials of the main model. Up to `FEW_TRIALS` the ad hoc variant of
        Hartung-Knapp stands beside the plain one, also unasked.
    """
    arguments = MODEL | dict(config.get("model") or {})
    models = [Model(_model_key(arguments), "primary", config)]
    for variation in config.get("sensitivity") or ():
        pooling = {name: variation[name] for name in _POOLING if name in variation}
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
    models += _beside_few(models, arguments, n_trials)
    names = [model.model_id for model in models]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ConfigError(
            f"{file_of(config)}, at sensitivity: {', '.join(repeated)} twice; "
            "remove one, or give it a `name`"
        )
    return models


def _beside_few(
    models: list[Model], arguments: Mapping[str, Any], n_trials: int | None
) -> list[Model]:
    """Return the ad hoc variant where few trials can make the plain one too narrow."""
    plain = arguments["method"] == "inverse_variance" and not arguments.get("levels")
    few = n_trials is not None and 1 < n_trials <= FEW_TRIALS
    if not (plain and few and arguments["inference"] == "knapp_hartung"):
        return []
    adhoc = {**arguments, "inference": "knapp_hartung_adhoc"}
    key = _model_key(adhoc)
    if any(model.model_id == key for model in models):
        return []
    config = {**models[0].config, "model": adhoc}
    return [Model(model_id=key, role="sensitivity", config=config)]


def settings_of(config: Config) -> Settings:
    """Return how a synthesis turns trials into effects."""
    return Settings(
        measure=config["measure"],
        better=config["outcome"]["better"],
        correlation=(config.get("paired") or {}).get("correlation"),
        **dict(config.get("zero_cells") or {}),
    )


def _model_key(arguments: Mapping[str, Any]) -> str:
    if arguments["method"] != "inverse_variance":
        return str(arguments["method"])
    levels = arguments.get("levels")
    nested = "." + "-".join(levels) if levels else ""
    return f"{arguments['tau_squared']}.{arguments['inference']}{nested}"


def _variation_key(variation: Config, arguments: Mapping[str, Any]) -> str:
    parts = []
    if any(name in variation for name in _POOLING):
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
