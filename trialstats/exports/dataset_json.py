"""Dataset-JSON 1.1: datasets as JSON, and as JSON with one row a line (NDJSON).

The successor of SAS transport files: any text, names and labels of any length, dates
as ISO 8601. Attributes and their order after CDISC's specification of 5 December 2024.
"""

import datetime as dt
import json
from typing import Any

from trialstats.exports.study import (
    NO_TIME,
    Dataset,
    Study,
    checked_time,
    refuse_unseen,
)
from trialstats.exports.variables import Variable, variables_of
from trialstats.version import __version__

VERSION = "1.1.0"

#: Kind of a variable -> its type in the terms of the standard.
DATA_TYPES = {"text": "string", "integer": "integer", "number": "float", "date": "date"}


def to_dataset_json(
    study: Study,
    dataset: Dataset,
    *,
    created: str = NO_TIME,
    originator: str | None = None,
    metadata_file: str | None = None,
) -> bytes:
    """Return a dataset as Dataset-JSON 1.1, one row a line.

    Parameters
    ----------
    study : Study
        Its identifiers are those of the Define-XML (`to_define_xml`).
    dataset : Dataset
        The rows. Missing values become null.
    created : str
        Creation time, which the standard requires. By default one that is no time, so
        that the same dataset gives the same bytes.
    originator : str, optional
        The organisation that made the dataset.
    metadata_file : str, optional
        Where its Define-XML is, such as define.xml.

    Returns
    -------
    bytes
        JSON in UTF-8. Numbers are written with the digits that bring back each bit.

    Raises
    ------
    DataError
        When a variable cannot be exported (see `variables_of`), or `created` is not
        a time.
    """
    variables = variables_of(dataset)
    head = _head(study, dataset, variables, created, originator, metadata_file)
    written = json.dumps(head, ensure_ascii=False, indent=2).removesuffix("\n}")
    rows = ",\n".join(_lines(variables))
    body = f"[\n{rows}\n  ]" if rows else "[]"
    return f'{written},\n  "rows": {body}\n}}\n'.encode()


def to_dataset_ndjson(
    study: Study,
    dataset: Dataset,
    *,
    created: str = NO_TIME,
    originator: str | None = None,
    metadata_file: str | None = None,
) -> bytes:
    """Return a dataset as Dataset-JSON 1.1 of lines: first the metadata, then rows.

    Parameters, result and errors are those of `to_dataset_json`.
    """
    variables = variables_of(dataset)
    head = _head(study, dataset, variables, created, originator, metadata_file)
    lines = [json.dumps(head, ensure_ascii=False), *_lines(variables)]
    return "".join(f"{line}\n" for line in lines).encode()


def _head(
    study: Study,
    dataset: Dataset,
    variables: tuple[Variable, ...],
    created: str,
    originator: str | None,
    metadata_file: str | None,
) -> dict[str, Any]:
    named = {"originator": originator, "metadata_file": metadata_file}
    refuse_unseen("Dataset-JSON", named)
    return {
        "datasetJSONCreationDateTime": checked_time(created),
        "datasetJSONVersion": VERSION,
        "fileOID": f"{study.file_oid}.{dataset.name}",
        **({"originator": originator} if originator else {}),
        "sourceSystem": {"name": "trialstats", "version": __version__},
        "studyOID": study.oid,
        "metaDataVersionOID": study.metadata_oid,
        **({"metaDataRef": metadata_file} if metadata_file else {}),
        "itemGroupOID": dataset.oid,
        "records": dataset.table.num_rows,
        "name": dataset.name,
        "label": dataset.label,
        "columns": [_column(dataset, variable) for variable in variables],
    }


def _column(dataset: Dataset, variable: Variable) -> dict[str, Any]:
    column: dict[str, Any] = {
        "itemOID": dataset.item_oid(variable.name),
        "name": variable.name,
        "label": variable.label or "",
        "dataType": DATA_TYPES[variable.kind],
    }
    if variable.kind == "date":
        # Analysis datasets hold dates as numbers; in JSON they stand as ISO 8601.
        column |= {"targetDataType": "integer", "displayFormat": "DATE9."}
    if variable.kind == "text":
        longest = max((len(value) for value in variable.present), default=0)
        column["length"] = variable.length or max(longest, 1)
    if variable.key is not None:
        column["keySequence"] = variable.key
    return column


def _lines(variables: tuple[Variable, ...]) -> list[str]:
    columns = [variable.values for variable in variables]
    return [
        json.dumps(row, ensure_ascii=False, allow_nan=False, default=_iso)
        for row in zip(*columns, strict=True)
    ]


def _iso(value: dt.date) -> str:
    return value.isoformat()
