"""One trial in every form that a site may send gives one set of Parquet files.

The rows are simulated; the long CSV is the form that the others are held against.
"""

import copy
from dataclasses import asdict

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.library.raw_forms import write_forms
from trialstats import io
from trialstats.clean.files import clean_files, dataset_schemas

#: Datasets that say nothing of files and rows.
DATASETS = ("adsl", "bds", "adae", "adtte")

#: Metadata of a variable that name columns of the files, as they must.
PLACES = (b"source", b"derivation")

VISITS = {"Baseline": (0, 0), "Week 4": (4, 28), "Week 8": (8, 56)}

FORMS = (
    *("csv", "tsv", "semicolon", "csv.gz", "zip", "xlsx", "xpt", "xpt8", "sav", "zsav"),
    *("dta", "rds", "rda", "parquet", "json", "ndjson"),
)

CONFIG = {
    "trial": "FORMS",
    "title": "One trial in many forms",
    "data_status": "synthetic",
    "design": "parallel",
    "condition": "none",
    "arms": {"control": "Placebo", "treatments": ["Active"]},
    "missing_codes": {"-99": "not done"},
    "sources": {
        "people": {"key": ["SUBJID"]},
        "scores": {"key": ["SUBJID", "VISIT"]},
    },
    "adsl": {
        "from": "people",
        "subject": "SUBJID",
        "variables": {
            "TRT01P": {
                "column": "ARM",
                "label": "Planned treatment",
                "recode": {"A": "Active", "B": "Placebo"},
            },
            "TRTSDT": {"column": "STARTDT", "type": "date", "label": "First dose"},
            "AGE": {"column": "AGE", "type": "integer", "label": "Age"},
            "WEIGHTBL": {"column": "WEIGHT", "type": "number", "label": "Weight"},
            "SITEID": {"column": "SITE", "label": "Site"},
        },
    },
    "bds": {
        "SCORE": {
            "label": "Score",
            "unit": "points",
            "from": "scores",
            "better": "lower",
            "value": {"column": "SCORE", "type": "number"},
            "date": {"column": "VISITDT"},
            "visits": {
                "column": "VISIT",
                "names": {v: {"number": n} for v, (n, _) in VISITS.items()},
            },
            "baseline": "Baseline",
            "records": [{"dtype": "LOCF"}],
        }
    },
    "responders": {
        "RESP": {
            "label": "Lower by 5",
            "of": "SCORE",
            "when": "CHG <= -5",
            "missing": "non_responder",
        }
    },
    "analysis_sets": {"ITT": "present(TRT01P)"},
    "analyses": {},
}


def people():
    rng = np.random.default_rng(1)
    number = np.arange(1, 31)
    return pd.DataFrame(
        {
            "SUBJID": [f"{n:03d}" for n in number],
            "ARM": np.where(number % 2, "A", "B"),
            "STARTDT": pd.Timestamp("2024-01-10") + pd.to_timedelta(number, "D"),
            "AGE": pd.array(np.where(number == 7, -99, 20 + number), dtype="Int64"),
            "WEIGHT": np.where(number == 9, np.nan, rng.normal(70, 9, 30).round(1)),
            "SITE": np.where(number % 3, "Malmö", "Bergen, North"),
        }
    )


def scores():
    rng = np.random.default_rng(2)
    rows = []
    for subject in people().itertuples():
        for visit, (_, day) in VISITS.items():
            if rng.random() < 0.15 and visit != "Baseline":
                continue
            value = round(float(rng.normal(50, 10)), 2)
            rows.append(
                {
                    "SUBJID": subject.SUBJID,
                    "VISIT": visit,
                    "VISITDT": subject.STARTDT + pd.Timedelta(days=day),
                    "SCORE": -99.0 if rng.random() < 0.05 else value,
                }
            )
    return pd.DataFrame(rows)


def cleaned(config, folder):
    made = {name: str(folder / f"{name}.parquet") for name in dataset_schemas(config)}
    clean_files(config, made, root=folder)
    return {name: io.read_bytes(made[name]) for name in DATASETS}


def without_places(contents):
    """Return Parquet without the words that say from which columns a value comes."""
    told = {}
    for name, content in contents.items():
        table = pq.read_table(pa.BufferReader(content))
        fields = [
            field.with_metadata(
                {k: v for k, v in (field.metadata or {}).items() if k not in PLACES}
            )
            for field in table.schema
        ]
        sink = pa.BufferOutputStream()
        pq.write_table(table.cast(pa.schema(fields)), sink)
        told[name] = sink.getvalue().to_pybytes()
    return told


def source(path, options, key):
    named = {
        k: v for k, v in asdict(options).items() if v != asdict(io.RawOptions())[k]
    }
    return {"file": path.name, "key": key, **named}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return the folder, and both tables in every form."""
    folder = tmp_path_factory.mktemp("forms")
    tables = {}
    for name, frame in (("people", people()), ("scores", scores())):
        (folder / name).mkdir()
        forms = write_forms(frame, folder / name)
        tables[name] = {
            form: (path.relative_to(folder), options)
            for form, (path, options) in forms.items()
        }
    return folder, tables


def config_of(written, form):
    _, tables = written
    config = copy.deepcopy(CONFIG)
    for name, key in (("people", ["SUBJID"]), ("scores", ["SUBJID", "VISIT"])):
        path, options = tables[name][form]
        config["sources"][name] = source(path, options, key) | {"file": str(path)}
    return config


@pytest.fixture(scope="module")
def expected(written):
    """Return the datasets of the long CSV, after a look that they hold something."""
    found = cleaned(config_of(written, "csv"), written[0])
    bds = io.read_table(written[0] / "bds.parquet")
    assert len(bds[bds["PARAMCD"] == "SCORE"]) > 80
    assert set(bds["DTYPE"].dropna()) == {"LOCF", "NRI"}
    return found


@pytest.mark.parametrize("form", [form for form in FORMS if form != "csv"])
def test_every_format(written, expected, form):
    assert cleaned(config_of(written, form), written[0]) == expected


def test_every_format_is_tested(written):
    assert set(written[1]["people"]) == set(FORMS)


def test_one_file_a_visit(written, expected):
    folder, _ = written
    config = config_of(written, "csv")
    files = {}
    for visit, rows in scores().groupby("VISIT"):
        path = folder / f"{visit.replace(' ', '_')}.csv"
        rows.drop(columns="VISIT").to_csv(path, index=False)
        files[visit] = path.name
    config["sources"]["scores"] = {
        "files": files,
        "into": "VISIT",
        "key": ["SUBJID", "VISIT"],
    }
    assert cleaned(config, folder) == expected


def test_one_column_a_visit(written, expected):
    folder, _ = written
    config = config_of(written, "csv")
    long = scores()
    wide = long.pivot_table(
        index="SUBJID", columns="VISIT", values=["SCORE", "VISITDT"], aggfunc="first"
    )
    wide.columns = [f"{name} {visit}" for name, visit in wide.columns]
    wide.reset_index().to_csv(folder / "wide.csv", index=False)
    config["sources"]["scores"] = {"file": "wide.csv", "key": ["SUBJID"]}
    parameter = config["bds"]["SCORE"]
    del parameter["value"], parameter["date"]
    parameter["visits"] = {
        "columns": {
            f"SCORE {visit}": {
                "visit": visit,
                "number": number,
                "date": f"VISITDT {visit}",
            }
            for visit, (number, _) in VISITS.items()
        }
    }
    found = without_places(cleaned(config, folder))
    assert found == without_places(expected)


def test_tables_joined_in_one_file(written, expected):
    folder, _ = written
    config = config_of(written, "csv")
    everything = scores().merge(people(), on="SUBJID")
    everything.to_csv(folder / "everything.csv", index=False)
    config["sources"] = {
        "people": {"file": "everything.csv", "key": ["SUBJID", "VISIT"]},
    }
    config["adsl"] |= {"repeated": True}
    config["bds"]["SCORE"]["from"] = "people"
    found = without_places(cleaned(config, folder))
    assert found == without_places(expected)
