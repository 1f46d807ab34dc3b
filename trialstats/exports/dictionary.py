"""The data dictionary: one row per variable of the datasets, to be read by people."""

from collections.abc import Iterable

import pandas as pd
import pyarrow as pa

from trialstats.errors import located
from trialstats.exports.codelists import FEW, codelist_of
from trialstats.exports.study import Dataset
from trialstats.exports.variables import Variable, variables_of
from trialstats.rows import COUNT, TEXT, field, frame_of

#: One row per dataset and variable, in the order of the files.
DATA_DICTIONARY = pa.schema(
    [
        field("dataset", TEXT, "Dataset", required=True),
        field("position", COUNT, "Position in the dataset", required=True),
        field("variable", TEXT, "Variable", required=True),
        field("label", TEXT, "Label"),
        field("type", TEXT, "text, integer, number or date", required=True),
        field("unit", TEXT, "Unit"),
        field("key", COUNT, "Place among the keys"),
        field("origin", TEXT, "Collected, Derived, Assigned or Predecessor"),
        field("source", TEXT, "Where it comes from"),
        field("derivation", TEXT, "How it is derived"),
        field("values", TEXT, "Codes with their meanings, or the values it takes"),
        field("n_rows", COUNT, "Rows of the dataset", required=True),
        field("n_missing", COUNT, "Rows without a value", required=True),
    ]
)


def data_dictionary(datasets: Iterable[Dataset], *, few: int = FEW) -> pd.DataFrame:
    """Return the variables of all datasets with what is known of each.

    Parameters
    ----------
    datasets : iterable of Dataset
    few : int
        Most distinct values of a text without codelist that are listed.

    Returns
    -------
    DataFrame
        Columns of `DATA_DICTIONARY`. `values` lists codes in the order of the codelist,
        numbers and dates by their range, other text by how many values it takes.

    Raises
    ------
    DataError
        When a variable cannot be exported (see `variables_of`).
    """
    rows = []
    for dataset in datasets:
        variables = variables_of(dataset)
        for position, variable in enumerate(variables, start=1):
            n_rows = len(variable.values)
            rows.append(
                {
                    "dataset": dataset.name,
                    "position": position,
                    "variable": variable.name,
                    "label": variable.label,
                    "type": variable.kind,
                    "unit": variable.unit,
                    "key": variable.key,
                    "origin": variable.origin,
                    "source": variable.source,
                    "derivation": variable.derivation,
                    "values": _values_in_words(variable, variables, few),
                    "n_rows": n_rows,
                    "n_missing": n_rows - len(variable.present),
                }
            )
    return frame_of(rows, DATA_DICTIONARY)


def metadata_gaps(datasets: Iterable[Dataset]) -> tuple[str, ...]:
    """Return what the metadata leave open, a sentence each.

    The formats can be written without it, but a reviewer asks: a label and an origin
    for every variable, the derivation of a derived one, the source of a predecessor.
    """
    gaps = []
    for dataset in datasets:
        for variable in variables_of(dataset):
            asked = {
                "no label": not variable.label,
                "no origin": not variable.origin,
                "derived, but not how": variable.origin == "Derived"
                and not variable.derivation,
                "a predecessor, but not of what": variable.origin == "Predecessor"
                and not variable.source,
            }
            place = {"file": dataset.name, "column": variable.name}
            gaps += [located(what, **place) for what, open_ in asked.items() if open_]
    return tuple(gaps)


def _values_in_words(
    variable: Variable, variables: tuple[Variable, ...], few: int
) -> str | None:
    codes = codelist_of(variable, variables, few)
    if codes is not None:
        return "; ".join(
            str(code) if meaning is None else f"{code} = {meaning}"
            for code, meaning in codes.items()
        )
    present = variable.present
    if not present:
        return None
    if variable.kind == "text":
        different = variable.distinct()
        count = len(different)
        return different[0] if count == 1 else f"{count} different values"
    ends = [_in_words(end) for end in (min(present), max(present))]
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def _in_words(value: object) -> str:
    """Return a number with the digits it has, a date as ISO 8601."""
    text = str(value)
    return text.removesuffix(".0") if isinstance(value, float) else text
