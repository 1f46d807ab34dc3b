"""Records derived from those received, worked out by hand.

Subject 1 has 10 at baseline, 8 at week 2, nothing at week 4, 12 at week 6 and nothing
at week 8; subject 2 has 20 at baseline and 18 at week 2; subject 3 has nothing more.
"""

import pytest

from tests.library.small_trial import clean, column, configuration, with_variables

SCORES = """\
id,visit,date,score
1,Base,2024-01-01,10
1,W2,2024-01-15,8
1,W6,2024-02-12,12
2,Base,2024-01-01,20
2,W2,2024-01-15,18
3,Base,2024-01-01,30
"""

#: Somebody has each visit, so that no visit is left out.
EVERY_VISIT = SCORES + "2,W4,2024-01-29,17\n2,W8,2024-02-26,16\n"


def config(records, **parameter):
    visits = {"Baseline": (0, "Base")} | {
        f"Week {n}": (n, f"W{n}") for n in (2, 4, 6, 8)
    }
    return configuration(
        sources={
            "people": {"file": "people.csv", "key": ["id"]},
            "scores": {"file": "scores.csv", "key": ["id", "visit"]},
        },
        bds={
            "SCORE": {
                "label": "Score",
                "unit": "points",
                "from": "scores",
                "better": "lower",
                "value": {"column": "score", "type": "number"},
                "date": {"column": "date"},
                "visits": {
                    "column": "visit",
                    "names": {
                        name: {"number": number, "received": received}
                        for name, (number, received) in visits.items()
                    },
                },
                "baseline": "Baseline",
                "records": records,
                **parameter,
            }
        },
    )


def made(tmp_path, records, scores=EVERY_VISIT, **parameter):
    return clean(tmp_path, config(records, **parameter), {"scores.csv": scores}).bds


def test_last_observation_is_carried_forward(tmp_path):
    bds = made(tmp_path, [{"dtype": "LOCF"}])
    one = {"DTYPE": "LOCF", "USUBJID": "1"}
    assert column(bds, "AVISIT", **one) == ["Week 4", "Week 8"]
    assert column(bds, "AVAL", **one) == [8, 12]
    assert column(bds, "CHG", **one) == [-2, 2]
    assert column(bds, "PCHG", **one) == [-20, 20]
    assert column(bds, "AVISIT", DTYPE="LOCF", USUBJID="2") == ["Week 6"]
    # Nothing after baseline: nothing to carry.
    assert column(bds, "AVAL", DTYPE="LOCF", USUBJID="3") == []


def test_nothing_is_carried_to_a_visit_that_nobody_has(tmp_path):
    bds = made(tmp_path, [{"dtype": "LOCF"}], scores=SCORES)
    assert set(column(bds, "AVISIT", DTYPE="LOCF")) == {"Week 6"}


def test_baseline_is_carried_forward(tmp_path):
    bds = made(tmp_path, [{"dtype": "BOCF"}])
    assert column(bds, "AVAL", DTYPE="BOCF", USUBJID="3") == [30, 30, 30, 30]
    assert column(bds, "CHG", DTYPE="BOCF", USUBJID="3") == [0, 0, 0, 0]
    assert column(bds, "AVISIT", DTYPE="BOCF", USUBJID="1") == ["Week 4", "Week 8"]


def test_worst_observation_is_carried_forward(tmp_path):
    bds = made(tmp_path, [{"dtype": "WOCF"}])
    assert column(bds, "AVAL", DTYPE="WOCF", USUBJID="1") == [8, 12]
    higher = made(tmp_path, [{"dtype": "WOCF"}], better="higher")
    assert column(higher, "AVAL", DTYPE="WOCF", USUBJID="1") == [8, 8]


@pytest.mark.parametrize(
    ("dtype", "value"), [("WORST", 12), ("BEST", 8), ("AVERAGE", 10), ("LAST", 12)]
)
def test_one_record_of_all_values_after_baseline(tmp_path, dtype, value):
    bds = made(tmp_path, [{"dtype": dtype, "visit": "Overall"}])
    rows = {"AVISIT": "Overall", "USUBJID": "1"}
    assert column(bds, "AVAL", **rows) == [value]
    assert column(bds, "DTYPE", **rows) == [dtype]
    assert column(bds, "CHG", **rows) == [value - 10]
    assert column(bds, "AVAL", AVISIT="Overall", USUBJID="3") == []


def test_only_values_until_a_date_count(tmp_path):
    settings = config([{"dtype": "LAST", "until": "TRTEDT"}])
    with_variables(
        settings, TRTEDT={"column": "end", "type": "date", "label": "Last dose"}
    )
    people = (
        "id,arm,start,end\n"
        "1,A,2024-01-01,2024-01-20\n2,B,2024-01-01,\n3,A,2024-01-01,\n"
    )
    bds = clean(
        tmp_path, settings, {"scores.csv": EVERY_VISIT, "people.csv": people}
    ).bds
    assert column(bds, "AVAL", DTYPE="LAST", USUBJID="1") == [8]
    # Without a date every value counts.
    assert column(bds, "AVAL", DTYPE="LAST", USUBJID="2") == [16]


@pytest.mark.parametrize("dtype", ["LOCF", "BOCF", "WOCF", "WORST", "AVERAGE", "LAST"])
def test_what_was_received_stays_as_it_is(tmp_path, dtype):
    without = made(tmp_path, [])
    with_records = made(tmp_path, [{"dtype": dtype}])
    received = with_records[with_records["DTYPE"].isna()].reset_index(drop=True)
    assert received.equals(without)
