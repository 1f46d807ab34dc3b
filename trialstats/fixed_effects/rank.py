"""Which columns of a design are linear combinations of the columns before them."""

import itertools
from typing import TYPE_CHECKING

import numpy as np

from trialstats.errors import RankDeficientError
from trialstats.linear_model import FloatArray

if TYPE_CHECKING:
    from trialstats.fixed_effects.design import Design

#: A column keeps less than this share of its length once the columns before it are
#: taken out: then it is their combination. The value is that of R's lm.
ALIAS_TOLERANCE = 1e-7


def aliased_columns(matrix: FloatArray) -> tuple[int, ...]:
    """Return the columns that depend on columns to their left.

    Parameters
    ----------
    matrix : (m, p) array
        Design matrix, or any matrix with the same crossproduct, such as the triangle
        of its QR decomposition or a Cholesky factor of X'X.

    Returns
    -------
    tuple of int
        Ascending. Without them the columns have full rank.
    """
    triangle = np.asarray(np.linalg.qr(np.asarray(matrix, dtype=float), mode="r"))
    lengths = np.sqrt((triangle**2).sum(axis=0))
    basis = np.zeros((triangle.shape[0], 0))
    aliased = []
    for j, length in enumerate(lengths):
        if length == 0:
            aliased.append(j)
            continue
        column = triangle[:, j] / length
        # Twice: what rounding left of the first projection goes with the second.
        for _ in range(2):
            column = column - basis @ (basis.T @ column)
        rest = float(np.sqrt(column @ column))
        if rest < ALIAS_TOLERANCE or basis.shape[1] == triangle.shape[0]:
            aliased.append(j)
        else:
            basis = np.column_stack([basis, column / rest])
    return tuple(aliased)


def check_rank(matrix: FloatArray, design: "Design") -> None:
    """Raise RankDeficientError when columns depend on columns before them.

    Parameters
    ----------
    matrix : (m, p) array
        Design matrix of the rows that are fitted, weighted or not, or any matrix with
        the same crossproduct.
    design : Design
        Whose columns these are.

    Raises
    ------
    RankDeficientError
        The message names the columns, and the combinations of levels without data
        that are the cause.
    """
    aliased = aliased_columns(matrix)
    if not aliased:
        return
    names = [design.names[j] for j in aliased]
    empty = dict.fromkeys(
        text
        for term in design.terms
        if any(term.columns.start <= j < term.columns.stop for j in aliased)
        for text in _empty_cells(design, term.factors)
    )
    message = (
        f"The data cannot tell {', '.join(names)} from the columns before "
        f"{'it' if len(names) == 1 else 'them'}"
    )
    if empty:
        message += f": no data in {'; '.join(empty)}"
    raise RankDeficientError(f"{message}.", names)


def _empty_cells(design: "Design", variables: tuple[str, ...]) -> list[str]:
    """Return combinations of levels of a term's categorical variables without row."""
    categorical = list(design.levels)
    places = [categorical.index(name) for name in variables if name in design.levels]
    found = {tuple(row) for row in design.cell_levels[:, places].tolist()}
    sizes = [range(len(design.levels[categorical[at]])) for at in places]
    return [
        ", ".join(
            f"{categorical[at]}={design.levels[categorical[at]][code]}"
            for at, code in zip(places, combination, strict=True)
        )
        for combination in itertools.product(*sizes)
        if combination not in found
    ]
