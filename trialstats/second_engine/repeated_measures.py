"""Mixed models for repeated measures once more, by Fisher scoring and differences.

The restricted likelihood is maximised by scoring over blocks of subjects that share
their visits, the design is formulaic's whole matrix in another coding, and what the
first engine has in closed form (information, Satterthwaite, Kenward-Roger) is found by
numerical differentiation:

    W    = (-d score / d theta)^-1
    df   = 2 v^2 / (g' W g),  v = c' Phi c,  g = dv / d theta
    Phi_A = Phi + 2 Phi {sum W_kl (Q_kl - P_k Phi P_l - R_kl / 4)} Phi

With ``H_kl`` the second derivative of ``Phi^-1``, ``sum W Q`` is ``sum W (H + R) / 2``;
sums over ``W`` are second differences along its eigenvectors. Differences are central
and of fourth order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from trialstats.errors import NotEstimableError
from trialstats.second_engine.covariances import Covariance

FloatArray = NDArray[np.float64]
Quantities = dict[str, float]

#: Step of first and second differences, in standard errors of the parameters. The error
#: is of the order of its fourth power, and rounding is divided by its square.
_STEP = 3e-3

#: Multiples of the step, and what the function there counts in a first and in a second
#: difference: f'(0) h and f''(0) h^2.
_PLACES = (-2, -1, 0, 1, 2)
_FIRST = (1 / 12, -2 / 3, 0.0, 2 / 3, -1 / 12)
_SECOND = (-1 / 12, 4 / 3, -5 / 2, 4 / 3, -1 / 12)

#: Iterations of scoring, and the step in standard errors at which it has arrived.
_ITERATIONS, _ARRIVED = 500, 1e-9


@dataclass(frozen=True, slots=True)
class Block:
    """Subjects of one group seen at the same visits: (n, t) responses, (n, t, p)."""

    group: int
    seen: NDArray[np.int64]
    y: FloatArray
    x: FloatArray


@dataclass(frozen=True, slots=True)
class Model:
    """Blocks of subjects with the covariance of their visits.

    Attributes
    ----------
    log_weights : float
        Sum of the logarithms of the weights, by which rows have been scaled.
    """

    blocks: Sequence[Block]
    covariance: Covariance
    n_groups: int
    n: int
    p: int
    restricted: bool
    log_weights: float

    def split(self, theta: FloatArray) -> list[FloatArray]:
        """Return the parameters of each group."""
        return list(theta.reshape(self.n_groups, -1))

    def precision(self, theta: FloatArray) -> FloatArray:
        """Return ``X' V^-1 X``."""
        sigmas = [self.covariance.matrix(part) for part in self.split(theta)]
        total = np.zeros((self.p, self.p))
        for block in self.blocks:
            inverse = np.linalg.inv(sigmas[block.group][np.ix_(block.seen, block.seen)])
            total += _crossproduct(block.x, inverse @ block.x)
        return total

    def at(self, theta: FloatArray) -> "State | None":
        """Return the likelihood and its score; None where no covariance is."""
        sigmas = [self.covariance.matrix(part) for part in self.split(theta)]
        inverses, half_log = [], 0.0
        for block in self.blocks:
            part = sigmas[block.group][np.ix_(block.seen, block.seen)]
            try:
                factor = np.linalg.cholesky(part)
            except np.linalg.LinAlgError:
                return None
            half_log += len(block.y) * float(np.log(np.diag(factor)).sum())
            inverses.append(np.linalg.inv(part))
        cross = np.zeros((self.p, self.p))
        right = np.zeros(self.p)
        for block, inverse in zip(self.blocks, inverses, strict=True):
            solved = inverse @ block.x
            cross += _crossproduct(block.x, solved)
            right += np.einsum("itp,it->p", solved, block.y)
        phi = np.asarray(np.linalg.inv(cross))
        beta = phi @ right
        slopes = [np.zeros_like(sigma) for sigma in sigmas]
        distance = 0.0
        for block, inverse in zip(self.blocks, inverses, strict=True):
            left = block.y - block.x @ beta
            solved = left @ inverse
            distance += float((solved * left).sum())
            here = solved.T @ solved - len(left) * inverse
            if self.restricted:
                fitted = inverse @ block.x
                here += np.einsum("isp,pq,itq->st", fitted, phi, fitted, optimize=True)
            slopes[block.group][np.ix_(block.seen, block.seen)] += here
        degrees = self.n - (self.p if self.restricted else 0)
        height = -0.5 * (degrees * np.log(2 * np.pi) + distance) - half_log
        height += 0.5 * self.log_weights
        if self.restricted:
            height -= 0.5 * float(np.linalg.slogdet(cross)[1])
        score = [
            0.5 * np.einsum("st,kst->k", slope, self.covariance.slopes(part))
            for slope, part in zip(slopes, self.split(theta), strict=True)
        ]
        return State(theta, float(height), np.concatenate(score), beta, phi)

    def information(self, theta: FloatArray) -> FloatArray:
        """Return the expected information that ignores the fixed effects."""
        parts = self.split(theta)
        size = len(parts[0])
        total = np.zeros((len(theta), len(theta)))
        for block in self.blocks:
            part = parts[block.group]
            seen = np.ix_(block.seen, block.seen)
            inverse = np.linalg.inv(self.covariance.matrix(part)[seen])
            slopes = self.covariance.slopes(part)[:, seen[0], seen[1]]
            change = inverse @ slopes
            both = np.einsum("kst,lts->kl", change, change, optimize=True)
            place = slice(block.group * size, (block.group + 1) * size)
            total[place, place] += 0.5 * len(block.y) * both
        return total


@dataclass(frozen=True, slots=True)
class State:
    """Parameters with the likelihood, its score, coefficients and their covariance."""

    theta: FloatArray
    height: float
    score: FloatArray
    beta: FloatArray
    phi: FloatArray


def _crossproduct(left: FloatArray, right: FloatArray) -> FloatArray:
    p = left.shape[-1]
    return np.asarray(left.reshape(-1, p).T @ right.reshape(-1, p))


def scored(model: Model, starts: Sequence[FloatArray]) -> State:
    """Return the highest of the maxima found by Fisher scoring with halved steps.

    Raises
    ------
    NotEstimableError
        When scoring arrives from no start.
    """
    found = [_scored(model, start) for start in starts]
    arrived = [state for state in found if state is not None]
    if not arrived:
        raise NotEstimableError("Scoring does not reach a maximum of the likelihood.")
    return max(arrived, key=lambda state: state.height)


def _scored(model: Model, start: FloatArray) -> State | None:
    """Return the state where scoring arrives from a start, None if it does not."""
    state = model.at(start)
    for _ in range(_ITERATIONS):
        if state is None:
            break
        information = model.information(state.theta)
        try:
            step = np.asarray(np.linalg.solve(information, state.score))
        except np.linalg.LinAlgError:
            break
        if float(step @ information @ step) < _ARRIVED**2:
            return state
        state = _further(model, state, step)
    return None


def _further(model: Model, state: State, step: FloatArray) -> State | None:
    for halving in range(40):
        tried = model.at(state.theta + step / 2**halving)
        # Rounding of the likelihood must not stop the last steps.
        if tried is not None and tried.height >= state.height - 1e-9:
            return tried
    return None


@dataclass(frozen=True)
class Inference:
    """Coefficients with the covariance and degrees of freedom of a rule."""

    state: State
    rule: str
    residual_df: float
    w: FloatArray
    changes: FloatArray
    adjusted: FloatArray

    def quantities(self, weights: FloatArray, level: float) -> Quantities:
        """Return estimate, errors, degrees of freedom, limits and p-value."""
        estimate = float(weights @ self.state.beta)
        plain = float(weights @ self.state.phi @ weights)
        found = {"estimate": estimate, "unadjusted": plain**0.5}
        if self.rule not in RULES:
            return found
        error = float(weights @ self.adjusted @ weights) ** 0.5
        df = self.residual_df
        if self.rule != "residual":
            gradient = np.einsum("kpq,p,q->k", self.changes, weights, weights)
            df = 2 * plain**2 / float(gradient @ self.w @ gradient)
        reach = float(stats.t.ppf((1 + level) / 2, df)) * error
        return found | {
            "standard_error": error,
            "df": df,
            "ci_lower": estimate - reach,
            "ci_upper": estimate + reach,
            "p_value": float(2 * stats.t.cdf(-abs(estimate / error), df)),
        }


#: Rules of degrees of freedom that are found again here.
RULES = ("kenward_roger", "kenward_roger_linear", "satterthwaite", "residual")


def inference(model: Model, state: State, rule: str) -> Inference:
    """Return what a rule makes of a solution, by numerical differentiation."""
    theta, phi = state.theta, state.phi
    size = 1 / np.sqrt(np.diag(model.information(theta)))

    def difference(f: Callable[[FloatArray], FloatArray]) -> FloatArray:
        along = (_difference(f, theta, step, _FIRST) for step in np.diag(_STEP * size))
        return np.array([d / (_STEP * s) for d, s in zip(along, size, strict=True)])

    slopes = -difference(lambda at: _score(model, at))
    w = np.asarray(np.linalg.inv((slopes + slopes.T) / 2))
    precisions = difference(model.precision)
    changes = -phi @ precisions @ phi
    adjusted: FloatArray = phi
    if rule.startswith("kenward_roger"):
        excess = _excess(model, state, w, precisions, rule)
        adjusted = np.asarray(phi + 2 * phi @ excess @ phi)
    return Inference(state, rule, float(model.n - model.p), w, changes, adjusted)


def _difference(
    f: Callable[[FloatArray], FloatArray],
    theta: FloatArray,
    step: FloatArray,
    counts: Sequence[float],
) -> FloatArray:
    """Return the sum of `f` at multiples of a step, times their counts."""
    terms = [
        count * f(theta + place * step)
        for place, count in zip(_PLACES, counts, strict=True)
        if count
    ]
    return np.asarray(sum(terms))


def _score(model: Model, theta: FloatArray) -> FloatArray:
    state = model.at(theta)
    if state is None:
        raise NotEstimableError("The maximum lies at the edge of the covariances.")
    return state.score


def _excess(
    model: Model, state: State, w: FloatArray, precisions: FloatArray, rule: str
) -> FloatArray:
    """Return ``sum W_kl (Q_kl - P_k Phi P_l - R_kl / 4)``."""
    theta, phi = state.theta, state.phi
    values, vectors = np.linalg.eigh(w)
    directions = (vectors * np.sqrt(np.maximum(values, 0.0))).T * _STEP

    def covariance(at: FloatArray) -> FloatArray:
        return np.array([model.covariance.matrix(part) for part in model.split(at)])

    curved, bends = (
        np.add.reduce([_difference(f, theta, one, _SECOND) for one in directions])
        for f in (model.precision, covariance)
    )
    sigmas = covariance(theta)
    second = np.zeros_like(phi)
    for block in model.blocks:
        seen = np.ix_(block.seen, block.seen)
        solved = np.linalg.inv(sigmas[block.group][seen]) @ block.x
        second += _crossproduct(solved, bends[block.group][seen] @ solved)
    h, r = curved / _STEP**2, second / _STEP**2
    linear = 0.5 * (h + r) - (0.25 * r if rule == "kenward_roger" else 0.0)
    weighted = np.tensordot(w, precisions, axes=1)
    shrink = np.einsum("kpq,qr,krs->ps", weighted, phi, precisions)
    return np.asarray(linear - shrink)
