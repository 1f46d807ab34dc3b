"""Each example yields its datasets with an account that adds up."""

import pytest

from trialstats.clean.account import account_counts
from trialstats.clean.files import read_sources

NAMES = (
    "cdiscpilot01",
    "acupuncture_headache",
    "indo_rct",
    "antidepressant_hamd17",
    "hsaur_respiratory",
    "cgd_interferon",
    "crohn_ae_counts",
    "xo_senn_asthma_pef",
    "xo_ashina_headache",
    "xo_ema_replicate_be_1",
    "xo_ema_replicate_be_2",
)

#: Subjects, counted in the files by hand.
SUBJECTS = {
    "cdiscpilot01": 254,
    "acupuncture_headache": 401,
    "indo_rct": 602,
    "antidepressant_hamd17": 172,
    "hsaur_respiratory": 111,
    "cgd_interferon": 128,
    "crohn_ae_counts": 117,
    "xo_senn_asthma_pef": 13,
    "xo_ashina_headache": 16,
    "xo_ema_replicate_be_1": 77,
    "xo_ema_replicate_be_2": 24,
}


def test_every_example_is_named_here(configs):
    assert set(configs) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_row_received_is_kept_changed_or_set_aside(example, dossier, name):
    results = example(name)
    sources = read_sources(results.config, root=dossier)
    received = {key: sum(t.num_rows for t in files) for key, files in sources.items()}
    account = results.clean.account
    rows = account.drop_duplicates(["source", "file", "row"])
    assert rows["source"].value_counts().to_dict() == received
    assert set(rows["disposition"]) <= {"kept", "changed", "set aside"}
    aside = rows[rows["disposition"] == "set aside"]
    assert len(aside) == len(results.clean.set_aside)
    counts = account_counts(account)
    assert len(counts)


@pytest.mark.parametrize("name", NAMES)
def test_every_subject_is_there_once(example, name):
    adsl = example(name).clean.adsl
    assert len(adsl) == adsl["USUBJID"].nunique() == SUBJECTS[name]


@pytest.mark.parametrize("name", NAMES)
def test_no_analysis_fails_as_a_whole(example, name):
    # A median that is not reached is no failure; an effect without an estimate is.
    effects = {
        "difference",
        "odds_ratio",
        "risk_difference",
        "hazard_ratio",
        "geometric_mean_ratio",
    }
    for analysis, rows in example(name).rows.items():
        for row in rows:
            if row["statistic"] in effects:
                assert row["not_estimable"] is None, (analysis, row["not_estimable"])
