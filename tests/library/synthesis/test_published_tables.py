"""The published tables: nothing lost, and everything wrong is found and named."""

import pandas as pd
import pytest

from trialstats import io
from trialstats.clean.published import structure_of
from trialstats.errors import DataError
from trialstats.evidence_rows import EFFECTS, PUBLISHED_POOLS, PUBLISHED_TRIALS

FINAL, INNOVA = "DUEBRUUN2024_FINAL", "INNOVA_FM"
BINARY = "data/published/outcomes_binary.csv"
CONTINUOUS = "data/published/outcomes_continuous.csv"


def row_of(frame, trial, outcome):
    """Return the row of the file of one outcome."""
    found = frame.index[frame["trial_id"].eq(trial) & frame["outcome"].eq(outcome)]
    assert len(found) == 1
    return found[0]


def test_no_row_and_no_cell_of_the_source_is_lost(raw, shared):
    sources = {
        "trials": "trials.csv",
        "continuous": "outcomes_continuous.csv",
        "binary": "outcomes_binary.csv",
        "pools": "published_pools.csv",
    }
    for name, file in sources.items():
        source = io.read_cells(shared / "ldn" / file)
        pd.testing.assert_frame_equal(raw[name][list(source.columns)], source)


def test_frames_fit_their_schemas(published, tmp_path):
    schemas = (EFFECTS, PUBLISHED_TRIALS, PUBLISHED_POOLS)
    # 35 + 31 outcomes, 24 trials and 29 pools stand in the source.
    for frame, schema, n in zip(published, schemas, (66, 24, 29), strict=True):
        io.write_table(frame, tmp_path / "x.parquet", schema)
        assert len(io.read_table(tmp_path / "x.parquet", schema)) == n


def test_every_effect_names_its_row_of_the_file(raw, published):
    for name, file in (("binary", BINARY), ("continuous", CONTINUOUS)):
        effects = published[0].loc[published[0]["file"].eq(file)]
        listed = raw[name].loc[effects["row"].tolist(), "trial_id"].tolist()
        assert listed == effects["trial"].tolist()


def test_blank_events_stay_null(published):
    rows = published[0].loc[published[0]["use"].eq("conflict")]
    assert len(rows) == 2
    assert rows["events_ldn"].isna().all()


@pytest.mark.parametrize(
    ("words", "structure"),
    [
        ("RCT, double-blind, parallel", "parallel"),
        ("single-arm phase II", "single arm"),
        ("single-blind, FIXED-ORDER crossover", "crossover"),
        ("a study", None),
    ],
)
def test_structure_of_a_design(words, structure):
    assert structure_of(words) == structure


#: table, trial, outcome, column, value written, words of the message
BAD = (
    [
        *("binary", FINAL, "any adverse event", "events_ldn", "50"),
        *("more events", "write at most n_ldn = 49"),
    ],
    [
        *("binary", FINAL, "any adverse event", "n_placebo", "0"),
        *("0 participants", "write the number of participants"),
    ],
    [
        *("binary", FINAL, "any adverse event", "events_ldn", "many"),
        *("not a number", "write a number with a decimal point"),
    ],
    [
        *("binary", FINAL, "any adverse event", "events_ldn", "40.5"),
        *("not a count", "write a whole number"),
    ],
    [
        *("binary", FINAL, "any adverse event", "events_ldn", "40"),
        *("is 81.6%, printed is 84%", "write the count that gives"),
    ],
    [
        *("binary", FINAL, "any adverse event", "use", "shipp"),
        *("unknown use", "write one of: ship, caution"),
    ],
    [
        *("binary", FINAL, "any adverse event", "evidence_status", "known"),
        *("unknown evidence_status", "write one of: seen, derived, recalled"),
    ],
    [
        *("binary", FINAL, "any adverse event", "trial_id", "DUEBRUUN2024_FINALE"),
        *("unknown trial", "did you mean 'DUEBRUUN2024_FINAL'"),
    ],
    [
        *("continuous", FINAL, "pain intensity", "sd_ldn", "0"),
        *("standard deviation of 0 or less", "write a standard deviation above 0"),
    ],
    [
        *("continuous", FINAL, "pain intensity", "ci_low", "0.4"),
        *("limits are reversed", "write the lower limit in ci_low"),
    ],
    [
        *("continuous", FINAL, "pain intensity", "published_diff", "0.34"),
        *("outside its interval, -0.95 to 0.27", "mend the estimate"),
    ],
    [
        # (0.27 + 0.95) / (2 * 1.959964) = 0.3112, worked by hand.
        *("continuous", FINAL, "pain intensity", "derived_se", "0.3122"),
        *("does not follow", "write 0.3112"),
    ],
    [
        *("continuous", INNOVA, "pain intensity", "p", "0.24"),
        *("not the number that derived_how uses", "make it agree"),
    ],
    [
        *("continuous", INNOVA, "pain intensity", "derived_how", "by eye"),
        *("unknown derivation", "write as in: published CI"),
    ],
    [
        *("continuous", FINAL, "pain intensity", "derived_se", "-0.3"),
        *("standard error of 0 or less", "write a standard error above 0"),
    ],
    [
        # sqrt(7.7^2/6 + 5.9^2/6) = 3.960, worked by hand.
        *("continuous", "MISCHOULON2017_MDD", "HAM-D-17 (primary)", "derived_se"),
        *("3.970", "does not follow", "write 3.960"),
    ],
    [
        *("continuous", FINAL, "pain intensity", "direction", "up"),
        *("unknown direction", "write one of: higher is better, lower is better"),
    ],
)


@pytest.mark.parametrize(
    ("table", "trial", "outcome", "column", "value", "what", "remedy"),
    BAD,
    ids=lambda value: str(value)[:20],
)
def test_a_bad_cell_is_named(
    cells, build, table, trial, outcome, column, value, what, remedy
):
    row = row_of(cells[table], trial, outcome)
    cells[table].loc[row, column] = value
    with pytest.raises(DataError) as caught:
        build(cells)
    message = str(caught.value)
    file = BINARY if table == "binary" else CONTINUOUS
    shown = "0.236" if column == "p" else value
    assert f"{file}, row {row}, column" in message
    assert f"column {column!r}" in message
    assert repr(value) in message or shown in message
    assert what in message
    assert remedy in message


def test_a_missing_column_is_named(cells, build):
    cells["binary"] = cells["binary"].rename(columns={"events_ldn": "events_lnd"})
    with pytest.raises(DataError, match="column 'events_ldn'") as caught:
        build(cells)
    assert f"{BINARY}, row 1" in str(caught.value)
    assert "did you mean 'events_lnd'?" in str(caught.value)


@pytest.mark.parametrize("table", ["trials", "continuous", "binary", "pools"])
def test_a_duplicated_key_is_named(cells, build, table):
    last = cells[table].index[-1]
    cells[table].loc[last + 1] = cells[table].loc[last]
    with pytest.raises(DataError, match=f"already that of row {last}") as caught:
        build(cells)
    assert f"row {last + 1}, column" in str(caught.value)
    assert "value" in str(caught.value)
    assert "remove one of the two rows" in str(caught.value)


def test_a_ratio_that_was_written_as_its_logarithm_is_refused(cells, build):
    row = cells["pools"].index[0]
    cells["pools"].loc[row, "ci_low"] = "-0.87"
    with pytest.raises(DataError, match=r"value '-0.87': a ratio of 0 or less"):
        build(cells)


def test_all_problems_come_at_once(cells, build):
    row = row_of(cells["binary"], FINAL, "any adverse event")
    cells["binary"].loc[row, "events_ldn"] = "50"
    cells["continuous"].loc[cells["continuous"].index[0], "sd_ldn"] = "-1"
    cells["trials"].loc[cells["trials"].index[0], "design"] = "a study"
    with pytest.raises(DataError) as caught:
        build(cells)
    for column in ("events_ldn", "sd_ldn", "design"):
        assert f"column {column!r}" in str(caught.value)


def test_a_count_that_was_read_may_disagree_with_its_percentage(cells, build):
    # INNOVA's counts were themselves read, so a disagreement would be the paper's.
    row = row_of(cells["binary"], INNOVA, "any adverse event")
    cells["binary"].loc[row, "events_ldn"] = "32"
    effects = build(cells)[0]
    assert effects["events_ldn"].eq(32).any()


@pytest.mark.parametrize("value", ["1.5", "-0.1", "many", "1_0"])
def test_a_p_value_outside_zero_and_one_is_refused(cells, build, value):
    at = cells["continuous"].index[0]
    cells["continuous"].loc[at, "p"] = value
    with pytest.raises(DataError, match=r"column 'p', value .*: not a p-value"):
        build(cells)


def test_a_number_with_an_underscore_is_not_a_number(cells, build):
    cells["binary"].loc[cells["binary"].index[0], "n_ldn"] = "1_000"
    with pytest.raises(DataError, match="column 'n_ldn', value '1_000': not a number"):
        build(cells)


def test_a_missing_column_of_the_trials_is_the_only_problem(cells, build):
    cells["trials"] = cells["trials"].drop(columns="label")
    with pytest.raises(DataError) as caught:
        build(cells)
    assert "column 'label': missing column" in str(caught.value)
    assert "unknown trial" not in str(caught.value)
