"""Categories of a parameter: named by conditions, or the values themselves."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from trialstats.analyses.trial_covariates import with_subjects
from trialstats.analyses.trial_rows import Analysis
from trialstats.errors import DataError
from trialstats.expressions import condition, parse

#: More values than this are no categories of a table.
MOST = 20

_YES_OR_NO = {0.0: "No", 1.0: "Yes"}


@dataclass(frozen=True, slots=True)
class Categories:
    """Categories in order, and the category of each record.

    Attributes
    ----------
    labels : tuple of str
        The categories in order.
    scores : tuple of float
        Their table scores.
    said : str
        What the scores are, in words.
    of_record : Series of str
        The category of each record, by the index of the records.
    """

    labels: tuple[str, ...]
    scores: tuple[float, ...]
    said: str
    of_record: pd.Series


def categories_of(analysis: Analysis, rows: pd.DataFrame, response: str) -> Categories:
    """Return the category of each record.

    Parameters
    ----------
    analysis : Analysis
        Its model names `categories`, or the values are the categories.
    rows : DataFrame
        Records with a value of the response.
    response : str
        Column of the response.

    Returns
    -------
    Categories

    Raises
    ------
    DataError
        When a record is in no category or in two, or there are too many values.
    """
    named = analysis.model.get("categories")
    if named:
        return _by_condition(analysis, rows, response, named)
    values = rows[response].astype(float)
    known = _names(analysis) if response == "AVAL" else {}
    levels = sorted({*known, *(float(value) + 0.0 for value in values.unique())})
    if len(levels) > MOST:
        raise DataError(
            f"{analysis.settings['parameter']} has {len(levels)} different values",
            column=response,
            remedy="name `categories` in the model",
        )
    labels = {level: known.get(level, f"{level:.12g}") for level in levels}
    return Categories(
        labels=tuple(labels.values()),
        scores=tuple(levels),
        said=f"values of {response}",
        of_record=values.map(labels).astype("str"),
    )


def _names(analysis: Analysis) -> dict[float, str]:
    """Return the words that were received for the values, where each has its own."""
    code = analysis.settings["parameter"]
    if code in analysis.config.get("responders", {}):
        return _YES_OR_NO
    recode = (
        analysis.config.get("bds", {}).get(code, {}).get("value", {}).get("recode", {})
    )
    names = {float(value): str(word) for word, value in recode.items()}
    return names if len(names) == len(recode) else {}


def _by_condition(
    analysis: Analysis, rows: pd.DataFrame, response: str, named: Mapping[str, str]
) -> Categories:
    found = pd.Series(None, index=rows.index, dtype="str")
    for label, text in named.items():
        flag = condition(text, with_subjects(rows, analysis.adsl, parse(text).names))
        twice = rows[flag & found.notna()]
        if len(twice):
            first = found.loc[twice.index[0]]
            raise _misplaced(twice, response, f"in {first!r} and in {label!r}")
        found = found.mask(flag, label)
    outside = rows[found.isna()]
    if len(outside):
        raise _misplaced(outside, response, "in no category")
    return Categories(
        labels=tuple(named),
        scores=tuple(float(place) for place in range(1, len(named) + 1)),
        said="1, 2, ... in the order of the categories",
        of_record=found,
    )


def _misplaced(rows: pd.DataFrame, response: str, where: str) -> DataError:
    return DataError(
        f"a value is {where}",
        row=f"subject {rows['USUBJID'].iloc[0]}",
        column=response,
        value=float(rows[response].iloc[0]),
        remedy="mend the conditions under `categories` so that each value meets one",
    )
