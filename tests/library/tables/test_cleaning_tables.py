"""Tables of the cleaning: they add up, and a long list does not make a long page."""

import pytest
import table_samples as samples

from trialstats import tables
from trialstats.errors import DataError
from trialstats.rows import QUERIES, SET_ASIDE, frame_of
from trialstats.tables.shortened import LONGEST, SHOWN, shares, shortened

TRIAL = samples.PARALLEL


def body(table):
    return [[c.text for c in row.cells] for row in table.rows if not row.heading]


def test_the_account_goes_from_rows_received_to_rows_used():
    table = tables.account_table(samples.account_steps(), trial=TRIAL)
    assert [row.cells[0].text for row in table.rows if row.heading] == [
        *("demographics", "diary"),
    ]
    assert body(table)[2:] == [
        ["received", "900", "", "900", "", "data/raw/diary.csv"],
        ["resubmission", "900", "5", "895", "", ""],
        ["not used", "895", "2", "893", "", "no dataset holds it"],
        ["used", "893", "", "893", "15", ""],
    ]


@pytest.mark.parametrize(
    ("column", "row", "value"),
    [("n_out", 3, 894), ("n_in", 4, 894), ("n_set_aside", 3, 6)],
)
def test_an_account_that_does_not_add_up_is_refused(column, row, value):
    steps = samples.account_steps()
    steps.loc[row, column] = value
    with pytest.raises(DataError, match="account of 'diary' does not add up"):
        tables.account_table(steps, trial=TRIAL)


def findings(**kinds):
    """Return so many findings of each kind."""
    row = {"source": "diary", "file": "f.csv", "finding": "f"}
    rows = [
        row
        | {"kind": kind, "row": number, "resolution": "set aside"}
        | {"USUBJID": f"S-{number % 7}"}
        for kind, count in kinds.items()
        for number in range(count)
    ]
    return frame_of(rows, QUERIES)


def test_findings_are_counted_by_kind():
    table = tables.quality_table(findings(duplicate=3, range=150), trial=TRIAL)
    assert sum(int(row[2]) for row in body(table)) == 153
    assert body(table) == [
        ["duplicate", "diary", "3", "3", "set aside"],
        ["range", "diary", "150", "7", "set aside"],
    ]


def test_a_kind_with_several_resolutions_refers_to_the_list():
    frame = findings(duplicate=2)
    frame.loc[1, "resolution"] = "kept"
    assert body(tables.quality_table(frame, trial=TRIAL))[0][-1] == "as the list says"


def test_a_hundred_thousand_findings_make_a_small_page():
    frame = findings(missing=100_000, duplicate=3, window=60)
    table = tables.queries_table(frame, trial=TRIAL)
    kinds = [cells[0] for cells in body(table)]
    # Small kinds stand whole; the large one takes what is left of the hundred.
    assert [kinds.count(k) for k in ("missing", "duplicate", "window")] == [49, 3, 48]
    note = table.footnotes[0][1]
    assert note.startswith("100 of 100063 findings are shown")
    assert note.endswith(
        "99963 more are in results/datasets/demo_parallel/queries.parquet."
    )
    assert table.listed == (100063, 100)
    assert len(tables.to_html(table)) < 60_000


def test_a_short_list_is_whole_and_says_nothing_of_more():
    table = tables.queries_table(findings(a=60, b=40), trial=TRIAL)
    assert len(table.rows) == SHOWN
    assert not any("shown" in text for _, text in table.footnotes)


def test_rows_set_aside_are_shortened_by_rule_and_cut_where_they_are_long():
    row = {"source": "diary", "file": "f.csv", "reason": "r"}
    raw = '{"a": "' + "x" * 5000 + '"}'
    rows = [
        row | {"row": number, "rule": rule, "raw": raw}
        for rule, count in (("resubmission", 500), ("unknown subject", 2))
        for number in range(count)
    ]
    table = tables.set_aside_table(frame_of(rows, SET_ASIDE), trial=TRIAL)
    assert [cells[2] for cells in body(table)].count("unknown subject") == 2
    assert max(len(cells[-1]) for cells in body(table)) == LONGEST
    assert table.footnotes[0][1].startswith("100 of 502 rows are shown")


def test_changed_values_name_rule_reason_and_examples():
    table = tables.changes_table(samples.changed_values(), trial=TRIAL)
    arrow = "\N{RIGHTWARDS ARROW}"
    assert body(table)[0] == [
        *("unit conversion", "diary", "pain", "15", samples.HOSTILE),
        f"row 3: 34 {arrow} 3.4",
    ]
    assert table.title == "Values changed by a rule"


def test_the_dictionary_says_where_a_variable_is_from():
    table = tables.dictionary_table(samples.dictionary_rows(), trial=TRIAL)
    assert table.rows[0].cells[0].text == "ADSL: 101 rows, 2 variables"
    assert body(table) == [
        [
            *("USUBJID", "Subject", "text, key 1", ""),
            *("Collected: demographics.subject", "", "", "0"),
        ],
        [
            *("AGE", samples.HOSTILE, "number", "years"),
            *("Derived", "BRTHDT to RANDDT", "18 to 64", "3"),
        ],
    ]


def test_warnings_name_the_place_of_the_number():
    table = tables.warnings_table(samples.warning_rows())
    assert body(table)[0][-1] == (
        "data/published/outcomes_continuous.csv, row 7, sd_ldn"
    )


@pytest.mark.parametrize(
    ("sizes", "limit", "shown"),
    [([5, 5], 100, [5, 5]), ([1000, 1], 10, [9, 1]), ([9, 9, 9], 10, [3, 3, 4])],
)
def test_shares_of_a_list(sizes, limit, shown):
    assert shares(sizes, limit) == shown


def test_shortening_keeps_the_order_and_a_missing_group():
    kinds = ["a", None, "a", "b"] * 50
    listed = [{"kind": kind, "n": n} for n, kind in enumerate(kinds)]
    part = shortened(listed, "kind", 30)
    assert len(part) == 30
    assert [row["n"] for row in part] == sorted(row["n"] for row in part)
    assert sum(row["kind"] is None for row in part) == 10
