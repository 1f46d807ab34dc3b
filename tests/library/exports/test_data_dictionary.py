"""The data dictionary: one row per variable, and what the metadata leave open."""

import pyarrow as pa
import pytest
from export_samples import ADSL, BDS, one_column

from trialstats import io
from trialstats.errors import DataError
from trialstats.exports import DATA_DICTIONARY, data_dictionary, metadata_gaps


def rows_of(*datasets, **options):
    frame = data_dictionary(datasets, **options)
    return {(r.dataset, r.variable): r for r in frame.itertuples()}


def test_a_row_per_variable_that_can_be_written(tmp_path):
    frame = data_dictionary([ADSL, BDS])
    path = tmp_path / "dictionary.parquet"
    io.write_table(frame, path, DATA_DICTIONARY)
    back = io.read_table(path, DATA_DICTIONARY)
    assert back["variable"].tolist() == [
        *ADSL.table.schema.names,
        *BDS.table.schema.names,
    ]
    assert back["position"].tolist() == [1, 2, 3, 4, 5] * 2


def test_what_is_known_of_a_variable():
    rows = rows_of(ADSL, BDS)
    age = rows["ADSL", "AGE"]
    assert (age.label, age.type, age.unit, age.origin) == (
        *("Age", "integer", "years", "Collected"),
    )
    assert (age.n_rows, age.n_missing, age.values) == (3, 1, "34 to 51")
    assert rows["ADSL", "TRTSDT"].derivation.startswith("first date of the diary <")
    assert rows["ADSL", "BMI"].source == "demographics.csv, column bmi"
    assert rows["BDS", "PARAMCD"].key == 2


@pytest.mark.parametrize(
    ("name", "values"),
    [
        (("ADSL", "SEX"), "M = Male; F = Female"),
        (("ADSL", "USUBJID"), "3 different values"),
        (("ADSL", "TRTSDT"), "1959-12-31 to 2020-01-01"),
        (("BDS", "PARAMCD"), "PAIN = Pain (0-10); STIFF = Stiffness <min>"),
        (("BDS", "AVAL"), "5.5 to 120"),
    ],
)
def test_values_in_words(name, values):
    assert rows_of(ADSL, BDS)[name].values == values


def test_a_variable_without_values_has_none():
    frame = data_dictionary([BDS]).set_index("variable")
    assert frame["values"].isna()["NOTE"]
    assert frame.loc["NOTE", "n_missing"] == 4


@pytest.mark.parametrize(("few", "shown"), [(2, "a; b"), (1, "2 different values")])
def test_few_values_are_listed(few, shown):
    rows = rows_of(one_column(["b", "a", "b"]), few=few)
    assert rows["ADSL", "A"].values == shown


def test_gaps():
    assert metadata_gaps([ADSL]) == ()
    derived = one_column([1], label="x", origin="Derived")
    assert metadata_gaps([derived]) == ("ADSL, column 'A': derived, but not how",)
    copied = one_column([1], label="x", origin="Predecessor")
    assert metadata_gaps([copied])[0].endswith("a predecessor, but not of what")
    assert len(metadata_gaps([one_column([1])])) == 2


def test_faults_are_those_of_the_other_exports():
    with pytest.raises(DataError, match="no place in an export"):
        data_dictionary([one_column([None], pa.null())])
