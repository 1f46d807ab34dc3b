"""One table in every form that a site may send, for tests of reading."""

import datetime as dt
import gzip
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
from openpyxl import Workbook
from rdata.conversion import convert_python_to_r_data
from rdata.conversion.to_r import DEFAULT_CLASS_MAP, build_r_object
from rdata.parser import RObjectType
from rdata.unparser import unparse_file

from trialstats.io import RawOptions

#: Forms whose cells are all text.
UNTYPED = ("csv", "tsv", "semicolon", "csv.gz", "zip")


def sample() -> pd.DataFrame:
    """Return a table with every kind of column, and a hole in each."""
    return pd.DataFrame(
        {
            "SUBJID": ["001", "002", "003", "004"],
            "SITE": ["Ålesund", "a, b", None, 'say "x"'],
            "AGE": pd.array([47, None, -99, 0], dtype="Int64"),
            "PAIN": [6.5, 0.1, None, 1e-7],
            "VISITDT": pd.to_datetime(["2024-03-05", None, "1959-12-31", "2000-02-29"]),
        }
    )


def canonical(frame: pd.DataFrame) -> dict[str, list[str | None]]:
    """Return the cells as `trialstats.io.read_raw` is to give them."""
    return {name: [_text(v) for v in frame[name]] for name in frame}


def write_forms(
    frame: pd.DataFrame, folder: Path, labels: dict[str, str] | None = None
) -> dict[str, tuple[Path, RawOptions]]:
    """Write a frame in every form and return each with the options that it needs.

    Parameters
    ----------
    frame : DataFrame
        Columns of text, whole numbers (Int64), numbers (float64) and days
        (datetime64); names of at most 8 capital letters and digits, text in Latin-1.
    folder : path
        An existing folder.
    labels : dict, optional
        Labels of columns, for the forms that have them.
    """
    labels = labels or {}
    plain = RawOptions()
    forms = {
        name: (folder / f"table.{name}", plain)
        for name in ("csv", "tsv", "xlsx", "xpt", "sav", "zsav", "dta", "rds", "rda")
    }
    forms["xpt8"] = (folder / "table8.xpt", plain)
    forms["parquet"] = (folder / "table.parquet", plain)
    forms["json"] = (folder / "table.json", plain)
    forms["ndjson"] = (folder / "table.ndjson", plain)
    latin = RawOptions(delimiter=";", decimal=",", encoding="latin-1")
    forms["semicolon"] = (folder / "semicolon.csv", latin)
    forms["csv.gz"] = (folder / "packed.csv.gz", plain)
    forms["zip"] = (folder / "table.zip", plain)
    path = {form: place for form, (place, _) in forms.items()}
    path["csv"].write_bytes(delimited(frame, ",").encode())
    path["tsv"].write_bytes(delimited(frame, "\t").encode())
    path["semicolon"].write_bytes(delimited(frame, ";", ",").encode("latin-1"))
    path["csv.gz"].write_bytes(gzip.compress(path["csv"].read_bytes(), mtime=0))
    with zipfile.ZipFile(path["zip"], "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path["csv"], "data/table.csv")
    _write_workbook(frame, path["xlsx"])
    _write_statistical(frame, path, labels)
    for form in ("rds", "rda"):
        write_r({"table": r_frame(frame, labels)}, path[form])
    _write_parquet(frame, path["parquet"], labels)
    document = dataset_json(frame, labels)
    path["json"].write_text(json.dumps(document), encoding="utf-8")
    rows = document.pop("rows")
    lines = "".join(f"{json.dumps(part)}\n" for part in [document, *rows])
    path["ndjson"].write_text(lines, encoding="utf-8")
    return forms


def _missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or value != value


def _text(value: Any) -> str | None:
    if _missing(value):
        return None
    value = _typed(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _typed(value: Any) -> Any:
    """Return a cell as a plain Python value."""
    if _missing(value):
        return None
    if isinstance(value, np.generic):
        return value.item()
    return value.date() if isinstance(value, pd.Timestamp) else value


def delimited(frame: pd.DataFrame, delimiter: str, decimal: str = ".") -> str:
    """Return a frame as delimited text, quoting where it has to be."""
    cells = canonical(frame)
    for name in frame.select_dtypes("number"):
        cells[name] = [v and v.replace(".", decimal) for v in cells[name]]
    written = pd.DataFrame(cells, dtype=object)
    return written.to_csv(index=False, sep=delimiter, lineterminator="\r\n")


def _write_workbook(frame: pd.DataFrame, path: Path) -> None:
    book = Workbook()
    book.active.append(list(frame))
    for values in frame.itertuples(index=False):
        book.active.append([_typed(value) for value in values])
    book.save(path)


def _write_statistical(
    frame: pd.DataFrame, path: dict[str, Path], labels: dict[str, str]
) -> None:
    plain = pd.DataFrame(
        {
            name: frame[name].astype("float64")
            if pd.api.types.is_numeric_dtype(frame[name])
            else pd.Series([_typed(v) for v in frame[name]], dtype=object)
            for name in frame
        }
    )
    named = [labels.get(name) for name in frame]
    for form, version in (("xpt", 5), ("xpt8", 8)):
        pyreadstat.write_xport(
            plain, path[form], column_labels=named, file_format_version=version
        )
    pyreadstat.write_sav(plain, path["sav"], column_labels=named)
    pyreadstat.write_sav(plain, path["zsav"], column_labels=named, compress=True)
    pyreadstat.write_dta(plain, path["dta"], column_labels=named)


def _write_parquet(frame: pd.DataFrame, path: Path, labels: dict[str, str]) -> None:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    fields = [
        field.with_metadata({"label": labels[field.name]})
        if field.name in labels
        else field
        for field in table.schema
    ]
    pq.write_table(table.cast(pa.schema(fields)), path)


def dataset_json(
    frame: pd.DataFrame, labels: dict[str, str] | None = None
) -> dict[str, Any]:
    """Return a frame as a Dataset-JSON 1.1 document."""
    types = {"i": "integer", "f": "float", "M": "date"}
    columns = [
        {
            "itemOID": f"IT.TABLE.{name}",
            "name": name,
            "label": (labels or {}).get(name, ""),
            "dataType": types.get(frame[name].dtype.kind, "string"),
        }
        for name in frame
    ]
    rows = [[_typed(v) for v in values] for values in frame.itertuples(index=False)]
    dated = [[str(v) if isinstance(v, dt.date) else v for v in row] for row in rows]
    return {
        "datasetJSONCreationDateTime": "1970-01-01T00:00:00",
        "datasetJSONVersion": "1.1.0",
        "itemGroupOID": "IG.TABLE",
        "records": len(rows),
        "name": "TABLE",
        "label": "A table",
        "columns": columns,
        "rows": dated,
    }


@dataclass(frozen=True)
class RVector:
    """A vector of R: values, and attributes such as its class."""

    values: Any
    attributes: dict[str, Any]


@dataclass(frozen=True)
class RFrame:
    """A data frame of R."""

    columns: dict[str, RVector]
    rows: int


def r_frame(frame: pd.DataFrame, labels: dict[str, str] | None = None) -> RFrame:
    """Return a frame as R would hold it."""
    columns = {}
    for name in frame:
        series = frame[name]
        about: dict[str, Any] = {}
        if labels and name in labels:
            about["label"] = labels[name]
        if series.dtype.kind == "M":
            values: Any = (series - pd.Timestamp(0)).dt.total_seconds() / 86_400
            values, about["class"] = values.to_numpy(), "Date"
        elif series.dtype.kind == "i":
            mask = series.isna().to_numpy()
            whole = series.fillna(-(2**31)).to_numpy(np.int32)
            values = np.ma.array(whole, mask=mask, fill_value=-(2**31))
        elif series.dtype.kind == "f":
            values = series.to_numpy()
        else:
            values = np.array([_typed(v) for v in series], dtype=object)
        columns[name] = RVector(values, about)
    return RFrame(columns, len(frame))


def _build_vector(vector: RVector, converter: Any) -> Any:
    built = converter.convert_to_r_object(vector.values)
    if not vector.attributes:
        return built
    about = converter.convert_to_r_attributes(vector.attributes)
    return build_r_object(
        built.info.type,
        value=built.value,
        is_object="class" in vector.attributes,
        attributes=about,
    )


def _build_frame(frame: RFrame, converter: Any) -> Any:
    missing = np.ma.array(
        [-(2**31), -frame.rows], mask=[True, False], fill_value=-(2**31)
    ).astype(np.int32)
    about = {
        "names": np.array(list(frame.columns), dtype="U"),
        "class": "data.frame",
        "row.names": missing,
    }
    return build_r_object(
        RObjectType.VEC,
        value=[_build_vector(v, converter) for v in frame.columns.values()],
        is_object=True,
        attributes=converter.convert_to_r_attributes(about),
    )


def write_r(
    objects: dict[str, Any], path: Path, compression: str | None = "gzip"
) -> None:
    """Write objects as .rda, or the only one of them as .rds."""
    kind = path.suffix[1:].lower().replace("rdata", "rda")
    data = objects if kind == "rda" else next(iter(objects.values()))
    known = {**DEFAULT_CLASS_MAP, RVector: _build_vector, RFrame: _build_frame}
    converted = convert_python_to_r_data(data, file_type=kind, constructor_dict=known)
    unparse_file(path, converted, file_type=kind, compression=compression)
