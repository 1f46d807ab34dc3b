"""Hypotheses about the terms of a model: types I, II and III as matrices L.

``L beta = 0`` says that a term has no effect:

- type I: none beyond the terms before it;
- type II: none beyond the terms that do not contain it. A term contains another when
  it has all its variables and the further ones are categorical;
- type III: the effects of the term, averaged with equal weights over the levels of
  the factors it interacts with, are zero, whatever the contrasts of the model.

Types I and II weigh by the rows of the data, through ``X'X``. Their rows of L are those
of treatment contrasts against the first level, the term's own coefficients first; the
rows of type III are deviations of levels from the mean of all. A Satterthwaite test of
several rows depends on this choice, which is that of R's mmrm; no other test does.

References
----------
SAS/STAT, "The Four Types of Estimable Functions". Fox & Weisberg, An R Companion to
Applied Regression, section 5.3.4.
"""

from typing import Literal

import numpy as np
from scipy import linalg

from trialstats.errors import DataError, NotEstimableError
from trialstats.fixed_effects.coding import Columns
from trialstats.fixed_effects.columns import IntArray
from trialstats.fixed_effects.design import Design, Term
from trialstats.fixed_effects.rank import ALIAS_TOLERANCE
from trialstats.linear_model import FloatArray

#: Entries of L below this share of the largest are rounding.
ZERO = 1e-11


def hypotheses(
    design: Design,
    type: Literal[1, 2, 3] = 3,
    *,
    crossproduct: FloatArray | None = None,
) -> dict[str, FloatArray]:
    """Return the hypothesis of each term but the intercept.

    Parameters
    ----------
    design : Design
        Of full rank.
    type : {1, 2, 3}
    crossproduct : (p, p) array, optional
        ``X'X`` of the rows used, where it is at hand; types 1 and 2 need it.

    Returns
    -------
    dict
        Term -> (q, p) matrix, in the model's order.

    Raises
    ------
    DataError
        When the type is none of the three.
    NotEstimableError
        When the columns are aliased, or formulaic alone knows how they are made.
    """
    if type not in (1, 2, 3):
        raise DataError("no such type of hypotheses", value=type, remedy="1, 2 or 3")
    terms = [term for term in design.terms if term.factors]
    if type == 1 and not isinstance(design.columns, Columns):
        # Sequential hypotheses do not ask what the columns mean.
        to_treatment = np.eye(len(design.names))
    else:
        to_treatment = _to_treatment(design)
    if type == 3:
        rows = _averaged(design, terms)
    else:
        given = design_crossproduct(design) if crossproduct is None else crossproduct
        back = np.linalg.inv(to_treatment)
        rows = _weighed(design, terms, back.T @ given @ back, sequential=type == 1)
    return {name: matrix @ to_treatment for name, matrix in rows.items()}


def design_crossproduct(design: Design) -> FloatArray:
    """Return X'X, (p, p), the same bit for bit in whatever order the rows stand."""
    numeric, cells = design.numeric, design.cells
    order = np.lexsort((*numeric.T[1:], cells))
    starts = np.searchsorted(cells[order], np.arange(len(design.coding)))
    size = numeric.shape[1]
    sums = np.zeros((len(design.coding), size, size))
    ordered = numeric[order]
    for k in range(size):
        products = ordered * ordered[:, [k]]
        sums[:, k] = np.add.reduceat(products, starts, axis=0)
    of = design.numeric_of
    total = np.zeros((len(design.names), len(design.names)))
    for coding, part in zip(design.coding, sums, strict=True):
        total += np.outer(coding, coding) * part[np.ix_(of, of)]
    return total


def _weighed(
    design: Design, terms: list[Term], product: FloatArray, *, sequential: bool
) -> dict[str, FloatArray]:
    """Return types I or II; the columns are brought to length one on the way."""
    size = np.sqrt(np.diag(product))
    size = np.where(size > 0, size, 1.0)
    scaled = product / np.outer(size, size)
    find = _sequential if sequential else _marginal
    found = find(design, terms, (scaled + scaled.T) / 2)
    return {
        term.name: _clean(found[term.name]) * size / size[term.columns][:, None]
        for term in terms
    }


def _sequential(
    design: Design, terms: list[Term], product: FloatArray
) -> dict[str, FloatArray]:
    triangle = _triangle(product)
    unit = triangle / np.diag(triangle)[:, None]
    return {term.name: unit[term.columns] for term in terms}


def _marginal(
    design: Design, terms: list[Term], product: FloatArray
) -> dict[str, FloatArray]:
    every = np.arange(len(product))
    found = {}
    for term in terms:
        own = every[term.columns]
        above = [every[t.columns] for t in terms if contains(design, t, term)]
        containing = np.concatenate([*above, np.zeros(0, dtype=np.intp)])
        others = np.setdiff1d(every, np.concatenate([own, containing]))
        # The triangle has the rest of the model swept out of the term's own rows.
        order = np.concatenate([others, own, containing])
        triangle = _triangle(product[np.ix_(order, order)])
        block = triangle[len(others) : len(others) + len(own), len(others) :]
        matrix = np.zeros((len(own), len(every)))
        matrix[:, own] = np.eye(len(own))
        matrix[:, containing] = linalg.solve_triangular(
            block[:, : len(own)], block[:, len(own) :]
        )
        found[term.name] = matrix
    return found


def contains(design: Design, larger: Term, smaller: Term) -> bool:
    """Return whether a term has a term's variables and further, categorical ones."""
    all_of, some = _uses(design, larger), _uses(design, smaller)
    return some < all_of and all(categorical for _, categorical in all_of - some)


def _uses(design: Design, term: Term) -> set[tuple[str, bool]]:
    """Return a term's variables, each with whether it is categorical there."""
    columns = design.columns
    used = {name: name in design.levels for name in term.factors}
    if design.also_numbers and isinstance(columns, Columns):
        start = term.columns.start
        first = start if design.kept is None else int(design.kept[start])
        found = {variable for variable, _, _ in columns.labels[first]}
        used |= {n: n in found for n in design.also_numbers if n in used}
    return set(used.items())


def _averaged(design: Design, terms: list[Term]) -> dict[str, FloatArray]:
    """Return type III: coefficients of the terms under contrasts that sum to zero."""
    treatment, centred = (_recoded(design, kind) for kind in ("treatment", "sum"))
    change = _solved(design, centred, treatment)
    return {term.name: change[term.columns] for term in terms}


def _to_treatment(design: Design) -> FloatArray:
    """Return the matrix that gives the coefficients of treatment contrasts."""
    treatment = _recoded(design, "treatment")
    if np.array_equal(treatment, design.coding):
        return np.eye(len(design.names))
    return _solved(design, treatment, design.coding)


def _recoded(design: Design, contrasts: Literal["treatment", "sum"]) -> FloatArray:
    """Return the categorical part of each column, by cell, under other contrasts."""
    columns = design.columns
    if not isinstance(columns, Columns):
        raise NotEstimableError(
            f"The formula {design.formula} has columns that are no product of factors "
            "and numbers: its terms have no hypotheses of types 2 and 3."
        )
    place = {name: i for i, name in enumerate(design.levels)}
    coding = np.ones(design.coding.shape)
    used = range(len(columns.labels)) if design.kept is None else design.kept
    for j, column in enumerate(used):
        for variable, reduced, index in columns.labels[column]:
            codes = design.cell_levels[:, place[variable]]
            last = len(design.levels[variable]) - 1
            coding[:, j] *= _contrast(codes, index, last, reduced, contrasts)
    return coding


def _contrast(
    codes: IntArray, index: int, last: int, reduced: bool, contrasts: str
) -> FloatArray:
    if not reduced:
        chosen = codes == index
    elif contrasts == "treatment":
        chosen = codes == index + 1
    else:
        return np.where(codes == last, -1.0, codes == index)
    return np.where(chosen, 1.0, 0.0)


def _solved(design: Design, target: FloatArray, given: FloatArray) -> FloatArray:
    """Return S with ``target @ S = given``, product by product of the numeric factors.

    Then coefficients b of the given columns are S b of the target's.
    """
    size = len(design.names)
    change = np.zeros((size, size))
    for k in np.unique(design.numeric_of):
        own = np.flatnonzero(design.numeric_of == k)
        part, _, rank, _ = np.linalg.lstsq(target[:, own], given[:, own])
        rest = np.abs(target[:, own] @ part - given[:, own]).max()
        if rank < len(own) or rest > 1e-8 * np.abs(given[:, own]).max():
            names = ", ".join(design.names[j] for j in own)
            raise NotEstimableError(
                f"The effects of the factors cannot be told from {names}: "
                "a combination of levels without data, or contrasts of one's own."
            )
        change[np.ix_(own, own)] = part
    return _clean(change)


def _triangle(product: FloatArray) -> FloatArray:
    """Return the upper Cholesky triangle of the crossproduct of unit columns."""
    try:
        triangle = np.linalg.cholesky(product).T
        aliased = bool((np.diag(triangle) < ALIAS_TOLERANCE).any())
    except np.linalg.LinAlgError:
        aliased = True
    if aliased:
        raise NotEstimableError(
            "The columns of the design depend on each other: its terms have no "
            "hypotheses of types 1 and 2."
        )
    return np.asarray(triangle)


def _clean(matrix: FloatArray) -> FloatArray:
    return np.where(np.abs(matrix) > ZERO * np.abs(matrix).max(), matrix, 0.0)
