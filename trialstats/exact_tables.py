"""The exact distribution of tables with given margins, by Mehta and Patel's network.

A table is filled column by column. What the columns still to come can do depends only
on the row totals that are left, in any order: tables are paths through a network whose
nodes are sorted row totals. For a path that has reached a node,

    past + longest(node) <= observed     every completion counts,
    past + shortest(node) > observed     none does,

where lengths are ``-sum log x_ij!``, and the completions of a node together weigh
``N! / (prod R_i! prod c_j!)``. Only paths in between are followed, equal ones as one.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from trialstats.errors import NotEstimableError
from trialstats.linear_model import FloatArray

Counts = NDArray[np.int64]

#: Arcs of the network, and lengths of paths, that are formed before a test is refused:
#: some seconds of work, some hundred megabytes.
MOST_ARCS = 5_000_000
MOST_PATHS = 40_000_000

#: Tables as probable as the observed one up to this relative distance count as equally
#: probable; R's fisher.test has the same value.
TIE = 1e-7

#: Lengths that agree to these decimals are one; the sums of logarithms round at 1e-12.
DECIMALS = 9

#: Lengths that are formed at once.
BLOCK = 2_000_000


@dataclass(frozen=True, slots=True)
class _Stage:
    """Nodes with the same columns to come, and the arcs that fill the first of them.

    Arcs of node i are those from ``starts[i]`` to ``starts[i + 1]``; ``number`` counts
    the fillings that an arc stands for.
    """

    starts: NDArray[np.intp]
    child: NDArray[np.intp]
    length: FloatArray
    number: FloatArray


def exact_p_value(counts: Counts) -> tuple[float, float]:
    """Return the share of tables no more probable than this one, and its probability.

    Parameters
    ----------
    counts : (r, c) array
        Without empty rows and columns.

    Raises
    ------
    NotEstimableError
        When the network has too many arcs or paths.
    """
    counts = counts if counts.shape[0] <= counts.shape[1] else counts.T
    rows, columns = np.sort(counts.sum(axis=1)), np.sort(counts.sum(axis=0))[::-1]
    constant = _log_factorials(rows) + _log_factorials(columns)
    constant -= _log_factorials(counts.sum())
    observed = -_log_factorials(counts)
    stages, weights, longest, shortest = _network(rows, columns)
    extreme = total = 0.0
    past: dict[int, tuple[FloatArray, FloatArray]] = {0: (np.zeros(1), np.ones(1))}
    limit, formed = observed + np.log1p(TIE), 0
    for stage, weight, high, low in zip(
        stages, weights, longest, shortest, strict=True
    ):
        carried: dict[int, list[tuple[FloatArray, FloatArray]]] = {}
        for node, (lengths, numbers) in past.items():
            arcs = slice(stage.starts[node], stage.starts[node + 1])
            formed += len(lengths) * (arcs.stop - arcs.start)
            if formed > MOST_PATHS:
                raise _refused()
            step = max(1, BLOCK // max(1, arcs.stop - arcs.start))
            for first in range(0, len(lengths), step):
                part = slice(first, first + step)
                child = np.tile(stage.child[arcs], len(lengths[part]))
                found = (lengths[part, None] + stage.length[arcs]).ravel()
                times = (numbers[part, None] * stage.number[arcs]).ravel()
                inside = found + high[child] <= limit
                done = inside | (found + low[child] > limit)
                chance = times * np.exp(constant + found + weight[child])
                total += float(chance[done].sum())
                extreme += float(chance[inside].sum())
                open_ = ~done
                _sort_out(child[open_], found[open_], times[open_], carried)
        past = {node: _merged(parts) for node, parts in carried.items()}
    if abs(total - 1) > TIE:
        raise NotEstimableError(
            f"The probabilities of all tables sum to {total:.9g}, not to 1: the counts "
            "are too large for floating-point numbers. Use the chi-square test."
        )
    return min(extreme / total, 1.0), float(np.exp(constant + observed))


def _refused() -> NotEstimableError:
    return NotEstimableError(
        "Too many tables have these margins: Fisher's exact test is not computed. Use "
        "the chi-square test, or join categories."
    )


def _sort_out(
    child: NDArray[np.intp],
    lengths: FloatArray,
    numbers: FloatArray,
    carried: dict[int, list[tuple[FloatArray, FloatArray]]],
) -> None:
    """Give paths to the nodes that they have reached."""
    order = np.argsort(child, kind="stable")
    child, lengths, numbers = child[order], lengths[order], numbers[order]
    starts = np.flatnonzero(np.diff(child, prepend=-1))
    for first, last in zip(starts, np.append(starts, len(child))[1:], strict=True):
        part = (lengths[first:last], numbers[first:last])
        carried.setdefault(int(child[first]), []).append(part)


def _merged(
    parts: list[tuple[FloatArray, FloatArray]],
) -> tuple[FloatArray, FloatArray]:
    """Return paths of one node, those of equal length as one."""
    lengths = np.concatenate([length for length, _ in parts])
    numbers = np.concatenate([number for _, number in parts])
    _, first, group = np.unique(
        lengths.round(DECIMALS), return_index=True, return_inverse=True
    )
    return lengths[first], np.bincount(group, weights=numbers).astype(float)


def _network(
    rows: Counts, columns: Counts
) -> tuple[list[_Stage], list[FloatArray], list[FloatArray], list[FloatArray]]:
    """Return stages; then log weight, longest and shortest path of their children."""
    stages, weights, nodes, n_arcs = [], [], rows[None, :], 0
    for k in range(len(columns) - 1):
        found, starts = [], [0]
        for node in nodes:
            filled = fillings(node, int(columns[k]), MOST_ARCS)
            lengths = -special.gammaln(filled + 1.0).sum(axis=1)
            found.append((np.sort(node - filled, axis=1), lengths))
            n_arcs += len(filled)
            if n_arcs > MOST_ARCS:
                raise _refused()
            starts.append(starts[-1] + len(filled))
        after = np.concatenate([each for each, _ in found])
        length = np.concatenate([each for _, each in found])
        nodes, child = np.unique(after, axis=0, return_inverse=True)
        stages.append(_joined(np.array(starts), child.reshape(-1), length))
        rest = columns[k + 1 :]
        weights.append(
            special.gammaln(rest.sum() + 1.0)
            - special.gammaln(nodes + 1.0).sum(axis=1)
            - _log_factorials(rest)
        )
    # One column is left: it takes what there is.
    ends = -special.gammaln(nodes + 1.0).sum(axis=1)
    longest, shortest = [ends], [ends]
    for stage in reversed(stages[1:]):
        at = stage.starts[:-1]
        high = stage.length + longest[0][stage.child]
        low = stage.length + shortest[0][stage.child]
        longest.insert(0, np.maximum.reduceat(high, at))
        shortest.insert(0, np.minimum.reduceat(low, at))
    return stages, weights, longest, shortest


def _joined(
    starts: NDArray[np.intp], child: NDArray[np.intp], length: FloatArray
) -> _Stage:
    """Return a stage in which equal arcs of a node are one."""
    node = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    order = np.lexsort((length.round(DECIMALS), child, node))
    keys = [node[order], child[order], length.round(DECIMALS)[order]]
    new = np.zeros(len(order), dtype=bool)
    new[0] = True
    for key in keys:
        new[1:] |= key[1:] != key[:-1]
    first = np.flatnonzero(new)
    number = np.diff(np.append(first, len(order))).astype(float)
    begins = np.searchsorted(keys[0][first], np.arange(len(starts)))
    return _Stage(begins, child[order][first], length[order][first], number)


def fillings(room: Counts, total: int, most: int) -> Counts:
    """Return every way to spread a total over rows with so much room, (m, r).

    Raises
    ------
    NotEstimableError
        When there are more than `most`.
    """
    partial, left = np.zeros((1, 0), dtype=np.int64), np.array([total])
    for i, here in enumerate(room):
        low = np.maximum(left - int(room[i + 1 :].sum()), 0)
        number = np.minimum(left, here) - low + 1
        if int(number.sum()) > most:
            raise _refused()
        source = np.repeat(np.arange(len(left)), number)
        begins = np.cumsum(number) - number
        value = np.arange(int(number.sum())) - begins[source] + low[source]
        partial = np.column_stack([partial[source], value])
        left = left[source] - value
    return partial


def _log_factorials(counts: Any) -> float:
    return float(special.gammaln(np.asarray(counts) + 1.0).sum())
