"""The data dictionary: one row per variable of the datasets, to be read by people."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from trialstats.errors import located
from trialstats.exports.codelists import FEW, codes_of, single_meanings
from trialstats.exports.study import Dataset
from trialstats.exports.variables import Variable, kind_of, variables_of
from trialstats.rows import COUNT, TEXT, field, frame_of

#: Gives the table of some columns of a dataset.
Read = Callable[[str, list[str]], pa.Table]

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


def data_dictionary(
    datasets: Iterable[Dataset],
    *,
    few: int = FEW,
    read: Read | None = None,
) -> pd.DataFrame:
    """Return the variables of all datasets with what is known of each.

    Parameters
    ----------
    datasets : iterable of Dataset
    few : int
        Most distinct values of a text without codelist that are listed.
    read : callable, optional
        Gives columns of a dataset by its name and theirs, one or two at a time, where
        the tables of the datasets hold no rows: large files are never in memory whole.

    Returns
    -------
    DataFrame
        Columns of `DATA_DICTIONARY`. `values` lists codes in the order of the codelist,
        numbers and dates by their range, other text by how many values it takes.

    Raises
    ------
    DataError
        When a name is repeated, a type has no place in an export, or the metadata of a
        variable cannot be read.
    """
    rows = []
    for dataset in datasets:
        columns = _columns_of(dataset, read)
        # The metadata are checked without the rows: the writers check these.
        bare = replace(dataset, table=dataset.table.slice(0, 0))
        meanings = _meanings(bare, columns)
        for position, variable in enumerate(variables_of(bare), start=1):
            column = columns([variable.name]).column(0)
            present = _present(column)
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
                    "values": _values_in_words(variable, present, meanings, few),
                    "n_rows": len(column),
                    "n_missing": len(column) - len(present),
                }
            )
    return frame_of(rows, DATA_DICTIONARY)


def _columns_of(dataset: Dataset, read: Read | None) -> Callable[[list[str]], pa.Table]:
    return partial(_selected, dataset) if read is None else partial(read, dataset.name)


def _selected(dataset: Dataset, names: list[str]) -> pa.Table:
    return dataset.table.select(names)


def _present(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the values of a column; not-a-number is missing."""
    found = column.drop_null()
    if pa.types.is_floating(found.type):
        found = found.filter(pc.invert(pc.is_nan(found)))
    return found


def _meanings(
    bare: Dataset, columns: Callable[[list[str]], pa.Table]
) -> dict[str, str]:
    """Return what the codes of parameters mean."""
    names = ["PARAMCD", "PARAM"]
    kinds = {one.name: kind_of(one.type) for one in bare.table.schema}
    if any(kinds.get(name) != "text" for name in names):
        return {}
    pairs = columns(names).group_by(names).aggregate([])
    return single_meanings(zip(*(c.to_pylist() for c in pairs.columns), strict=True))


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
    variable: Variable,
    present: pa.ChunkedArray,
    meanings: Mapping[str, str],
    few: int,
) -> str | None:
    text = variable.kind == "text"
    distinct = present.unique() if text else present.slice(0, 0)
    # Only what may be a codelist is sorted.
    codes = sorted(distinct.to_pylist()) if len(distinct) <= max(few, 1) else []
    known = meanings if variable.name == "PARAMCD" else {}
    found = codes_of(variable, codes, len(present), known, few)
    if found is not None:
        return "; ".join(
            str(code) if meaning is None else f"{code} = {meaning}"
            for code, meaning in found.items()
        )
    if not len(present):
        return None
    if text:
        count = len(distinct)
        return str(distinct[0]) if count == 1 else f"{count} different values"
    ends = pc.min_max(present).as_py()
    low, high = _in_words(ends["min"]), _in_words(ends["max"])
    return low if low == high else f"{low} to {high}"


def _in_words(value: object) -> str:
    """Return a number with the digits it has, a date as ISO 8601."""
    text = str(value)
    return text.removesuffix(".0") if isinstance(value, float) else text
