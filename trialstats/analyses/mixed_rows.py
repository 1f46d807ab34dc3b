"""What the rows of mixed models share: estimates, tests of terms, fit, residuals."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from trialstats.analyses.trial_rows import Analysis, Row
from trialstats.linear_model import FloatArray
from trialstats.lmm import Lmm
from trialstats.mmrm import Mmrm
from trialstats.records import records
from trialstats.rows import RESIDUALS, frame_of
from trialstats.vocabulary import FIT_STATISTICS, term_in_words


def mean_of(found: Mapping[str, Any], level: float) -> Row:
    """Return the columns of a mean: no test, since zero is no hypothesis."""
    columns = ("estimate", "standard_error", "df", "ci_lower", "ci_upper")
    return {name: found[name] for name in columns} | {"confidence_level": level}


def estimate_of(found: Mapping[str, Any], level: float) -> Row:
    """Return the columns of an estimate with its interval and test."""
    tested = {"test_statistic": found["statistic"], "p_value": found["p_value"]}
    return mean_of(found, level) | tested


def term_rows(
    analysis: Analysis, tests: pd.DataFrame, method: str, n_subjects: int
) -> Iterator[Row]:
    """Yield a type III F test for each term of the model."""
    for found in records(tests):
        yield analysis.row(
            "type_3_test",
            key=[str(found["term"])],
            subgroup=term_in_words(str(found["term"])),
            estimate=found["statistic"],
            numerator_df=found["numerator_df"],
            df=found["df"],
            test_statistic=found["statistic"],
            p_value=found["p_value"],
            n_subjects=n_subjects,
            method=f"{method}; F test of type III",
        )


def fit_rows(
    analysis: Analysis, fit: Mmrm | Lmm, method: str, n_subjects: int
) -> Iterator[Row]:
    """Yield log-likelihood, information criteria and numbers of the fit."""
    values = {
        "log_likelihood": fit.log_likelihood,
        "aic": fit.aic,
        "bic": fit.bic,
        "n_subjects": n_subjects,
        "n_observations": fit.n_observations,
    }
    said = _DEFINITIONS | (_OF_MMRM if isinstance(fit, Mmrm) else _OF_LMM)
    for statistic in FIT_STATISTICS:
        yield analysis.row(
            statistic,
            estimate=values[statistic],
            n_subjects=n_subjects,
            method=f"{method}; {said[statistic]}",
        )


_DEFINITIONS = {
    "log_likelihood": "logarithm of the maximised likelihood with all constants",
    "n_subjects": "subjects in the model",
    "n_observations": "rows in the model",
}
_OF_MMRM = {
    "aic": "-2 log-likelihood + 2 k, k covariance parameters",
    "bic": "-2 log-likelihood + k log(subjects), k covariance parameters",
}
_OF_LMM = {
    "aic": "-2 log-likelihood + 2 k, k coefficients and variances",
    "bic": "-2 log-likelihood + k log(rows), k coefficients and variances",
}


def residual_frame(
    analysis: Analysis, rows: pd.DataFrame, *, fitted: FloatArray, residual: FloatArray
) -> pd.DataFrame:
    """Return residuals with the quantiles that their figure draws.

    Parameters
    ----------
    analysis : Analysis
    rows : DataFrame
        The rows of the model with USUBJID, group, occasion and number.
    fitted, residual : (n,) arrays
        Fitted values and normalised residuals of these rows.

    Returns
    -------
    DataFrame
        Schema `rows.RESIDUALS`. The normal quantile of the i-th smallest of n
        residuals is that of ``(i - 3/8) / (n + 1/4)``.

    References
    ----------
    Blom, Statistical Estimates and Transformed Beta-Variables, 1958.
    """
    n = len(residual)
    rank = np.empty(n)
    rank[np.argsort(residual, kind="stable")] = np.arange(1, n + 1)
    frame = pd.DataFrame(
        {
            "trial": analysis.config["id"],
            "analysis": analysis.name,
            "USUBJID": rows["USUBJID"].to_numpy(),
            "group": rows["group"].astype(str).to_numpy(),
            "occasion": rows["occasion"].astype(str).to_numpy(),
            "occasion_number": rows["number"].to_numpy(dtype=float),
            "fitted": fitted,
            "residual": residual,
            "normal_quantile": special.ndtri((rank - 0.375) / (n + 0.25)),
            "data_status": analysis.config["data_status"],
        }
    )
    at = frame.groupby("occasion_number")["residual"]
    quartiles = {"lower_quartile": 0.25, "median": 0.5, "upper_quartile": 0.75}
    for name, share in quartiles.items():
        frame[name] = at.transform("quantile", share)
    ordered = frame.sort_values(["USUBJID", "occasion_number"], kind="stable")
    return frame_of(records(ordered), RESIDUALS)
