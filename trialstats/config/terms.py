"""What a term of a model says: which columns it joins, and whether it can be read."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Found = Iterator[tuple[str, str]]

#: A name in a term, unless a function is called by it.
_NAME = re.compile(r"(?<![\w.\"'])[A-Za-z_]\w*(?![\w.(\"'])")


def names_in(term: str) -> list[str]:
    """Return the columns that a term names.

    >>> names_in("np.log(BASE + 1):AVISIT")
    ['BASE', 'AVISIT']
    """
    return _NAME.findall(term)


def term_problems(model: Mapping[str, Any], place: str) -> Found:
    """Yield place and sentence for terms that cannot be read, or lack what they need.

    Parameters
    ----------
    model : mapping
        Settings of a model over visits.
    place : str
        Where its terms stand, such as ``analyses.main.model.terms``.
    """
    terms = list(model.get("terms", ()))
    unread = [(term, reason) for term in terms if (reason := _reason(term))]
    for term, reason in unread:
        what = f"value {term!r} cannot be read as a term: {reason}"
        yield place, f"{what}; write columns joined by * or :, such as BASE*AVISIT"
    if unread or not terms:
        return
    constrained = bool(model.get("constrained_baseline"))
    usual = "AVISIT and TRT01P:AVISIT" if constrained else "TRT01P*AVISIT"
    named = {name for term in terms for name in names_in(term)}
    absent = [name for name in ("TRT01P", "AVISIT") if name not in named]
    if absent:
        what = f"must hold TRT01P and AVISIT, and {terms!r} has no {absent[0]}"
        yield place, f"{what}; add {usual}"
    elif constrained:
        for factors in _products(terms):
            if "TRT01P" in factors and "AVISIT" not in factors:
                what = (
                    f"value {terms!r} has the term {':'.join(factors)}, by which the "
                    "arms differ at baseline too"
                )
                yield place, f"{what}; write {usual} instead of a product"


def _reason(term: str) -> str | None:
    """Return why a term cannot be read, or None when it can."""
    # Loaded where terms are configured: each job of a run reads the configuration.
    from formulaic import Formula, SimpleFormula
    from formulaic.errors import FormulaicError

    try:
        read = Formula(f"0 + {term}")
    except (FormulaicError, SyntaxError, ValueError) as error:
        said = str(error).strip().splitlines()[0].rstrip(".")
        # The parser's word for a bracket.
        return "a bracket has no partner" if "context marker" in said else said
    return None if isinstance(read, SimpleFormula) else "it has several parts"


def _products(terms: Sequence[str]) -> Iterator[list[str]]:
    """Yield the columns of each product that the terms come to."""
    from formulaic import Formula

    for product in Formula(" + ".join(["0", *terms])):
        yield [name for factor in product.factors for name in names_in(str(factor))]
