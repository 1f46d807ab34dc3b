"""Kaplan-Meier curves with Greenwood's errors, and quantiles of the time.

    S(t) = prod_{t_j <= t} (1 - d_j / n_j)
    Var S(t) = S(t)^2 sum_{t_j <= t} d_j / (n_j (n_j - d_j))

Limits are symmetric for S ("plain"), for log S ("log") or for log(-log S) ("log-log").
A quantile's limits are where the limits of the curve cross it (Brookmeyer and Crowley).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from trialstats.errors import DataError
from trialstats.fixed_effects.columns import labels_of
from trialstats.linear_model import FloatArray, check_level
from trialstats.survival.follow_up import follow_up_rows, risk_sets

Limits = Literal["log-log", "plain", "log"]

#: A curve that comes this near to a quantile is on it: products of fractions round.
ON = 1e-12


@dataclass(frozen=True, slots=True)
class Quantile:
    """The time by which a share of subjects has had the event.

    None stands for what the curve does not reach; `not_estimable` says so when it is
    the estimate.
    """

    share: float
    estimate: float | None
    ci_lower: float | None
    ci_upper: float | None
    level: float
    not_estimable: str | None


@dataclass(frozen=True, slots=True)
class KaplanMeier:
    """A survival curve.

    Attributes
    ----------
    curve : DataFrame
        A row for each distinct time: ``time, n_at_risk, n_events, n_censored,
        survival, standard_error, ci_lower, ci_upper``. Where survival is 0 the last
        three are missing.
    n, n_events : int
    level : float
    limits : str
    """

    curve: pd.DataFrame = field(repr=False)
    n: int
    n_events: int
    level: float
    limits: str

    @property
    def n_censored(self) -> int:
        """Subjects without the event."""
        return self.n - self.n_events

    @property
    def median(self) -> Quantile:
        """The time by which half of the subjects have had the event."""
        return self.quantile(0.5)

    def quantile(self, share: float) -> Quantile:
        """Return the time by which a share of the subjects has had the event.

        Where the curve runs level at the quantile and falls later, the time is the
        middle of the level part; where it never falls again, its beginning.

        Parameters
        ----------
        share : float
            In (0, 1).
        """
        if not 0 < share < 1:
            raise DataError("the share is not between 0 and 1", value=share)
        falls = self.curve[self.curve["n_events"] > 0]
        time, survival = falls["time"].to_numpy(), falls["survival"].to_numpy()
        left = 1 - share
        at = _first(survival, left)
        estimate = None if at is None else float(time[at])
        falls_later = at is not None and at + 1 < len(time)
        if at is not None and falls_later and abs(survival[at] - left) <= ON:
            estimate = float(time[at] + time[at + 1]) / 2
        ends = [_first(falls[end].to_numpy(), left) for end in ("ci_lower", "ci_upper")]
        low, high = (None if end is None else float(time[end]) for end in ends)
        reason = None
        if at is None:
            lowest = falls["survival"].min() if len(falls) else 1.0
            reason = (
                f"The curve stays above {left:g}: it ends at {lowest:.3g} after "
                f"{self.n_events} events in {self.n} subjects."
            )
        return Quantile(share, estimate, low, high, self.level, reason)

    def at(self, times: Sequence[float]) -> pd.DataFrame:
        """Return the curve at given times.

        Parameters
        ----------
        times : sequence of float
            0 or later. After the last observed time the curve is unknown, and the
            row's numbers are missing, unless it has reached 0.

        Returns
        -------
        DataFrame
            ``time, n_at_risk, survival, standard_error, ci_lower, ci_upper``.
        """
        wanted = np.atleast_1d(np.asarray(times, dtype=float))
        if not (np.isfinite(wanted) & (wanted >= 0)).all():
            raise DataError("a time is negative or no finite number", value=times)
        own = self.curve["time"].to_numpy()
        columns = ["survival", "standard_error", "ci_lower", "ci_upper"]
        start = pd.DataFrame([[1.0, 0.0, 1.0, 1.0]], columns=columns)
        steps = pd.concat([start, self.curve[columns]], ignore_index=True)
        found = steps.iloc[np.searchsorted(own, wanted, side="right")]
        found = found.reset_index(drop=True)
        if self.curve["survival"].iloc[-1] > 0:
            found.loc[wanted > own[-1]] = np.nan
        risk = np.append(self.curve["n_at_risk"].to_numpy(), 0)
        found.insert(0, "n_at_risk", risk[np.searchsorted(own, wanted, side="left")])
        found.insert(0, "time", wanted)
        return found


def kaplan_meier(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    group: str,
    limits: Limits = "log-log",
    level: float = 0.95,
) -> Mapping[Any, KaplanMeier]:
    """Estimate the survival curve of each group.

    Parameters
    ----------
    data : DataFrame
        One row per subject.
    time, event : str
        Columns of the follow-up, and of 1 (event) or 0 (censored).
    group : str
        Column of labels, such as the arm.
    limits : {"log-log", "plain", "log"}
        On which scale the limits are symmetric. SAS has log-log since 9.2 and had
        plain before; R has log. Plain limits are cut at 0 and 1.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    mapping
        Group -> KaplanMeier, groups sorted or in the order of a pandas Categorical.

    Raises
    ------
    DataError
        When columns, labels or numbers are not as described.
    NotEstimableError
        When there is no row.

    References
    ----------
    .. [1] Kaplan EL, Meier P (1958). Nonparametric estimation from incomplete
       observations. Journal of the American Statistical Association 53(282), 457-481.
    .. [2] Brookmeyer R, Crowley J (1982). A confidence interval for the median survival
       time. Biometrics 38(1), 29-41.

    Examples
    --------
    >>> rows = pd.DataFrame({"t": [1.0, 2, 3, 4], "e": [1, 1, 0, 1], "arm": "A"})
    >>> kaplan_meier(rows, time="t", event="e", group="arm")["A"].median.estimate
    3.0
    """
    check_level(level)
    if limits not in ("log-log", "plain", "log"):
        raise DataError(
            "no such limits", value=limits, remedy="write log-log, plain or log"
        )
    rows = follow_up_rows(data, time=time, event=event, labels=[group])
    order = data.loc[:, group]
    known = labels_of(order, group).levels
    curves = {}
    for label in known:
        own = rows[rows[group] == label]
        if len(own):
            curves[label] = _curve(
                own[time].to_numpy(), own[event].to_numpy(), limits, level
            )
    return MappingProxyType(curves)


def _curve(
    time: FloatArray, event: FloatArray, limits: str, level: float
) -> KaplanMeier:
    times, at_risk, events = risk_sets(time, event)
    left = at_risk - events
    survival = np.asarray(np.cumprod(left / at_risk), dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.cumsum(events / (at_risk * left.astype(float)))
        error = survival * np.sqrt(relative)
        lower, upper = _limits(survival, np.sqrt(relative), limits, level)
    gone = survival == 0
    for values in (error, lower, upper):
        values[gone] = np.nan
    curve = pd.DataFrame(
        {
            "time": times,
            "n_at_risk": at_risk,
            "n_events": events,
            "n_censored": -np.diff(at_risk, append=0) - events,
            "survival": survival,
            "standard_error": error,
            "ci_lower": lower,
            "ci_upper": upper,
        }
    )
    return KaplanMeier(curve, len(time), int(events.sum()), level, limits)


def _limits(
    survival: FloatArray, relative: FloatArray, limits: str, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return the limits of survival from its relative error."""
    z = float(stats.norm.isf((1 - level) / 2))
    if limits == "plain":
        width = z * survival * relative
        return np.maximum(survival - width, 0.0), np.minimum(survival + width, 1.0)
    if limits == "log":
        factor = np.exp(z * relative)
        return survival / factor, np.minimum(survival * factor, 1.0)
    before = survival == 1
    width = z * relative / np.log(np.where(before, math.e, survival))
    power = np.exp(width)
    lower, upper = survival ** (1 / power), survival**power
    # The logarithm of survival is negative: width is, and so is its direction.
    return np.where(before, 1.0, np.minimum(lower, upper)), np.where(
        before, 1.0, np.maximum(lower, upper)
    )


def _first(values: FloatArray, level: float) -> int | None:
    """Return the first place at or below a level; missing values are not."""
    below = values <= level + ON
    return int(below.argmax()) if below.any() else None
