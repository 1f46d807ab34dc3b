"""General linear models with their table of sums of squares.

    y = X beta + e,    SS_term = numerator df x F x residual mean square

The fit and its tests are those of a mixed model without random effects; here stand the
quantities that a table of analysis of variance prints beside them.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from trialstats.lmm import Lmm, fit_lmm


@dataclass(frozen=True, slots=True)
class GeneralLinear:
    """A general linear model.

    Attributes
    ----------
    model : Lmm
        Coefficients, contrasts, least-squares means, tests.
    mean : float
        Of the response.
    model_df, error_df : int
        The model's without the mean.
    total_sum, error_sum : float
        Sums of squares around the mean, and of the residuals.
    """

    model: Lmm = field(repr=False)
    mean: float
    model_df: int
    error_df: int
    total_sum: float
    error_sum: float

    @property
    def error_mean_square(self) -> float:
        """Residual variance."""
        return self.error_sum / self.error_df

    @property
    def root_mean_square_error(self) -> float:
        """Residual standard deviation."""
        return float(np.sqrt(self.error_mean_square))

    @property
    def r_squared(self) -> float:
        """Share of the sum of squares around the mean that the model takes up."""
        return 1 - self.error_sum / self.total_sum

    def sums_of_squares(self, kind: int = 3) -> pd.DataFrame:
        """Return the sum of squares and the F test of each term.

        Parameters
        ----------
        kind : {1, 2, 3}
            Sequential, or adjusted as `hypotheses` says.

        Returns
        -------
        DataFrame
            ``term, df, sum_of_squares, mean_square, statistic, p_value``.
        """
        tests = self.model.tests(kind)  # type: ignore[arg-type]
        square = tests["statistic"] * self.error_mean_square
        return pd.DataFrame(
            {
                "term": tests["term"],
                "df": tests["numerator_df"],
                "sum_of_squares": square * tests["numerator_df"],
                "mean_square": square,
                "statistic": tests["statistic"],
                "p_value": tests["p_value"],
            }
        )


def fit_general_linear(
    formula: str, data: pd.DataFrame, *, level: float = 0.95
) -> GeneralLinear:
    """Fit a linear model with fixed effects by least squares.

    Parameters
    ----------
    formula : str
        As formulaic writes it, with an intercept, such as
        ``"CHG ~ treatment + C(site) + BASE"``.
    data : DataFrame
        One row per observation; rows with a missing value in a column that the formula
        uses are left out.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    GeneralLinear

    Raises
    ------
    DataError
        When a column or the formula is wrong.
    NotEstimableError
        When columns are aliased, rows are too few, or the residual variance is zero.

    Examples
    --------
    >>> rows = pd.DataFrame({"y": [1.0, 2, 4, 3, 6, 5], "arm": list("PPPTTT")})
    >>> fit = fit_general_linear("y ~ arm", rows)
    >>> round(fit.r_squared, 3), round(fit.error_sum, 3)
    (0.467, 9.333)
    """
    model = fit_lmm(formula, data, random={}, df="residual", level=level)
    response, p = model.design.response, len(model.beta)
    error_df = len(response) - p
    return GeneralLinear(
        model=model,
        mean=float(response.mean()),
        model_df=p - 1,
        error_df=error_df,
        total_sum=float(((response - response.mean()) ** 2).sum()),
        error_sum=model.residual_variance * error_df,
    )
