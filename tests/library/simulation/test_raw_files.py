"""The committed raw files: made by the generator, complete, and wrong as listed."""

import datetime as dt
import importlib.util
import io as streams
import zipfile
from collections import Counter

import pandas as pd
import pytest
import yaml

from trialstats import io
from trialstats.simulation.raw import TRIALS, raw_files
from trialstats.simulation.workbook import without_traces, workbook_bytes

FOLDERS = [trial.folder for trial in TRIALS]


@pytest.fixture(scope="module")
def script(root):
    place = root / "scripts" / "simulate_raw_data.py"
    spec = importlib.util.spec_from_file_location("simulate_raw_data", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", params=FOLDERS)
def trial(request, root):
    """The configuration, the truth and the cells of one trial, as committed."""
    name = request.param
    config = yaml.safe_load((root / f"config/trials/{name}.yaml").read_text())
    truth = yaml.safe_load((root / f"data/truth/{name}.yaml").read_text())
    cells = {
        source: io.read_cells(root / spec["file"], sheet=spec.get("sheet"))
        for source, spec in config["sources"].items()
    }
    return config, truth, cells


def test_the_script_writes_the_committed_files_again(root, script, tmp_path):
    # The bytes in the repository are the truth: the generator must not drift.
    written = script.main(tmp_path)
    names = [path.relative_to(tmp_path) for path in written]
    different = [
        str(name)
        for name in names
        if (tmp_path / name).read_bytes() != (root / name).read_bytes()
    ]
    assert different == []


def test_nothing_else_lies_in_the_folders(root, script):
    made = set(raw_files(script.SEED))
    places = [root / "data" / "truth"] + [root / "data/raw" / f for f in FOLDERS]
    there = {
        str(path.relative_to(root)) for place in places for path in place.glob("*")
    }
    assert there == made


def test_another_seed_gives_other_data(script):
    one, other = raw_files(script.SEED), raw_files(script.SEED + 1)
    assert one.keys() == other.keys()
    assert all(one[name] != other[name] for name in one)


def test_every_configured_file_is_made_with_its_columns(trial):
    config, truth, cells = trial
    files = {spec["file"] for spec in config["sources"].values()}
    assert files == set(truth["files"])
    for source, spec in config["sources"].items():
        assert set(spec["key"]) <= set(cells[source])
    for variable in config["adsl"]["variables"].values():
        frame = cells[variable.get("source", "demographics")]
        assert variable["column"] in frame
    for parameter in config["bds"].values():
        assert parameter["value"]["column"] in cells[parameter["from"]]
        if "units" in parameter["value"]:
            assert parameter["value"]["units"]["column"] in cells[parameter["from"]]


def test_rows_are_as_many_as_the_truth_says(trial):
    config, truth, cells = trial
    for source, spec in config["sources"].items():
        assert len(cells[source]) == truth["files"][spec["file"]]["rows"]


def test_every_planted_value_stands_where_the_truth_says(trial):
    _, truth, cells = trial
    for error in truth["planted"]:
        row = cells[error["source"]].loc[error["row"]]
        assert row["subject"] == error["subject"]
        if error["column"] is not None:
            cell = row[error["column"]]
            text = cell.date() if isinstance(cell, dt.datetime) else cell
            assert str(text) == error["value"]


def test_duplicates_are_whole_rows_and_the_only_repeated_keys(trial):
    config, truth, cells = trial
    for source, spec in config["sources"].items():
        planted = [
            e
            for e in truth["planted"]
            if e["kind"] == "duplicate" and e["source"] == source
        ]
        frame = cells[source]
        for error in planted:
            twice = frame.loc[[error["row"], error["same_as_row"]]].astype(str)
            assert twice.nunique().max() == 1
        dates = [c for c in spec["key"] if "date" in c]
        keys = frame[spec["key"]].copy()
        for column in dates:
            keys[column] = [_date(x, config["date_formats"]) for x in keys[column]]
        assert int(keys.duplicated().sum()) == len(planted)


def _date(cell, formats):
    if isinstance(cell, dt.datetime):
        return cell.date()
    for form in formats:
        try:
            return dt.datetime.strptime(cell, form).date()
        except ValueError:
            continue
    raise AssertionError(f"{cell!r} is in no configured format")


def test_every_code_in_the_files_is_listed(trial):
    # Counted over the cells themselves, not over the list.
    config, truth, cells = trial
    codes = set(config["missing_codes"])
    listed = {
        (e["source"], e["row"], e["column"])
        for e in truth["planted"]
        if e["kind"] == "missing code"
    }
    found = {
        (source, row, column)
        for source, frame in cells.items()
        for column in frame
        for row, cell in frame[column].items()
        if str(cell) in codes
    }
    assert found == listed


def test_every_value_outside_its_range_is_listed(trial):
    config, truth, cells = trial
    known = {(e["source"], e["row"]) for e in truth["planted"]}
    for parameter in config["bds"].values():
        source, value = parameter["from"], parameter["value"]
        numbers = pd.to_numeric(cells[source][value["column"]], errors="coerce")
        low, high = value["range"]
        outside = numbers.index[(numbers < low) | (numbers > high)]
        assert {(source, row) for row in outside} <= known


def test_each_trial_holds_every_kind_of_error(trial):
    _, truth, _ = trial
    kinds = Counter(error["kind"] for error in truth["planted"])
    needed = {"missing code", "duplicate", "unit conversion", "impossible value"}
    assert needed | {"out of window", "text date"} <= set(kinds)
    assert kinds["impossible value"] == kinds["out of window"] == 1
    duplicated = {e["source"] for e in truth["planted"] if e["kind"] == "duplicate"}
    assert len(duplicated) >= 2


def test_csv_dates_come_in_every_format(trial):
    _, truth, _ = trial
    counts = Counter()
    for about in truth["files"].values():
        for formats in about["date_formats"].values():
            counts.update(formats)
    assert min(counts.values()) > 0
    assert len(counts) == 4


def test_labels_are_those_the_configuration_recodes(trial):
    config, _, cells = trial
    for variable in config["adsl"]["variables"].values():
        if "recode" in variable:
            frame = cells[variable.get("source", "demographics")]
            assert set(frame[variable["column"]]) <= set(variable["recode"])
    for variable in config["adae"]["variables"].values():
        if "recode" in variable:
            labels = {str(x) for x in cells["adverse_events"][variable["column"]]}
            assert labels <= {*variable["recode"], *config["missing_codes"]}


def test_no_record_is_later_than_the_last_contact(trial):
    config, _, cells = trial
    forms = config["date_formats"]
    ends = cells["disposition"].set_index("subject")["last_date"]
    known = ends[~ends.isin(list(config["missing_codes"]))]
    last = {subject: _date(cell, forms) for subject, cell in known.items()}
    columns = {"visits": "visit_date", "diary": "date", "adverse_events": "start_date"}
    for source, column in columns.items():
        for subject, cell in zip(
            cells[source]["subject"], cells[source][column], strict=True
        ):
            if subject in last:
                assert _date(cell, forms) <= last[subject]


def test_one_event_is_serious(trial):
    _, _, cells = trial
    assert (cells["adverse_events"]["serious"] == "Y").sum() == 1


@pytest.mark.parametrize(
    ("folder", "subjects", "dropouts"),
    [
        ("fm_parallel_synthetic", 99, 8),
        ("fm_crossover_synthetic", 31, 3),
        ("crohn_parallel_synthetic", 40, 4),
    ],
)
def test_sizes_are_those_of_the_designs(root, folder, subjects, dropouts):
    config = yaml.safe_load((root / f"config/trials/{folder}.yaml").read_text())
    spec = config["sources"]["disposition"]
    ends = io.read_cells(root / spec["file"], sheet=spec.get("sheet"))
    assert len(ends) == subjects
    assert (ends["completed"] == "N").sum() == dropouts
    assert ends["reason"].notna().sum() == dropouts


def test_a_workbook_has_the_same_bytes_whenever_it_is_saved():
    cells = pd.DataFrame({"day": [dt.date(2024, 2, 1)], "pain": [5.5]}, dtype=object)
    first = workbook_bytes(cells, "diary")
    assert first == workbook_bytes(cells, "diary")
    with zipfile.ZipFile(streams.BytesIO(first)) as book:
        assert {m.date_time for m in book.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert book.namelist()[0] == "[Content_Types].xml"
    assert without_traces(first) == first
