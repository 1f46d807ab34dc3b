"""A small trial whose datasets can be worked out by hand."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trialstats import io
from trialstats.clean.trial import CleanTrial, clean_trial

CONFIG: dict[str, Any] = {
    "trial": "SMALL",
    "title": "A small trial",
    "data_status": "synthetic",
    "design": "parallel",
    "condition": "none",
    "arms": {"control": "Placebo", "treatments": ["LDN"]},
    "missing_codes": {"-99": "not done"},
    "date_formats": ["%Y-%m-%d", "%d/%m/%Y"],
    "sources": {
        "people": {"file": "people.csv", "key": ["subject"]},
        "scores": {"file": "scores.csv", "key": ["subject", "date"]},
        "events": {"file": "events.csv", "key": ["subject", "term", "start"]},
    },
    "adsl": {
        "from": "people",
        "subject": "subject",
        "variables": {
            "TRT01P": {
                "column": "arm",
                "label": "Planned treatment",
                "recode": {"A": "LDN", "B": "Placebo"},
            },
            "RANDDT": {"column": "start", "type": "date", "label": "Randomised"},
            "TRTSDT": {"column": "start", "type": "date", "label": "First dose"},
            "WEIGHTBL": {
                "column": "weight",
                "type": "number",
                "label": "Weight",
                "unit": "kg",
                "range": [30, 200],
                "units": {"column": "unit", "factors": {"kg": 1, "lb": 0.5}},
            },
            "HEIGHTBL": {
                "column": "height",
                "type": "number",
                "label": "Height",
                "unit": "cm",
                "corrections": [
                    {"below": 3, "multiply": 100, "reason": "height in metres"}
                ],
            },
        },
        "flags": {"RANDFL": {"label": "Randomised", "when": "present(RANDDT)"}},
    },
    "bds": {
        "SCORE": {
            "label": "Score",
            "unit": "points",
            "from": "scores",
            "value": {"column": "score", "type": "number", "range": [0, 100]},
            "date": {"column": "date", "type": "date"},
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
    "responders": {
        "RESP": {
            "label": "Score lower by 10",
            "of": "SCORE",
            "when": "CHG <= -10",
            "missing": "non_responder",
        }
    },
    "adae": {
        "from": "events",
        "variables": {
            "AETERM": {"column": "term", "label": "Term"},
            "ASTDT": {"column": "start", "type": "date", "label": "Start"},
        },
    },
    "analysis_sets": {"ITT": "RANDFL == 'Y'"},
    "analyses": {},
}

PEOPLE = """\
subject,arm,start,weight,unit,height
01,A,2025-03-01,70,kg,170
02,B,2025-03-01,140,lb,1.65
03,A,02/03/2025,-99,kg,180
"""

SCORES = """\
subject,date,score
01,2025-02-27,50
01,2025-03-01,60
01,2025-03-08,55
01,2025-03-15,40
02,2025-03-01,40
02,08/03/2025,40
02,2025-04-30,10
03,2025-03-02,80
03,2025-03-09,-99
03,2025-03-16,700
01,2025-03-15,40
"""

EVENTS = """\
subject,term,start
01,Headache,2025-03-05
01,Nausea,2025-03-05
02,Headache,2025-02-20
"""


@pytest.fixture
def config() -> dict[str, Any]:
    """Return a configuration that the test may change."""
    return copy.deepcopy(CONFIG)


@pytest.fixture
def clean(tmp_path: Path, config: dict[str, Any]) -> Callable[..., CleanTrial]:
    """Return a function that writes the raw files and cleans the trial."""

    def run(
        people: str = PEOPLE, scores: str = SCORES, events: str = EVENTS
    ) -> CleanTrial:
        texts = {"people": people, "scores": scores, "events": events}
        cells = {}
        for name, text in texts.items():
            path = tmp_path / f"{name}.csv"
            path.write_text(text, encoding="utf-8")
            config["sources"][name]["file"] = path.name
            cells[name] = io.read_raw(path, name=path.name)
        return clean_trial(config, cells)

    return run


@pytest.fixture
def scores_text() -> str:
    """Return the raw scores."""
    return SCORES
