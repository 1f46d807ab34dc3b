"""Judgements of people: what a file may say, and what is refused."""

import pandas as pd
import pytest

from trialstats.clean.judgements import build_certainty, build_risk_of_bias
from trialstats.errors import DataError
from trialstats.judgements import GRADE_DOWN, certainty

ROB = ("trial_id", "outcome", "domain", "judgement", "reason", "source")
GRADE = ("synthesis", "domain", "levels", "reason")
WHY = "sequence by computer, concealed by pharmacy"


def cells(names, *rows):
    index = pd.Index(range(2, 2 + len(rows)), name="row")
    return pd.DataFrame(rows, columns=list(names), index=index, dtype=object)


def biased(*rows):
    return build_risk_of_bias(cells(ROB, *rows), file="rob.csv", trials=["A", "B"])


def graded(*rows):
    return build_certainty(cells(GRADE, *rows), file="grade.csv", syntheses=["pain"])


def test_files_without_rows_judge_nothing():
    assert biased().empty
    assert graded().empty


def test_a_judgement_keeps_its_reason_and_its_row():
    made = biased(("A", "pain", "D1", "low", WHY, "two reviewers"))
    assert made.iloc[0].to_dict() == {
        "trial": "A",
        "outcome": "pain",
        "domain": "D1",
        "judgement": "low",
        "reason": WHY,
        "source": "two reviewers",
        "file": "rob.csv",
        "row": 2,
    }


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("C", None, "D1", "low", WHY, None), "there is no such trial"),
        (("A", None, "D6", "low", WHY, None), "unknown domain"),
        (("A", None, "D1", "unclear", WHY, None), "low, some concerns, high"),
        (("A", None, "D1", "low", None, None), "the cell is empty"),
        ((None, None, "D1", "low", WHY, None), "the cell is empty"),
    ],
)
def test_a_wrong_judgement_is_refused_with_its_place(row, said):
    with pytest.raises(DataError, match=r"rob\.csv.*row 2") as caught:
        biased(row)
    assert said in str(caught.value)


def test_a_domain_is_judged_once():
    with pytest.raises(DataError, match="already that of row 2"):
        biased(
            ("A", None, "D1", "low", WHY, None), ("A", None, "D1", "high", WHY, None)
        )


def test_the_overall_judgement_is_never_better_than_a_domain():
    # RoB 2 guidance: overall low asks for low in every domain, and so on.
    domains = [
        ("A", None, "D1", "low", WHY, None),
        ("A", None, "D2", "high", WHY, None),
    ]
    with pytest.raises(DataError, match="overall is at least 'high'"):
        biased(*domains, ("A", None, "overall", "some concerns", WHY, None))
    # Another trial, or another outcome of the same, is another judgement.
    assert len(biased(*domains, ("B", None, "overall", "low", WHY, None))) == 3


def test_several_problems_come_together():
    with pytest.raises(DataError) as caught:
        biased(("C", None, "D1", "low", WHY, None), ("A", None, "D9", "low", WHY, None))
    assert "row 2" in str(caught.value)
    assert "row 3" in str(caught.value)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("back", "imprecision", "-1", "few events"), "there is no such synthesis"),
        (("pain", "imprecision", "-3", "few events"), "write one of 0, -1, -2"),
        (("pain", "imprecision", "1", "few events"), "write one of 0, -1, -2"),
        (("pain", "large effect", "-1", "large"), "write one of 0, 1, 2"),
        (("pain", "imprecision", "-1", None), "the cell is empty"),
        (("pain", "precision", "0", None), "unknown domain"),
    ],
)
def test_a_wrong_certainty_is_refused_with_its_place(row, said):
    with pytest.raises(DataError, match=r"grade\.csv.*row 2") as caught:
        graded(row)
    assert said in str(caught.value)


def test_a_domain_without_concern_needs_no_reason():
    assert graded(("pain", "imprecision", "0", None)).iloc[0]["levels"] == 0


def test_certainty_counts_points_down_from_four_and_stays_on_the_ladder():
    # GRADE handbook, section 5: high, less one level for each serious concern.
    none = dict.fromkeys(GRADE_DOWN, 0)
    assert certainty(none) == "high"
    assert certainty(none | {"imprecision": -1}) == "moderate"
    assert certainty(none | {"imprecision": -2, "risk of bias": -2}) == "very low"
    assert certainty(none, start=2) == "low"
    assert certainty(none | {"large effect": 1}, start=2) == "moderate"
    assert certainty({"imprecision": 0}) is None
