"""The mixed model written out with dense matrices: an independent derivation."""

import numpy as np
from scipy import optimize


def covariance(theta, groups, n):
    """Return V (n, n); theta runs over the lower triangle of each group's matrix.

    groups: (codes, z, correlated) for each factor.
    """
    total = theta[-1] * np.eye(n)
    at = 0
    for codes, z, correlated in groups:
        q = z.shape[1]
        g = np.zeros((q, q))
        for i in range(q):
            for j in range(i + 1):
                if correlated or i == j:
                    g[i, j] = g[j, i] = theta[at]
                    at += 1
        total = total + (codes[:, None] == codes[None]) * (z @ g @ z.T)
    return total


def log_likelihood(theta, x, y, groups, restricted):
    """Return the (restricted) log-likelihood with all constants."""
    n, p = x.shape
    v = covariance(theta, groups, n)
    sign, log_determinant = np.linalg.slogdet(v)
    if sign <= 0:
        return -np.inf
    inverse = np.linalg.inv(v)
    precision = x.T @ inverse @ x
    residual = y - x @ np.linalg.solve(precision, x.T @ inverse @ y)
    total = log_determinant + residual @ inverse @ residual
    if restricted:
        total += np.linalg.slogdet(precision)[1]
    return -0.5 * (total + (n - p * restricted) * np.log(2 * np.pi))


def roots_to_theta(roots, groups):
    """Return natural parameters of triangular roots, so that any roots will do."""
    theta, at = [], 0
    for _, z, correlated in groups:
        q = z.shape[1]
        factor = np.zeros((q, q))
        places = [
            (i, j) for i in range(q) for j in range(i + 1) if correlated or i == j
        ]
        for place in places:
            factor[place] = roots[at]
            at += 1
        g = factor @ factor.T
        theta += [g[place] for place in places]
    return np.array([*theta, roots[-1] ** 2])


def maximum(x, y, groups, restricted, rng, starts=4):
    """Return the highest log-likelihood that general optimisers find, and theta."""
    unit = np.var(y)
    size = sum(
        z.shape[1] * (z.shape[1] + 1) // 2 if full else z.shape[1]
        for _, z, full in groups
    )

    def loss(roots):
        with np.errstate(all="ignore"):
            try:
                theta = roots_to_theta(roots, groups) * unit
                # Nearer to a singular V the inverse is noise of any size.
                if theta[-1] < 1e-10 * unit:
                    return 1e10
                found = -log_likelihood(theta, x, y, groups, restricted)
            except np.linalg.LinAlgError:
                return 1e10
        return found if np.isfinite(found) else 1e10

    best = (np.inf, np.zeros(size + 1))
    for _ in range(starts):
        roots = rng.uniform(0.2, 1.2, size + 1)
        for method, options in (
            ("Nelder-Mead", {"maxiter": 2000}),
            ("BFGS", {"gtol": 1e-8}),
            ("Nelder-Mead", {"xatol": 1e-9, "fatol": 1e-11, "maxiter": 4000}),
        ):
            with np.errstate(all="ignore"):
                result = optimize.minimize(loss, roots, method=method, options=options)
            roots = result.x
        if result.fun < best[0]:
            best = (result.fun, roots)
    return -best[0], roots_to_theta(best[1], groups) * unit


def kenward_roger(theta, x, groups, structures):
    """Return Kenward and Roger's covariance, and Phi, from full matrices.

    Each formula is that of their paper (Biometrics 1997), with the expected
    information; structures are the (n, n) derivatives of V.
    """
    v = covariance(theta, groups, len(x))
    inverse = np.linalg.inv(v)
    phi = np.linalg.inv(x.T @ inverse @ x)
    slopes = [-inverse @ s @ inverse for s in structures]
    p = [x.T @ s @ x for s in slopes]
    size = len(structures)
    q = [
        [x.T @ slopes[i] @ v @ slopes[j] @ x for j in range(size)] for i in range(size)
    ]
    information = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            information[i, j] = 0.5 * (
                np.trace(slopes[i] @ v @ slopes[j] @ v)
                - 2 * np.trace(phi @ q[i][j])
                + np.trace(phi @ p[i] @ phi @ p[j])
            )
    w = np.linalg.inv(information)
    middle = sum(
        w[i, j] * (q[i][j] - p[i] @ phi @ p[j])
        for i in range(size)
        for j in range(size)
    )
    return phi + 2 * phi @ middle @ phi, phi, w
