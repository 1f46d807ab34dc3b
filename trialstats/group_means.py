"""Groups compared by their means: the analysis of variance of a baseline table.

F = sum_g n_g (mean_g - mean)^2 / (G - 1)  /  (sum_gi (y_gi - mean_g)^2 / (n - G))
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pandas as pd
from scipy import stats

from trialstats.adjustment import check_roles
from trialstats.errors import NotEstimableError
from trialstats.fixed_effects.columns import labels_of
from trialstats.linear_model import check_residuals, complete_rows


@dataclass(frozen=True, slots=True)
class OneWayAnova:
    """A test that the means of groups are equal.

    Attributes
    ----------
    statistic, numerator_df, df, p_value
        F test.
    n, means : mapping
        Group -> rows with a response, and their mean.
    """

    statistic: float
    numerator_df: int
    df: int
    p_value: float
    n: Mapping[Any, int]
    means: Mapping[Any, float]


def one_way_anova(data: pd.DataFrame, *, response: str, group: str) -> OneWayAnova:
    """Test that the means of groups are equal, by one-way analysis of variance.

    Parameters
    ----------
    data : DataFrame
        One row per subject; rows without a response are left out.
    response, group : str
        Columns of numbers, and of labels.

    Returns
    -------
    OneWayAnova

    Raises
    ------
    DataError
        When columns, labels or numbers are not as described.
    NotEstimableError
        When one group or none has data, groups have one subject each, or no group has
        any variation.

    Examples
    --------
    >>> rows = pd.DataFrame({"y": [1.0, 2, 4, 3, 6, 5], "arm": list("PPPTTT")})
    >>> round(one_way_anova(rows, response="y", group="arm").p_value, 4)
    0.1347
    """
    check_roles({"response": response, "group": group}, {})
    rows = complete_rows(data, numeric=[response], labels=[group])
    if rows.empty:
        raise NotEstimableError(f"No row has a value of {response}.")
    levels = labels_of(rows[group], group).levels
    if len(levels) < 2:
        raise NotEstimableError(f"Only one level of {group} has data: {levels[0]}.")
    # Around the overall mean: F does not change, and keeps its digits.
    values = rows[response] - rows[response].mean()
    groups = {level: values[rows[group] == level].to_numpy() for level in levels}
    df = len(rows) - len(levels)
    within = sum(float(((v - v.mean()) ** 2).sum()) for v in groups.values())
    check_residuals(within, rows[response].to_numpy(), df)
    found = stats.f_oneway(*groups.values())
    return OneWayAnova(
        statistic=float(found.statistic),
        numerator_df=len(levels) - 1,
        df=df,
        p_value=float(found.pvalue),
        n=MappingProxyType({level: len(v) for level, v in groups.items()}),
        means=MappingProxyType(
            {
                level: float(rows.loc[rows[group] == level, response].mean())
                for level in levels
            }
        ),
    )
