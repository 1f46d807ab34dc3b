"""Degrees of freedom of a mixed model: which information stands behind each rule.

    W = Cov(theta_hat): the inverse of the expected or of the observed information

Satterthwaite's method, as lmerTest computes it, uses the observed information. Kenward
and Roger derive theirs with the expected information, which pbkrtest uses; SAS inverts
the observed one.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import Literal

import numpy as np

from trialstats.errors import DataError, NotEstimableError
from trialstats.linear_model import FloatArray
from trialstats.lmm.fitting import Fitted
from trialstats.small_sample import (
    GivenDegrees,
    KenwardRoger,
    Satterthwaite,
    SmallSample,
)

Information = Literal["expected", "observed"]


def parameter_covariance(fitted: Fitted, information: Information) -> FloatArray:
    """Return W, (K1, K1), of the natural parameters.

    Raises
    ------
    NotEstimableError
        When the information is not positive definite.
    """
    chosen = {"expected": fitted.expected, "observed": fitted.observed}[information]
    # Variances of covariates in small units differ by many powers of ten.
    scale = np.sqrt(np.abs(np.diag(chosen)))
    scaled = chosen / np.outer(scale, scale)
    try:
        np.linalg.cholesky(scaled)
    except np.linalg.LinAlgError:
        raise NotEstimableError(
            f"The {information} information of the variances is not positive definite: "
            "the likelihood has no curved maximum. Make the random part simpler."
        ) from None
    inverse = np.linalg.inv(scaled) / np.outer(scale, scale)
    return np.asarray((inverse + inverse.T) / 2)


def _satterthwaite(fitted: Fitted, information: Information, _: int) -> SmallSample:
    return Satterthwaite(
        fitted.phi,
        fitted.precision_derivatives,
        parameter_covariance(fitted, information),
    )


def _kenward_roger(fitted: Fitted, information: Information, _: int) -> SmallSample:
    weight = parameter_covariance(fitted, information)
    # V is linear in variances and covariances: no second derivatives.
    curvature = np.tensordot(weight, fitted.second, axes=2)
    return KenwardRoger(
        fitted.phi,
        fitted.precision_derivatives,
        (curvature + curvature.T) / 2,
        weight,
    )


def _residual(fitted: Fitted, _: Information, n: int) -> SmallSample:
    p = len(fitted.beta)
    return GivenDegrees(fitted.phi, np.full(p, float(n - p)))


#: Rules of degrees of freedom, each with the information that it uses by default.
RULES: MappingProxyType[
    str, tuple[Callable[[Fitted, Information, int], SmallSample], Information]
] = MappingProxyType(
    {
        "kenward_roger": (_kenward_roger, "expected"),
        # Without second derivatives of V nothing is left out: a synonym.
        "kenward_roger_linear": (_kenward_roger, "expected"),
        "satterthwaite": (_satterthwaite, "observed"),
        "residual": (_residual, "expected"),
    }
)


def small_sample(
    fitted: Fitted, df: str, information: Information | None, *, method: str, n: int
) -> SmallSample:
    """Return a rule of degrees of freedom for estimates from n observations."""
    check_rule(df, information, method)
    rule, default = RULES[df]
    return rule(fitted, information or default, n)


def check_rule(df: str, information: str | None, method: str) -> None:
    """Raise DataError for a rule, an information or a method that there is not."""
    if method not in ("reml", "ml"):
        raise DataError("no such method", value=method, remedy="write 'reml' or 'ml'")
    if df not in tuple(RULES):
        raise DataError(
            "no such rule of degrees of freedom",
            value=df,
            remedy=f"write one of {', '.join(RULES)}",
        )
    if information not in (None, "expected", "observed"):
        raise DataError(
            "no such information",
            value=information,
            remedy="write 'expected' or 'observed'",
        )
    if df.startswith("kenward_roger") and method == "ml":
        raise DataError(
            "Kenward and Roger's adjustment belongs to restricted likelihood",
            value=method,
            remedy="write method='reml', or df='satterthwaite'",
        )
