"""Compute each number of a synthesis once more, from its rows, by another engine.

The rows are taken as stored: what a figure or table shows is what is checked.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.contingency_tables import Table2x2

from trialstats.analyses.combining import way_of
from trialstats.analyses.dependent_agreement import dependent_checks
from trialstats.analyses.synthesis_models import Model, models_of, settings_of
from trialstats.analyses.synthesis_sensitivity import prior_of
from trialstats.analyses.trial_effect import Settings
from trialstats.records import Record, find, records
from trialstats.rows import AGREEMENT, frame_of
from trialstats.second_engine.check import Check, comparison
from trialstats.second_engine.counts import check_counts
from trialstats.second_engine.pooling import check_pooling
from trialstats.second_engine.posterior import check_posterior

Config = Mapping[str, Any]

#: Where each quantity that `check_pooling` names stands in the rows.
_STATISTIC_OF = {
    "prediction_lower": "prediction_interval",
    "prediction_upper": "prediction_interval",
    "tau_squared": "tau_squared",
    "i_squared": "i_squared",
    "h_squared": "h_squared",
    "q": "q",
    "q_p_value": "q",
}

#: Fields of `Pooled`, and the statistic and column that hold them.
_FIELDS = {
    "estimate": ("pooled_effect", "estimate"),
    "standard_error": ("pooled_effect", "standard_error"),
    "ci_lower": ("pooled_effect", "ci_lower"),
    "ci_upper": ("pooled_effect", "ci_upper"),
    "statistic": ("pooled_effect", "test_statistic"),
    "df": ("pooled_effect", "df"),
    "p_value": ("pooled_effect", "p_value"),
    "tau_squared": ("tau_squared", "estimate"),
    "tau_squared_lower": ("tau_squared", "ci_lower"),
    "tau_squared_upper": ("tau_squared", "ci_upper"),
    "i_squared": ("i_squared", "estimate"),
    "h_squared": ("h_squared", "estimate"),
    "q": ("q", "estimate"),
    "q_p_value": ("q", "p_value"),
    "prediction_lower": ("prediction_interval", "ci_lower"),
    "prediction_upper": ("prediction_interval", "ci_upper"),
    "prediction_df": ("prediction_interval", "df"),
}

_TABLE = "statsmodels Table2x2"
_FORMULA = "the formula written out"


def check_synthesis(config: Config, rows: pd.DataFrame) -> pd.DataFrame:
    """Compare every effect and every pooled result with a second engine.

    Parameters
    ----------
    config : mapping
        A file of ``config/syntheses``, with its name under ``id``.
    rows : DataFrame
        Its rows as `trialstats.analyses.synthesis.synthesise` gave them.

    Returns
    -------
    DataFrame
        Schema `rows.AGREEMENT`: one row per quantity and engine. Effects of trials
        that were fitted here are checked where they were fitted.
    """
    listed = records(rows)
    checks = list(_effect_checks(listed, settings_of(config), None))
    if config["pooling"]:
        fitted = find(listed, statistic="pooled_effect")
        n_trials = find(fitted, role="primary")[0]["n_trials"]
        names = {row["model_id"] for row in fitted}
        for model in models_of(config, n_trials):
            if model.model_id not in names:
                continue
            if model.own_effects:
                checks += _effect_checks(listed, model.settings, model.model_id)
            checks += _pooling_checks(listed, model)
        checks += _posterior_checks(listed, config)
    return frame_of([_compared(check) for check in checks], AGREEMENT)


def _compared(check: Check) -> Check:
    first, second = check["estimate"], check["second_estimate"]
    # A first value of zero has no relative difference: the absolute one stands.
    difference = abs(second - first) / (abs(first) or 1.0)
    agrees = difference <= check["tolerance"]
    return check | {"relative_difference": difference, "agrees": bool(agrees)}


def _pooling_checks(listed: Sequence[Record], model: Model) -> Iterator[Check]:
    """Yield the checks of one model, of those that have a second engine."""
    found = {
        row["statistic"]: row
        for row in listed
        if row["model_id"] == model.model_id and row["trial"] is None
    }
    if found["pooled_effect"]["estimate"] is None:
        return
    trials = [row["trial"] for row in _effects_of(listed, model)]
    way = way_of(model.arguments, sharing=len(set(trials)) < len(trials))
    if way not in _CHECKS:
        return
    for check in _CHECKS[way](listed, model, found):
        quantity = check["quantity"]
        statistic = _STATISTIC_OF.get(quantity, "pooled_effect")
        if "tau_squared" in quantity:
            statistic = "tau_squared"
        yield {"row_id": found[statistic]["row_id"]} | check


def _posterior_checks(listed: Sequence[Record], config: Config) -> Iterator[Check]:
    """Yield the checks of the Bayesian model beside the main one."""
    effects = _effects(listed, None)
    for row in listed:
        name = str(row["model_id"] or "")
        bayesian = name.startswith("bayesian.") and row["trial"] is None
        if not bayesian or row["statistic"] != "pooled_effect":
            continue
        if row["estimate"] is None:
            continue
        prior = prior_of(config)
        for check in check_posterior(
            [effect["estimate"] for effect in effects],
            [effect["standard_error"] ** 2 for effect in effects],
            prior=str(prior["prior"]),
            scale=float(prior["scale"]),
            level=row["confidence_level"],
            stored={name: row[name] for name in _POSTERIOR},
        ):
            yield {"row_id": row["row_id"]} | check


_POSTERIOR = ("estimate", "standard_error", "ci_lower", "ci_upper")


def _of_variances(
    listed: Sequence[Record], model: Model, found: Mapping[str, Record]
) -> list[Check]:
    effects = _effects_of(listed, model)
    weights = [
        row["estimate"]
        for row in listed
        if row["statistic"] == "weight"
        and row["model_id"] == model.model_id
        and row["estimate"] is not None
    ]
    pooled = _pooled_from(found, np.array(weights), model)
    effect = [row["estimate"] for row in effects]
    variance = [row["standard_error"] ** 2 for row in effects]
    return check_pooling(effect, variance, pooled)


def _of_levels(
    listed: Sequence[Record], model: Model, found: Mapping[str, Record]
) -> Iterator[Check]:
    at = model.model_id if model.own_effects else None
    return dependent_checks(
        _effects_of(listed, model),
        [row for row in listed if row["model_id"] == model.model_id],
        find(listed, statistic="effect_covariance", model_id=at),
        {
            name: found[statistic][column]
            for name, (statistic, column) in _FIELDS.items()
        },
        level=found["pooled_effect"]["confidence_level"],
        restricted=model.arguments["tau_squared"] != "ML",
    )


def _of_counts(
    listed: Sequence[Record], model: Model, found: Mapping[str, Record]
) -> list[Check]:
    arms = model.config["comparison"]
    names = {"events": ("ai", "ci"), "n": ("n1i", "n2i")}
    tables: dict[object, dict[str, float]] = {}
    for row in listed:
        if row["statistic"] in names and row["trial"] not in model.exclude:
            side = int(row["group"] == arms["control"])
            name = names[row["statistic"]][side]
            tables.setdefault(row["trial"], {})[name] = row["estimate"]
    pooled = found["pooled_effect"]
    fields = ("estimate", "standard_error", "ci_lower", "ci_upper")
    stored = {name: pooled[name] for name in fields}
    return check_counts(
        model.arguments["method"],
        model.settings.measure,
        [table for table in tables.values() if len(table) == 4],
        stored | {"level": pooled["confidence_level"]},
    )


#: Checks of each way of combining.
_CHECKS: dict[
    str,
    Callable[[Sequence[Record], Model, Mapping[str, Record]], Iterable[Check]],
] = {
    "inverse_variance": _of_variances,
    "mantel_haenszel": _of_counts,
    "peto": _of_counts,
    "levels": _of_levels,
    "sharing": _of_levels,
}


def _effects(listed: Sequence[Record], model_id: str | None) -> list[Record]:
    """Return the estimable effects of the main model or of one with its own."""
    statistic = "sensitivity_effect" if model_id else "effect"
    return [
        row
        for row in listed
        if row["statistic"] == statistic
        and row["model_id"] == model_id
        and row["estimate"] is not None
    ]


def _effects_of(listed: Sequence[Record], model: Model) -> list[Record]:
    """Return the effects that entered a model."""
    own = model.model_id if model.own_effects else None
    return [row for row in _effects(listed, own) if row["trial"] not in model.exclude]


def _pooled_from(found: Mapping[str, Record], weights: Any, model: Model) -> Any:
    """Return a model's rows under the names of the result that they were made from."""
    arguments = model.arguments
    values: dict[str, Any] = {
        name: _nan(found[statistic][column])
        for name, (statistic, column) in _FIELDS.items()
    }
    return SimpleNamespace(
        **values,
        q_df=len(weights) - 1,
        weights=weights,
        k=len(weights),
        level=found["pooled_effect"]["confidence_level"],
        tau_squared_method=arguments["tau_squared"],
        inference=arguments["inference"],
        prediction=arguments["prediction"],
        custom_weights=False,
    )


def _nan(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _effect_checks(
    listed: Sequence[Record], settings: Settings, model_id: str | None
) -> Iterator[Check]:
    for row in _effects(listed, model_id):
        inputs = {
            (number["statistic"], number["group"]): number
            for number in listed
            if number["role"] == "descriptive"
            and number["statistic"] in _INPUTS
            and _same(number, row)
        }
        again = _again(row, inputs, settings)
        if again is None:
            continue
        engine, effect, error = again
        half = _Z_95 * error if row["confidence_level"] == 0.95 else math.nan
        values = {
            "estimate": effect,
            "standard_error": error,
            "ci_lower": effect - half,
            "ci_upper": effect + half,
        }
        for quantity, second in values.items():
            if math.isnan(second):
                continue
            found = comparison(quantity, engine, row[quantity], second)
            yield {"row_id": row["row_id"]} | found


#: The 97.5 % point of the normal distribution, as printed in tables.
_Z_95 = 1.959963984540054

_INPUTS = (
    *("events", "n", "mean", "standard_deviation"),
    *("difference", "published_smd"),
)


def _same(number: Record, effect: Record) -> bool:
    return all(number[name] == effect[name] for name in ("trial", "parameter", "visit"))


Again = tuple[str, float, float]


def _again(
    row: Record, inputs: Mapping[tuple[str, str | None], Record], settings: Settings
) -> Again | None:
    """Return engine, effect and standard error by a second route."""
    arms = list(dict.fromkeys(g for _, g in inputs if g is not None))
    numbers = {
        name: [inputs[name, arm]["estimate"] for arm in arms if (name, arm) in inputs]
        for name in ("events", "n", "mean", "standard_deviation")
    }
    n = [float(value) for value in numbers["n"]]
    if len(numbers["events"]) == 2:
        return _from_table(numbers["events"], n, settings)
    if ("published_smd", None) in inputs:
        return _FORMULA, *_hedges(inputs["published_smd", None]["estimate"], n)
    if ("difference", None) in inputs:
        entered = inputs["difference", None]
        difference, error = entered["estimate"], entered["standard_error"]
        if settings.measure == "MD":
            return "the number as entered", difference, error
        if "paired (crossover)" in row["method"]:
            return _FORMULA, *_paired(difference / error, n[0], settings)
        # t = difference / error, and d = t sqrt(1/n1 + 1/n2) whatever the unit.
        return _FORMULA, *_hedges(difference / error * _root_of_sizes(n), n)
    if len(numbers["standard_deviation"]) < 2:
        return None
    sign = -1.0 if "sign turned" in row["method"] else 1.0
    difference = sign * (numbers["mean"][0] - numbers["mean"][1])
    squares = [float(s) ** 2 for s in numbers["standard_deviation"]]
    if settings.measure == "MD":
        return _FORMULA, difference, math.sqrt(squares[0] / n[0] + squares[1] / n[1])
    within = (squares[0] * (n[0] - 1) + squares[1] * (n[1] - 1)) / (n[0] + n[1] - 2)
    return _FORMULA, *_hedges(difference / math.sqrt(within), n)


def _from_table(
    events: list[float], n: list[float], settings: Settings
) -> Again | None:
    cells = np.array([[e, size - e] for e, size in zip(events, n, strict=True)])
    if not (cells > 0).all():
        if settings.to == "none":
            return None
        cells = cells + settings.add
    elif settings.to not in ("only0", "none"):
        return None
    table = Table2x2(cells, shift_zeros=False)
    if settings.measure == "RR":
        return _TABLE, float(table.log_riskratio), float(table.log_riskratio_se)
    if settings.measure == "OR":
        return _TABLE, float(table.log_oddsratio), float(table.log_oddsratio_se)
    risk = cells[:, 0] / cells.sum(axis=1)
    variance = risk * (1 - risk) / cells.sum(axis=1)
    return _FORMULA, float(risk[0] - risk[1]), float(np.sqrt(variance.sum()))


def _root_of_sizes(n: list[float]) -> float:
    return math.sqrt(1 / n[0] + 1 / n[1])


def _hedges(d: float, n: list[float]) -> tuple[float, float]:
    g = d * _correction(n[0] + n[1] - 2)
    return g, math.sqrt(1 / n[0] + 1 / n[1] + g**2 / (2 * (n[0] + n[1])))


def _paired(t: float, n: float, settings: Settings) -> tuple[float, float]:
    shared = 2 * (1 - (settings.correlation or 0.0))
    g = t * math.sqrt(shared / n) * _correction(n - 1)
    return g, math.sqrt(shared * (1 / n + g**2 / (2 * n)))


def _correction(df: float) -> float:
    """Return the exact factor that makes d unbiased, by the gamma function."""
    return math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)
