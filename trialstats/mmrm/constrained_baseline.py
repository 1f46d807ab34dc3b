"""Constrained longitudinal data analysis: arms share one mean at baseline."""

from dataclasses import replace
from typing import Any

import numpy as np

from trialstats.errors import DataError
from trialstats.fixed_effects import Design, Term


def constrain_baseline(
    design: Design, visit: str, treatment: str, baseline: Any
) -> Design:
    """Leave out the columns that let arms differ at baseline.

    Parameters
    ----------
    design : Design
        Of a formula with ``visit + treatment:visit`` and no main effect of treatment,
        so that each arm has its own difference at each visit.
    visit, treatment : str
        Columns of the visit and the treatment.
    baseline : label
        The visit before treatment, at which the means are equal by randomisation.

    Returns
    -------
    Design

    Raises
    ------
    DataError
        When the formula has no such columns, or the label is unknown.

    References
    ----------
    Liang & Zeger, Sankhya B 2000;62:134-148. Liu et al., Stat Med 2009;28:2509-2530.
    """
    for name in (visit, treatment):
        if name not in design.levels:
            raise DataError(
                "a constrained baseline needs a categorical column of the formula",
                column=name,
                remedy="write the treatment column and use visit and treatment in the "
                "formula",
            )
    if baseline not in design.levels[visit]:
        known = ", ".join(map(str, design.levels[visit]))
        raise DataError(
            "no rows at the baseline visit",
            column=visit,
            value=baseline,
            remedy=f"write one of {known}",
        )
    for term in design.terms:
        if treatment in term.factors and visit not in term.factors:
            raise DataError(
                f"the formula has the term {term.name}, by which arms differ at "
                "baseline too",
                remedy=f"write {visit} + {treatment}:{visit} instead of a product",
            )
    keep = np.array(
        [not column for column in _differing(design, visit, treatment, baseline)]
    )
    if keep.all():
        raise DataError(
            f"no column of the formula holds {treatment} at {visit} {baseline}",
            remedy=f"write {visit} + {treatment}:{visit} in the formula",
        )
    constrained = without_columns(design, keep)
    _check_shared(constrained, visit, treatment, baseline)
    return constrained


def _check_shared(design: Design, visit: str, treatment: str, baseline: Any) -> None:
    """Raise DataError unless arms share a mean at baseline, and it is not zero."""
    places = list(design.levels)
    at = design.cell_levels[:, places.index(visit)] == design.levels[visit].index(
        baseline
    )
    others = np.delete(design.cell_levels[at], places.index(treatment), axis=1)
    rows = design.coding[at]
    _, alike = np.unique(others, axis=0, return_inverse=True)
    shared = all(np.ptp(rows[alike == k], axis=0).max() == 0 for k in np.unique(alike))
    plain = rows[:, design.numeric_of == 0]
    fitted = plain @ np.linalg.lstsq(plain, np.ones(len(plain)))[0]
    if not shared or np.abs(fitted - 1).max(initial=0) > 1e-8 or not plain.size:
        raise DataError(
            f"the formula does not give the arms one mean of their own at {visit} "
            f"{baseline}",
            remedy=f"write {visit} + {treatment}:{visit} in the formula",
        )


def _differing(design: Design, visit: str, treatment: str, baseline: Any) -> list[bool]:
    """Return which columns of treatment-by-visit terms are active at baseline only."""
    places = list(design.levels)
    at_baseline = design.cell_levels[:, places.index(visit)] == design.levels[
        visit
    ].index(baseline)
    found = [False] * len(design.names)
    for term in design.terms:
        if not {visit, treatment} <= set(term.factors):
            continue
        for j in range(term.columns.start, term.columns.stop):
            active = design.coding[:, j] != 0
            found[j] = bool(
                (active & at_baseline).any() and not (active & ~at_baseline).any()
            )
    return found


def without_columns(design: Design, keep: Any) -> Design:
    """Return a design with some of its columns."""
    kept = np.flatnonzero(keep)
    terms, start = [], 0
    for term in design.terms:
        size = int(np.count_nonzero(keep[term.columns]))
        if size:
            terms.append(Term(term.name, slice(start, start + size), term.factors))
        start += size
    return replace(
        design,
        names=tuple(design.names[j] for j in kept),
        terms=tuple(terms),
        coding=design.coding[:, kept],
        numeric_of=design.numeric_of[kept],
        kept=kept if design.kept is None else design.kept[kept],
    )
