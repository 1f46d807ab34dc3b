"""Subjects by visits: where each row stands, in an order that no label decides."""

import re
from typing import Any

import numpy as np
import pandas as pd

from trialstats.errors import DataError, NotEstimableError
from trialstats.fixed_effects import Design
from trialstats.fixed_effects.columns import codes_of
from trialstats.linear_model import FloatArray
from trialstats.mmrm.pseudo_subjects import IntArray, Layout

#: Structures that do not depend on the order of the visits.
_UNORDERED = {
    "unstructured",
    "compound_symmetry",
    "compound_symmetry_heterogeneous",
}


def check_visit_order(layout: Layout, visit: str, kind: str) -> None:
    """Raise DataError when a structure depends on an order that the visits lack.

    All but unstructured and compound symmetry do.
    """
    if kind not in _UNORDERED:
        require_order(layout, visit, f"a covariance that is {kind} depends")


def require_order(layout: Layout, visit: str, what: str) -> None:
    """Raise DataError when text visits sort in another order than their numbers."""
    if not layout.in_order:
        raise DataError(
            f"the visits sort as {', '.join(layout.visits)}, and {what} on their order",
            column=visit,
            remedy="write a pandas Categorical with the visits in their order",
        )


def _in_order(column: pd.Series, visits: tuple[Any, ...]) -> bool:
    """Return whether visits are not text, or text that sorts as its numbers do."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return True
    if not all(isinstance(visit, str) for visit in visits):
        return True
    return sorted(visits, key=_with_numbers) == list(visits)


def _with_numbers(text: str) -> list[Any]:
    """Return a key by which numbers in text count as numbers."""
    parts = re.split(r"(\d+(?:\.\d+)?)", text)
    return [
        (float(part), "") if i % 2 else (-1.0, part) for i, part in enumerate(parts)
    ]


def lay_out(
    design: Design,
    data: pd.DataFrame,
    *,
    subject: str,
    visit: str,
    group: str | None,
    spatial: bool,
    weights: FloatArray | None = None,
) -> Layout:
    """Arrange the rows of a design by subject and visit.

    Parameters
    ----------
    design : Design
        Its `rows` are positions in `data`.
    data : DataFrame
    subject, visit, group : str
        Columns of the subject, the visit and the covariance group.
    spatial : bool
        Whether the visit is a time whose distances matter.
    weights : (rows,) array, optional
        Weights of the rows; they order subjects that are alike otherwise.

    Raises
    ------
    DataError
        When a subject has two rows at one visit, changes its group, or a visit time
        is not a number.
    NotEstimableError
        When no subject has a value at some visit.
    """
    subjects, found = _codes(data[subject], design.rows)
    n = len(found)
    if spatial:
        slots, visits, times = _time_slots(data[visit], design.rows, subjects, visit)
    else:
        slots, visits = _visits(design, data[visit], visit)
        times = None
    positions = np.full((n, len(visits)), -1, dtype=np.int64)
    positions[subjects, slots] = np.arange(len(subjects))
    if np.count_nonzero(positions >= 0) < len(subjects):
        _refuse_duplicates(data, design.rows, subjects, slots, subject, visit)
    groups, of_subject = _groups(data, design.rows, subjects, n, group, subject)
    by_time = None
    if times is not None:
        by_time = np.zeros((n, len(visits)))
        by_time[subjects, slots] = times
    order, block, kind = _canonical(design, positions, of_subject, by_time, weights)
    return Layout(
        positions=positions.take(order, axis=0),
        visits=visits,
        in_order=_in_order(data[visit], visits),
        times=None if by_time is None else by_time[order],
        group=of_subject[order],
        groups=groups,
        subjects=order,
        block=block,
        kind=kind,
        of_row=subjects,
    )


def _codes(column: pd.Series, rows: IntArray) -> tuple[IntArray, Any]:
    """Return codes of the used rows and an array of their distinct labels."""
    used = column if len(rows) == len(column) else column.iloc[rows]
    if isinstance(used.dtype, pd.CategoricalDtype):
        codes, categories = used.cat.codes.to_numpy(), used.cat.categories
        found = np.flatnonzero(np.bincount(codes, minlength=len(categories)))
        if len(found) < len(categories):
            place = np.zeros(len(categories), dtype=np.int64)
            place[found] = np.arange(len(found))
            codes, categories = place[codes], categories[found]
        return codes.astype(np.int64, copy=False), categories
    codes, labels = codes_of(used)
    return codes.astype(np.int64, copy=False), labels


def _visits(
    design: Design, column: pd.Series, name: str
) -> tuple[IntArray, tuple[Any, ...]]:
    """Return visit codes in order; those that the design has found, where it has."""
    if name not in design.levels or len(design.rows) < len(column):
        return _codes_in_order(column, design.rows, name)
    of_cell = design.cell_levels[:, list(design.levels).index(name)]
    return of_cell[design.cells], design.levels[name]


def _codes_in_order(
    column: pd.Series, rows: IntArray, name: str
) -> tuple[IntArray, tuple[Any, ...]]:
    """Return visit codes in the order of the categories, or sorted."""
    codes, found = _codes(column, rows)
    labels = found.tolist()
    if isinstance(column.dtype, pd.CategoricalDtype):
        everyone = set(column.dropna().unique())
        missing = [v for v in column.cat.categories if v in everyone - set(labels)]
        ranked = [v for v in column.cat.categories if v in set(labels)]
    else:
        everyone = set(column.dropna().unique()) if len(rows) < len(column) else set()
        missing = sorted(everyone - set(labels))
        ranked = sorted(labels)
    if missing:
        raise NotEstimableError(
            f"No subject has complete data at {name} {missing[0]}: leave its rows out."
        )
    rank = {label: i for i, label in enumerate(ranked)}
    return np.array([rank[label] for label in labels])[codes], tuple(ranked)


def _time_slots(
    column: pd.Series, rows: IntArray, subjects: IntArray, name: str
) -> tuple[IntArray, tuple[Any, ...], FloatArray]:
    """Return each row's rank in time within its subject, slot labels and times."""
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        raise DataError(
            "a spatial covariance needs visit times as numbers",
            column=name,
            remedy="name a numeric column as visit",
        )
    times = column.to_numpy(dtype=float)[rows]
    if not np.isfinite(times).all():
        row = int(np.flatnonzero(~np.isfinite(times))[0])
        raise DataError(
            "the time is infinite",
            row=str(column.index[rows[row]]),
            column=name,
            value=float(times[row]),
            remedy="write a number or leave the row out",
        )
    order = np.lexsort((times, subjects))
    new = np.diff(subjects[order], prepend=-1) != 0
    start = np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))
    slots = np.empty(len(order), dtype=np.int64)
    slots[order] = np.arange(len(order)) - start
    same = ~new[1:] & (np.diff(times[order]) == 0)
    if same.any():
        row = int(order[1:][same][0])
        raise DataError(
            "a subject has two rows at one time",
            row=str(column.index[rows[row]]),
            column=name,
            value=float(times[row]),
            remedy="keep one row per subject and time",
        )
    return slots, tuple(range(1, int(slots.max()) + 2)), times


def _refuse_duplicates(
    data: pd.DataFrame,
    rows: IntArray,
    subjects: IntArray,
    slots: IntArray,
    subject: str,
    visit: str,
) -> None:
    twice = pd.DataFrame({"subject": subjects, "slot": slots}).duplicated()
    row = int(rows[int(np.flatnonzero(twice)[0])])
    raise DataError(
        f"subject {data[subject].iloc[row]} has two rows at "
        f"{visit} {data[visit].iloc[row]}",
        row=str(data.index[row]),
        column=visit,
        remedy="keep one row per subject and visit",
    )


def _groups(
    data: pd.DataFrame,
    rows: IntArray,
    subjects: IntArray,
    n: int,
    group: str | None,
    subject: str,
) -> tuple[tuple[Any, ...], IntArray]:
    """Return the labels of the covariance groups and the group of each subject."""
    if group is None:
        return ("all",), np.zeros(n, dtype=np.int64)
    codes, labels = _codes_in_order(data[group], rows, group)
    of_subject = np.zeros(n, dtype=np.int64)
    of_subject[subjects] = codes
    if (of_subject[subjects] != codes).any():
        row = int(rows[int(np.flatnonzero(of_subject[subjects] != codes)[0])])
        raise DataError(
            f"subject {data[subject].iloc[row]} is in two groups",
            row=str(data.index[row]),
            column=group,
            remedy="write one group per subject",
        )
    return labels, of_subject


def _canonical(
    design: Design,
    positions: IntArray,
    group: IntArray,
    times: FloatArray | None,
    weights: FloatArray | None,
) -> tuple[IntArray, IntArray, IntArray]:
    """Return the order of the subjects, by block, class, then their values.

    Sums over subjects then have one order whatever the rows' order and labels. With
    it come the block and the class of each subject, in that order.
    """
    observed = positions >= 0
    t = positions.shape[1]
    keys: list[tuple[IntArray, int]] = [(group, int(group.max()) + 1)]
    keys += [(seen, 2) for seen in observed.T]
    if times is not None:
        keys += [(_ranked(at_slot), len(times)) for at_slot in times.T]
    block = _ranked(_joined(keys))
    n_cells = len(design.coding) + 1
    # Position -1, of no row, finds the last place: 0. Small integers stay in the cache.
    cell = np.zeros(len(design.cells) + 1, dtype=np.min_scalar_type(n_cells))
    np.add(design.cells, 1, out=cell[:-1], casting="unsafe")
    cells = cell.take(positions)
    keys = [(block, len(block)), *((column, n_cells) for column in cells.T)]
    kind = _ranked(_joined(keys))
    first = observed.argmax(axis=1)
    at = positions[np.arange(len(positions)), first]
    order = np.argsort(design.response[at])
    # Few classes: NumPy sorts integers of two bytes by counting.
    small = kind.astype(np.min_scalar_type(int(kind.max())))
    order = order[np.argsort(small[order], kind="stable")]
    value, rank = design.response[at][order], kind[order]
    tied = np.zeros(len(order), dtype=bool)
    tied[1:] = (value[1:] == value[:-1]) & (rank[1:] == rank[:-1])
    tied[:-1] |= tied[1:]
    if tied.any():
        places = np.flatnonzero(tied)
        who = order[places]
        rows = positions[who]
        seen = rows >= 0
        sources: list[Any] = [design.response, *design.numeric.T[1:]]
        if weights is not None:
            sources.append(weights)
        values = [
            np.where(seen[:, j], source[rows[:, j]], 0.0)
            for source in sources
            for j in range(t)
        ]
        order[places] = who[
            np.lexsort((*values[::-1], design.response[at][who], kind[who]))
        ]
    return order, block[order], kind[order]


def _joined(keys: list[tuple[IntArray, int]]) -> IntArray:
    """Return one number per subject that sorts as all keys together do.

    Each key has values from 0 and the number of values it may take.
    """
    joined = np.zeros(len(keys[0][0]), dtype=np.int64)
    width = 1
    for values, size in keys:
        if width * size > 2**62:
            joined = _ranked(joined)
            width = int(joined.max()) + 1
        joined *= size
        joined += values
        width *= size
    return joined


def _ranked(values: Any) -> IntArray:
    """Return the rank of each value among the distinct values."""
    codes, found = pd.factorize(values)
    rank = np.empty(len(found), dtype=np.int64)
    rank[np.argsort(found)] = np.arange(len(found))
    return np.asarray(rank[codes])
