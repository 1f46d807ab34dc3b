"""One table in every form is read as the same cells.

The expected texts come from Python's own `repr` and `isoformat` on the table that is
written, so both sides share nothing but the definition.
"""

import numpy as np
import pytest

from tests.library.raw_forms import UNTYPED, canonical, sample, write_forms
from trialstats.io import RawOptions, raw_batches, raw_parts, read_raw
from trialstats.raw import DATE, NUMBER, RawTable

FORMS = (
    *("csv", "tsv", "semicolon", "csv.gz", "zip", "xlsx", "xpt", "xpt8", "sav"),
    *("zsav", "dta", "rds", "rda", "parquet", "json", "ndjson"),
)
LABELS = {"SUBJID": "Subject", "PAIN": "Average pain"}


@pytest.fixture(scope="module")
def forms(tmp_path_factory):
    return write_forms(sample(), tmp_path_factory.mktemp("forms"), LABELS)


def test_every_form_that_is_written_is_compared(forms):
    assert set(FORMS) == set(forms)


@pytest.mark.parametrize("form", FORMS)
def test_the_cells_of_every_form_are_those_written(forms, form):
    path, options = forms[form]
    table = read_raw(path, options)
    expected = canonical(sample())
    if form == "semicolon":
        expected["PAIN"] = [v and v.replace(".", ",") for v in expected["PAIN"]]
    assert table.cells.to_pydict() == expected
    # Row 1 of a delimited file or a sheet is its header.
    first = 2 if form in (*UNTYPED, "xlsx") else 1
    assert table.rows.tolist() == [first + i for i in range(4)]
    assert table.file == str(path)


@pytest.mark.parametrize("form", FORMS)
def test_typed_forms_say_what_kind_each_cell_is(forms, form):
    table = read_raw(*forms[form])
    if form in UNTYPED:
        assert table.kinds == {}
        return
    filled = ~np.array(table.cells["PAIN"].is_null())
    assert set(table.kinds_of("PAIN")[filled].tolist()) == {NUMBER}
    filled = ~np.array(table.cells["VISITDT"].is_null())
    assert set(table.kinds_of("VISITDT")[filled].tolist()) == {DATE}
    assert not table.kinds_of("SUBJID").any()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rows", [1, 3])
def test_batches_together_are_the_whole(forms, form, rows):
    path, options = forms[form]
    batches = list(raw_batches(path, options, rows=rows))
    assert [b.num_rows for b in batches] == ([1] * 4 if rows == 1 else [3, 1])
    assert RawTable.concat(batches).equals(read_raw(path, options))


@pytest.mark.parametrize("form", [f for f in FORMS if f not in (*UNTYPED, "xlsx")])
def test_labels_come_with_the_columns(forms, form):
    labels = {c.name: c.label for c in read_raw(*forms[form]).columns}
    assert labels == {name: LABELS.get(name) for name in sample()}


def test_a_form_without_its_suffix_is_read_by_the_name_of_its_format(forms, tmp_path):
    for form in ("xpt", "sav", "dta", "rds", "parquet", "json", "xlsx"):
        path = tmp_path / f"{form}.bin"
        path.write_bytes(forms[form][0].read_bytes())
        table = read_raw(path, RawOptions(format=form), name="table")
        assert table.cells.equals(read_raw(forms[form][0]).cells)
        assert table.file == "table"


def test_parts_are_named(forms):
    found = {form: raw_parts(path) for form, (path, _) in forms.items()}
    parts = {form: names for form, names in found.items() if names}
    assert parts == {
        "xlsx": ["Sheet"],
        "zip": ["data/table.csv"],
        "rda": ["table"],
        "xpt": ["DATASET"],
        "xpt8": ["DATASET"],
    }
