"""A small dossier on disk, of which tests spoil a file."""

import copy
import gzip
import io as streams
import zipfile
from pathlib import Path
from typing import Any

import yaml
from openpyxl import Workbook

from trialstats.commands.check import Found, check

#: Folder of the raw files.
RAW = "data/raw"

PEOPLE = """\
id,arm,start,end,kg,unit,sex,centre
01,A,2024-01-01,2024-03-01,70,kg,F,10
02,P,2024-01-02,2024-03-02,150,lb,M,20
03,A,2024-01-03,,80,kg,F,10
"""

SITES = """\
centre,country
10,DK
20,NO
"""

SCORES = """\
id,day,score,visit
01,2024-01-01,50,Start
01,2024-01-15,40,Week 2
02,2024-01-02,60,Start
02,2024-01-16,55,Week 2
03,2024-01-03,70,Start
"""

EVENTS = """\
id,term,onset,serious
01,Headache,2024-01-05,N
02,Nausea,2024-01-07,N
"""

TIMES = """\
id,days,status
01,60,1
02,61,0
03,20,0
"""

WIDE = """\
id,base,w2
01,5,4
02,6,6
03,7,
"""

LABEL = {"label": "Label"}

CONFIG: dict[str, Any] = {
    "trial": "SPOILT",
    "title": "A trial to be spoilt",
    "data_status": "synthetic",
    "design": "parallel",
    "condition": "pain",
    "arms": {"control": "Placebo", "treatments": ["Active"]},
    "missing_codes": {"-99": "not done"},
    "date_formats": ["%Y-%m-%d", "%d/%m/%Y"],
    "sources": {
        "people": {
            "file": f"{RAW}/people.csv",
            "key": ["id"],
            "join": [
                {
                    "source": "sites",
                    "on": ["centre"],
                    "columns": ["country"],
                    "cardinality": "many-to-one",
                }
            ],
        },
        "sites": {"file": f"{RAW}/sites.csv", "key": ["centre"]},
        "scores": {"file": f"{RAW}/scores.csv", "key": ["id", "day"]},
        "events": {"file": f"{RAW}/events.csv", "key": ["id", "term"]},
        "times": {"file": f"{RAW}/times.csv", "key": ["id"]},
        "wide": {"file": f"{RAW}/wide.csv", "key": ["id"]},
    },
    "adsl": {
        "from": "people",
        "subject": "id",
        "variables": {
            "TRT01P": {
                "column": "arm",
                "recode": {"A": "Active", "P": "Placebo"},
                **LABEL,
            },
            "TRTSDT": {"column": "start", "type": "date", **LABEL},
            "EOSDT": {"column": "end", "type": "date", **LABEL},
            "WEIGHT": {
                "column": "kg",
                "type": "number",
                "unit": "kg",
                "units": {"column": "unit"},
                **LABEL,
            },
            "SEX": {"column": "sex", "recode": {"F": "F", "M": "M"}, **LABEL},
            "COUNTRY": {"column": "country", **LABEL},
        },
    },
    "bds": {
        "SCORE": {
            "label": "Score",
            "unit": "points",
            "from": "scores",
            "value": {"column": "score", "type": "integer", "range": [0, 100]},
            "date": {"column": "day"},
            "visits": {
                "reference": "TRTSDT",
                "windows": {
                    "Start": {"number": 0, "days": [-7, 1]},
                    "Week 2": {"number": 2, "days": [8, 20]},
                },
            },
            "baseline": "Start",
        },
        "WIDE": {
            "label": "Wide",
            "unit": "points",
            "from": "wide",
            "visits": {"columns": {"w2": {"visit": "Week 2", "number": 2}}},
            "baseline": {"column": "base"},
        },
    },
    "adae": {
        "from": "events",
        "variables": {
            "AETERM": {"column": "term", **LABEL},
            "ASTDT": {"column": "onset", "type": "date", **LABEL},
            "AESER": {"column": "serious", **LABEL},
        },
    },
    "adtte": {
        "RELAPSE": {
            "label": "Relapse",
            "from": "times",
            "time": {"column": "days"},
            "event": "status == '1'",
        }
    },
    "analysis_sets": {"ITT": "present(TRT01P)"},
    "analyses": {},
}

FILES = {
    "people.csv": PEOPLE,
    "sites.csv": SITES,
    "scores.csv": SCORES,
    "events.csv": EVENTS,
    "times.csv": TIMES,
    "wide.csv": WIDE,
}


def dossier(
    folder: Path,
    files: dict[str, str | bytes] | None = None,
    *,
    config: dict[str, Any] | None = None,
) -> Path:
    """Write the dossier with some files replaced, and return the configuration."""
    raw = folder / RAW
    raw.mkdir(parents=True, exist_ok=True)
    for name, content in {**FILES, **(files or {})}.items():
        data = content if isinstance(content, bytes) else content.encode()
        (raw / name).write_bytes(data)
    path = folder / "config/trials/spoilt.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    chosen = CONFIG if config is None else config
    path.write_text(yaml.safe_dump(chosen, sort_keys=False), encoding="utf-8")
    return path


def settings(**places: Any) -> dict[str, Any]:
    """Return the configuration with other values, by places with two underscores.

    ``settings(sources__scores__delimiter=";")``
    """
    config = copy.deepcopy(CONFIG)
    for place, value in places.items():
        *way, last = place.split("__")
        inner: Any = config
        for key in way:
            inner = inner[key]
        inner[last] = value
    return config


def found(folder: Path, files: dict[str, str | bytes], **places: Any) -> Found:
    """Return what the check of the spoilt dossier finds."""
    return check(dossier(folder, files, config=settings(**places)))


def workbook(*sheets: tuple[str, list[list[Any]]]) -> bytes:
    """Return an Excel file with these sheets."""
    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    stream = streams.BytesIO()
    book.save(stream)
    return stream.getvalue()


def archive(**members: str) -> bytes:
    """Return a zip archive; the names of members end in .csv."""
    stream = streams.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name, text in members.items():
            packed.writestr(f"{name}.csv", text)
    return stream.getvalue()


def packed(text: str) -> bytes:
    """Return text in a .gz file."""
    return gzip.compress(text.encode(), mtime=0)
