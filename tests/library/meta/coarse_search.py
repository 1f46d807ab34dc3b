"""Where metafor's searches stop: for roots, and for the maximum of a likelihood.

R's uniroot() ends within a tolerance of the root, the fourth root of the machine's
precision, and Fisher scoring at a step of 1e-5. A test that repeats the search compares
what follows from its end sharply.
"""

from typing import Any

import numpy as np

from trialstats.meta.tau_squared import TAU_SQUARED
from trialstats.meta.weighting import Trials, weigh
from trialstats.meta.weighting_given import GivenWeights

#: Tolerance of R's uniroot(), 1.2e-4, in units of tau-squared.
COARSE = float(np.finfo(float).eps ** 0.25)


def zero_within(function: Any, low: float, high: float, tolerance: float) -> float:
    """Return a zero by Brent's method (1973), which stops at a tolerance."""
    before, here, other = low, high, low
    f_before, f_here = function(before), function(here)
    f_other = f_before
    while True:
        last = here - before
        if abs(f_other) < abs(f_here):
            before, here, other = here, other, here
            f_before, f_here, f_other = f_here, f_other, f_here
        enough = 2 * np.finfo(float).eps * abs(here) + tolerance / 2
        step = (other - here) / 2
        if abs(step) <= enough or f_here == 0:
            return here
        if abs(last) >= enough and abs(f_before) > abs(f_here):
            span = other - here
            if before == other:
                ratio = f_here / f_before
                p, q = span * ratio, 1 - ratio
            else:
                q, r, s = f_before / f_other, f_here / f_other, f_here / f_before
                p = s * (span * q * (q - r) - (here - before) * (r - 1))
                q = (q - 1) * (r - 1) * (s - 1)
            p, q = (p, -q) if p > 0 else (-p, q)
            if p < 0.75 * span * q - abs(enough * q) / 2 and p < abs(last * q / 2):
                step = p / q
        if abs(step) < enough:
            step = enough if step > 0 else -enough
        before, f_before = here, f_here
        here += step
        f_here = function(here)
        if (f_here > 0) == (f_other > 0):
            other, f_other = before, f_before


def stopped_early(trials: Trials, given: GivenWeights | None) -> np.ndarray:
    """Return the tau-squared at which metafor stops by default.

    Fisher scoring from Hedges' estimate, until a step is at most 1e-5.
    """
    tau_squared, step = TAU_SQUARED["HE"](trials, None), np.ones(1)
    while abs(step[0]) > 1e-5:
        fit = weigh(trials, tau_squared)
        step = (fit.q_slope - fit.trace) / fit.trace_of_square
        while tau_squared[0] + step[0] < 0:
            step = step / 2
        tau_squared = tau_squared + step
    return tau_squared
