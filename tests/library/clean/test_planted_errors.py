"""Every error planted in the synthetic raw files is found, named and resolved.

The ledger in data/truth is written by the generator, which knows what it planted; the
cleaning code does not read it.
"""

import pytest

from trialstats.clean.account import account_counts
from trialstats.clean.files import read_sources
from trialstats.clean.trial import clean_trial
from trialstats.config.loading import load_project, load_yaml

TRIALS = (
    "fm_parallel_synthetic",
    "fm_crossover_synthetic",
    "crohn_parallel_synthetic",
)


@pytest.fixture(scope="module", params=TRIALS)
def trial(request, root):
    """Return the cleaned trial and the ledger of what was planted."""
    config = load_project(root).trials[request.param]
    cells = read_sources(config, root=root)
    truth = load_yaml(root / "data" / "truth" / f"{request.param}.yaml")
    return config, cells, clean_trial(config, cells), truth["planted"]


def test_each_raw_row_is_accounted_for_once(trial):
    _, cells, clean, _ = trial
    counts = account_counts(clean.account).set_index("source")
    for name, received in cells.items():
        row = counts.loc[name]
        rows = sum(table.num_rows for table in received)
        assert row["received"] == rows
        assert row["kept"] + row["changed"] + row["set_aside"] == rows
    fates = clean.account.groupby(["source", "row"])["disposition"].nunique()
    assert (fates == 1).all()
    aside = clean.account[clean.account["disposition"] == "set aside"]
    assert len(aside.drop_duplicates(["source", "row"])) == len(clean.set_aside)


def test_treatment_of_a_period_follows_the_sequence(root):
    # AB is LDN, then placebo, as data/README.md says of the raw files.
    name = "fm_crossover_synthetic"
    config = load_project(root).trials[name]
    cells = read_sources(config, root=root)
    raw = cells["demographics"][0].cells.to_pandas()
    raw = raw.set_index("subject")["sequence"].str.strip()
    bds = clean_trial(config, cells).bds
    placed = bds[bds["APERIOD"].notna()]
    assert placed["USUBJID"].nunique() == 31
    order = {"AB": ["LDN 4.5 mg", "Placebo"], "BA": ["Placebo", "LDN 4.5 mg"]}
    for subject, period, treatment in placed[["USUBJID", "APERIOD", "TRTP"]].itertuples(
        index=False
    ):
        assert treatment == order[raw[subject]][period - 1]


def test_every_planted_error_is_found_and_named(trial):
    config, _, clean, planted = trial
    files = {spec["file"]: name for name, spec in config["sources"].items()}
    assert len(planted) > 10
    missed = []
    for error in planted:
        if error["kind"] == "text date":
            found = clean.account[clean.account["rule"] == "date format"]
        else:
            found = clean.queries[clean.queries["kind"] == error["kind"]]
        at = found[
            (found["source"] == files[error["file"]]) & (found["row"] == error["row"])
        ]
        if at.empty:
            missed.append(error)
    assert missed == []


def test_altered_values_become_what_the_ledger_says(trial):
    _, _, clean, planted = trial
    account = clean.account.set_index(["source", "row", "column"]).sort_index()
    checked = 0
    for error in planted:
        if error.get("becomes") is None or error["kind"] == "out of window":
            continue
        rows = account.loc[[(error["source"], error["row"], error["column"])]]
        new = rows["new_value"].dropna().iloc[-1]
        if isinstance(error["becomes"], str):
            assert new == error["becomes"]
        else:
            # The ledger rounds to nine decimals.
            assert float(new) == pytest.approx(error["becomes"], abs=1e-9)
        checked += 1
    assert checked >= 10


def test_nothing_else_is_called_impossible_duplicate_or_out_of_window(trial):
    _, _, clean, planted = trial
    for kind in ("impossible value", "duplicate", "out of window", "correction"):
        found = (clean.queries["kind"] == kind).sum()
        assert found == sum(error["kind"] == kind for error in planted), kind


def test_dropouts_are_in_the_subject_level_table(trial):
    _, _, clean, _ = trial
    out = clean.adsl[clean.adsl["EOSSTT"] == "DISCONTINUED"]
    assert len(out) > 0
    assert out["DCSREAS"].notna().sum() >= len(out) - 1
