"""The exports of the dossier can be read by other programs, and follow its data."""

import json
from xml.etree import ElementTree

import pandas as pd
import pyreadstat
import pytest
import yaml

from trialstats import io
from trialstats.exports import DATA_DICTIONARY
from trialstats.rows import ACCOUNT

pytestmark = pytest.mark.workflow

TRIALS = ("fm_parallel_synthetic", "fm_crossover_synthetic", "crohn_parallel_synthetic")
XLINK = "{http://www.w3.org/1999/xlink}href"


def datasets_of(folder):
    """Return the datasets that a trial exports, by the name of the Parquet file."""
    names = {"adsl": "adsl", "adbds": "bds", "adae": "adae", "adtte": "adtte"}
    return {p.stem: names[p.stem] for p in sorted(folder.glob("*.xpt"))}


@pytest.mark.parametrize("trial", TRIALS)
def test_transport_files_hold_what_the_parquet_files_do(finished, trial):
    results = finished.folder / "results"
    folder = results / "exports" / trial
    assert set(datasets_of(folder)) == {"adsl", "adbds", "adae"}
    for name, stem in datasets_of(folder).items():
        frame, meta = pyreadstat.read_xport(folder / f"{name}.xpt")
        parquet = io.read_table(results / "datasets" / trial / f"{stem}.parquet")
        assert meta.table_name == name.upper()
        assert list(frame) == list(parquet)
        assert len(frame) == len(parquet) > 0
        for column in parquet:
            ours, theirs = parquet[column], frame[column]
            if pd.api.types.is_numeric_dtype(ours):
                pd.testing.assert_series_equal(
                    ours.astype("float64"), theirs.astype("float64")
                )
            elif pd.api.types.is_datetime64_any_dtype(ours):
                days = pd.to_datetime(theirs)
                assert days.equals(ours.astype(days.dtype))
            else:
                assert theirs.replace("", None).isna().equals(ours.isna())
                assert theirs[ours.notna()].tolist() == ours.dropna().tolist()


@pytest.mark.parametrize("trial", TRIALS)
def test_json_and_define_belong_together(finished, trial):
    folder = finished.folder / "results" / "exports" / trial
    root = ElementTree.fromstring((folder / "define.xml").read_bytes())
    leaves = {e.get(XLINK) for e in root.iter() if e.tag.endswith("}leaf")}
    assert leaves == {path.name for path in folder.glob("*.xpt")}
    identifiers = {e.get("OID") for e in root.iter() if e.get("OID")}
    for path in folder.glob("*.json"):
        whole = json.loads(path.read_text(encoding="utf-8"))
        assert len(whole["rows"]) == whole["records"]
        assert {column["itemOID"] for column in whole["columns"]} <= identifiers
        assert all(column["label"] for column in whole["columns"])
        lines = path.with_suffix(".ndjson").read_text(encoding="utf-8").splitlines()
        assert [json.loads(line) for line in lines[1:]] == whole["rows"]


@pytest.mark.parametrize("trial", TRIALS)
def test_every_variable_stands_in_the_dictionary_with_its_origin(finished, trial):
    folder = finished.folder / "results" / "datasets" / trial
    dictionary = io.read_table(folder / "dictionary.parquet", DATA_DICTIONARY)
    for name, stem in {"ADSL": "adsl", "ADBDS": "bds", "ADAE": "adae"}.items():
        own = dictionary[dictionary["dataset"] == name]
        assert (
            own["variable"].tolist() == io.read_schema(folder / f"{stem}.parquet").names
        )
    assert dictionary["origin"].notna().all()
    derived = dictionary[dictionary["origin"] == "Derived"]
    assert derived["derivation"].notna().all()


@pytest.mark.parametrize("trial", TRIALS)
def test_the_steps_end_at_the_rows_that_the_account_says_are_used(finished, trial):
    folder = finished.folder / "results" / "datasets" / trial
    steps = io.read_table(folder / "steps.parquet")
    rows = io.read_table(folder / "account.parquet", ACCOUNT)
    rows = rows.drop_duplicates(["source", "file", "row"])
    for source, own in rows.groupby("source"):
        part = steps[steps["source"] == source]
        assert part["n_in"].iloc[0] == len(own)
        assert part["n_out"].iloc[-1] == (own["disposition"] != "set aside").sum()


def test_the_manifest_and_the_page_hold_them(finished):
    text = (finished.folder / "results/manifest.json").read_text(encoding="utf-8")
    outputs = json.loads(text)["outputs"]
    for trial in TRIALS:
        assert f"results/exports/{trial}/define.xml" in outputs
        assert f"results/exports/{trial}/adbds.xpt" in outputs
        assert f"results/datasets/{trial}/adtte.parquet" in outputs
        assert f"results/datasets/{trial}/steps.parquet" in outputs
    page = (finished.folder / "results/report.html").read_text(encoding="utf-8")
    assert page.count("<summary>Data dictionary<") == len(TRIALS)
    assert "Plausibility of the published numbers" in page


def test_a_format_less_makes_no_trial_anew(working):
    working.edit(
        "config/config.yaml",
        "exports: [xpt, dataset_json, ndjson, define]",
        "exports: [xpt]",
    )
    planned = {job.split(":")[0] for job in working.planned()}
    assert {name for name in planned if name.startswith("export_")} == {
        f"export_{trial}" for trial in TRIALS
    }
    # The page does not depend on the exports, but on the house style beside them.
    assert not [n for n in planned if n.startswith(("build_", "fit_", "tabulate_"))]


def test_what_a_transport_file_cannot_hold_stops_the_run_with_one_message(working):
    path = working.folder / "config/trials/crohn_parallel_synthetic.yaml"
    trial = yaml.safe_load(path.read_text(encoding="utf-8"))
    label = "Duration of Crohn's disease before randomisation"
    trial["adsl"]["variables"]["DISDUR"]["label"] = label
    path.write_text(
        yaml.safe_dump(trial, sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
    done = working.run("results/exports/crohn_parallel_synthetic/adsl.xpt")
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "error in rule export_crohn_parallel_synthetic: xpt: ADSL, column" in said
    assert "48 characters where 40 fit; write a shorter label" in said
    assert "leave the format out of `exports` in config.yaml" in said
    log = working.folder / "logs/export_crohn_parallel_synthetic.log"
    assert "Traceback" not in log.read_text(encoding="utf-8")
