"""The restricted likelihood of a random-intercept model over its variance ratio.

    y = X beta + Z b + e,   Var(y) = sigma^2 V,   V = I + rho Z Z'

Coefficients and sigma^2 have a closed form given ``rho``; what is left is a function
of one number, looked at over its whole range and maximised by the root of its score.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from trialstats.errors import NotEstimableError
from trialstats.linear_model import FloatArray, check_residuals, indicators

#: Ratios at which the profile is looked at; the last stands for infinity.
_RATIOS = np.concatenate([[0.0], np.logspace(-6, 8, 141)])


@dataclass(frozen=True, slots=True)
class RestrictedFit:
    """Coefficients with their covariance, and the two variances."""

    beta: FloatArray
    covariance: FloatArray
    between: float
    within: float

    @property
    def boundary(self) -> bool:
        """Whether the variance between subjects is estimated as zero."""
        return self.between == 0


class Profile:
    """The restricted likelihood over the variance ratio, coefficients profiled out.

    ``V = I + rho Z Z'`` has one block per subject, whose inverse is
    ``I - rho / (1 + n_i rho) 1 1'``: sums over subjects suffice.
    """

    def __init__(
        self, y: FloatArray, design: FloatArray, codes: NDArray[np.int64]
    ) -> None:
        self.y = y
        # The response is centred and scaled by least squares so that the sums below
        # do not lose digits to a large mean.
        self.start = np.linalg.lstsq(design, y, rcond=None)[0]
        columns = np.column_stack([design, y - design @ self.start])
        self.products = columns.T @ columns
        z = indicators(codes, range(int(codes.max()) + 1))
        self.sums = z.T @ columns
        self.sizes = z.sum(axis=0)
        self.p = design.shape[1]
        self.degrees = len(y) - self.p

    def solve(self, ratio: float) -> tuple[FloatArray, FloatArray, float, float]:
        """Return coefficients, their covariance, sigma^2 and the residual sum."""
        weight = ratio / (1 + self.sizes * ratio)
        cross = self.products - (self.sums.T * weight) @ self.sums
        p = self.p
        inverse = np.linalg.inv(cross[:p, :p])
        step = inverse @ cross[:p, p]
        residual = float(cross[p, p] - cross[:p, p] @ step)
        scale = residual / self.degrees
        return self.start + step, inverse * scale, scale, residual

    def log_likelihood(self, ratio: float) -> float:
        """Return the restricted log-likelihood without its constants."""
        weight = ratio / (1 + self.sizes * ratio)
        cross = self.products - (self.sums.T * weight) @ self.sums
        _, determinant = np.linalg.slogdet(cross[: self.p, : self.p])
        residual = self.solve(ratio)[3]
        if residual <= 0:
            return -np.inf
        blocks = float(np.log1p(self.sizes * ratio).sum())
        height: float = (
            blocks + float(determinant) + self.degrees * float(np.log(residual))
        )
        return -0.5 * height

    def score(self, ratio: float) -> float:
        """Return the derivative of `log_likelihood` by the variance ratio."""
        p = self.p
        shrink = 1 / (1 + self.sizes * ratio)
        beta, covariance, scale, residual = self.solve(ratio)
        x_sums = self.sums[:, :p] * shrink[:, None]
        r_sums = self.sums[:, p] * shrink - x_sums @ (beta - self.start)
        trace = float((self.sizes * shrink).sum())
        trace -= float(np.einsum("ij,jk,ik->", x_sums, covariance / scale, x_sums))
        fall: float = trace - self.degrees * float(r_sums @ r_sums) / residual
        return -0.5 * fall


def maximise(profile: Profile) -> RestrictedFit:
    """Return the solution at the highest restricted likelihood.

    Parameters
    ----------
    profile : Profile
        The restricted likelihood of response and design.

    Returns
    -------
    RestrictedFit

    Raises
    ------
    NotEstimableError
        When every subject has one observation, or the variance within subjects, or
        the residual variance of the fixed effects, is zero.
    """
    if profile.sizes.max() == 1:
        raise NotEstimableError(
            "Every subject has one observation: the variance between subjects cannot "
            "be told from the variance within."
        )
    check_residuals(profile.solve(0.0)[3], profile.y, profile.degrees)
    heights = np.array([profile.log_likelihood(ratio) for ratio in _RATIOS])
    top = int(heights.argmax())
    if top == len(_RATIOS) - 1:
        raise NotEstimableError(
            "The variance within subjects is zero: the model repeats every value of "
            "a subject exactly."
        )
    ratio = 0.0
    if top > 0 or profile.score(0.0) > 0:
        low, high = float(_RATIOS[max(top - 1, 0)]), float(_RATIOS[top + 1])
        ratio = optimize.brentq(
            profile.score, low, high, xtol=1e-300, rtol=1e-14, maxiter=500
        )
    beta, covariance, scale, _ = profile.solve(ratio)
    return RestrictedFit(beta, covariance, ratio * scale, scale)
