"""The shared words agree with what computes and stores, and rows are read one way."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import trialstats
from trialstats import meta, rows
from trialstats.clean.published import POOL_MEASURES, RATIOS
from trialstats.errors import DataError
from trialstats.records import distinct, is_synthetic, records
from trialstats.vocabulary import (
    BINARY_MEASURES,
    DATA_STATUS,
    EVIDENCE_STATUS,
    MEASURES,
    STATUS_MARKS,
)


def test_words_and_computation_agree_on_the_scale_of_a_measure():
    for code, measure in MEASURES.items():
        assert measure.log == (meta.MEASURES[code] == "log")
    assert set(BINARY_MEASURES) <= set(meta.MEASURES)


def test_measures_of_published_reviews_have_words_and_the_scale_of_their_rows():
    assert set(POOL_MEASURES.values()) <= set(MEASURES)
    used = set(POOL_MEASURES.values())
    assert {code for code in used if MEASURES[code].log} == set(RATIOS)


def test_each_status_of_the_published_tables_is_one_of_the_rows():
    assert set(EVIDENCE_STATUS.values()) <= set(DATA_STATUS)
    assert set(STATUS_MARKS) <= set(DATA_STATUS)
    label = rows.ESTIMATES.field("data_status").metadata[b"label"].decode()
    assert all(status in label for status in DATA_STATUS)


def test_records_hold_none_for_every_kind_of_null_and_whole_counts():
    frame = pd.DataFrame(
        {
            "n_subjects": [4.0, np.nan],
            "group": pd.Series(["LDN", None], dtype="str"),
            "n_trials": pd.Series([2, None], dtype="Int64"),
            "ADT": pd.to_datetime(["2024-01-01", None]),
        }
    )
    first, second = records(frame)
    assert set(second.values()) == {None}
    assert isinstance(first["n_subjects"], int)


def test_a_missing_column_is_named_with_those_that_are_there():
    frame = pd.DataFrame({"group": ["LDN"]})
    with pytest.raises(DataError, match=r"missing column 'visit'.*the frame has group"):
        records(frame, needs=("group", "visit"))
    with pytest.raises(DataError, match=r"no column 'visit'; the columns are group"):
        distinct(records(frame), "visit")


def test_one_synthetic_row_makes_rows_synthetic():
    assert is_synthetic([{"data_status": "published"}, {"data_status": "synthetic"}])
    assert not is_synthetic([{"data_status": "recalled"}])


def test_every_public_name_is_there():
    for name in trialstats.__all__:
        assert getattr(trialstats, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'pooled'"):
        _ = trialstats.pooled


def test_importing_the_package_loads_nothing_else():
    # Each step starts Python anew: what it does not use must cost nothing.
    code = "import sys, trialstats; print({'numpy', 'pandas'} & set(sys.modules))"
    made = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert made.stdout.strip() == "set()"
