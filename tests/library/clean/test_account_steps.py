"""The account in counts: every step takes what the one before left."""

from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialstats import io
from trialstats.clean.steps import EXAMPLES, account_summary
from trialstats.cleaning_rows import CHANGES, STEPS
from trialstats.errors import DataError
from trialstats.rows import ACCOUNT, frame_of


def entry(row, action, rule=None, source="diary", file="a.csv", **values):
    """Return one line of an account; the disposition is set by `account`."""
    reason = values.pop("reason", "because" if rule else None)
    return {
        **{"source": source, "file": file, "row": row, "action": action},
        **{"rule": rule, "reason": reason},
        **values,
    }


def account(*entries):
    """Return an account: what befell a row is the worst of its actions."""
    rank = {"kept": 0, "changed": 1, "set aside": 2}
    fates: dict[tuple[str, str, int], str] = {}
    for one in entries:
        key = (one["source"], one["file"], one["row"])
        fates[key] = max(fates.get(key, "kept"), one["action"], key=rank.__getitem__)
    rows = [
        one | {"disposition": fates[one["source"], one["file"], one["row"]]}
        for one in entries
    ]
    return frame_of(rows, ACCOUNT)


#: Ten rows: four kept, one changed twice, one changed and then set aside, and four
#: set aside by three rules.
TEN = account(
    *(entry(row, "kept") for row in (2, 3, 4, 5)),
    entry(6, "changed", "recode", column="sex", old_value="f", new_value="F"),
    entry(6, "changed", "missing code", column="pain", old_value="-99"),
    entry(7, "changed", "recode", column="sex", old_value="m", new_value="M"),
    entry(7, "set aside", "not used"),
    entry(8, "set aside", "unknown subject", reason="subject 9 is not known"),
    entry(9, "set aside", "unknown subject", reason="subject 8 is not known"),
    entry(10, "set aside", "resubmission", reason="identical to row 2"),
    entry(11, "set aside", "set aside by the configuration", reason="screening"),
)


def test_steps_come_in_the_order_in_which_the_rules_work():
    steps, _ = account_summary([TEN])
    names = ["rule", "n_in", "n_set_aside", "n_out"]
    found = [tuple(row) for row in steps[names].values.tolist()]
    assert found == [
        ("received", 10, 0, 10),
        ("resubmission", 10, 1, 9),
        ("set aside by the configuration", 9, 1, 8),
        ("unknown subject", 8, 2, 6),
        ("not used", 6, 1, 5),
        ("used", 5, 0, 5),
    ]
    # Of the five rows used one is changed; the other changed row is not used.
    assert steps["n_changed"].iloc[-1] == 1
    by_rule = steps.set_index("rule")["reason"]
    assert by_rule["set aside by the configuration"] == "screening"
    # Reasons that name a single row are not those of the step.
    assert pd.isna(by_rule["unknown subject"])


def test_changed_values_are_counted_with_the_first_as_examples():
    many = account(
        *(
            entry(row, "changed", "recode", column="sex", old_value="f", new_value="F")
            for row in range(2, 9)
        ),
        entry(9, "changed", "missing code", column="pain", old_value="-99"),
    )
    _, changes = account_summary([many])
    assert changes["n"].tolist() == [7, 1]
    first, second = changes["examples"]
    arrow = "\N{RIGHTWARDS ARROW}"
    assert first.split("; ") == [f"row {n}: f {arrow} F" for n in (2, 3, 4)][:EXAMPLES]
    assert second == f"row 9: -99 {arrow} missing"


@settings(max_examples=25)
@given(st.lists(st.integers(1, 11), max_size=4))
def test_where_an_account_is_cut_into_parts_does_not_matter(cuts):
    whole = account_summary([TEN])
    ends = [0, *sorted(cuts), len(TEN)]
    parts = [TEN.iloc[a:b] for a, b in pairwise(ends)]
    cut = account_summary(parts)
    for one, other in zip(whole, cut, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_rows_of_several_files_are_told_apart():
    frame = account(
        *(entry(2, "kept", file=f"{name}.csv") for name in "abcd"),
        entry(3, "kept", file="d.csv"),
    )
    steps, _ = account_summary([frame])
    assert steps["n_in"].tolist() == [5, 5]
    assert steps["files"].unique().tolist() == ["4 files"]


def test_a_rule_that_is_not_known_comes_last():
    frame = account(
        entry(2, "set aside", "a new rule"),
        entry(3, "set aside", "not used"),
        entry(4, "kept"),
    )
    steps, _ = account_summary([frame])
    assert steps["rule"].tolist() == ["received", "not used", "a new rule", "used"]


def test_a_row_set_aside_twice_does_not_add_up():
    frame = account(
        entry(2, "set aside", "resubmission"), entry(2, "set aside", "not used")
    )
    with pytest.raises(DataError, match="does not add up: of 0 rows 1 set aside"):
        account_summary([frame])


def test_nothing_received_is_no_step():
    steps, changes = account_summary([frame_of([], ACCOUNT)])
    assert len(steps) == len(changes) == 0


def test_the_tables_can_be_written(tmp_path):
    steps, changes = account_summary([TEN])
    for frame, schema in ((steps, STEPS), (changes, CHANGES)):
        io.write_table(frame, tmp_path / "t.parquet", schema)
        assert len(io.read_table(tmp_path / "t.parquet", schema)) == len(frame)
