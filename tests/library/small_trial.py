"""A trial of a few subjects from texts, for tests of what cleaning derives."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from trialstats import io
from trialstats.clean.trial import CleanTrial, clean_trial

PEOPLE = """\
id,arm,start
1,A,2024-01-01
2,B,2024-01-01
3,A,2024-01-01
"""


def configuration(**parts: Any) -> dict[str, Any]:
    """Return a configuration of a parallel trial, with `parts` in their places."""
    config: dict[str, Any] = {
        "trial": "SMALL",
        "title": "A small trial",
        "data_status": "synthetic",
        "design": "parallel",
        "condition": "none",
        "arms": {"control": "Placebo", "treatments": ["Active"]},
        "sources": {"people": {"file": "people.csv", "key": ["id"]}},
        "adsl": {
            "from": "people",
            "subject": "id",
            "variables": {
                "TRT01P": {
                    "column": "arm",
                    "label": "Planned treatment",
                    "recode": {"A": "Active", "B": "Placebo"},
                },
                "TRTSDT": {"column": "start", "type": "date", "label": "First dose"},
            },
        },
        "bds": {},
        "analysis_sets": {"ITT": "present(TRT01P)"},
        "analyses": {},
    }
    for key, value in parts.items():
        if key in ("sources", "adsl") and isinstance(value, Mapping):
            config[key] = {**config[key], **value}
        else:
            config[key] = value
    return config


def with_variables(config: dict[str, Any], **variables: Any) -> dict[str, Any]:
    """Return the configuration with further variables of ADSL."""
    config["adsl"]["variables"] |= variables
    return config


def clean(
    folder: Path, config: Mapping[str, Any], texts: Mapping[str, str]
) -> CleanTrial:
    """Write the texts under the names of the files and clean the trial."""
    for file, text in {"people.csv": PEOPLE, **texts}.items():
        (folder / file).write_text(text, encoding="utf-8")
    tables = {
        name: [
            io.read_raw(folder / file, io.RawOptions.of(spec), name=file)
            for file in _files(spec)
        ]
        for name, spec in config["sources"].items()
    }
    return clean_trial(config, tables)


def _files(spec: Mapping[str, Any]) -> list[str]:
    if "file" in spec:
        return [spec["file"]]
    files = spec["files"]
    return list(files.values()) if isinstance(files, Mapping) else list(files)


def column(frame: Any, name: str, **where: Any) -> list[Any]:
    """Return the values of a column of the rows that fit, missing ones as None."""
    for key, value in where.items():
        chosen = frame[key].isna() if value is None else frame[key] == value
        frame = frame[chosen]
    values = frame[name]
    return [None if pd.isna(v) else v for v in values.astype(object)]
