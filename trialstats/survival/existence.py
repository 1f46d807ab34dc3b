"""Whether a Cox regression has a maximum, by a linear program.

    x_i' b >= M_k for subjects with their event at time k,
    M_k >= M_(k+1), and M_k >= x_j' b for subjects who leave between k and k + 1,

so M_k is at least ``x' b`` of everybody at risk at k. A b that meets this and
distinguishes somebody sends the partial likelihood up for ever.
"""

from collections.abc import Sequence

import numpy as np
from scipy import optimize, sparse

from trialstats.errors import ConvergenceError
from trialstats.fixed_effects.columns import IntArray
from trialstats.linear_model import FloatArray

#: The linear program's answer is a vertex of the cube from -1 to 1 when there is no
#: maximum, and zero up to its tolerance of 1e-7 otherwise.
APART = 0.5

#: The sum of distances that such a vertex keeps; less is rounding.
DISTANCE = 1e-4


def without_maximum(
    x: FloatArray,
    time: FloatArray,
    event: FloatArray,
    stratum: IntArray,
    names: Sequence[str],
) -> str:
    """Return why there is no maximum; an empty text when there is one.

    Parameters
    ----------
    x : (n, p) array
        Columns of about one size, centred in each stratum.
    time, event : (n,) arrays
    stratum : (n,) array of int
    names : sequence of p str
    """
    if not _climbs_for_ever(x, time, event, stratum):
        return ""
    # As few columns as still do: the others have nothing to do with it.
    kept = list(range(x.shape[1]))
    for j in range(x.shape[1]):
        fewer = [k for k in kept if k != j]
        if fewer and _climbs_for_ever(x[:, fewer], time, event, stratum):
            kept = fewer
    named = ", ".join(names[j] for j in kept)
    return (
        f"The partial likelihood has no maximum: by {named} every event happens to "
        "those at one end of all at risk (an arm or category without events, for "
        "one), so a hazard ratio is 0 or infinite. Use the log-rank test, leave the "
        "column out, or join categories."
    )


def _climbs_for_ever(
    x: FloatArray, time: FloatArray, event: FloatArray, stratum: IntArray
) -> bool:
    orthogonal = np.linalg.qr(x)[0] * np.sqrt(len(x))
    p = orthogonal.shape[1]
    rows, gain, size = _constraints(orthogonal, time, event, stratum)
    found = optimize.linprog(
        -np.concatenate([gain, np.zeros(size)]),
        A_ub=rows,
        b_ub=np.zeros(rows.shape[0]),
        bounds=[(-1, 1)] * p + [(None, None)] * size,
        method="highs",
    )
    if found.status != 0:
        raise ConvergenceError(
            "The linear program that looks for a maximum of the partial likelihood "
            f"did not end: {found.message}"
        )
    vertex = np.abs(found.x[:p]).max() > APART
    return bool(vertex and -found.fun > DISTANCE)


def _constraints(
    x: FloatArray, time: FloatArray, event: FloatArray, stratum: IntArray
) -> tuple[sparse.csr_array, FloatArray, int]:
    """Return rows of ``A (b, M) <= 0``, the gain to maximise, and the number of M."""
    on_b, on_m = [], []
    gain, size = np.zeros(x.shape[1]), 0

    def take(values: FloatArray, places: Sequence[int], signs: Sequence[float]) -> None:
        on_b.append(values)
        on_m.append(dict(zip(places, signs, strict=True)))

    nothing = np.zeros(x.shape[1])
    for each in range(int(stratum.max()) + 1):
        own = np.flatnonzero(stratum == each)
        moments = np.unique(time[own][event[own] == 1])
        last = np.searchsorted(moments, time[own], side="right") - 1
        for k, moment in enumerate(moments):
            at_risk = own[time[own] >= moment]
            cases = own[(time[own] == moment) & (event[own] == 1)]
            distance = len(at_risk) * x[cases].sum(axis=0)
            gain += (distance - len(cases) * x[at_risk].sum(axis=0)) / len(at_risk)
            for i in cases:
                take(-x[i], [size + k], [1.0])
            if k + 1 < len(moments):
                take(nothing, [size + k, size + k + 1], [-1.0, 1.0])
        for j, k in zip(own, last, strict=True):
            if k >= 0:
                take(x[j], [size + int(k)], [-1.0])
        size += len(moments)
    second = sparse.lil_array((len(on_m), size))
    for row, entries in enumerate(on_m):
        for place, sign in entries.items():
            second[row, place] = sign
    both = sparse.hstack([sparse.csr_array(np.array(on_b)), second.tocsr()])
    return sparse.csr_array(both), gain, size
