"""Which of several values at one visit is analysed, for every rule."""

import pytest

from tests.library.small_trial import clean, column, configuration
from trialstats.errors import DataError

#: Days -3, 1; then 10, 12, 16 of a window from 8 to 20 whose middle is 14.
SCORES = """\
id,date,score
1,2023-12-29,50
1,2024-01-01,60
1,2024-01-10,7
1,2024-01-12,3
1,2024-01-16,5
"""


def config(**parameter):
    return configuration(
        sources={
            "people": {"file": "people.csv", "key": ["id"]},
            "scores": {"file": "scores.csv", "key": ["id", "date"]},
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
                    "reference": "TRTSDT",
                    "windows": {
                        "Baseline": {"number": 0, "days": [-7, 1]},
                        "Week 2": {"number": 2, "days": [8, 20]},
                    },
                },
                "baseline": "Baseline",
                **parameter,
            }
        },
    )


def analysed(tmp_path, scores=SCORES, **parameter):
    bds = clean(tmp_path, config(**parameter), {"scores.csv": scores}).bds
    return column(bds, "AVAL", ANL01FL="Y", AVISIT="Week 2")


@pytest.mark.parametrize(
    ("rule", "ties", "value"),
    [
        ("nearest", "earlier", 3),  # days 12 and 16 are as near to 14
        ("nearest", "later", 5),
        ("first", "earlier", 7),
        ("last", "earlier", 5),
        ("lowest", "earlier", 3),
        ("highest", "earlier", 7),
        ("worst", "earlier", 7),
        ("best", "earlier", 3),
        ("mean", "earlier", 5),
    ],
)
def test_rules(tmp_path, rule, ties, value):
    assert analysed(tmp_path, several=rule, ties=ties) == [value]


def test_worst_follows_the_direction(tmp_path):
    assert analysed(tmp_path, several="worst", better="higher") == [3]


def test_of_the_baseline_the_latest(tmp_path):
    bds = clean(tmp_path, config(), {"scores.csv": SCORES}).bds
    assert column(bds, "AVAL", ABLFL="Y") == [60]
    assert set(column(bds, "BASE", USUBJID="1")) == {60}


def test_a_baseline_before_a_date_whatever_its_visit(tmp_path):
    settings = config(baseline={"last_before": "TRTSDT"})
    bds = clean(tmp_path, settings, {"scores.csv": SCORES}).bds
    assert column(bds, "AVAL", ABLFL="Y") == [60]
    assert column(bds, "CHG", AVISIT="Week 2", ANL01FL="Y") == [-57]


def test_several_values_may_be_refused(tmp_path):
    with pytest.raises(DataError, match="a further value of the subject at Week 2"):
        analysed(tmp_path, several="error")


def test_a_mean_has_a_record_of_its_own(tmp_path):
    bds = clean(tmp_path, config(several="mean"), {"scores.csv": SCORES}).bds
    assert column(bds, "DTYPE", AVISIT="Week 2", ANL01FL="Y") == ["AVERAGE"]
    assert column(bds, "AVAL", AVISIT="Week 2", ANL01FL=None) == [7, 3, 5]


@pytest.mark.parametrize(
    ("statistic", "value"),
    [("mean", 5), ("median", 5), ("sum", 15), ("lowest", 3), ("highest", 7)],
)
def test_summaries(tmp_path, statistic, value):
    rule = {"statistic": statistic, "at_least": 3, "of": 13}
    assert analysed(tmp_path, summarise=rule) == [value]


def test_too_few_values_make_no_summary(tmp_path):
    rule = {"statistic": "mean", "at_least": 4, "of": 13}
    assert analysed(tmp_path, summarise=rule) == []


def test_the_order_of_the_rows_does_not_matter(tmp_path):
    header, *rows = SCORES.splitlines()
    turned = "\n".join([header, *reversed(rows)]) + "\n"
    for rule in ("nearest", "first", "last", "lowest", "mean"):
        assert analysed(tmp_path, several=rule) == analysed(
            tmp_path, scores=turned, several=rule
        )
