"""A fitted mixed model for repeated measures."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from trialstats.fixed_effects import FixedEffectsResult
from trialstats.linear_model import FloatArray
from trialstats.mmrm import prediction, residuals
from trialstats.mmrm.ladder import Step
from trialstats.mmrm.likelihood import Likelihood
from trialstats.mmrm.newton import Iteration
from trialstats.mmrm.pseudo_subjects import Layout


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Mmrm(FixedEffectsResult):
    """A mixed model for repeated measures; `fit_mmrm` makes it.

    Attributes
    ----------
    structure, method, df_method : str
    vcov : str or None
    converged : bool
        False only in the mode that stops where SAS stops.
    log_likelihood : float
        With all constants; restricted when ``method`` is ``"reml"``.
    theta : (k,) array
        Natural covariance parameters, group after group; see `parameters`.
    theta_covariance : (k, k) array
        Inverse of their observed information.
    model_covariance : (p, p) array
        Covariance of the coefficients as the model has it, without adjustment.
    history : tuple of Iteration
    ladder : tuple of Step
        The structures tried, each with the reason for leaving it.
    """

    structure: str
    method: str
    df_method: str
    vcov: str | None
    converged: bool
    log_likelihood: float
    theta: FloatArray = field(repr=False)
    theta_covariance: FloatArray = field(repr=False)
    model_covariance: FloatArray = field(repr=False)
    layout: Layout = field(repr=False)
    likelihood: Likelihood = field(repr=False)
    weights: FloatArray | None = field(repr=False)
    history: tuple[Iteration, ...] = field(repr=False)
    ladder: tuple[Step, ...]
    columns: tuple[str, str, str | None] = field(repr=False)

    def __repr__(self) -> str:
        """Say what was fitted, in a few words."""
        subject, visit, group = self.columns
        apart = "" if group is None else f" by {group}"
        return (
            f"Mmrm({self.design.formula}; {self.structure} covariance over {visit} "
            f"within {subject}{apart}; {self.method}, {self.df_method}; "
            f"{self.n_observations} observations of {self.n_subjects} subjects; "
            f"log-likelihood {self.log_likelihood:.6g})"
        )

    @property
    def n_subjects(self) -> int:
        """Subjects with at least one complete row."""
        return self.likelihood.data.n_subjects

    @property
    def n_observations(self) -> int:
        """Complete rows."""
        return self.likelihood.data.n_observations

    @property
    def n_parameters(self) -> int:
        """Covariance parameters."""
        return len(self.theta)

    @property
    def aic(self) -> float:
        """``-2 l + 2 k`` with k covariance parameters, for REML and ML alike."""
        return -2 * self.log_likelihood + 2 * self.n_parameters

    @property
    def bic(self) -> float:
        """``-2 l + k log(subjects)`` with k covariance parameters."""
        penalty = self.n_parameters * float(np.log(self.n_subjects))
        return -2 * self.log_likelihood + penalty

    @cached_property
    def covariance(self) -> Any:
        """Residual covariance over visits; with groups, a mapping group -> frame.

        Spatial structures are evaluated at the distinct observed times.
        """
        frames = {}
        labels, distance = self._places()
        for label, part in zip(
            self.layout.groups, self.likelihood.parts(self.theta), strict=True
        ):
            sigma = self.likelihood.structure.matrix(part, distance)
            frames[label] = pd.DataFrame(sigma, index=labels, columns=labels)
        if self.columns[2] is None:
            return frames[self.layout.groups[0]]
        return frames

    def _places(self) -> tuple[pd.Index, FloatArray]:
        if self.layout.times is None:
            t = len(self.layout.visits)
            return pd.Index(self.layout.visits, name=self.columns[1]), np.zeros((t, t))
        times = np.unique(self.layout.times[self.layout.observed])
        distance = np.abs(np.subtract.outer(times, times))
        return pd.Index(times, name=self.columns[1]), distance

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """Covariance parameters with standard errors from the observed information."""
        visits = tuple(str(visit) for visit in self.layout.visits)
        names = self.likelihood.structure.names(visits)
        return pd.DataFrame(
            {
                "group": np.repeat(
                    np.array(self.layout.groups, dtype=object), len(names)
                ),
                "parameter": list(names) * len(self.layout.groups),
                "estimate": self.theta,
                "standard_error": np.sqrt(np.diag(self.theta_covariance)),
            }
        )

    @cached_property
    def observed_counts(self) -> pd.Series:
        """Subjects with data at each visit."""
        counts = self.layout.observed.sum(axis=0)
        return pd.Series(counts, index=pd.Index(self.layout.visits), name="n")

    def residuals(self, kind: str = "response") -> FloatArray:
        """Return residuals in the order of the rows used, (n,).

        Parameters
        ----------
        kind : {"response", "pearson", "normalized"}
            Response minus fitted value; divided by its standard deviation; or made
            uncorrelated within the subject, ``L^-1 r`` with ``V = L L'``, visits in
            their order.
        """
        return residuals.residuals(self, kind)

    def predict_conditional(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Predict responses that a subject lacks from those that it has.

        Parameters
        ----------
        frame : DataFrame
            Columns of the subject, the visit and the formula; the response may be
            missing. Rows of a subject belong together; a new subject is predicted at
            its mean.

        Returns
        -------
        DataFrame
            Index of `frame`; ``prediction`` is the observed response where there is
            one, ``standard_error`` that of the conditional mean (coefficients
            estimated, covariance taken as known), ``standard_deviation`` adds the
            residual variation.
        """
        return prediction.predict_conditional(self, frame)

    def simulate(self, n_draws: int, random: np.random.Generator | int) -> FloatArray:
        """Draw responses from the fitted model, (n_draws, n), rows as used.

        The coefficients and the covariance are taken as known; `random` is a
        generator or a seed.
        """
        return prediction.simulate(self, n_draws, random)
