"""Findings about the order of what happened: treatment, events, dates."""

import copy

import pytest

from trialstats import io
from trialstats.clean.files import dataset_schemas
from trialstats.clean.trial import clean_trial

TRIAL = {
    "trial": "T",
    "design": "parallel",
    "data_status": "synthetic",
    "arms": {"control": "P", "treatments": ["A"]},
    "sources": {
        "people": {"file": "people.csv", "key": ["id"]},
        "scores": {"file": "scores.csv", "key": ["id", "visit"]},
        "events": {"file": "events.csv", "key": ["id", "term"]},
    },
    "adsl": {
        "from": "people",
        "subject": "id",
        "variables": {
            "TRT01P": {"column": "arm", "label": "Arm"},
            "TRTSDT": {"column": "first", "type": "date", "label": "First dose"},
            "TRTEDT": {"column": "last", "type": "date", "label": "Last dose"},
        },
    },
    "bds": {
        "PAIN": {
            "label": "Pain",
            "unit": "0-10",
            "from": "scores",
            "value": {"column": "pain"},
            "date": {"column": "on"},
            "visits": {
                "column": "visit",
                "names": {"Baseline": {"number": 0}, "Week 4": {"number": 4}},
            },
            "baseline": "Baseline",
        }
    },
    "adae": {
        "from": "events",
        "variables": {
            "AETERM": {"column": "term", "label": "Term"},
            # Without a type: start and end of an event are dates in any case.
            "ASTDT": {"column": "start", "label": "Start"},
            "AENDT": {"column": "end", "label": "End"},
        },
    },
    "analysis_sets": {"ITT": "TRT01P != ''"},
}

TEXTS = {
    "people": "id,arm,first,last\n1,A,2024-01-01,2024-01-20\n2,P,,\n3,A,2024-01-01,\n",
    "scores": "id,visit,on,pain\n"
    "1,Baseline,2024-01-01,5\n1,Week 4,2024-01-29,4\n"
    "2,Baseline,2024-01-01,6\n2,Week 4,2024-01-29,3\n2,Other,2024-02-01,2\n"
    "3,Baseline,2024-01-01,7\n3,Week 4,2024-01-29,\n",
    "events": "id,term,start,end\n"
    "1,Nausea,2024-01-05,2024-01-04\n1,Headache,2024-01-05,2024-01-05\n"
    "2,Rash,2024-01-05,\n3,Fall,,2024-01-02\n",
}


@pytest.fixture
def cleaned(tmp_path):
    """Return a function that cleans the trial, its configuration or texts changed."""

    def clean(config=TRIAL, **texts):
        tables = {}
        for name, text in (TEXTS | texts).items():
            path = tmp_path / f"{name}.csv"
            path.write_text(text, encoding="utf-8")
            tables[name] = io.read_raw(path, name=f"{name}.csv")
        return clean_trial(config, tables)

    return clean


def of_kind(trial, kind):
    found = trial.queries[trial.queries["kind"] == kind]
    return found[
        ["file", "row", "USUBJID", "column", "value", "finding"]
    ].values.tolist()


def test_a_value_after_baseline_of_somebody_never_treated_is_named(cleaned):
    trial = cleaned()
    # Not the baseline of subject 2, nor the value of a visit that is not configured;
    # and not subject 1, who was measured after the last dose.
    assert of_kind(trial, "measured without treatment") == [
        [
            *("scores.csv", 5, "2", "pain", "3"),
            "PAIN at Week 4, and the subject has no first dose (TRTSDT)",
        ]
    ]
    bds = trial.bds
    used = bds[(bds["USUBJID"] == "2") & (bds["AVISIT"] == "Week 4")]
    assert used["ANL01FL"].tolist() == ["Y"]


def test_without_a_date_of_first_dose_nothing_is_said(cleaned):
    config = copy.deepcopy(TRIAL)
    del config["adsl"]["variables"]["TRTSDT"]
    assert of_kind(cleaned(config), "measured without treatment") == []


def test_an_event_that_ends_before_it_starts_is_named(cleaned):
    trial = cleaned()
    # The same day is no error, and neither is an unknown start or end.
    assert of_kind(trial, "impossible order of dates") == [
        [
            *("events.csv", 2, "1", "end", "2024-01-04"),
            "the event ends before it starts (2024-01-05)",
        ]
    ]
    ends = trial.adae.set_index("AETERM")["AENDT"]
    assert f"{ends['Nausea']:%Y-%m-%d}" == "2024-01-04"


def test_the_end_of_events_is_a_variable_where_it_is_configured():
    assert "AENDT" in dataset_schemas(TRIAL)["adae"].names
    config = copy.deepcopy(TRIAL)
    del config["adae"]["variables"]["AENDT"]
    assert "AENDT" not in dataset_schemas(config)["adae"].names
