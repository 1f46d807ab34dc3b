"""The mixed model for repeated measures written out, with one dense covariance V.

Nothing here comes from `trialstats`: the design is formulaic's matrix, V has a row for
each observation, the structures are written element by element, and every derivative
is a finite difference. It is slow, and what the engine is judged by.
"""

import re
from dataclasses import dataclass, field

import formulaic
import numpy as np
import pandas as pd
from scipy import linalg, optimize

HOMOGENEOUS = ("toeplitz", "ar1", "compound_symmetry", "antedependence")
STRUCTURE_NAMES = (
    "unstructured",
    *HOMOGENEOUS,
    *(f"{name}_heterogeneous" for name in HOMOGENEOUS),
    "spatial_exponential",
    "spatial_gaussian",
)


def n_parameters(covariance, t):
    """Return the number of natural parameters at t visits."""
    if t == 1 and not covariance.startswith("spatial"):
        return 1
    if covariance.startswith("spatial"):
        return 2
    inner = {
        "unstructured": t * (t + 1) // 2,
        "toeplitz": t - 1,
        "antedependence": t - 1,
        "ar1": 1,
        "compound_symmetry": 1,
    }[covariance.removesuffix("_heterogeneous")]
    if covariance == "unstructured":
        return inner
    return inner + (t if covariance.endswith("_heterogeneous") else 1)


def sigma_of(covariance, theta, times):
    """Return Sigma (t, t) at natural parameters; `times` matter if it is spatial."""
    t = len(times)
    sigma = np.empty((t, t))
    kind = covariance.removesuffix("_heterogeneous")
    separate = covariance.endswith("_heterogeneous")
    for i in range(t):
        for j in range(i + 1):
            lag = i - j
            if covariance == "unstructured":
                value = theta[i * (i + 1) // 2 + j]
            elif covariance.startswith("spatial"):
                ratio = abs(times[i] - times[j]) / theta[1]
                power = 1 if covariance == "spatial_exponential" else 2
                value = theta[0] * np.exp(-(ratio**power))
            elif covariance in ("toeplitz", "compound_symmetry"):
                place = lag if kind == "toeplitz" else min(lag, 1)
                value = theta[place]
            else:
                phi = theta[t:] if separate and t > 1 else theta[1:]
                scale = (
                    np.sqrt(theta[i]) * np.sqrt(theta[j])
                    if separate and t > 1
                    else theta[0]
                )
                if lag == 0:
                    correlation = 1.0
                elif kind == "toeplitz":
                    correlation = phi[lag - 1]
                elif kind == "compound_symmetry":
                    correlation = phi[0]
                elif kind == "ar1":
                    correlation = phi[0] ** lag
                else:
                    correlation = np.prod(phi[j:i])
                value = scale * correlation
            sigma[i, j] = sigma[j, i] = value
    return sigma


@dataclass
class Dense:
    """One model on one data set, by brute force.

    `visit` holds the labels' ranks, or the times for spatial structures.
    """

    formula: str
    data: object
    covariance: str = "unstructured"
    subject: str = "SUBJECT"
    visit: str = "VISIT"
    group: str | None = None
    weights: str | None = None
    reml: bool = True
    x: np.ndarray = field(init=False)
    y: np.ndarray = field(init=False)

    def __post_init__(self):
        response = self.formula.partition("~")[0]
        used = self.data.dropna(
            subset=[
                c
                for c in (
                    response.strip(),
                    self.subject,
                    self.visit,
                    self.group,
                    self.weights,
                )
                if c is not None and c in self.data
            ]
        ).reset_index(drop=True)
        for name in used.columns:
            if isinstance(used[name].dtype, pd.CategoricalDtype):
                codes = used[name].cat.codes
                used[name] = [f"level {code:03d}" for code in codes]
        left, design = formulaic.model_matrix(self.formula, used)
        used = used.loc[design.index]
        self.names = [self._label(name) for name in design.columns]
        self.x = np.asarray(design, dtype=float)
        self.y = np.asarray(left, dtype=float)[:, 0]
        # The part of y in the columns of X changes nothing but beta, and costs digits.
        self.shift = np.zeros(self.x.shape[1])
        for _ in range(2):
            step = np.linalg.lstsq(self.x, self.y, rcond=None)[0]
            self.shift, self.y = self.shift + step, self.y - self.x @ step
        codes = used[self.subject].to_numpy()
        self.same = codes[:, None] == codes[None, :]
        self.subject_codes = codes
        self.spatial = self.covariance.startswith("spatial")
        if self.spatial:
            self.times = used[self.visit].to_numpy(dtype=float)
            self.labels, self.place = np.unique(self.times, return_inverse=True)
        else:
            self.labels, self.place = np.unique(
                used[self.visit].astype(str), return_inverse=True
            )
        self.t = len(self.labels)
        groups = (
            np.zeros(len(used)) if self.group is None else used[self.group].to_numpy()
        )
        self.group_labels, self.group_of = np.unique(groups, return_inverse=True)
        weight = (
            np.ones(len(used))
            if self.weights is None
            else used[self.weights].to_numpy(dtype=float)
        )
        self.weight = weight
        self.scale = 1 / np.sqrt(np.outer(weight, weight))

    def _label(self, column):
        """Return a column's name with the labels of a Categorical, not their ranks."""

        def said(found):
            variable, contrast, code = found.groups()
            label = self.data[variable].cat.categories[int(code)]
            return f"{variable}[{contrast}{label}]"

        return re.sub(r"(\w+)\[(T\.|)level (\d+)\]", said, column)

    def parts(self, theta):
        return np.reshape(theta, (len(self.group_labels), -1))

    def sigmas(self, theta):
        """Return Sigma of each group over all visits or all distinct times."""
        at = self.labels if self.spatial else np.arange(self.t)
        return [sigma_of(self.covariance, part, at) for part in self.parts(theta)]

    def v(self, theta):
        """Return V, (n, n)."""
        sigmas = np.array(self.sigmas(theta))
        grid = sigmas[self.group_of[:, None], self.place[:, None], self.place[None, :]]
        return np.where(self.same, grid, 0.0) * self.scale

    def fit_at(self, theta):
        """Return -2 l, beta and Phi at theta; infinity where Sigma is not positive."""
        sigmas = [] if self.spatial else self.sigmas(theta)
        if any(_cholesky(s) is None for s in sigmas):
            return np.inf, None, None
        with np.errstate(all="ignore"):
            factor = _cholesky(self.v(theta))
        if factor is None:
            return np.inf, None, None
        x = linalg.solve_triangular(factor, self.x, lower=True)
        y = linalg.solve_triangular(factor, self.y, lower=True)
        q, r = np.linalg.qr(x)
        beta = linalg.solve_triangular(r, q.T @ y)
        residual = y - q @ (q.T @ y)
        n, p = self.x.shape
        value = 2 * np.log(np.diag(factor)).sum() + residual @ residual
        value += (n - p * self.reml) * np.log(2 * np.pi)
        if self.reml:
            value += 2 * np.log(np.abs(np.diag(r))).sum()
        half = linalg.solve_triangular(r, np.eye(p))
        return value, self.shift + beta, half @ half.T

    def objective(self, theta):
        return self.fit_at(theta)[0]

    def phi(self, theta):
        return self.fit_at(theta)[2]

    # A map of R^k onto the parameters with a positive definite Sigma, so that a
    # general optimiser can search without bounds.

    def natural(self, free):
        return np.concatenate([self._natural(part) for part in self.parts(free)])

    def _natural(self, free):
        t, covariance = self.t, self.covariance
        if covariance.startswith("spatial"):
            return np.exp(free)
        if t == 1:
            return np.exp(free)
        if covariance == "unstructured":
            factor = np.zeros((t, t))
            factor[np.tril_indices(t)] = free
            np.fill_diagonal(factor, 1.0)
            factor = np.exp(free[_diagonal(t)])[:, None] * factor
            return (factor @ factor.T)[np.tril_indices(t)]
        kind = covariance.removesuffix("_heterogeneous")
        n_variances = t if covariance.endswith("_heterogeneous") else 1
        variances = np.exp(free[:n_variances])
        inner = np.tanh(free[n_variances:])
        if kind == "compound_symmetry":
            low = -1 / (t - 1)
            inner = low + (1 - low) * (inner + 1) / 2
        elif kind == "toeplitz":
            inner = _autocorrelations(inner)
        if covariance in ("toeplitz", "compound_symmetry"):
            inner = variances * inner
        return np.concatenate([variances, inner])

    def free(self, theta):
        return np.concatenate([self._free(part) for part in self.parts(theta)])

    def _free(self, theta):
        t, covariance = self.t, self.covariance
        if covariance.startswith("spatial") or t == 1:
            return np.log(theta)
        if covariance == "unstructured":
            factor = np.linalg.cholesky(sigma_of(covariance, theta, np.arange(t)))
            deviation = np.diag(factor).copy()
            factor = factor / deviation[:, None]
            np.fill_diagonal(factor, np.log(deviation))
            return factor[np.tril_indices(t)]
        kind = covariance.removesuffix("_heterogeneous")
        n_variances = t if covariance.endswith("_heterogeneous") else 1
        inner = np.array(theta[n_variances:])
        if covariance in ("toeplitz", "compound_symmetry"):
            inner = inner / theta[0]
        if kind == "compound_symmetry":
            low = -1 / (t - 1)
            inner = 2 * (inner - low) / (1 - low) - 1
        elif kind == "toeplitz":
            inner = _partial(inner)
        return np.concatenate([np.log(theta[:n_variances]), np.arctanh(inner)])

    def climb(self, free):
        """Return -2 l and theta where BFGS arrives from a point of R^k."""

        def objective(at):
            with np.errstate(all="ignore"):
                value = self.objective(self.natural(at))
            return value if np.isfinite(value) else 1e10

        with np.errstate(all="ignore"):
            found = optimize.minimize(objective, free, method="BFGS")
        return found.fun, self.natural(found.x)


def _cholesky(matrix):
    if not np.isfinite(matrix).all():
        return None
    try:
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return None


def _diagonal(t):
    return np.arange(t) * (np.arange(t) + 3) // 2


def _autocorrelations(partial):
    """Return the autocorrelations of partial ones (Durbin and Levinson)."""
    coefficients, result = np.zeros(0), []
    for value in partial:
        spread = 1 - (coefficients @ result if result else 0.0)
        before = coefficients @ result[::-1] if result else 0.0
        new = before + value * spread
        coefficients = np.append(coefficients - value * coefficients[::-1], value)
        result.append(new)
    return np.array(result)


def _partial(autocorrelations):
    coefficients, done, result = np.zeros(0), [], []
    for value in autocorrelations:
        spread = 1 - (coefficients @ done if done else 0.0)
        before = coefficients @ done[::-1] if done else 0.0
        partial = (value - before) / spread
        coefficients = np.append(coefficients - partial * coefficients[::-1], partial)
        done.append(value)
        result.append(partial)
    return np.array(result)


def gradient(function, at, step=1e-5):
    """Return the derivative by central differences of fourth order."""
    at = np.asarray(at, dtype=float)
    columns = []
    for k in range(len(at)):
        h = step * max(abs(at[k]), 1e-2 * np.abs(at).max())
        unit = np.zeros_like(at)
        unit[k] = h

        def value(m, unit=unit):
            return np.asarray(function(at + m * unit))

        columns.append((8 * (value(1) - value(-1)) - (value(2) - value(-2))) / (12 * h))
    return np.array(columns)
