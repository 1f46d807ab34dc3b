"""Each result of a trial computed once more by another engine, and compared.

The second engine chooses its rows from the datasets itself. A difference is relative
to the first engine's value or, for estimates and limits, to the standard error when
that is larger: a difference of means near zero has no meaningful relative error.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any

import pandas as pd

from trialstats.analyses.further_agreement import FURTHER
from trialstats.analyses.mixed_agreement import crossover_seconds, mmrm_seconds
from trialstats.analyses.second_rows import (
    Config,
    Second,
    chosen_rows,
    contrast_of,
    model_arguments,
)
from trialstats.analyses.trial import NOT_CONVERGED
from trialstats.analyses.trial_mmrm import NO_STRUCTURE
from trialstats.analyses.trial_rows import NOBODY, Analysis
from trialstats.analyses.trial_subgroups import level_analyses
from trialstats.errors import NotEstimableError
from trialstats.parts import EFFECTS, SUBGROUPS, own_records
from trialstats.records import Record, find, records
from trialstats.rows import ADAE, ADTTE, AGREEMENT, frame_of
from trialstats.second_engine import pingouin_engine, two_proportions

Row = dict[str, Any]

PINGOUIN = "pingouin"
SUMS = "constrained likelihood and exact sums"

#: Statistics that stand for their model when it fails.
_EFFECTS = (
    *("difference", "risk_difference", "hazard_ratio", "geometric_mean_ratio"),
    *("cmh_row_means_test", "cmh_correlation_test", "cmh_general_association_test"),
)

#: Models whose second engine needs no rows of the whole analysis.
_IN_SUBGROUPS = ("ancova", "proportions", "logistic", "survival")

_RELATIVE_TO_ERROR = ("estimate", "ci_lower", "ci_upper")


def check_trial(
    config: Config,
    adsl: pd.DataFrame,
    bds: pd.DataFrame,
    rows: pd.DataFrame | Mapping[str, pd.DataFrame],
    adtte: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Compute the effects of a trial by a second engine and compare.

    Parameters
    ----------
    config : mapping
        The trial's configuration.
    adsl, bds : DataFrame
        The trial's datasets.
    rows : DataFrame or mapping of str to DataFrame
        Rows of all analyses, in one frame or by analysis.
    adtte : DataFrame, optional
        Its times to events, where it has some.

    Returns
    -------
    DataFrame
        Schema `rows.AGREEMENT`; a row that the second engine lacks, or has and the
        first has not, does not agree. Nothing is raised for that: see
        `trialstats.analyses.agreement.require_agreement`.
    """
    frames = [rows] if isinstance(rows, pd.DataFrame) else list(rows.values())
    everything = [row for frame in frames for row in records(frame)]
    listed = own_records(everything)
    made: list[Row] = []
    times = frame_of([], ADTTE) if adtte is None else adtte
    for name, settings in config["analyses"].items():
        part = [r for r in listed if r["analysis"] == name]
        kind = settings["model"]["type"]
        compute = partial(SECOND_ENGINES[kind], config, name, adsl, bds, part)
        if kind == "survival":
            compute = partial(compute, adtte=times)
        made += _checked(part, compute)
        if kind in _IN_SUBGROUPS and "subgroups" in settings:
            whole = Analysis(config, name, adsl, bds, frame_of([], ADAE), times)
            made += _checked_levels(whole, find(everything, analysis=name))
    return frame_of(made, AGREEMENT)


def _checked_levels(analysis: Analysis, listed: list[Record]) -> Iterator[Row]:
    """Compare the effects within the levels of subgroups that have estimates."""
    kind = analysis.model["type"]
    for level, own in level_analyses(analysis):
        part = [
            row
            for row in find(listed, model_id=SUBGROUPS, subgroup=level)
            if row["statistic"] in EFFECTS[kind]
        ]
        main = find(part, statistic=EFFECTS[kind][0])
        if any(row["estimate"] is None for row in main):
            continue
        compute = partial(
            SECOND_ENGINES[kind], own.config, own.name, own.adsl, own.bds, part
        )
        if kind == "survival":
            compute = partial(compute, adtte=own.adtte)
        for second in compute():
            if second.where.get("statistic") in EFFECTS[kind]:
                yield from _compared(part, second)


def _checked(part: list[Record], compute: Callable[[], Iterator[Second]]) -> list[Row]:
    """Compare the rows of one analysis; an absent result must be absent twice."""
    # What nobody has no engine computes; a second one that does has a result too many.
    effects = [r for r in part if _is_effect(r) and not _unseen(r)]
    failed = [r for r in effects if r["not_estimable"] and r["estimate"] is None]
    try:
        seconds = list(compute())
    except NotEstimableError as reason:
        return [_absent(r, None, said=str(reason)) for r in effects]
    made = [_absent(r, _second_of(r, seconds)) for r in failed]
    if failed and len(failed) == len(effects):
        return made  # Nor has a model without any effect means or variances.
    named = {r["row_id"]: [r] for r in part}
    for second in seconds:
        if not any(_is_at(row, second) for row in failed):
            own = named.get(second.where.get("row_id"), part)
            made += _compared(own, second)
    return made


def _is_effect(row: Record) -> bool:
    """Return whether a row stands for its model; of proportions the difference does."""
    alone = row["statistic"] == "odds_ratio" and row["model_id"] == "logistic"
    return alone or row["statistic"] in _EFFECTS


def _unseen(row: Record) -> bool:
    """Return whether nobody has the visit of a row."""
    return str(row["not_estimable"]).startswith(NOBODY)


def _stopped(row: Record) -> bool:
    """Return whether the first engine did not converge: nothing to compare."""
    return str(row["not_estimable"]).startswith((NOT_CONVERGED, NO_STRUCTURE))


def _is_at(row: Record, second: Second) -> bool:
    """Return whether a result of the second engine is that of a row."""
    return all(row[name] == value for name, value in second.where.items())


def _second_of(row: Record, seconds: list[Second]) -> float | None:
    """Return the estimate that the second engine has for a row; None without any."""
    found = [s.quantities.get("estimate") for s in seconds if _is_at(row, s)]
    return next((v for v in found if v is not None and math.isfinite(v)), None)


def _absent(row: Record, theirs: float | None, *, said: str = "no estimate") -> Row:
    """Compare a row of which one engine at least has no estimate."""
    ours = row["estimate"]
    if theirs is None:
        second = f"the second says: {said}"
    elif _stopped(row):
        second = "the first did not converge: the second is not compared"
    else:
        second = f"the first says: {row['not_estimable']}"
    return {
        "row_id": row["row_id"],
        "quantity": "not_estimable",
        "engine": "second engine of the model",
        "estimate": ours,
        "second_estimate": theirs,
        "tolerance": 0.0,
        "tolerance_reason": f"What has no estimate has none in either engine; {second}",
        "agrees": ours is None and (theirs is None or _stopped(row)),
    }


def _compared(part: list[Record], second: Second) -> Iterator[Row]:
    found = [r for r in part if _is_at(r, second)]
    if len(found) != 1:
        where = ", ".join(f"{k} {v}" for k, v in second.where.items())
        yield {
            "row_id": part[0]["row_id"] if part else "none",
            "quantity": f"rows with {where}: {len(found)}",
            "engine": second.engine,
            "tolerance": 0.0,
            "tolerance_reason": "The second engine has one such result.",
            "agrees": False,
        }
        return
    row, (tolerance, reason) = found[0], second.tolerance
    for quantity, theirs in second.quantities.items():
        ours = _first(row, quantity)
        difference = _relative_difference(row, quantity, ours, theirs)
        agrees = difference is not None and difference <= tolerance
        yield {
            "row_id": row["row_id"],
            "quantity": quantity,
            "engine": second.engine,
            "estimate": ours,
            "second_estimate": theirs,
            "relative_difference": difference,
            "tolerance": tolerance,
            "tolerance_reason": reason,
            "agrees": agrees or (ours is None and theirs is None),
        }


def _first(row: Record, quantity: str) -> float | None:
    if quantity == "absolute_test_statistic":
        statistic = row["test_statistic"]
        return None if statistic is None else abs(statistic)
    value = row[quantity]
    return None if value is None else float(value)


def _relative_difference(
    row: Record, quantity: str, ours: float | None, theirs: float | None
) -> float | None:
    if ours is None or theirs is None:
        return None
    size = abs(ours)
    if quantity in _RELATIVE_TO_ERROR and row["standard_error"] is not None:
        size = max(size, row["standard_error"])
    return 0.0 if ours == theirs else abs(ours - theirs) / max(size, 1e-12)


def _ancova(
    config: Config, name: str, adsl: pd.DataFrame, bds: pd.DataFrame, part: list[Record]
) -> Iterator[Second]:
    data, arguments = (
        chosen_rows(config, name, adsl, bds),
        model_arguments(config, name),
    )
    model = config["analyses"][name]["model"]
    named = model.get("covariates", [])
    data = data.dropna(subset=[arguments["response"], *named])
    data, covariates = _with_indicators(data, named)
    means, differences = pingouin_engine.ancova(
        data, treatment="TRT01P", covariates=covariates, **arguments
    )
    # Indicators at their means give levels the weights of the data.
    if covariates == named or model.get("margins") == "observed":
        for arm, found in means.items():
            yield Second({"statistic": "ls_mean", "group": arm}, found, PINGOUIN)
    for arm, found in differences.items():
        where = {"statistic": "difference", "contrast": contrast_of(config, arm)}
        yield Second(where, found, PINGOUIN)
    complete = data.dropna(subset=[arguments["response"], *covariates])
    values = complete.groupby("TRT01P")[arguments["response"]]
    control = values.get_group(arguments["control"]).tolist()
    for arm in arguments["treatments"]:
        where = {
            "statistic": "standardized_mean_difference",
            "contrast": contrast_of(config, arm),
        }
        treated = values.get_group(arm).tolist()
        if min(len(set(treated)), len(set(control))) > 1:
            found = pingouin_engine.hedges_g(treated, control)
            yield Second(where, found, PINGOUIN)


def _with_indicators(
    data: pd.DataFrame, columns: list[str]
) -> tuple[pd.DataFrame, list[str]]:
    """Return data with a column for each level of text but the first."""
    made: dict[str, pd.Series] = {}
    names = []
    for column in columns:
        if pd.api.types.is_numeric_dtype(data[column]):
            names.append(column)
            continue
        for number, level in enumerate(sorted(data[column].unique())[1:]):
            made[f"{column}_level{number}"] = data[column].eq(level).astype(float)
            names.append(f"{column}_level{number}")
    return data.assign(**made), names


def _proportions(
    config: Config, name: str, adsl: pd.DataFrame, bds: pd.DataFrame, part: list[Record]
) -> Iterator[Second]:
    data, arguments = (
        chosen_rows(config, name, adsl, bds),
        model_arguments(config, name),
    )
    level, control = arguments["level"], arguments["control"]
    interval = config["analyses"][name]["model"].get("interval")
    by_arm = data.groupby("TRT01P")[arguments["response"]]
    table = {
        arm: (int(total), int(n))
        for arm, total, n in by_arm.agg(["sum", "count"]).itertuples()
        if n
    }
    absent = {control, *arguments["treatments"]} - set(table)
    if absent:
        raise NotEstimableError(f"No data in {', '.join(sorted(absent))}.")
    for arm, (events, n) in table.items():
        lower, upper = two_proportions.risk_limits(events, n, level)
        found = {"estimate": events / n, "ci_lower": lower, "ci_upper": upper}
        yield Second({"statistic": "risk", "group": arm}, found, SUMS)
    for arm in arguments["treatments"]:
        counts = (*table[arm], *table[control])
        contrast = contrast_of(config, arm)
        for statistic, found in two_proportions.effects(counts, level).items():
            where = {"statistic": statistic, "contrast": contrast}
            if statistic == "risk_difference" and interval == "wald":
                found = {**found, **two_proportions.simple_limits(counts, level)}
            yield Second(where, found, SUMS)


def _adverse_events(
    config: Config, name: str, adsl: pd.DataFrame, bds: pd.DataFrame, part: list[Record]
) -> Iterator[Second]:
    """Compare the limits that follow from the counts of the rows themselves."""
    counts = {
        (r["parameter"], r["group"]): (int(r["estimate"]), int(r["n_subjects"]))
        for r in part
        if r["statistic"] == "subjects_with_event" and r["subgroup"] is None
    }
    if not counts:
        raise NotEstimableError("There are no counts of events.")
    control = config["arms"]["control"]
    contrasts = {contrast_of(config, arm): arm for arm in config["arms"]["treatments"]}
    level = config["analyses"][name]["model"].get("level", 0.95)
    # Rare terms have the same few counts.
    effects = cache(two_proportions.effects)
    for row in part:
        statistic = row["statistic"]
        if statistic not in ("risk_difference", "fisher_test") or row["not_estimable"]:
            continue
        event, arm = row["parameter"], contrasts[row["contrast"]]
        table = (*counts[event, arm], *counts[event, control])
        found: Mapping[str, float | None] = (
            effects(table, level)["risk_difference"]
            if statistic == "risk_difference"
            else {"p_value": two_proportions.fisher_p_value(table)}
        )
        yield Second({"row_id": row["row_id"]}, found, SUMS)


#: Second engines, under the names of the model types.
SECOND_ENGINES: dict[str, Callable[..., Iterator[Second]]] = {
    "ancova": _ancova,
    "mmrm": mmrm_seconds,
    "crossover": crossover_seconds,
    "proportions": _proportions,
    "adverse_events": _adverse_events,
    **FURTHER,
}
