"""A partial onset or end of an adverse event may be completed, and is told."""

import copy

import pandas as pd
import pytest
import yaml

from tests.library.config.bad_trials import PARALLEL, problems, spoilt
from tests.library.small_trial import clean, configuration

RULE = {"month": "first", "day": "last"}


@pytest.mark.parametrize("name", ["ASTDT", "AENDT"])
def test_dates_of_events_may_be_completed(tmp_path, name):
    spec = {"column": "day", "type": "date", "label": "Date", "partial": RULE}
    content = spoilt(PARALLEL, f"adae/variables/{name}", spec)
    assert problems(tmp_path, content) == []


def test_text_of_events_is_not_completed(tmp_path):
    content = copy.deepcopy(yaml.safe_load(PARALLEL))
    content["adae"]["variables"]["AETERM"]["partial"] = RULE
    (said,) = problems(tmp_path, content)
    assert "adae.variables.AETERM.partial: is for dates, not for text" in said


def test_what_was_put_in_stands_in_the_account_and_the_findings(tmp_path):
    dated = {"type": "date", "label": "Date", "partial": RULE}
    config = configuration(
        sources={"events": {"file": "events.csv", "key": ["id", "term"]}},
        adae={
            "from": "events",
            "variables": {
                "AETERM": {"column": "term", "label": "Term"},
                "ASTDT": {"column": "onset", **dated},
                "AENDT": {"column": "end", **dated},
            },
        },
    )
    events = "id,term,onset,end\n1,Nausea,2024-02,2024\n2,Headache,2024-02-03,\n"
    made = clean(tmp_path, config, {"events.csv": events})
    first = made.adae[made.adae["AETERM"] == "Nausea"].iloc[0]
    # The last day of February of a leap year; the last day of the first month.
    assert first["ASTDT"] == pd.Timestamp("2024-02-29")
    assert first["AENDT"] == pd.Timestamp("2024-01-31")
    told = made.account[made.account["rule"] == "partial date"]
    assert sorted(told["column"]) == ["end", "onset"]
    found = made.queries[made.queries["kind"] == "partial date"]
    assert sorted(found["value"]) == ["2024", "2024-02"]
    assert "ASTDTF" not in made.adae
