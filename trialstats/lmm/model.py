"""Linear mixed models with random intercepts and slopes, and their inference."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pandas as pd

from trialstats.errors import DataError
from trialstats.fixed_effects import (
    FixedEffectsResult,
    build_design,
    check_rank,
)
from trialstats.linear_model import FloatArray, check_level
from trialstats.lmm.estimation import Step
from trialstats.lmm.fitting import Fitted, fit_arrays, ordered_triangle
from trialstats.lmm.inference import (
    Information,
    check_rule,
    parameter_covariance,
    small_sample,
)
from trialstats.lmm.ordering import Codes
from trialstats.lmm.prediction import predicted_effects
from trialstats.lmm.random_part import Grouping, build_groupings, columns_needed
from trialstats.lmm.residuals import residuals
from trialstats.one_thread import one_thread


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Lmm(FixedEffectsResult):
    """A linear mixed model; `fit_lmm` makes it.

    Attributes
    ----------
    random : mapping
        Grouping factor -> formula of its random effects.
    method, df_method : str
    residual_variance : float
        In squared units of the response.
    theta : (k,) array
        Variances and covariances, factor after factor, the residual variance last.
    theta_names : tuple of k str
        Such as ``"Subject: Days"``, ``"Subject: Intercept, Days"``, ``"residual"``.
    log_likelihood : float
        With all constants; restricted when ``method`` is ``"reml"``.
    model_covariance : (p, p) array
        Covariance of the coefficients without a small-sample adjustment.
    history : tuple of Step
        Deviance of each evaluation, in units of the model's own scale.
    converged : bool
        True: a fit that has not converged is an error.
    """

    random: Mapping[str, str]
    method: str
    df_method: str
    residual_variance: float
    theta: FloatArray = field(repr=False)
    theta_names: tuple[str, ...]
    log_likelihood: float
    model_covariance: FloatArray = field(repr=False)
    history: tuple[Step, ...] = field(repr=False)
    converged: bool
    groupings: tuple[Grouping, ...] = field(repr=False)
    fitted_arrays: Fitted = field(repr=False)

    def __repr__(self) -> str:
        """Say what was fitted, in a few words."""
        random = "; ".join(
            f"{self.random[g.name]} in {g.n_levels} levels of {g.name}"
            + ("" if g.correlated or len(g.effects) == 1 else ", uncorrelated")
            for g in self.groupings
        )
        return (
            f"Lmm({self.design.formula}; {random or 'no random effects'}; "
            f"{self.method}, {self.df_method}; {self.n_observations} observations; "
            f"log-likelihood {self.log_likelihood:.6g})"
        )

    @property
    def n_observations(self) -> int:
        """Rows used."""
        return len(self.design.response)

    @property
    def n_groups(self) -> Mapping[str, int]:
        """Levels of each grouping factor."""
        return MappingProxyType({g.name: g.n_levels for g in self.groupings})

    @property
    def n_subjects(self) -> int:
        """Levels of the grouping factor, when there is one.

        Raises
        ------
        DataError
            When there are several, or none.
        """
        if len(self.groupings) != 1:
            raise DataError(
                f"the model has {len(self.groupings)} grouping factors",
                remedy="take the levels of one from n_groups",
            )
        return self.groupings[0].n_levels

    @property
    def n_parameters(self) -> int:
        """Variances and covariances, the residual variance included."""
        return len(self.theta)

    @property
    def aic(self) -> float:
        """``-2 l + 2 (p + k)``: coefficients and variances count, as in lme4."""
        return -2 * self.log_likelihood + 2 * (len(self.beta) + self.n_parameters)

    @property
    def bic(self) -> float:
        """``-2 l + (p + k) log n`` with n observations, as in lme4."""
        penalty = float(np.log(self.n_observations))
        number = len(self.beta) + self.n_parameters
        return -2 * self.log_likelihood + number * penalty

    @property
    def covariance(self) -> Mapping[str, pd.DataFrame]:
        """Covariance matrix of the random effects of each grouping factor."""
        matrices = self.fitted_arrays.covariances
        return MappingProxyType(
            {
                g.name: pd.DataFrame(
                    matrix.copy(), index=list(g.effects), columns=list(g.effects)
                )
                for g, matrix in zip(self.groupings, matrices, strict=True)
            }
        )

    @property
    def parameters(self) -> pd.DataFrame:
        """Variances and covariances, standard errors from the observed information."""
        covariance = parameter_covariance(self.fitted_arrays, "observed")
        return pd.DataFrame(
            {
                "parameter": list(self.theta_names),
                "estimate": self.theta,
                "standard_error": np.sqrt(np.diag(covariance)),
            }
        )

    def theta_covariance(self, information: Information = "observed") -> pd.DataFrame:
        """Return the covariance of the variance parameters, (k, k).

        Parameters
        ----------
        information : {"observed", "expected"}
            Whose inverse it is.
        """
        matrix = parameter_covariance(self.fitted_arrays, information)
        names = list(self.theta_names)
        return pd.DataFrame(matrix, index=names, columns=names)

    def residuals(
        self, kind: str = "response", *, order: Codes | None = None
    ) -> FloatArray:
        """Return residuals in the order of the rows used, (n,).

        Parameters
        ----------
        kind : {"response", "pearson", "normalized"}
            Response minus fitted value (fixed effects alone); divided by its standard
            deviation, random effects included; or made uncorrelated within the level
            of the grouping factor, ``L^-1 r`` with ``Z G Z' + sigma^2 I = L L'``.
        order : (n,) array of int, optional
            Order of the rows within a level, such as the period: each normalized
            residual is freed from those before it. By default the rows as used.

        Raises
        ------
        DataError
            When there is no such kind, or the order has another length.
        NotEstimableError
            For normalized residuals of a model with several grouping factors.
        """
        return residuals(self, kind, order)

    def random_effects(self) -> dict[str, pd.DataFrame]:
        """Return the predicted random effects (BLUPs) of each grouping factor.

        Returns
        -------
        dict of DataFrame
            The columns of the factor, then one column per effect; one row per level,
            sorted.
        """
        if not self.groupings:
            return {}
        x, y = self.design.matrix(), self.design.response
        with one_thread():
            found = predicted_effects(
                y - x @ self.beta,
                np.column_stack([y, x, *(g.values for g in self.groupings)]),
                self.groupings,
                self.fitted_arrays.covariances,
                self.residual_variance,
            )
        return {
            group.name: pd.concat(
                [group.labels, pd.DataFrame(effects, columns=list(group.effects))],
                axis="columns",
            )
            for group, effects in zip(self.groupings, found, strict=True)
        }


def fit_lmm(
    formula: str,
    data: pd.DataFrame,
    *,
    random: Mapping[str, str],
    correlated: bool = True,
    method: str = "reml",
    df: str = "kenward_roger",
    information: Information | None = None,
    level: float = 0.95,
) -> Lmm:
    """Fit a linear mixed model with random effects of grouping factors.

    Parameters
    ----------
    formula : str
        Fixed effects as formulaic writes them, such as ``"Reaction ~ Days"``.
    data : DataFrame
        One row per observation; rows with a missing value in a column that the model
        uses are left out.
    random : mapping
        Grouping factor -> formula of its random effects, such as
        ``{"Subject": "1 + Days"}``. ``"Site:Subject"`` joins columns: subjects within
        sites. Several factors may be nested or crossed. An empty mapping is ordinary
        least squares.
    correlated : bool
        Whether the effects of a level are correlated (an unstructured covariance
        matrix) or not (a diagonal one).
    method : {"reml", "ml"}
        Restricted or full maximum likelihood.
    df : {"kenward_roger", "kenward_roger_linear", "satterthwaite", "residual"}
        Degrees of freedom, and with Kenward-Roger the adjusted covariance of the
        coefficients; the linear form is the same here; ``residual`` is observations
        - coefficients.
    information : {"expected", "observed"}, optional
        Whose inverse is the covariance of the variance parameters; by default the
        expected one for Kenward-Roger (the original paper, pbkrtest) and the observed
        one for Satterthwaite (lmerTest). SAS has the observed one for both.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    Lmm

    Raises
    ------
    DataError
        When a column, a formula, an option or a value is wrong.
    NotEstimableError
        When columns are aliased (`RankDeficientError`), a grouping factor has one row
        per level or cannot be told from other terms, or the maximum is on the
        boundary: a variance at zero, a correlation at 1 or -1
        (`SingularCovarianceError`).
    ConvergenceError
        When the likelihood has no maximum within reach.

    References
    ----------
    docs/methods/lmm.md.
    """
    check_level(level)
    check_rule(df, information, method)
    if not isinstance(random, Mapping):
        raise DataError(
            "the random part is no mapping",
            value=random,
            remedy="write random={'Subject': '1'}",
        )
    # Every sum in one order: no result depends on the number of threads.
    with one_thread():
        design = build_design(formula, data, other_columns=columns_needed(random, data))
        groupings = build_groupings(random, correlated, data, design.rows)
        x, y = design.matrix(), design.response
        ordered = ordered_triangle(x, y, groupings)
        check_rank(ordered[2][: x.shape[1], : x.shape[1]], design)
        restricted = method == "reml"
        fitted = fit_arrays(x, y, groupings, restricted=restricted, ordered=ordered)
        rule = small_sample(fitted, df, information, method=method, n=len(y))
    return Lmm(
        design=design,
        beta=fitted.beta,
        small_sample=rule,
        level=level,
        crossproduct=fitted.crossproduct,
        random=dict(random),
        method=method,
        df_method=df,
        residual_variance=float(fitted.theta[-1]),
        theta=fitted.theta,
        theta_names=fitted.theta_names,
        log_likelihood=fitted.log_likelihood,
        model_covariance=fitted.phi,
        history=fitted.history,
        converged=True,
        groupings=tuple(groupings),
        fitted_arrays=fitted,
    )
