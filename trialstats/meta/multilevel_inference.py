"""From a fitted model to its result: tests, intervals, heterogeneity, fit."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.inputs import FloatArray, check_level, one_of
from trialstats.meta.moderators import Moderators
from trialstats.meta.multilevel_blocks import (
    Sampling,
    Term,
    batches,
    check_positive_definite,
)
from trialstats.meta.multilevel_components import (
    Component,
    HigherMaximumError,
    components_of,
    estimate_of,
    parameter_names,
    profile_interval,
)
from trialstats.meta.multilevel_fit import (
    Fitted,
    check_identified,
    fit,
    fit_from,
    without_random,
)
from trialstats.meta.multilevel_likelihood import LOG_2_PI, Model
from trialstats.meta.multilevel_results import (
    INFERENCE,
    PooledMultilevel,
    criteria,
    quantiles,
    tails,
)

CRITERIA = ("REML", "ML")
DEGREES = ("residual", "contain")

_NAN = float("nan")

#: Times that a profile may lead to a higher maximum.
_AGAIN = 5


def pooled(
    effect: FloatArray,
    sampling: Sampling,
    moderators: Moderators,
    terms: Sequence[Term],
    *,
    words: str,
    options: Mapping[str, Any],
    reasons: Mapping[str, str],
) -> PooledMultilevel:
    """Fit the terms and return the result; `reasons` are of components held at zero."""
    check_options(options)
    k, p = moderators.design.shape
    if k < p or (terms and k == p):
        raise NotEstimableError(
            f"{k} effects are too few for {p} coefficients"
            + (" and random effects" if terms else "")
        )
    scale = _power_of_two(effect, sampling.variance)
    model = _model(effect, sampling, moderators, terms, options["method"], scale)
    if sampling.matrix is not None:
        own = batches(effect, moderators.design, sampling, ())
        check_positive_definite(own)
    fixed = without_random(model)
    notes = dict(reasons)
    if terms:
        empty = check_identified(model, fixed, parameter_names(terms))
        for position in empty:
            name = f"sigma2[{terms[position].name}]"
            notes[name] = (
                "held at zero: the coefficients take up all that is between its levels"
            )
        kept = [term for j, term in enumerate(terms) if j not in empty]
        held = [term for j, term in enumerate(terms) if j in empty]
        if held:
            model = _model(effect, sampling, moderators, kept, options["method"], scale)
    else:
        kept, held = [], []
    level = float(options["level"])
    parts = components_of(kept)
    scaled = fit(model, fixed)
    intervals = [(_NAN, _NAN)] * len(parts)
    if options["component_intervals"]:
        scaled, intervals = _profiled(
            scaled, parts, fixed.typical_variance, scale, level
        )
    fitted = _unscaled(
        scaled, effect, sampling, moderators, kept, options["method"], scale
    )
    bare = without_random(fitted.model)
    typical = bare.typical_variance
    estimates = _estimates(scaled, parts, scale)
    for part, estimate in zip(parts, estimates, strict=True):
        if math.isnan(estimate):
            notes[part.name] = "a variance is zero: there is no correlation"
    frame = _components(fitted, parts, estimates, intervals, held, typical, notes)
    coefficients = _coefficients(fitted, moderators, terms, options)
    total = _total_variance(fitted)
    single = _single(coefficients, total, options, notes)
    known = math.isfinite(total) and math.isfinite(typical)
    q = bare.weights.residual_squares if bare.df else 0.0
    variance = sampling.variance.copy()
    for array in (effect, variance, moderators.design):
        array.flags.writeable = False
    return PooledMultilevel(
        **single,
        coefficients=coefficients,
        covariance=fitted.weights.covariance,
        components=frame,
        tau_squared=total,
        i_squared=total / (total + typical) if known else _NAN,
        q=q,
        q_df=bare.df,
        q_p_value=float(chdtrc(bare.df, q)) if bare.df else 1.0,
        log_likelihood=fitted.log_likelihood,
        fit_statistics=_fit_statistics(fitted, p + len(parts)),
        k=k,
        n_blocks=sum(len(batch.rows) for batch in fitted.model.batches),
        level=level,
        criterion=str(options["method"]),
        inference=str(options["inference"]),
        structure=words,
        effect=effect,
        variance=variance,
        design=moderators.design,
        terms=moderators.names,
        options=MappingProxyType(dict(options)),
        not_estimable=MappingProxyType(notes),
        fitted=fitted,
        moderators=moderators,
    )


def _estimates(scaled: Fitted, parts: Sequence[Component], scale: float) -> list[float]:
    found = [estimate_of(scaled, part) for part in parts]
    return [
        value if part.what == "rho" else value * scale**2
        for part, value in zip(parts, found, strict=True)
    ]


def _profiled(
    scaled: Fitted,
    parts: Sequence[Component],
    typical: float,
    scale: float,
    level: float,
) -> tuple[Fitted, list[tuple[float, float]]]:
    """Return the intervals, and the fit: a higher one where a profile led to it."""
    for _ in range(_AGAIN):
        try:
            return scaled, _intervals(scaled, parts, typical, scale, level)
        except HigherMaximumError as found:
            scaled = fit_from(scaled.model, found.covariances)
    return scaled, _intervals(scaled, parts, typical, scale, level)


def _intervals(
    scaled: Fitted,
    parts: Sequence[Component],
    typical: float,
    scale: float,
    level: float,
) -> list[tuple[float, float]]:
    found = []
    for part in parts:
        lower, upper = profile_interval(scaled, part, scale=typical, level=level)
        unit = 1.0 if part.what == "rho" else scale**2
        found.append((lower * unit, upper * unit))
    return found


def check_options(options: Mapping[str, Any]) -> None:
    """Raise a DataError for an unknown method, inference or df, or a wrong level."""
    one_of("method", options["method"], CRITERIA)
    one_of("inference", options["inference"], INFERENCE)
    check_level(options["level"])
    if isinstance(options["df"], str):
        one_of("df", options["df"], DEGREES)


def _power_of_two(effect: FloatArray, variance: FloatArray) -> float:
    """Return a unit of the effects, a power of two so that scaling is exact."""
    size = math.sqrt(float(np.mean(variance)) + float(np.var(effect)))
    return 2.0 ** round(math.log2(size))


def _model(
    effect: FloatArray,
    sampling: Sampling,
    moderators: Moderators,
    terms: Sequence[Term],
    criterion: str,
    scale: float,
) -> Model:
    matrix = None if sampling.matrix is None else sampling.matrix / scale**2
    scaled = Sampling(sampling.variance / scale**2, matrix)
    stacked = batches(effect / scale, moderators.design, scaled, terms)
    return Model(stacked, tuple(terms), criterion == "REML")


def _unscaled(
    fitted: Fitted,
    effect: FloatArray,
    sampling: Sampling,
    moderators: Moderators,
    terms: Sequence[Term],
    criterion: str,
    scale: float,
) -> Fitted:
    """Return the fit in the units of the effects."""
    model = _model(effect, sampling, moderators, terms, criterion, 1.0)
    covariances = tuple(g * scale**2 for g in fitted.covariances)
    weights = model.weigh_by(covariances)
    if weights is None:
        raise NotEstimableError("the marginal covariance is not positive definite")
    return Fitted(model, fitted.theta, covariances, weights)


def _coefficients(
    fitted: Fitted,
    moderators: Moderators,
    terms: Sequence[Term],
    options: Mapping[str, Any],
) -> pd.DataFrame:
    beta = fitted.weights.beta
    error = np.sqrt(np.diag(fitted.weights.covariance))
    df = _degrees(moderators.design, terms, options)
    statistic = beta / error
    reach = quantiles(df, float(options["level"])) * error
    return pd.DataFrame(
        {
            "term": list(moderators.names),
            "estimate": beta,
            "standard_error": error,
            "df": df,
            "statistic": statistic,
            "p_value": tails(statistic, df),
            "ci_lower": beta - reach,
            "ci_upper": beta + reach,
        }
    )


def _degrees(
    design: FloatArray, terms: Sequence[Term], options: Mapping[str, Any]
) -> FloatArray:
    """Return the degrees of freedom of each coefficient; NaN for normal inference."""
    k, p = design.shape
    if options["inference"] == "wald":
        return np.full(p, _NAN)
    wanted = options["df"]
    if not isinstance(wanted, str):
        given = np.asarray(wanted, dtype=float)
        if given.ndim > 1 or given.size not in (1, p) or not (given > 0).all():
            raise DataError(
                f"df={wanted!r} does not fit {p} coefficients",
                remedy="give one number above zero, or one for each coefficient",
            )
        return np.broadcast_to(given, (p,)).copy()
    if wanted == "residual":
        return np.full(p, float(max(k - p, 1)))
    groupings = [codes for term in terms for codes in _groupings(term)]
    contained = [
        min(
            [
                len(np.unique(codes))
                for codes in groupings
                if _constant_within(column, codes)
            ],
            default=k,
        )
        for column in design.T
    ]
    return np.asarray(np.maximum(np.array(contained, dtype=float) - p, 1.0))


def _groupings(term: Term) -> list[np.ndarray[Any, np.dtype[np.intp]]]:
    """Return the groups of a term, and its levels within groups."""
    if term.is_intercept:
        return [term.outer]
    return [term.outer, term.outer * len(term.inner_labels) + term.inner]


def _constant_within(column: FloatArray, codes: Any) -> bool:
    frame = pd.Series(column).groupby(codes)
    return bool((frame.max() == frame.min()).all())


def _components(
    fitted: Fitted,
    parts: Sequence[Component],
    estimates: Sequence[float],
    intervals: Sequence[tuple[float, float]],
    held: Sequence[Term],
    typical: float,
    notes: Mapping[str, str],
) -> pd.DataFrame:
    terms = fitted.model.terms
    mean = sum(float(np.diag(g).mean()) for g in fitted.covariances)
    rows = []
    for part, estimate, interval in zip(parts, estimates, intervals, strict=True):
        share = _NAN
        if part.what != "rho":
            own = fitted.covariances[part.term]
            others = mean - float(np.diag(own).mean())
            share = estimate / (others + estimate + typical)
        rows.append(
            _row(part.name, part.what, terms[part.term].name, estimate, interval)
            | {"n_levels": part.n_levels, "i_squared": share}
        )
    rows += [
        _row(f"sigma2[{term.name}]", "sigma2", term.name, 0.0, (_NAN, _NAN))
        | {"n_levels": len(term.outer_labels), "i_squared": 0.0}
        for term in held
    ]
    columns = ["name", "kind", "term", "estimate", "ci_lower", "ci_upper", "n_levels"]
    frame = pd.DataFrame(rows, columns=[*columns, "i_squared"])
    frame["note"] = pd.array([notes.get(name) for name in frame["name"]], dtype="str")
    return frame


def _row(
    name: str, kind: str, term: str, estimate: float, interval: tuple[float, float]
) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "term": term,
        "estimate": estimate,
        "ci_lower": interval[0],
        "ci_upper": interval[1],
    }


def _total_variance(fitted: Fitted) -> float:
    """Return the variance of a true effect, NaN when it depends on the level."""
    total = 0.0
    for g in fitted.covariances:
        variances = np.diag(g)
        if len(set(variances.tolist())) > 1:
            return _NAN
        total += float(variances[0])
    return total


def _single(
    coefficients: pd.DataFrame,
    total: float,
    options: Mapping[str, Any],
    notes: dict[str, str],
) -> dict[str, float]:
    """Return the fields of a model with one coefficient, else NaN with the reason."""
    own = ("estimate", "standard_error", "ci_lower", "ci_upper", "statistic")
    names = (*own, "df", "p_value")
    ahead = ("prediction_lower", "prediction_upper", "prediction_df")
    if len(coefficients) > 1:
        notes.update(
            dict.fromkeys((*names, *ahead), "several coefficients; see coefficients")
        )
        return dict.fromkeys((*names, *ahead), _NAN)
    found = {name: float(coefficients[name].iloc[0]) for name in names}
    df = found["df"]
    spread = math.hypot(found["standard_error"], math.sqrt(max(total, 0.0)))
    if math.isnan(total):
        notes.update(
            dict.fromkeys(ahead, "levels have their own variance; see predict(of=...)")
        )
    reach = float(quantiles(np.array([df]), float(options["level"]))[0]) * spread
    return found | {
        "prediction_lower": found["estimate"] - reach,
        "prediction_upper": found["estimate"] + reach,
        "prediction_df": df,
    }


def _fit_statistics(fitted: Fitted, n_parameters: int) -> pd.DataFrame:
    """Return both likelihoods with their criteria, all at the model's estimates."""
    model, weights = fitted.model, fitted.weights
    saturated = -model.k * LOG_2_PI / 2
    for batch in model.batches:
        factor = np.linalg.cholesky(batch.sampling)
        saturated -= float(np.log(np.diagonal(factor, axis1=1, axis2=2)).sum())
    ml, reml = weights.log_likelihood_ml, weights.log_likelihood_reml
    return pd.DataFrame(
        {
            "ML": criteria(ml, -2 * (ml - saturated), n_parameters, model.k),
            "REML": criteria(reml, -2 * reml, n_parameters, model.k - model.p),
        }
    )
