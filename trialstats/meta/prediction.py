"""Intervals for the true effect in a new trial.

Symbols: m the estimate, V the variance of its estimation, tau2 the between-trial
variance. Each interval is m -+ quantile * sqrt(V + tau2).

References
----------
- Higgins JPT, Thompson SG, Spiegelhalter DJ (2009). A re-evaluation of random-effects
  meta-analysis. Journal of the Royal Statistical Society A 172(1), 137-159.
- Riley RD, Higgins JPT, Deeks JJ (2011). Interpretation of random effects
  meta-analyses. BMJ 342, d549.
- Partlett C, Riley RD (2017). Random effects meta-analysis: coverage performance of
  95% confidence and prediction intervals following REML estimation. Statistics in
  Medicine 36(2), 301-317.
- Veroniki AA, Jackson D, Bender R, et al. (2019). Methods to calculate uncertainty in
  the estimated overall effect size from a random-effects meta-analysis. Research
  Synthesis Methods 10(1), 23-43.
- Skipka G (2006). The inclusion of the estimated inter-study variation into forest
  plots for random effects meta-analysis. XIV Cochrane Colloquium.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trialstats.errors import DataError
from trialstats.meta.confidence_distribution import prediction_limits_by_confidence
from trialstats.meta.fitting import Fitted
from trialstats.meta.inference import SCALES, WITHOUT_MODERATORS, half_width
from trialstats.meta.inputs import FloatArray

#: Stands for an error that is none of the inferences'.
NO_ERROR, CONFIDENCE_DISTRIBUTION = "none", "confidence distribution"


@dataclass(frozen=True, slots=True)
class Form:
    """A prediction interval.

    Attributes
    ----------
    words : str
    df : callable
        Degrees of freedom from the residual ones, k - p, and those of the inference
        whose error is taken; NaN for a normal quantile.
    error : str or None
        Inference whose error of the estimate enters: None for that of the fit,
        `NO_ERROR` for an estimate that is taken as known.
    """

    words: str
    df: Callable[[FloatArray, FloatArray], FloatArray]
    error: str | None = None

    def __call__(self, k: int) -> float:
        """Return the degrees of freedom for the mean of k trials.

        NaN where they depend on more than k.
        """
        return float(self.df(np.array([k - 1.0]), np.array([np.nan]))[0])


def _residual(residual: FloatArray, own: FloatArray) -> FloatArray:
    return residual


def _one_less(residual: FloatArray, own: FloatArray) -> FloatArray:
    return residual - 1


def _own(residual: FloatArray, own: FloatArray) -> FloatArray:
    return own


def _normal(residual: FloatArray, own: FloatArray) -> FloatArray:
    return np.full_like(residual, np.nan)


#: Prediction intervals by name. "inference", "simple", "riley" and "t" are metafor's
#: default, simple, riley and t; names in capitals are those of R meta.
PREDICTION: dict[str, Form] = {
    "t": Form("t with k - p df", _residual),
    "HTS": Form("t with k - p - 1 df", _one_less),
    "riley": Form(
        "t with k - p - 1 df, at least 1",
        lambda residual, own: np.maximum(1.0, residual - 1),
    ),
    "inference": Form("the quantile of the interval of the effect", _own),
    "simple": Form("normal, the effect taken as known", _normal, NO_ERROR),
    "V": Form("t with k - p df, normal error of the effect", _residual, "wald"),
    "HK": Form("t with k - p df, Hartung-Knapp error", _residual, "knapp_hartung"),
    "HK-adhoc": Form(
        "t with k - p df, ad hoc Hartung-Knapp error", _residual, "knapp_hartung_adhoc"
    ),
    "HK-PR": Form(
        "t with k - p - 1 df, Hartung-Knapp error", _one_less, "knapp_hartung"
    ),
    "HK-PR-adhoc": Form(
        "t with k - p - 1 df, ad hoc Hartung-Knapp error",
        _one_less,
        "knapp_hartung_adhoc",
    ),
    "KR": Form("t with Kenward-Roger error and df", _own, "kenward_roger"),
    "KR-PR": Form(
        "t with Kenward-Roger error and df less 1",
        lambda residual, own: own - 1,
        "kenward_roger",
    ),
    "NNF": Form(
        "confidence distribution of tau-squared", _residual, CONFIDENCE_DISTRIBUTION
    ),
    "S": Form("normal, normal error of the effect", _normal, "wald"),
}


def prediction_limits(
    fit: Fitted,
    estimate: FloatArray,
    unscaled: FloatArray,
    own: tuple[FloatArray, FloatArray],
    form: str,
    level: float,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return limits and degrees of freedom of prediction intervals.

    Parameters
    ----------
    fit : Fitted
        n fits.
    estimate, unscaled : ndarray of shape (n,) or (n, j)
        Estimates and their variances before any scale.
    own : tuple of ndarray of shape (n,)
        Scale and df of the inference of the fit.
    form : str
        Of `PREDICTION`.
    level : float

    Returns
    -------
    lower, upper : ndarray of the shape of `estimate`
        NaN where the degrees of freedom are not above zero.
    df : ndarray of shape (n,)
    """
    chosen = PREDICTION[form]
    of_a_mean = (*WITHOUT_MODERATORS, CONFIDENCE_DISTRIBUTION)
    if chosen.error in of_a_mean and fit.trials.rows is not None:
        raise DataError(
            f"the prediction interval {form} is derived for a mean, not for moderators",
            remedy="use prediction='t' or 'HTS'",
        )
    if chosen.error == CONFIDENCE_DISTRIBUTION:
        lower, upper = _by_confidence(fit, level)
        return (
            np.full(estimate.shape, lower),
            np.full(estimate.shape, upper),
            fit.trials.df,
        )
    scale, inference_df = own
    if chosen.error == NO_ERROR:
        scale = np.zeros_like(scale)
    elif chosen.error is not None:
        scale, inference_df = SCALES[chosen.error](fit, level)
    df = chosen.df(fit.trials.df, inference_df)
    deeper = (slice(None), *([np.newaxis] * (estimate.ndim - 1)))
    spread = np.sqrt(scale[deeper] * unscaled + fit.tau_squared[deeper])
    reach = half_width(df, level)[deeper] * spread
    return estimate - reach, estimate + reach, df


def _by_confidence(fit: Fitted, level: float) -> tuple[float, float]:
    if len(fit.tau_squared) > 1:
        raise DataError(
            "the prediction interval NNF is made for one set of trials at a time",
            remedy="use another one, or pool the sets one by one",
        )
    return prediction_limits_by_confidence(fit.trials, level)
