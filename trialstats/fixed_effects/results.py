"""What every model with fixed effects reports: estimates, contrasts, means and tests.

Every table has the columns ``estimate, standard_error, df, statistic, p_value,
ci_lower, ci_upper``; what a row is about stands before them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from trialstats.errors import DataError
from trialstats.fixed_effects.comparisons import (
    Method,
    coefficient_weights,
    pairs_of_levels,
)
from trialstats.fixed_effects.design import Design
from trialstats.fixed_effects.hypotheses import hypotheses
from trialstats.fixed_effects.inference import errors_of, linear_table, t_table
from trialstats.fixed_effects.margins import Weights, factor_names, ls_means_matrix
from trialstats.linear_model import FloatArray
from trialstats.small_sample import SmallSample


@dataclass(frozen=True, eq=False, kw_only=True)
class FixedEffectsResult:
    """A fitted model, as far as its fixed effects go.

    Attributes
    ----------
    design : Design
    beta : (p,) array
        Coefficients.
    small_sample : SmallSample
        Covariance of the coefficients, degrees of freedom and joint tests.
    crossproduct : (p, p) array
        ``X'X`` of the rows used.
    level : float
        Confidence level of the intervals unless a call says otherwise.
    """

    design: Design
    beta: FloatArray = field(repr=False)
    small_sample: SmallSample = field(repr=False)
    crossproduct: FloatArray = field(repr=False)
    level: float = 0.95

    @property
    def coefficients(self) -> pd.DataFrame:
        """Coefficients: ``coefficient``, then the columns of every table."""
        labels = pd.DataFrame({"coefficient": list(self.design.names)})
        return self._table(np.eye(len(self.beta)), labels, None)

    @property
    def beta_covariance(self) -> pd.DataFrame:
        """Covariance of the coefficients, with the correction of the rule, if any."""
        names = list(self.design.names)
        return pd.DataFrame(self.small_sample.covariance, index=names, columns=names)

    def contrast(
        self,
        weights: Any,
        *,
        names: Sequence[str] | None = None,
        level: float | None = None,
    ) -> pd.DataFrame:
        """Estimate linear combinations of the coefficients.

        Parameters
        ----------
        weights : array, mapping, Series or DataFrame
            A (p,) vector, a (c, p) matrix, a mapping from coefficients to weights
            (others are zero), or a mapping from names of contrasts to vectors or to
            such mappings. A Series is read by its index and a DataFrame by its
            columns, which name coefficients, whatever their order.
        names : sequence of c str, optional
            Names of the rows; otherwise those of the mapping, or their numbers from 1.
        level : float, optional

        Returns
        -------
        DataFrame
            ``contrast``, then the columns of every table.

        Raises
        ------
        DataError
            When the weights do not fit the coefficients.
        NotEstimableError
            When a contrast is zero, or has no variance.
        """
        found, matrix = coefficient_weights(weights, self.design.names)
        if isinstance(names, str):
            names = [names]
        labels = list(names) if names is not None else found
        if len(labels) != len(matrix):
            raise DataError(f"{len(labels)} names for {len(matrix)} contrasts")
        return self._table(matrix, pd.DataFrame({"contrast": labels}), level)

    def joint_test(self, weights: Any) -> pd.DataFrame:
        """Test that several linear combinations of the coefficients are all zero.

        Parameters
        ----------
        weights : array or mapping
            As for `contrast`; combinations that repeat others count once.

        Returns
        -------
        DataFrame of one row
            ``numerator_df, df, statistic, p_value`` of an F test, ``df`` being the
            denominator's.
        """
        _, matrix = coefficient_weights(weights, self.design.names)
        return pd.DataFrame([self._joint(matrix)])

    def ls_means(
        self,
        factors: str | Sequence[str],
        *,
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        weights: Weights = "equal",
        level: float | None = None,
    ) -> pd.DataFrame:
        """Estimate least-squares means.

        Parameters
        ----------
        factors : str or sequence of str
            Categorical variables whose combinations get a mean.
        by : str or sequence of str, optional
            Further factors, whose columns stand first and whose levels run slowest.
        at, weights
            What the other variables are held at, or how they are averaged: see
            `ls_means_matrix`.
        level : float, optional

        Returns
        -------
        DataFrame
            A column for each factor, the columns of every table, ``n_observed``.
        """
        names = [*factor_names(by), *factor_names(factors)]
        grid, matrix = ls_means_matrix(self.design, names, at=at, weights=weights)
        counts = grid.pop("n_observed")
        return self._table(matrix, grid[names], level).assign(n_observed=counts)

    def contrasts(
        self,
        factor: str,
        *,
        by: str | Sequence[str] | None = None,
        reference: Any = None,
        method: Method = "reference",
        at: Mapping[str, Any] | None = None,
        weights: Weights = "equal",
        level: float | None = None,
    ) -> pd.DataFrame:
        """Estimate differences of least-squares means between levels of a factor.

        Parameters
        ----------
        factor : str
        by : str or sequence of str, optional
            Factors (such as the visit) within each combination of which levels are
            compared; the factors not named are averaged over.
        reference : optional
            Level that is subtracted from the others; the first unless stated.
        method : {"reference", "pairwise"}
            Each level against the reference, or each against each level before it.
        at, weights
            As for `ls_means`.
        level : float, optional

        Returns
        -------
        DataFrame
            A column for each factor of `by`, ``contrast`` (``"TRT - PBO"``), the
            columns of every table.
        """
        pairs = pairs_of_levels(
            self.design,
            factor,
            by=by,
            reference=reference,
            method=method,
            at=at,
            weights=weights,
        )
        return self._table(pairs.first - pairs.second, pairs.labels, level)

    def percent_differences(
        self,
        factor: str,
        *,
        by: str | Sequence[str] | None = None,
        reference: Any = None,
        at: Mapping[str, Any] | None = None,
        weights: Weights = "equal",
        level: float | None = None,
    ) -> pd.DataFrame:
        """Estimate differences of means in per cent of the reference's mean.

        ``100 (m - m_ref) / m_ref`` has, to first order, the variance of
        ``100 / m_ref (m - (m / m_ref) m_ref)`` with the ratio ``m / m_ref`` held: a
        linear combination, whose degrees of freedom are used. Where the interval of
        the reference's mean holds zero, Fieller's set for the ratio is unbounded, and
        the row is not estimable.

        Parameters
        ----------
        factor, by, reference, at, weights, level
            As for `contrasts`.

        Returns
        -------
        DataFrame
            As `contrasts`, in per cent, then ``not_estimable``: the reason, empty
            where there is an estimate.
        """
        wanted = self.level if level is None else level
        pairs = pairs_of_levels(
            self.design,
            factor,
            by=by,
            reference=reference,
            method="reference",
            at=at,
            weights=weights,
        )
        base = linear_table(pairs.second, self.beta, self.small_sample, level=wanted)
        holds_zero = (base["ci_lower"] <= 0) & (base["ci_upper"] >= 0)
        usable = np.flatnonzero(~holds_zero)
        first, second = pairs.first[usable], pairs.second[usable]
        mean = base["estimate"].to_numpy()[usable]
        ratio = first @ self.beta / mean
        slope = 100 * (first - ratio[:, None] * second) / mean[:, None]
        table = t_table(
            100 * (ratio - 1), *errors_of(slope, self.small_sample), level=wanted
        )
        table.index = pd.Index(usable)
        table = pd.concat([pairs.labels, table], axis="columns")
        reason = f"the {100 * wanted:g} % interval of the reference mean holds 0"
        return table.assign(not_estimable=np.where(holds_zero, reason, ""))

    def tests(self, type: Literal[1, 2, 3] = 3) -> pd.DataFrame:
        """Test each term of the model, the intercept aside.

        Parameters
        ----------
        type : {1, 2, 3}
            See `hypotheses`.

        Returns
        -------
        DataFrame
            ``term, numerator_df, df, statistic, p_value`` of F tests.
        """
        found = hypotheses(self.design, type, crossproduct=self.crossproduct)
        columns = ["term", "numerator_df", "df", "statistic", "p_value"]
        rows = [{"term": name, **self._joint(rows)} for name, rows in found.items()]
        return pd.DataFrame(rows, columns=columns)

    def fitted(self) -> FloatArray:
        """Return ``X beta`` of the rows used, (n,), in their order."""
        design = self.design
        total = np.zeros(len(design.rows))
        for k in range(design.numeric.shape[1]):
            weights = np.where(design.numeric_of == k, self.beta, 0.0)
            total += (design.coding @ weights)[design.cells] * design.numeric[:, k]
        return total

    def predict(self, frame: pd.DataFrame) -> FloatArray:
        """Return ``X beta``, (m,), for new values of the variables.

        Parameters
        ----------
        frame : DataFrame
            m rows with a column for each variable of the right side.
        """
        return np.asarray(self.design.rows_for(frame) @ self.beta)

    def _table(
        self, matrix: FloatArray, labels: pd.DataFrame, level: float | None
    ) -> pd.DataFrame:
        wanted = self.level if level is None else level
        table = linear_table(matrix, self.beta, self.small_sample, level=wanted)
        return pd.concat([labels, table], axis="columns")

    def _joint(self, matrix: FloatArray) -> dict[str, float]:
        test = self.small_sample.joint_test(matrix, matrix @ self.beta)
        return {
            "numerator_df": test.numerator_df,
            "df": test.df,
            "statistic": test.statistic,
            "p_value": test.p_value,
        }
