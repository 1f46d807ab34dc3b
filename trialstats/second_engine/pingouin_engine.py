"""ANCOVA and Hedges' g once more, by pingouin; the only module that imports it.

pingouin rounds the interval of its t test to two decimals, drops the sign of
``cohen_d`` and turns an unequal paired test into an unpaired one, so none of these is
used: coefficients and limits come from its regression, F from its ANCOVA, and d, which
keeps its sign there, from its effect size.
"""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trialstats.errors import NotEstimableError

Quantities = dict[str, float]

#: Squares that are this share of their total are rounding.
_NOTHING = 1e-12


def ancova(
    data: pd.DataFrame,
    *,
    response: str,
    treatment: str,
    control: str,
    treatments: Sequence[str],
    covariates: Sequence[str],
    level: float,
) -> tuple[Mapping[str, Quantities], Mapping[str, Quantities]]:
    """Fit an ANCOVA in reference coding.

    Parameters
    ----------
    data : DataFrame
        One row per subject; incomplete rows are left out.
    response, treatment : str
        Columns of the response and of the arm.
    control : str
        The arm that treatments are compared with.
    treatments, covariates : sequence of str
        Other arms; columns of numbers.
    level : float
        Confidence level.

    Returns
    -------
    tuple of (means, differences)
        By arm, and by treatment: estimate, standard error, and for differences
        limits, statistic and p-value.

    Raises
    ------
    NotEstimableError
        When the design has not full rank, or nothing is left over.
    """
    complete = data[[response, treatment, *covariates]].dropna()
    differences: dict[str, Quantities] = {}
    means: dict[str, Quantities] = {}
    for reference in [control, *treatments]:
        # With this arm as reference and covariates about their mean, the intercept
        # is the arm's adjusted mean.
        others = [arm for arm in [control, *treatments] if arm != reference]
        design = pd.DataFrame(
            {f"arm {a}": (complete[treatment] == a).astype(float) for a in others}
        )
        for name in covariates:
            design[name] = _standardised(complete[name])
        table = _regression(design, complete[response].astype(float), level)
        means[reference] = _quantities(table["Intercept"], limits=False)
        if reference == control:
            differences = {a: _quantities(table[f"arm {a}"]) for a in others}
    if len(treatments) == 1:
        differences[treatments[0]] |= _f_test(complete, response, treatment, covariates)
    return means, differences


def _regression(
    design: pd.DataFrame, y: pd.Series, level: float
) -> dict[str, dict[str, Any]]:
    """Return the coefficients by name."""
    full = np.column_stack([np.ones(len(design)), design.to_numpy()])
    if len(design) <= full.shape[1] or np.linalg.matrix_rank(full) < full.shape[1]:
        raise NotEstimableError("The design of the ANCOVA has not full rank.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pingouin

        table = pingouin.linear_regression(design, y, alpha=1 - level)
    left = y - full @ table["coef"].to_numpy(dtype=float)
    spread = max(float(((y - y.mean()) ** 2).sum()), _NOTHING * float((y**2).sum()))
    if float((left**2).sum()) <= _NOTHING * spread:
        raise NotEstimableError("The ANCOVA leaves no variation.")
    limits = [name for name in table.columns if name.startswith("CI")]
    renamed = dict(zip(limits, ["ci_lower", "ci_upper"], strict=True))
    records = table.rename(columns=renamed).to_dict("records")
    return {str(record["names"]): record for record in records}


def _standardised(column: pd.Series) -> pd.Series:
    """Return numbers about their mean in standard deviations.

    Neither the F test nor the coefficients of the arms depend on the unit of the
    covariates, while pingouin drops what is small beside the largest column.
    """
    values = column.astype(float)
    spread = float(values.std())
    return (values - values.mean()) / (spread or 1.0)


def _quantities(row: Mapping[str, Any], *, limits: bool = True) -> Quantities:
    found = {"estimate": float(row["coef"]), "standard_error": float(row["se"])}
    found |= {"ci_lower": float(row["ci_lower"]), "ci_upper": float(row["ci_upper"])}
    if limits:
        found |= {"p_value": float(row["pval"])}
    return found


def _f_test(
    data: pd.DataFrame, response: str, treatment: str, covariates: Sequence[str]
) -> Quantities:
    """Return p and the size of t from the F test of the treatment."""
    columns = {name: _standardised(data[name]) for name in [response, *covariates]}
    plain = pd.DataFrame(columns | {treatment: data[treatment].astype(str)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pingouin

        if covariates:
            table = pingouin.ancova(
                plain, dv=response, between=treatment, covar=list(covariates)
            )
        else:
            table = pingouin.anova(plain, dv=response, between=treatment, detailed=True)
    row = table.set_index("Source").loc[treatment]
    return {
        "absolute_test_statistic": float(row["F"]) ** 0.5,
        "p_value": float(row["p_unc"]),
    }


def hedges_g(treated: Sequence[float], control: Sequence[float]) -> Quantities:
    """Return Hedges' g from pingouin's d, and its error.

    pingouin corrects d for small samples by 1 - 3 / (4 df - 1), which is off by one
    percent at 2 degrees of freedom; the exact factor, a ratio of gamma functions, is
    taken here as a product, and not by the function of the first engine.

    Parameters
    ----------
    treated, control : sequence of float
        Values of the two arms.

    Returns
    -------
    dict
        estimate and standard_error; the error is half the width of pingouin's
        interval over the t quantile that it uses.
    """
    from scipy import stats

    one, other = np.asarray(treated, dtype=float), np.asarray(control, dtype=float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pingouin

        d = float(pingouin.compute_effsize(one, other, paired=False, eftype="cohen"))
        g = d * _exact_correction(len(one) + len(other) - 2)
        low, high = pingouin.compute_esci(
            stat=g, nx=len(one), ny=len(other), eftype="hedges", decimals=12
        )
    quantile = float(stats.t.isf(0.025, len(one) + len(other) - 2))
    return {"estimate": g, "standard_error": float(high - low) / (2 * quantile)}


def _exact_correction(df: int) -> float:
    """Return J(df) of Hedges (1981) by its recursion from J(2) or J(3).

    J(m) = Gamma(m / 2) / (sqrt(m / 2) Gamma((m - 1) / 2)), hence
    J(m + 2) sqrt((m + 2) / m) = J(m) m / (m - 1).

    >>> round(_exact_correction(2), 6), round(_exact_correction(3), 6)
    (0.56419, 0.723601)
    """
    m = 2 if df % 2 == 0 else 3
    value = math.sqrt(1 / math.pi if m == 2 else math.pi / 6)
    while m < df:
        value *= m / (m - 1) * math.sqrt(m / (m + 2))
        m += 2
    return value
