"""Crossovers of two treatments in two periods, by tests within and between sequences.

With c_i the treatment minus the control of subject i, e_i the second period minus the
first, t_i their sum, and s, u the two sequences:

    treatment   (mean_s c + mean_u c) / 2        period   (mean_s e + mean_u e) / 2
    carry-over   mean_u t - mean_s t

each with a pooled variance over the sequences (Hills and Armitage). The paired t test
and the signed-rank test leave the period aside.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from trialstats.errors import DataError, NotEstimableError
from trialstats.linear_model import (
    Estimate,
    FloatArray,
    check_level,
    check_residuals,
    t_estimate,
)
from trialstats.lmm.crossover_rows import (
    PERIOD,
    RESPONSE,
    SEQUENCE,
    SUBJECT,
    TREATMENT,
    crossover_rows,
)

#: Differences whose signed-rank distribution is formed; more take too long.
MOST_DIFFERENCES = 1_000


@dataclass(frozen=True, slots=True)
class SignedRank:
    """Wilcoxon's signed-rank test, exact with ties too.

    Attributes
    ----------
    statistic : float
        Sum of the ranks of the positive differences.
    p_value : float
        Two-sided: twice the smaller tail, at most 1.
    n : int
        Differences other than zero.
    n_zero : int
        Differences of zero, which are left out.
    """

    statistic: float
    p_value: float
    n: int
    n_zero: int


@dataclass(frozen=True, slots=True)
class TwoPeriodCrossover:
    """Two treatments in two periods.

    Attributes
    ----------
    treatment : Estimate
        Treatment minus control, adjusted for the period.
    period : Estimate
        Second minus first period.
    carryover : Estimate
        Subject totals, second minus first sequence: the test for a carry-over that
        differs (or an effect of the sequence). It compares subjects and has little
        power; choosing the analysis by it is not sound.
    paired : Estimate
        Treatment minus control, the period left aside: the paired t test.
    signed_rank : SignedRank
        Of treatment minus control.
    sequences : tuple
        In order.
    n : mapping
        Sequence -> subjects with both periods.
    n_incomplete : int
        Subjects with one period, who are left out.
    """

    treatment: Estimate
    period: Estimate
    carryover: Estimate
    paired: Estimate
    signed_rank: SignedRank
    sequences: tuple[Any, ...]
    n: Mapping[Any, int] = field(repr=False)
    n_incomplete: int


def two_period_crossover(
    data: pd.DataFrame,
    *,
    response: str,
    subject: str,
    treatment: str,
    period: str,
    sequence: str,
    control: str,
    level: float = 0.95,
) -> TwoPeriodCrossover:
    """Compare two treatments given in both orders.

    Parameters
    ----------
    data : DataFrame
        One row per subject and period; rows without a response are left out, and then
        subjects with one period.
    response, subject, treatment, period, sequence, control
        As for `fit_crossover`.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    TwoPeriodCrossover

    Raises
    ------
    DataError
        When there are not two treatments, periods and sequences, the sequences are not
        one order and the other, or as for `fit_crossover`.
    NotEstimableError
        When a sequence has no complete subject, fewer than three are left, or
        differences do not vary.

    References
    ----------
    .. [1] Hills M, Armitage P (1979). The two-period cross-over clinical trial. British
       Journal of Clinical Pharmacology 8(1), 7-20.
    .. [2] Wilcoxon F (1945). Individual comparisons by ranking methods. Biometrics
       Bulletin 1(6), 80-83.
    """
    check_level(level)
    rows = crossover_rows(
        data,
        response=response,
        subject=subject,
        treatment=treatment,
        period=period,
        sequence=sequence,
        control=control,
        treatments=None,
    )
    for what, found in (
        ("treatments", rows.treatments),
        ("periods", rows.periods),
        ("sequences", rows.sequences),
    ):
        if len(found) != 2:
            raise DataError(
                f"there are {len(found)} {what} ({', '.join(map(str, found))}), not 2",
                remedy="use fit_crossover, which takes more",
            )
    _check_orders(rows.frame, rows.sequences)
    frame = rows.frame
    complete = frame.groupby(SUBJECT)[RESPONSE].transform("size") == 2
    frame = frame[complete].sort_values([SUBJECT, PERIOD], kind="stable")
    first, second = frame.iloc[::2], frame.iloc[1::2]
    y1, y2 = first[RESPONSE].to_numpy(), second[RESPONSE].to_numpy()
    later = second[TREATMENT].to_numpy() == rows.treatments[1]
    group = first[SEQUENCE].to_numpy() == rows.sequences[1]
    n = dict(zip(rows.sequences, (int((~group).sum()), int(group.sum())), strict=True))
    for label, count in n.items():
        if count == 0:
            raise NotEstimableError(f"No subject of sequence {label} has both periods.")
    change = np.where(later, y2 - y1, y1 - y2)
    return TwoPeriodCrossover(
        treatment=_average(change, group, level),
        period=_average(y2 - y1, group, level),
        carryover=_between(y1 + y2, group, level),
        paired=paired_t_test(change, level=level),
        signed_rank=signed_rank_test(change),
        sequences=rows.sequences,
        n=MappingProxyType(n),
        n_incomplete=rows.n_subjects - rows.n_complete,
    )


def _check_orders(frame: pd.DataFrame, sequences: tuple[Any, ...]) -> None:
    """Raise DataError unless each sequence is one order of the treatments."""
    orders = frame.groupby([SEQUENCE, PERIOD], observed=True)[TREATMENT].agg(
        lambda given: " or ".join(dict.fromkeys(map(str, given)))
    )
    given = [tuple(orders.loc[label]) for label in sequences]
    if any(len(set(order)) < 2 for order in given) or given[0] != given[1][::-1]:
        listed = "; ".join(
            f"{label}: {' then '.join(order)}"
            for label, order in zip(sequences, given, strict=True)
        )
        raise DataError(
            f"the sequences are not the two orders of the treatments ({listed})",
            remedy="mend treatment, period or sequence",
        )


def paired_t_test(differences: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Estimate the mean of differences within subjects, with the paired t test.

    Parameters
    ----------
    differences : array_like of shape (n,)
        One finite number a subject.
    level : float
        Confidence level in (0, 1).

    Raises
    ------
    DataError
        When a difference is missing or infinite.
    NotEstimableError
        When there are fewer than two, or they do not vary.

    Examples
    --------
    >>> round(paired_t_test([3.0, 1.0, 4.0, 2.0]).p_value, 4)
    0.0305
    """
    check_level(level)
    values = _finite(differences)
    n = len(values)
    if n < 2:
        raise NotEstimableError(f"{n} difference(s): a paired t test needs two.")
    residual = float(((values - values.mean()) ** 2).sum())
    check_residuals(residual, values, n - 1)
    error = (residual / (n - 1) / n) ** 0.5
    return t_estimate(float(values.mean()), error, df=n - 1, level=level)


def signed_rank_test(differences: ArrayLike) -> SignedRank:
    """Test that differences within subjects are symmetric around zero.

    Differences of zero are left out. Equal ones share the mean of their ranks, and the
    distribution is exact given these ranks: each has either sign with probability 1/2.

    Parameters
    ----------
    differences : array_like of shape (n,)
        One finite number a subject.

    Raises
    ------
    DataError
        When a difference is missing or infinite.
    NotEstimableError
        When every difference is zero, or there are too many for the distribution.

    Examples
    --------
    >>> signed_rank_test([3.0, 1.0, 4.0, 2.0, 0.0])
    SignedRank(statistic=10.0, p_value=0.125, n=4, n_zero=1)
    """
    from scipy.stats import rankdata

    values = _finite(differences)
    used = values[values != 0]
    if not len(used):
        raise NotEstimableError("Every difference is zero: they have no ranks.")
    if len(used) > MOST_DIFFERENCES:
        raise NotEstimableError(
            f"{len(used)} differences: the exact signed-rank distribution is formed "
            f"for {MOST_DIFFERENCES} at most. Use the paired t test."
        )
    # Twice the ranks: those of ties are halves.
    doubled = np.rint(2 * rankdata(np.abs(used))).astype(int)
    chance = np.zeros(int(doubled.sum()) + 1)
    chance[0] = 1.0
    for rank in doubled:
        moved = np.zeros_like(chance)
        moved[rank:] = chance[: len(chance) - rank]
        chance = (chance + moved) / 2
    total = int(doubled[used > 0].sum())
    tails = float(chance[: total + 1].sum()), float(chance[total:].sum())
    return SignedRank(
        statistic=total / 2,
        p_value=min(2 * min(tails), 1.0),
        n=len(used),
        n_zero=len(values) - len(used),
    )


def _finite(differences: ArrayLike) -> FloatArray:
    try:
        values = np.asarray(differences, dtype=float)
    except (TypeError, ValueError):
        raise DataError("a difference is no number", value=differences) from None
    if values.ndim != 1:
        raise DataError(f"the differences have {values.ndim} dimensions, not one")
    wrong = ~np.isfinite(values)
    if wrong.any():
        at = int(wrong.argmax())
        raise DataError(
            "a difference is missing or infinite",
            row=str(at),
            value=float(values[at]),
            remedy="leave the subject out, and say so",
        )
    return values


def _pooled(
    values: FloatArray, group: NDArray[np.bool_]
) -> tuple[FloatArray, float, int]:
    """Return the means of both groups, the standard error of a difference, and df."""
    parts = [values[~group], values[group]]
    df = len(values) - 2
    residual = sum(float(((part - part.mean()) ** 2).sum()) for part in parts)
    check_residuals(residual, values, df)
    error = (residual / df * sum(1 / len(part) for part in parts)) ** 0.5
    return np.array([part.mean() for part in parts]), error, df


def _average(values: FloatArray, group: NDArray[np.bool_], level: float) -> Estimate:
    means, error, df = _pooled(values, group)
    return t_estimate(float(means.sum() / 2), error / 2, df=df, level=level)


def _between(values: FloatArray, group: NDArray[np.bool_], level: float) -> Estimate:
    means, error, df = _pooled(values, group)
    return t_estimate(float(means[1] - means[0]), error, df=df, level=level)
