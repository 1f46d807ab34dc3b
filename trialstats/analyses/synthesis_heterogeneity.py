"""Why trials differ: subgroups and moderators of a synthesis."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from trialstats.analyses.synthesis_beside import Beside, known, tested
from trialstats.analyses.synthesis_inputs import file_of
from trialstats.analyses.synthesis_rows import Row
from trialstats.analyses.trial_effect import TrialEffect
from trialstats.config.checking import suggestion
from trialstats.errors import (
    ConfigError,
    ConvergenceError,
    DataError,
    NotEstimableError,
)
from trialstats.meta.groups import BetweenTest, Subgroups, subgroups
from trialstats.meta.heterogeneity import q_profile
from trialstats.meta.pooling import pool

Config = Mapping[str, Any]


def subgroup_of(effect: TrialEffect, config: Config) -> str | None:
    """Return the subgroup of a trial, None where the synthesis has none."""
    settings = config.get("subgroups")
    if not settings:
        return None
    if "by" in settings:
        value = effect.covariates.get(settings["by"])
        return None if value is None else f"{value:g}" if _number(value) else str(value)
    named = (n for n, trials in settings["groups"].items() if effect.trial in trials)
    return next(named, None)


def _number(value: object) -> bool:
    return isinstance(value, int | float)


def check_subgroups(config: Config, effects: Sequence[TrialEffect]) -> None:
    """Raise a `ConfigError` for subgroups or moderators that the trials do not have.

    Parameters
    ----------
    config : mapping
        A file of ``config/syntheses``.
    effects : sequence of TrialEffect
        The trials of the synthesis.
    """
    settings, file = config.get("subgroups"), file_of(config)
    if not settings:
        return
    place = f"{file}, at subgroups"
    if ("by" in settings) == ("groups" in settings):
        raise ConfigError(f"{place}: write either `by` or `groups`")
    if "by" in settings:
        columns = dict.fromkeys(n for e in effects for n in e.covariates)
        if settings["by"] not in columns:
            remedy = suggestion(settings["by"], list(columns))
            raise ConfigError(f"{place}.by: no column {settings['by']!r}; {remedy}")
    known_trials = [effect.trial for effect in effects]
    listed = [t for trials in settings.get("groups", {}).values() for t in trials]
    for trial in listed:
        if trial not in known_trials:
            remedy = suggestion(trial, known_trials)
            raise ConfigError(f"{place}.groups: {trial!r} is not here; {remedy}")
        if listed.count(trial) > 1:
            raise ConfigError(f"{place}.groups: {trial!r} is in two groups; choose one")
    for effect in effects:
        if subgroup_of(effect, config) is None:
            raise ConfigError(
                f"{place}: {effect.trial!r} belongs to no group; name it in one, or "
                "fill in the column"
            )


def subgroup_rows(beside: Beside) -> Iterator[Row]:
    """Yield the pooled effect of each subgroup, its spread, and the test between."""
    settings = beside.config.get("subgroups")
    if not settings:
        return
    names = [subgroup_of(effect, beside.config) for effect in beside.entered]
    # In the order of the configuration, or of the table.
    order = list(dict.fromkeys([*settings.get("groups", {}), *names]))
    present = [name for name in order if name in names]
    options = {
        name: getattr(beside.fit, attribute)
        for name, attribute in (
            ("tau_squared", "tau_squared_method"),
            ("inference", "inference"),
            ("prediction", "prediction"),
            ("level", "level"),
        )
    }
    found = subgroups(
        beside.fit.effect,
        beside.fit.variance,
        pd.Categorical(names, categories=present),
        common_tau_squared=bool(settings.get("common_tau_squared")),
        **options,
    )
    yield from _group_rows(beside, found, names)
    yield _between_row(beside, found)


def _group_rows(
    beside: Beside, found: Subgroups, names: Sequence[str | None]
) -> Iterator[Row]:
    shared = "one tau-squared for all subgroups" if found.common_tau_squared else ""
    separate = not found.common_tau_squared and not beside.fit.equal_effects
    for row in found.groups.to_dict("records"):
        group = str(row["group"])
        members = [i for i, name in enumerate(names) if name == group]
        people = [beside.entered[i].n_subjects for i in members]
        method = "; ".join(part for part in (beside.words, shared) if part)
        about: dict[str, Any] = {"subgroup": group, "method": method}
        reason = str(row["reason"]) or None
        yield beside.row(
            "subgroup_effect",
            group,
            **about,
            on_scale=True,
            n_trials=len(members),
            n_subjects=sum(n for n in people if n is not None) or None,
            not_estimable=reason if math.isnan(row["estimate"]) else None,
            **tested(row),
        )
        for name in ("tau_squared", "i_squared"):
            value = float(row[name])
            limits: dict[str, Any] = {}
            if name == "tau_squared" and separate and len(members) > 1:
                limits = _tau_squared_limits(beside, members)
            yield beside.row(
                f"subgroup_{name}",
                group,
                **about | limits,
                estimate=value,
                not_estimable=_why(value, reason),
            )
        yield beside.row(
            "subgroup_q",
            group,
            **about,
            estimate=float(row["q"]),
            test_statistic=float(row["q"]),
            df=float(row["q_df"]),
            p_value=float(row["q_p_value"]),
            not_estimable=_why(float(row["q"]), reason),
        )
        weight = float(sum(beside.fit.weights[i] for i in members))
        yield beside.row("subgroup_weight", group, **about, estimate=weight)


def _tau_squared_limits(beside: Beside, members: Sequence[int]) -> dict[str, Any]:
    """Return the Q-profile interval of the trials of one subgroup."""
    lower, upper = q_profile(
        beside.fit.effect[list(members)],
        beside.fit.variance[list(members)],
        level=beside.fit.level,
    )
    words = f"{beside.words}; Q-profile interval"
    return {"ci_lower": lower, "ci_upper": upper, "method": words}


def _why(value: float, reason: str | None) -> str | None:
    return (reason or "needs at least 2 trials") if math.isnan(value) else None


def _between_row(beside: Beside, found: Subgroups) -> Row:
    """Return the test between subgroups: F with one tau-squared, else chi-squared."""
    equal = beside.fit.tau_squared_method == "EE"
    small = beside.fit.inference.startswith("knapp_hartung")
    if found.common_tau_squared and small:
        words = "F test of the subgroups as a moderator, one tau-squared for all"
        return _test_row(beside, found.between_f, words)
    if equal:
        words = "chi-squared: Q less the sum of Q within the subgroups, equal effects"
        return _test_row(beside, found.between_common, words)
    words = "chi-squared of the subgroups' estimates with their standard errors"
    return _test_row(beside, found.between, words)


def _test_row(beside: Beside, test: BetweenTest, words: str) -> Row:
    denominator = known(test.residual_df)
    return beside.row(
        "subgroup_test",
        method=words,
        estimate=test.statistic,
        test_statistic=test.statistic,
        df=float(test.df) if denominator is None else denominator,
        numerator_df=None if denominator is None else float(test.df),
        p_value=test.p_value,
        not_estimable=test.reason or None,
    )


def regression_rows(beside: Beside) -> Iterator[Row]:
    """Yield the coefficients of the configured meta-regression, and what it explains.

    Raises
    ------
    ConfigError
        When the formula names a column that the trials do not have, or that has gaps.
    """
    formula = beside.config.get("moderators")
    if not formula:
        return
    place = f"{file_of(beside.config)}, at moderators"
    data = covariate_frame(beside.entered)
    _refuse_gaps(data, formula, beside.entered, place)
    about: dict[str, Any] = {"model_id": "meta_regression"}
    options = dict(beside.fit.options)
    try:
        fit = pool(
            beside.fit.effect,
            beside.fit.variance,
            **options | {"moderators": formula, "data": data},
        )
    except DataError as problem:
        raise ConfigError(f"{place}: {formula!r}: {problem}") from None
    except (NotEstimableError, ConvergenceError) as reason:
        yield beside.row(
            "coefficient", **about, method=formula, not_estimable=str(reason)
        )
        return
    method = f"meta-regression {formula}; {fit.method}"
    about["method"] = method
    for row in fit.coefficients.to_dict("records"):
        yield beside.row(
            "coefficient",
            str(row["term"]),
            **about,
            on_scale=True,
            group=str(row["term"]),
            n_trials=fit.k,
            **tested(row),
        )
    yield from _explained(beside, fit, about)


def covariate_frame(effects: Sequence[TrialEffect]) -> pd.DataFrame:
    """Return the covariates of trials, a row a trial, numbers as numbers."""
    listed = [dict(effect.covariates) for effect in effects]
    return pd.DataFrame(listed).infer_objects()


def _refuse_gaps(
    data: pd.DataFrame, formula: str, effects: Sequence[TrialEffect], place: str
) -> None:
    """Raise a `ConfigError` for a moderator that a trial does not have."""
    for name, values in data.items():
        if not re.search(rf"\b{re.escape(str(name))}\b", formula):
            continue
        gaps = values.isna().tolist()
        absent = [e.trial for e, gap in zip(effects, gaps, strict=True) if gap]
        if absent:
            raise ConfigError(
                f"{place}: no {name!r} of {', '.join(absent)}; fill it in, or take "
                "the column out of the formula"
            )


def _explained(beside: Beside, fit: Any, about: dict[str, Any]) -> Iterator[Row]:
    test = fit.test()
    yield beside.row(
        "moderator_test",
        **about,
        estimate=test.statistic,
        test_statistic=test.statistic,
        numerator_df=None if math.isnan(test.df2) else float(test.df1),
        df=float(test.df1) if math.isnan(test.df2) else test.df2,
        p_value=test.p_value,
    )
    yield beside.row(
        "residual_tau_squared",
        **about,
        estimate=fit.tau_squared,
        ci_lower=fit.tau_squared_lower,
        ci_upper=fit.tau_squared_upper,
    )
    yield beside.row("residual_i_squared", **about, estimate=fit.i_squared)
    yield beside.row(
        "residual_q",
        **about,
        estimate=fit.q,
        test_statistic=fit.q,
        df=float(fit.q_df),
        p_value=fit.q_p_value,
    )
    yield beside.row(
        "r_squared",
        **about,
        estimate=fit.r_squared,
        not_estimable=fit.not_estimable.get("r_squared"),
    )
