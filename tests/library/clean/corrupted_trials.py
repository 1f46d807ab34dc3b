"""A small trial in many forms, damaged by chance, and what must come of it.

What is expected is worked out from the cells that were read, by plain Python that
shares no code with the cleaning.
"""

import csv
import datetime as dt
import gzip
import io as streams
import json
import random
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl import Workbook

from tests.library.raw_forms import write_forms
from trialstats.raw import DATE, RawTable

#: Forms whose bytes are damaged, and those whose cells are.
FORMS = (
    *("csv", "tsv", "semicolon", "csv.gz", "zip", "xlsx", "xpt", "sav", "zsav", "dta"),
    *("rds", "rda", "parquet", "json", "ndjson"),
)
CELL_FORMS = ("csv", "tsv", "semicolon", "csv.gz", "zip", "xlsx", "parquet", "json")
TEXT_FORMS = ("csv", "tsv", "semicolon")

START = dt.date(2024, 3, 1)


def frames() -> dict[str, pd.DataFrame]:
    """Return the good tables of the trial."""
    subjects = [f"S{number:02d}" for number in range(1, 9)]
    starts = [START + dt.timedelta(days=3 * n) for n in range(8)]
    people = pd.DataFrame(
        {
            "SUBJID": subjects,
            "ARM": ["A", "B"] * 4,
            "STARTDT": pd.to_datetime(starts),
            "WEIGHT": [70.5, 154.3, 82.0, 61.25, 200.0, 95.0, 58.5, 77.0],
            "UNIT": ["kg", "lb", "kg", "kg", "lb", "kg", "kg", "kg"],
        }
    )
    visits = [(-2, 50), (8, 45), (15, 40)]
    scores = pd.DataFrame(
        [
            (subject, start + dt.timedelta(days=day), value + 2 * number)
            for number, (subject, start) in enumerate(
                zip(subjects, starts, strict=True)
            )
            for day, value in visits
        ],
        columns=["SUBJID", "VISITDT", "SCORE"],
    )
    scores["VISITDT"] = pd.to_datetime(scores["VISITDT"])
    scores.loc[[4, 11], "SCORE"] = [-99, 300]
    events = pd.DataFrame(
        {
            "SUBJID": ["S01", "S01", "S03", "S06"],
            "TERM": ["Headache", "Nausea", "Vivid dreams", "Headache"],
            "ONSET": pd.to_datetime([START + dt.timedelta(days=n) for n in range(4)]),
        }
    )
    return {"people": people, "scores": scores, "events": events}


CONFIG: dict[str, Any] = {
    "trial": "DAMAGED",
    "title": "A trial whose files are damaged",
    "data_status": "synthetic",
    "design": "parallel",
    "condition": "none",
    "arms": {"control": "Placebo", "treatments": ["Active"]},
    "missing_codes": {"-99": "not done"},
    "date_formats": ["%Y-%m-%d", "%d/%m/%Y"],
    "sources": {
        "people": {"key": ["SUBJID"]},
        "scores": {"key": ["SUBJID", "VISITDT"]},
        "events": {"key": ["SUBJID", "TERM", "ONSET"]},
    },
    "adsl": {
        "from": "people",
        "subject": "SUBJID",
        "variables": {
            "TRT01P": {
                "column": "ARM",
                "label": "Arm",
                "recode": {"A": "Active", "B": "Placebo"},
            },
            "TRTSDT": {"column": "STARTDT", "type": "date", "label": "First dose"},
            "WEIGHTBL": {
                "column": "WEIGHT",
                "type": "number",
                "label": "Weight",
                "unit": "kg",
                "units": {"column": "UNIT", "factors": {"kg": 1, "lb": 0.5}},
            },
        },
    },
    "bds": {
        "SCORE": {
            "label": "Score",
            "unit": "points",
            "from": "scores",
            "value": {"column": "SCORE", "type": "number", "range": [0, 100]},
            "date": {"column": "VISITDT", "type": "date"},
            "visits": {
                "reference": "TRTSDT",
                "windows": {
                    "Baseline": {"number": 0, "days": [-7, 1]},
                    "Week 1": {"number": 1, "days": [5, 11]},
                    "Week 2": {"number": 2, "days": [12, 18]},
                },
            },
            "baseline": "Baseline",
        }
    },
    "adae": {
        "from": "events",
        "variables": {
            "AETERM": {"column": "TERM", "label": "Term"},
            "ASTDT": {"column": "ONSET", "type": "date", "label": "Start"},
        },
    },
    "analysis_sets": {"ITT": "present(TRT01P)"},
    "analyses": {},
}


@dataclass(frozen=True)
class Good:
    """The good files: for each source and form its path and options."""

    files: dict[str, dict[str, tuple[Path, Any]]]
    frames: dict[str, pd.DataFrame]


def good_files(folder: Path) -> Good:
    """Write the good tables in every form."""
    made = frames()
    files = {}
    for name, frame in made.items():
        (folder / name).mkdir()
        files[name] = write_forms(frame, folder / name)
    return Good(files, made)


# --- damage to cells --------------------------------------------------------

Rows = list[list[Any]]

#: What people, programs and transfers put into a cell.
SPOILT = (
    *("", " ", "x", "NA", "#N/A", "-99", "-99.0", "1,5", "1.5.2", "1e400", "٣", "nan"),
    *("2024-02-30", "30/02/2024", "2024-03", "03/04/2024", "5 Mar 2024", "20240305"),
    *("0000-00-00", "2024-03-05T10:30", "9999-12-31", "1-2", "S1", "s01", " S02 "),
    *("S02\u00a0", "S99", "=1+1", "<b>", "lb", "st", "10**10**10", "TRUE", "A", "C"),
    *("\u200bA", "é", "'", '"', "a,b", "a;b", "a\tb", "a\nb", "-0", "1_000", "0x10"),
)
TYPED = (True, 45.5, 10**18, -1, dt.date(2024, 2, 29), dt.datetime(2024, 3, 1, 12))


def damaged_cells(frame: pd.DataFrame, chance: random.Random) -> tuple[str, Rows]:
    """Return the table with one to three mistakes in rows, columns or cells."""
    rows: Rows = [list(frame), *(_plain(row) for row in frame.itertuples(index=False))]
    kinds = []
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        mistake = chance.choice(_MISTAKES)
        kinds.append(mistake.__name__.strip("_"))
        if len(rows) > 2 and len(rows[0]) > 1:
            mistake(rows, chance)
    return "+".join(kinds), rows


def _plain(row: Any) -> list[Any]:
    return [cell.date() if isinstance(cell, pd.Timestamp) else cell for cell in row]


def _row(rows: Rows, chance: random.Random) -> int:
    return chance.randrange(1, len(rows))


def _column(rows: Rows, chance: random.Random) -> int:
    return chance.randrange(len(rows[0]))


def _dropped_row(rows: Rows, chance: random.Random) -> None:
    del rows[_row(rows, chance)]


def _duplicated_row(rows: Rows, chance: random.Random) -> None:
    rows.insert(_row(rows, chance), list(rows[_row(rows, chance)]))


def _swapped_rows(rows: Rows, chance: random.Random) -> None:
    a, b = _row(rows, chance), _row(rows, chance)
    rows[a], rows[b] = rows[b], rows[a]


def _shuffled_rows(rows: Rows, chance: random.Random) -> None:
    rest = rows[1:]
    chance.shuffle(rest)
    rows[1:] = rest


def _swapped_cells(rows: Rows, chance: random.Random) -> None:
    row, a, b = _row(rows, chance), _column(rows, chance), _column(rows, chance)
    rows[row][a], rows[row][b] = rows[row][b], rows[row][a]


def _shifted_row(rows: Rows, chance: random.Random) -> None:
    row = rows[_row(rows, chance)]
    row.insert(0, row.pop())


def _dropped_column(rows: Rows, chance: random.Random) -> None:
    place = _column(rows, chance)
    for row in rows:
        del row[place]


def _duplicated_column(rows: Rows, chance: random.Random) -> None:
    place = _column(rows, chance)
    for row in rows:
        row.append(row[place])


def _renamed_column(rows: Rows, chance: random.Random) -> None:
    place = _column(rows, chance)
    old = rows[0][place]
    rows[0][place] = chance.choice(
        [old.lower(), f" {old} ", f"{old}X", "", f"\ufeff{old}"]
    )


def _swapped_names(rows: Rows, chance: random.Random) -> None:
    a, b = _column(rows, chance), _column(rows, chance)
    rows[0][a], rows[0][b] = rows[0][b], rows[0][a]


def _moved_column(rows: Rows, chance: random.Random) -> None:
    a, b = _column(rows, chance), _column(rows, chance)
    for row in rows:
        row[a], row[b] = row[b], row[a]


def _spoilt_cell(rows: Rows, chance: random.Random) -> None:
    rows[_row(rows, chance)][_column(rows, chance)] = chance.choice(SPOILT)


def _typed_cell(rows: Rows, chance: random.Random) -> None:
    rows[_row(rows, chance)][_column(rows, chance)] = chance.choice(TYPED)


def _spoilt_column(rows: Rows, chance: random.Random) -> None:
    place, text = _column(rows, chance), chance.choice(SPOILT)
    for row in rows[1:]:
        row[place] = text


def _blank_rows(rows: Rows, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 3)):
        rows.insert(_row(rows, chance), [""] * len(rows[0]))


def _only_header(rows: Rows, chance: random.Random) -> None:
    del rows[1:]


def _header_again(rows: Rows, chance: random.Random) -> None:
    rows.insert(_row(rows, chance), list(rows[0]))


_MISTAKES = (
    *(_dropped_row, _duplicated_row, _swapped_rows, _shuffled_rows, _swapped_cells),
    *(_shifted_row, _dropped_column, _duplicated_column, _renamed_column),
    *(_swapped_names, _moved_column, _spoilt_column, _blank_rows, _only_header),
    *(_header_again, _typed_cell, _spoilt_cell, _spoilt_cell, _spoilt_cell),
    *(_spoilt_cell, _spoilt_cell),
)


def write_cells(rows: Rows, form: str, path: Path) -> None:
    """Write a table, damaged or not, in one of the `CELL_FORMS`."""
    if form == "xlsx":
        book = Workbook()
        for row in rows:
            book.active.append(row)
        book.save(path)
        return
    header = [str(name) for name in rows[0]]
    texts = [[_written(cell) for cell in row] for row in rows[1:]]
    if form == "parquet":
        columns = [
            pa.array([r[i] for r in texts], pa.string()) for i in range(len(header))
        ]
        pq.write_table(pa.Table.from_arrays(columns, names=header), path)
    elif form == "json":
        path.write_text(json.dumps(_document(header, texts)), encoding="utf-8")
    else:
        content = _delimited([header, *texts], form)
        if form == "csv.gz":
            content = gzip.compress(content, mtime=0)
        if form == "zip":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("table.csv", content)
            return
        path.write_bytes(content)


def _written(cell: Any) -> str | None:
    if cell is None or cell == "":
        return None
    return str(cell).removesuffix(" 00:00:00")


def _delimited(rows: list[list[str | None]], form: str) -> bytes:
    stream = streams.StringIO()
    delimiter = {"tsv": "\t", "semicolon": ";"}.get(form, ",")
    csv.writer(stream, delimiter=delimiter).writerows(rows)
    encoding = "latin-1" if form == "semicolon" else "utf-8"
    return stream.getvalue().encode(encoding, errors="replace")


def _document(header: list[str], rows: list[list[str | None]]) -> dict[str, Any]:
    return {
        "datasetJSONCreationDateTime": "1970-01-01T00:00:00",
        "datasetJSONVersion": "1.1.0",
        "itemGroupOID": "IG.T",
        "records": len(rows),
        "name": "T",
        "label": "T",
        "columns": [
            {"itemOID": f"IT.{n}", "name": n, "label": n, "dataType": "string"}
            for n in header
        ],
        "rows": rows,
    }


# --- damage to bytes --------------------------------------------------------


def damaged_bytes(content: bytes, chance: random.Random) -> tuple[str, bytes]:
    """Return a file that was cut, flipped, filled, re-encoded or mixed up."""
    kind = chance.choice(
        ["cut", "flipped", "inserted", "removed", "doubled", "replaced", "encoded"]
    )
    spoilt = bytearray(content)
    place = chance.randrange(len(spoilt))
    if kind == "cut":
        del spoilt[place:]
    elif kind == "flipped":
        for _ in range(chance.randint(1, 4)):
            spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
    elif kind == "inserted":
        filling = [b"\0", b'"', b"\n", b"\r", b",", b";", b"\t", b"\xff\xfe", b"\x1a"]
        spoilt[place:place] = chance.choice(filling) * chance.choice([1, 1, 2, 9])
    elif kind == "removed":
        del spoilt[place : place + chance.randint(1, 9)]
    elif kind == "doubled":
        spoilt[place:place] = spoilt[place : place + chance.randint(1, 99)]
    elif kind == "replaced":
        old, new = chance.choice(
            [
                (b",", b";"),
                (b",", b"\t"),
                (b"\r\n", b"\n"),
                (b"\r\n", b"\r"),
                (b"-", b"/"),
                (b".", b","),
                (b"2024", b"24"),
                (b"S0", b"S"),
                (b"\n", b"\n\n"),
            ]
        )
        spoilt = bytearray(bytes(spoilt).replace(old, new))
    else:
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            return "encoded", content[::-1]
        codec = chance.choice(["utf-16", "utf-8-sig", "utf-16-le", "utf-32", "cp500"])
        return "encoded", text.encode(codec, errors="replace")
    return kind, bytes(spoilt)


# --- what must come of it ---------------------------------------------------

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)

Row = dict[str, str | None]


def rows_of(table: RawTable) -> list[tuple[int, Row, dict[str, int]]]:
    """Return row, cells without spaces around them, and kinds of each record."""
    cells = table.cells.to_pylist()
    kinds = {name: table.kinds_of(name).tolist() for name in table.column_names}
    return [
        (
            int(row),
            {
                k: (v.strip() or None) if v is not None else None
                for k, v in cell.items()
            },
            {name: kinds[name][place] for name in kinds},
        )
        for place, (row, cell) in enumerate(zip(table.rows, cells, strict=True))
    ]


def once(
    rows: list[tuple[int, Row, dict[str, int]]],
) -> list[tuple[Row, dict[str, int]]]:
    """Return the records without those that repeat an earlier one."""
    seen: set[tuple[str | None, ...]] = set()
    kept = []
    for _, row, kinds in rows:
        cells = tuple(row.values())
        if cells not in seen:
            seen.add(cells)
            kept.append((row, kinds))
    return kept


def number(text: str | None, mark: str) -> float | None:
    """Return what a cell says as a number; a code for a missing value is none."""
    if text is None:
        return None
    if mark == ",":
        text = text.replace(",", ".")
    assert _NUMBER.fullmatch(text), text
    value = float(text)
    # Measurements are stored with twelve significant digits.
    return None if value == -99 else float(f"{value:.12g}")


def date(text: str | None, kind: int) -> dt.date | None:
    """Return what a cell says as a date."""
    if text is None or (_NUMBER.fullmatch(text) and float(text) == -99):
        return None
    if kind == DATE:
        return dt.date.fromisoformat(text[:10])
    if re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}", text, re.ASCII):
        return dt.date(*map(int, text.split("-")))
    day, month, year = map(int, text.split("/"))
    return dt.date(year, month, day)


def expected_scores(people: RawTable, scores: RawTable, mark: str) -> list[Any]:
    """Return subject, date and value of every score that is a record."""
    known = {row["SUBJID"] for row, _ in once(rows_of(people))}
    found = []
    for row, kinds in once(rows_of(scores)):
        if row["SUBJID"] not in known:
            continue
        value = number(row["SCORE"], mark if kinds["SCORE"] == 0 else ".")
        if value is not None and not 0 <= value <= 100:
            value = None
        found.append((row["SUBJID"], date(row["VISITDT"], kinds["VISITDT"]), value))
    return sorted(found, key=str)


def expected_people(people: RawTable, mark: str) -> dict[str, Any]:
    """Return arm, first dose and weight of every subject."""
    arms = {"A": "Active", "B": "Placebo"}
    factors = {"kg": 1.0, "lb": 0.5}
    found = {}
    for row, kinds in once(rows_of(people)):
        weight = number(row["WEIGHT"], mark if kinds["WEIGHT"] == 0 else ".")
        if weight is not None:
            weight *= factors[str(row["UNIT"])]
        start = date(row["STARTDT"], kinds["STARTDT"])
        found[str(row["SUBJID"])] = (arms[str(row["ARM"])], start, weight)
    return found


def read_plainly(content: bytes, form: str) -> list[list[str]]:
    """Return the rows of a delimited file as the csv module reads them."""
    encoding = "latin-1" if form == "semicolon" else "utf-8-sig"
    if content[:4] == b"\xff\xfe\0\0":
        encoding = "utf-32"
    elif content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    text = content.decode(encoding)
    delimiter = {"tsv": "\t", "semicolon": ";"}.get(form, ",")
    rows = list(csv.reader(streams.StringIO(text, newline=""), delimiter=delimiter))
    return [row for row in rows if any(cell.strip() for cell in row)]
