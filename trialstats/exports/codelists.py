"""Codelists: those that the metadata give, and those that few distinct values make."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trialstats.exports.variables import Codelist, Variable

#: Most distinct values that make a codelist of their own.
FEW = 20

#: Identifiers are no codes, however few there are.
IDENTIFIERS = frozenset({"STUDYID", "SUBJID", "USUBJID"})


def codelist_of(
    variable: Variable, variables: tuple[Variable, ...], few: int = FEW
) -> Codelist | None:
    """Return the codelist of a variable, None when it has none.

    Parameters
    ----------
    variable : Variable
    variables : tuple of Variable
        All of its dataset: `PARAM` says what the codes of `PARAMCD` mean.
    few : int
        Most distinct values of a text without codelist that are taken for codes; text
        that never repeats is none. 0 takes only codelists of the metadata.

    Returns
    -------
    mapping or None
        Code -> its meaning, None where the code speaks for itself.
    """
    meanings = parameter_meanings(variables) if variable.name == "PARAMCD" else {}
    distinct = variable.distinct() if variable.kind == "text" else []
    return codes_of(variable, distinct, len(variable.present), meanings, few)


def codes_of(
    variable: Variable,
    codes: Sequence[str],
    n_present: int,
    meanings: Mapping[str, str],
    few: int = FEW,
) -> Codelist | None:
    """Return the codelist of a variable of which only the contents are known.

    Parameters
    ----------
    variable : Variable
        Its values do not matter.
    codes : sequence of str
        Distinct values of a text, in order.
    n_present : int
        How many rows have a value.
    meanings : mapping of str to str
        What codes mean, as far as it is known.
    few : int
        As in `codelist_of`.
    """
    if variable.codelist is not None:
        return variable.codelist
    repeats = len(codes) < n_present
    if (
        variable.kind != "text"
        or variable.name in IDENTIFIERS
        or not 0 < len(codes) <= few
        or not repeats
        or "" in codes
    ):
        return None
    if all(meanings.get(code) for code in codes):
        return {code: meanings[code] for code in codes}
    return dict.fromkeys(codes)


def parameter_meanings(variables: tuple[Variable, ...]) -> dict[str, str]:
    """Return what each parameter code means, where `PARAM` says one thing only."""
    by_name = {v.name: v for v in variables if v.kind == "text"}
    if not {"PARAMCD", "PARAM"} <= by_name.keys():
        return {}
    codes, meanings = by_name["PARAMCD"].values, by_name["PARAM"].values
    return single_meanings(zip(codes, meanings, strict=True))


def single_meanings(pairs: Iterable[tuple[Any, Any]]) -> dict[str, str]:
    """Return what each code means, where pairs of code and meaning say one thing."""
    found: dict[str, list[str]] = {}
    for code, meaning in dict.fromkeys(pairs):
        found.setdefault(code, []).append(meaning)
    return {
        code: meanings[0]
        for code, meanings in found.items()
        if code is not None and len(meanings) == 1 and meanings[0]
    }
