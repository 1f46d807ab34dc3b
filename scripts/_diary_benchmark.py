"""A simulated diary of any length: raw files and the configuration to clean them."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

#: Days of each subject's diary: a week before treatment and a year of it.
DAYS = 372

_WEEKS = {
    f"Week {week}": {"number": week, "days": [7 * week - 6, 7 * week]}
    for week in range(1, 53)
}

CONFIG: dict[str, Any] = {
    "trial": "DIARY",
    "title": "A diary",
    "data_status": "synthetic",
    "design": "parallel",
    "condition": "pain",
    "arms": {"control": "Placebo", "treatments": ["Active"]},
    "missing_codes": {"-99": "not done"},
    "sources": {
        "subjects": {"file": "subjects.csv", "key": ["subject"]},
        "diary": {"file": "diary.csv", "key": ["subject", "date"]},
    },
    "adsl": {
        "from": "subjects",
        "subject": "subject",
        "variables": {
            "TRT01P": {
                "column": "arm",
                "label": "Planned treatment",
                "recode": {"A": "Active", "B": "Placebo"},
            },
            "TRTSDT": {"column": "start", "type": "date", "label": "First dose"},
        },
    },
    "bds": {
        "PAIN": {
            "label": "Pain",
            "unit": "0-100",
            "from": "diary",
            "better": "lower",
            "value": {"column": "pain", "type": "number", "range": [0, 100]},
            "date": {"column": "date"},
            "visits": {
                "reference": "TRTSDT",
                "windows": {"Baseline": {"number": 0, "days": [-7, -1]}} | _WEEKS,
            },
            "summarise": {"statistic": "mean", "at_least": 4, "of": 7},
            "baseline": "Baseline",
        }
    },
    "responders": {
        "PAIN30": {
            "label": "Pain lower by 30%",
            "of": "PAIN",
            "when": "PCHG <= -30",
            "missing": "non_responder",
        }
    },
    "analysis_sets": {"ITT": "present(TRT01P)"},
    "analyses": {},
}


def write_diary(rows: int, folder: Path) -> None:
    """Write subjects and a diary of about so many rows; one value in 100 is a code."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(5)
    subjects = max(rows // DAYS, 1)
    with (folder / "subjects.csv").open("w", encoding="utf-8") as stream:
        stream.write("subject,arm,start\n")
        for number in range(subjects):
            arm, day = "AB"[number % 2], 1 + number % 28
            stream.write(f"S{number:07d},{arm},2024-01-{day:02d}\n")
    first = np.datetime64("2024-01-01")
    with (folder / "diary.csv").open("w", encoding="utf-8") as stream:
        stream.write("subject,date,pain,site\n")
        for number in range(subjects):
            start = first + np.timedelta64(number % 28, "D") - 7
            dates = np.datetime_as_string(start + np.arange(DAYS))
            pain = rng.integers(0, 101, DAYS)
            coded = rng.random(DAYS) < 0.01
            stream.writelines(
                f"S{number:07d},{date},{-99 if code else value},{number % 40}\n"
                for date, value, code in zip(dates, pain, coded, strict=True)
            )
