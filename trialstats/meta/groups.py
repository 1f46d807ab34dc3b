"""Subgroups of trials: pooled apart, and compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from trialstats.errors import ConvergenceError, DataError, NotEstimableError
from trialstats.meta.inputs import FloatArray, dimensions, row_label, same_order
from trialstats.meta.pooled import Pooled
from trialstats.meta.pooling import pool

_NAN = float("nan")

#: Fields of a pooled subgroup that the table shows.
FIELDS = (
    *("k", "estimate", "standard_error", "statistic", "df", "p_value"),
    *("ci_lower", "ci_upper", "prediction_lower", "prediction_upper"),
    *("prediction_df", "tau_squared", "tau_squared_lower", "tau_squared_upper"),
    *("i_squared", "h_squared", "q", "q_df", "q_p_value"),
)

#: Why there is nothing to compare.
ONE_SUBGROUP = "there is one subgroup"


@dataclass(frozen=True, slots=True)
class BetweenTest:
    """Test that all subgroups share one mean effect.

    Attributes
    ----------
    statistic : float
        Chi-squared or F.
    df : int
        One less than there are subgroups.
    p_value : float
    residual_df : float
        Degrees of freedom of the denominator of F; NaN for chi-squared.
    reason : str
        Why there is no test, or an empty text.
    """

    statistic: float
    df: int
    p_value: float
    residual_df: float = _NAN
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Subgroups:
    """Subgroups of trials, pooled apart.

    Attributes
    ----------
    groups : DataFrame
        A row a subgroup, under the model that was asked for: `group`, the fields of
        `Pooled` in `FIELDS`, and `reason` why numbers are NaN, empty where none is.
    common : DataFrame
        The same under equal effects with normal tests.
    pooled : mapping
        The fit of each subgroup that has one, by its name.
    overall : Pooled
        All trials, without subgroups.
    between : BetweenTest
        Of the estimates in `groups` with their standard errors.
    between_common : BetweenTest
        Of the estimates in `common`: Q less the sum of Q within the subgroups.
    between_f : BetweenTest
        F test of the subgroups as a moderator: one tau-squared for all, and the scale
        of Knapp and Hartung.
    q_within : float
    q_within_df : int
    q_within_p_value : float
        Residual heterogeneity: the sum of Q within the subgroups.
    residual_tau_squared : float
        Between-trial variance when subgroups are a moderator.
    r_squared : float
        Part of the between-trial variance that the subgroups explain, as in `Pooled`.
    common_tau_squared : bool
        Whether `groups` has one tau-squared for all.
    not_estimable : mapping of str to str
        Reason for each number above that is NaN.
    """

    groups: pd.DataFrame
    common: pd.DataFrame
    pooled: Mapping[Any, Pooled]
    overall: Pooled
    between: BetweenTest
    between_common: BetweenTest
    between_f: BetweenTest
    q_within: float
    q_within_df: int
    q_within_p_value: float
    residual_tau_squared: float
    r_squared: float
    common_tau_squared: bool
    not_estimable: Mapping[str, str]


def subgroups(
    effect: ArrayLike,
    variance: ArrayLike,
    group: ArrayLike,
    *,
    common_tau_squared: bool = False,
    **options: Any,
) -> Subgroups:
    """Pool subgroups of trials apart, and test whether they differ.

    Parameters
    ----------
    effect, variance : array_like of shape (k,)
        Effects, ratios on the log scale, and their sampling variances.
    group : array_like of shape (k,)
        Subgroup of each trial. Subgroups are listed in sorted order, those of a
        categorical in the order of its categories, empty ones too.
    common_tau_squared : bool
        One between-trial variance for all subgroups, that of the model with the
        subgroups as a moderator, instead of one for each.
    **options
        Options of `pool`, but for moderators and weights.

    Returns
    -------
    Subgroups
        A subgroup of one trial gives its own effect with a normal interval. Numbers
        that do not exist are NaN and have a reason.

    Raises
    ------
    DataError
        For inputs that `pool` refuses, a missing subgroup, or options that do not
        belong here.

    References
    ----------
    .. [1] Borenstein M, Hedges LV, Higgins JPT, Rothstein HR (2009). Introduction to
       meta-analysis. Wiley. Chapter 19.
    .. [2] Knapp G, Hartung J (2003). Improved tests for a random effects
       meta-regression with a single covariate. Statistics in Medicine 22(17),
       2693-2710.

    Examples
    --------
    >>> found = subgroups(
    ...     [0.1, 0.3, 0.5, 0.9], [0.04, 0.05, 0.04, 0.05], ["a", "a", "b", "b"]
    ... )
    >>> found.groups["group"].tolist(), found.groups["estimate"].round(3).tolist()
    (['a', 'b'], [0.189, 0.688])
    """
    for name in ("moderators", "data", "weights"):
        if options.get(name) is not None:
            raise DataError(
                f"subgroups are pooled without {name}", remedy=f"leave {name} out"
            )
    same_order({"effect": effect, "variance": variance, "group": group})
    overall = pool(effect, variance, **options)
    names, members = _members(group, overall.k)
    residual, why = _as_moderator(overall, members, options)
    shared = _NAN if residual is None else residual.tau_squared
    own = dict(options)
    if common_tau_squared and not overall.equal_effects:
        own["tau_squared"] = shared
    groups, pooled = _table(overall, names, members, own, why)
    equal = options | {"tau_squared": "EE", "inference": "wald"}
    common, _ = _table(overall, names, members, equal, "")
    q_within, q_df = float(common["q"].sum()), int(common["q_df"].sum())
    reasons = _absent(residual, why, q_df)
    return Subgroups(
        groups,
        common,
        MappingProxyType(pooled),
        overall,
        _between(groups),
        _between(common),
        _f_test(residual, why, groups),
        q_within,
        q_df,
        float(chdtrc(q_df, q_within)) if q_df > 0 else _NAN,
        shared,
        _NAN if residual is None else residual.r_squared,
        common_tau_squared,
        MappingProxyType(reasons),
    )


def _members(group: ArrayLike, k: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the names of the subgroups, and who is in each: shape (g, k)."""
    if dimensions(group) != 1:
        raise DataError("group is not one column", remedy="give one value a trial")
    labels = pd.Series(group).reset_index(drop=True)
    if len(labels) != k:
        raise DataError(f"group has {len(labels)} values and there are {k} trials")
    absent = np.flatnonzero(labels.isna())
    if absent.size:
        raise DataError("missing", row=row_label(int(absent[0])), column="group")
    kinds = pd.Categorical(labels)
    listed = np.arange(len(kinds.categories))[:, np.newaxis]
    return np.asarray(kinds.categories), np.asarray(kinds.codes) == listed


def _as_moderator(
    overall: Pooled, members: NDArray[np.bool_], options: dict[str, Any]
) -> tuple[Pooled | None, str]:
    """Return the fit with a difference for each later subgroup, or why there is none.

    Knapp and Hartung's ad hoc scale is not asked for here: it exists for effects that
    are fitted perfectly, too, and the F test takes the plain one.
    """
    later = members[members.any(axis=1)][1:].T.astype(np.float64)
    plain = options | {"inference": "t", "tau_squared_interval": "none"}
    if later.shape[1]:
        plain["moderators"] = later
    try:
        return pool(overall.effect, overall.variance, **plain), ""
    except (NotEstimableError, ConvergenceError) as why:
        return None, str(why)


def _table(
    overall: Pooled,
    names: NDArray[Any],
    members: NDArray[np.bool_],
    options: dict[str, Any],
    why: str,
) -> tuple[pd.DataFrame, dict[Any, Pooled]]:
    """Return a row a subgroup, and the fits."""
    rows, pooled = [], {}
    for name, chosen in zip(names, members, strict=True):
        row: dict[str, Any] = dict.fromkeys(FIELDS, _NAN)
        row |= {"group": name, "k": int(chosen.sum()), "q_df": 0, "reason": ""}
        try:
            fit = _fit(overall, chosen, options, why)
        except (NotEstimableError, ConvergenceError) as reason:
            row["reason"] = str(reason)
        else:
            pooled[name] = fit
            row |= {field: getattr(fit, field) for field in FIELDS}
            row["reason"] = fit.not_estimable.get("tau_squared", "")
        rows.append(row)
    return pd.DataFrame(rows, columns=["group", *FIELDS, "reason"]), pooled


def _fit(
    overall: Pooled, chosen: NDArray[np.bool_], options: dict[str, Any], why: str
) -> Pooled:
    if not chosen.any():
        raise NotEstimableError("no trial is in the subgroup")
    effect, variance = overall.effect[chosen], overall.variance[chosen]
    given = options.get("tau_squared")
    if isinstance(given, float) and np.isnan(given):
        if chosen.sum() > 1:
            raise NotEstimableError(why)
        options = options | {"tau_squared": "EE"}
    fit: Pooled = pool(effect, variance, **options)
    return fit


def _between(groups: pd.DataFrame) -> BetweenTest:
    """Return the weighted sum of squares of the estimates around their mean."""
    present = groups[groups["k"] > 0]
    df = len(present) - 1
    if df < 1:
        return BetweenTest(_NAN, df, _NAN, reason=ONE_SUBGROUP)
    absent = present.loc[present["standard_error"].isna(), ["group", "reason"]]
    for name, reason in absent.itertuples(index=False):
        return BetweenTest(_NAN, df, _NAN, reason=f"subgroup {name}: {reason}")
    weight = 1 / present["standard_error"].to_numpy(dtype=np.float64) ** 2
    estimate: FloatArray = present["estimate"].to_numpy(dtype=np.float64)
    mean = (weight * estimate).sum() / weight.sum()
    statistic = float((weight * (estimate - mean) ** 2).sum())
    return BetweenTest(statistic, df, float(chdtrc(df, statistic)))


def _f_test(residual: Pooled | None, why: str, groups: pd.DataFrame) -> BetweenTest:
    df = int((groups["k"] > 0).sum()) - 1
    if df < 1:
        return BetweenTest(_NAN, df, _NAN, reason=ONE_SUBGROUP)
    if residual is None:
        return BetweenTest(_NAN, df, _NAN, reason=why)
    try:
        fit = pool(
            residual.effect,
            residual.variance,
            **{**residual.options, "inference": "knapp_hartung"},
        )
        test = fit.test()
    except NotEstimableError as reason:
        return BetweenTest(_NAN, df, _NAN, reason=str(reason))
    return BetweenTest(test.statistic, df, test.p_value, test.df2)


def _absent(residual: Pooled | None, why: str, q_df: int) -> dict[str, str]:
    """Return the reasons for numbers that do not exist."""
    reasons: dict[str, str] = {}
    given = {} if residual is None else residual.not_estimable
    for name, field in (
        ("residual_tau_squared", "tau_squared"),
        ("r_squared", "r_squared"),
    ):
        reason = why or given.get(field)
        if reason:
            reasons[name] = reason
    if q_df == 0:
        reasons["q_within_p_value"] = "every subgroup has a single trial"
    return reasons
