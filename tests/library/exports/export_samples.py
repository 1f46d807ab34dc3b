"""A small study whose exports can be worked out by hand."""

import datetime as dt
import json

import pyarrow as pa

from trialstats.exports import Dataset, Study

STUDY = Study("TRIAL-1", "A trial of <LDN> & placebo", "Made up", "1")


def described(name, type_, nullable=True, **metadata):
    """Return a field with metadata, as the datasets carry them."""
    return pa.field(name, type_, nullable=nullable, metadata=metadata)


def dataset(table, name="ADSL", keys=(), **changes):
    """Return a table as a dataset with the rest filled in."""
    rest = {
        "label": "Subject-level analysis",
        "structure": "one row per subject",
        "class_": "SUBJECT LEVEL ANALYSIS DATASET",
    } | changes
    return Dataset(name=name, table=table, keys=keys, **rest)


def one_column(values, type_=None, name="A", **metadata):
    """Return a dataset of a single variable."""
    column = pa.array(values, type_)
    field = described(name, column.type, **metadata)
    return dataset(pa.table([column], schema=pa.schema([field])))


ADSL = dataset(
    pa.table(
        [
            ["S-01", "S-02", "S-03"],
            ["F", "M", "F"],
            [34, None, 51],
            [dt.date(2020, 1, 1), None, dt.date(1959, 12, 31)],
            [21.5, 30.25, None],
        ],
        schema=pa.schema(
            [
                described(
                    "USUBJID",
                    pa.string(),
                    nullable=False,
                    label="Unique subject identifier",
                    origin="Assigned",
                ),
                described(
                    "SEX",
                    pa.string(),
                    label="Sex",
                    origin="Collected",
                    codelist=json.dumps([["M", "Male"], ["F", "Female"]]),
                ),
                described(
                    "AGE", pa.int64(), label="Age", unit="years", origin="Collected"
                ),
                described(
                    "TRTSDT",
                    pa.date32(),
                    label="Date of first exposure",
                    origin="Derived",
                    derivation="first date of the diary < visit 2 & after consent",
                ),
                described(
                    "BMI",
                    pa.float64(),
                    label="Body mass index",
                    origin="Predecessor",
                    source="demographics.csv, column bmi",
                ),
            ]
        ),
    ),
    keys=("USUBJID",),
)

BDS = dataset(
    pa.table(
        {
            "USUBJID": ["S-01", "S-01", "S-02", "S-02"],
            "PARAMCD": ["PAIN", "STIFF", "PAIN", "STIFF"],
            "PARAM": ["Pain (0-10)", "Stiffness <min>"] * 2,
            "AVAL": [6.25, 30.0, 5.5, 120.0],
            "NOTE": pa.array([None] * 4, pa.string()),
        }
    ),
    name="BDS",
    keys=("USUBJID", "PARAMCD"),
    label="Basic data",
    structure="one row per subject and parameter",
    class_="BASIC DATA STRUCTURE",
)
