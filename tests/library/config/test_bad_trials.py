"""Every inconsistency of a trial is one sentence: where, what, and what to write.

Each case of `bad_trials.yaml` changes one place of a good trial. What is expected is
the whole message, and that it is the only one unless another is true as well: an error
makes no others.
"""

from pathlib import Path

import pytest
import yaml

from tests.library.config.bad_trials import (
    CROSSOVER,
    DROP,
    PARALLEL,
    problems,
    spoilt,
)

HERE = Path(__file__).parent

#: Mistakes by trial, each in one place.
MISTAKES = yaml.safe_load((HERE / "bad_trials.yaml").read_text(encoding="utf-8"))
CASES = [(trial, case) for trial, listed in MISTAKES.items() for case in listed]
TRIALS = {"parallel": PARALLEL, "crossover": CROSSOVER}


@pytest.mark.parametrize(
    ("trial", "case"), CASES, ids=[f"{t} {c['at']}" for t, c in CASES]
)
def test_one_mistake(tmp_path, trial, case):
    content = spoilt(TRIALS[trial], case["at"], case.get("is", DROP))
    assert problems(tmp_path, content) == [case["said"], *case.get("further", [])]


@pytest.mark.parametrize("text", [PARALLEL, CROSSOVER])
def test_the_trials_are_good_before(tmp_path, text):
    assert problems(tmp_path, yaml.safe_load(text)) == []


def test_all_mistakes_come_at_once(tmp_path):
    content = yaml.safe_load(PARALLEL)
    content["adsl"]["flags"]["SAFFL"]["when"] = "present(X)"
    content["bds"]["PAIN"]["baseline"] = "Start"
    content["date_order"] = ["RANDDT", "NODT"]
    content["responders"]["RESP"]["of"] = "Q"
    places = [one.split(":")[0] for one in problems(tmp_path, content)]
    assert places == [
        "adsl.flags.SAFFL.when",
        "date_order",
        "bds.PAIN.baseline",
        "responders.RESP.of",
    ]


def test_a_treatment_that_a_sequence_has_twice_needs_the_period(tmp_path):
    content = yaml.safe_load(CROSSOVER)
    content["sequences"] = {"APA": ["Active", "Placebo", "Active"]}
    content["periods"].append("TRTSDT")
    content["adsl"]["variables"]["TRTSEQP"]["recode"] = {"1": "APA"}
    first = content["bds"]["WIDE"]["visits"]["columns"]["first"]
    first |= {"treatment": first.pop("period") and "Active"}
    (said,) = problems(tmp_path, content)
    assert said == (
        "bds.WIDE.visits.columns.first.treatment: 'Active' stands 2 times in 'APA'; "
        "name the `period` instead"
    )


def test_a_crossover_whose_measurements_name_their_period_needs_no_dates(tmp_path):
    content = yaml.safe_load(CROSSOVER)
    del content["bds"]["PAIN"], content["periods"]
    assert problems(tmp_path, content) == []
