"""Planted errors in published tables are named; true numbers raise no alarm."""

import pytest

from trialstats import io
from trialstats.clean.published import published_frames
from trialstats.clean.published_warnings import (
    published_warnings,
    scale_range,
    warnings_in_words,
)
from trialstats.cleaning_rows import PUBLISHED_WARNINGS
from trialstats.evidence_rows import EFFECTS
from trialstats.rows import frame_of

#: Three trials of one outcome on one scale, about as large as those of fibromyalgia.
ROW = {
    **{"label": "A 2020", "condition": "c", "design": "parallel", "comparator": "p"},
    **{"endpoint": "pain", "outcome": "pain", "scale": "NRS 0-10", "type": "change"},
    **{"evidence_status": "seen", "file": "continuous.csv"},
    **{"mean_ldn": -1.3, "sd_ldn": 1.6, "n_ldn": 49},
    **{"mean_placebo": -0.9, "sd_placebo": 1.7, "n_placebo": 50},
}


def found(*changes, others=2):
    """Return kind, column and finding of what is said of rows beside sound ones."""
    sound = [ROW | {"trial": f"S{n}", "row": 50 + n} for n in range(others)]
    planted = [ROW | {"trial": "T", "row": 2 + n} | c for n, c in enumerate(changes)]
    frame = published_warnings(frame_of([*planted, *sound], EFFECTS))
    assert set(frame["trial"]) <= {"T"}
    return [tuple(r) for r in frame[["kind", "column", "finding"]].values.tolist()]


def test_sound_numbers_raise_no_alarm():
    assert found({}) == []


def test_a_standard_error_among_standard_deviations_of_other_trials():
    # 1.6 / sqrt(49) = 0.229 and 1.7 / sqrt(50) = 0.240.
    (first, second) = found({"sd_ldn": 0.229, "sd_placebo": 0.24})
    assert first == (
        "SD may be a standard error",
        "sd_ldn",
        "0.229 with n = 49: other trials of pain have 1.65 on this scale",
    )
    assert second[1] == "sd_placebo"


def test_the_warning_says_which_deviation_it_would_be():
    sound = [ROW | {"trial": f"S{n}", "row": n} for n in range(2)]
    planted = ROW | {"trial": "T", "row": 9, "sd_ldn": 0.229}
    frame = published_warnings(frame_of([planted, *sound], EFFECTS))
    assert frame["look"].tolist() == [
        "whether the source prints the standard error; the SD would be 1.6"
    ]
    assert warnings_in_words(frame) == [
        "continuous.csv, row 9, column 'sd_ldn': SD may be a standard error: 0.229 "
        "with n = 49: other trials of pain have 1.65 on this scale; look at whether "
        "the source prints the standard error; the SD would be 1.6"
    ]


@pytest.mark.parametrize(
    "change",
    [
        # Half as large is within what trials differ by, and so is another scale.
        {"sd_ldn": 0.8},
        {"sd_ldn": 0.229, "scale": "VAS 0-100 mm"},
        {"sd_ldn": 0.229, "endpoint": "fatigue"},
        # Far smaller than the root of n explains: some other slip, or another unit.
        {"sd_ldn": 0.04},
        # Chance may do this with six subjects.
        {"sd_ldn": 0.6, "n_ldn": 6},
    ],
)
def test_other_small_deviations_are_no_standard_errors(change):
    assert found(change) == []


def test_a_standard_error_beside_the_interval_of_the_difference():
    # The interval of SDs 1.6 and 1.7: half width 1.96 * 0.332 = 0.65.
    change = {"ci_lower": -1.05, "ci_upper": 0.25, "sd_ldn": 0.229, "sd_placebo": 0.24}
    kinds = found(change, others=0)
    assert [(kind, column) for kind, column, _ in kinds] == [
        ("SD may be a standard error", "sd_ldn"),
        ("SD may be a standard error", "sd_placebo"),
    ]
    assert "-1.05 to 0.25, is 7 times as wide as it gives" in kinds[0][2]
    sound = change | {"sd_ldn": 1.6, "sd_placebo": 1.7}
    assert found(sound, others=0) == []


@pytest.mark.parametrize(
    ("change", "column", "finding"),
    [
        (
            {"mean_ldn": -6.5, "sd_ldn": 1.6, "sd_placebo": 1.6},
            "mean_ldn",
            "the arms differ by -3.5 standard deviations",
        ),
        (
            {"published_measure": "SMD", "published_effect": "-3.4"},
            "published_effect",
            "a standardised difference of -3.4",
        ),
        (
            {"published_measure": "RR", "published_effect": "148", "type": "binary"},
            "published_effect",
            "a ratio (RR) of 148",
        ),
        (
            {
                **{"type": "binary", "events_ldn": 42, "n_ldn": 50},
                **{"events_placebo": 2, "n_placebo": 51},
            },
            "events_ldn",
            "42/50 against 2/51: a risk ratio of 21.4",
        ),
    ],
)
def test_effects_beyond_belief(change, column, finding):
    assert found(change) == [("implausible effect", column, finding)]


@pytest.mark.parametrize(
    "change",
    [
        {"published_measure": "SMD", "published_effect": "-2.9"},
        # A difference on a scale of 100 points is no standardised one.
        {"published_measure": "MD", "published_effect": "-12", "scale": "0-100"},
        {"published_measure": "RR", "published_effect": "0.42", "type": "binary"},
        # No events in one arm: the ratio says nothing about a slip.
        {
            **{"type": "binary", "events_ldn": 42, "n_ldn": 50},
            **{"events_placebo": 0, "n_placebo": 51},
        },
    ],
)
def test_large_effects_that_may_be(change):
    assert found(change, others=0) == []


@pytest.mark.parametrize(
    ("change", "kind", "column", "finding"),
    [
        # A mean of 5 on 0-10 spreads to 5 at most; with n = 49 the SD to 5.05.
        (
            {"type": "final", "mean_ldn": 5.0, "mean_placebo": 5.0, "sd_ldn": 15.7},
            "SD beyond the scale",
            "sd_ldn",
            "15.7, and the scale NRS 0-10 allows 5.05",
        ),
        # Near the end of the scale it spreads less: sqrt(0.2 * 9.8) = 1.4.
        (
            {"type": "final", "mean_ldn": 0.2, "mean_placebo": 5.0, "sd_ldn": 1.7},
            "SD beyond the scale",
            "sd_ldn",
            "1.7, and the scale NRS 0-10 allows 1.41",
        ),
        (
            {"type": "final", "mean_ldn": 34.0, "mean_placebo": 5.0, "sd_ldn": None},
            "value outside the scale",
            "mean_ldn",
            "34, and the scale NRS 0-10 goes from 0 to 10",
        ),
        (
            {"mean_placebo": -12.0, "mean_ldn": None},
            "value outside the scale",
            "mean_placebo",
            "-12, and a change on the scale NRS 0-10 goes from -10 to 10",
        ),
        (
            {"difference": -34.0},
            "value outside the scale",
            "published_diff",
            "-34, and a change on the scale NRS 0-10 goes from -10 to 10",
        ),
    ],
)
def test_numbers_that_the_scale_does_not_have(change, kind, column, finding):
    assert (kind, column, finding) in found(change, others=0)


def test_percentages_of_a_scale_are_not_held_against_it():
    percent = {"type": "percent change", "mean_ldn": 28.8, "mean_placebo": 18.0}
    assert found(percent, others=0) == []


@pytest.mark.parametrize(
    ("scale", "ends"),
    [
        ("NRS 0-10", (0, 10)),
        ("FIQR 0 to 100", (0, 100)),
        ("0\N{EN DASH}100 mm", (0, 100)),
        ("PANSS 30-210", (30, 210)),
        ("HAM-D-17", None),
        ("HAM-D-17 0-52", (0, 52)),
        ("SF-36 MCS", None),
        ("weeks 12-4", None),
        (None, None),
    ],
)
def test_ends_of_a_scale(scale, ends):
    assert scale_range(scale) == ends


def test_the_tables_of_the_dossier_raise_no_alarm(root):
    """Every number of the project's tables was read against its source."""
    names = {
        **{"trials": "trials", "continuous": "outcomes_continuous"},
        **{"binary": "outcomes_binary", "pools": "published_pools"},
    }
    files = {key: f"data/published/{name}.csv" for key, name in names.items()}
    cells = {key: io.read_cells(root / path) for key, path in files.items()}
    effects, _, _ = published_frames(cells, files=files)
    assert warnings_in_words(published_warnings(effects)) == []
    # The same tables with two slips of a hand: 1.57 / 7 and a lost decimal point.
    pain = (effects["trial"] == "DUEBRUUN2024_FINAL") & (effects["type"] == "change")
    place = effects.index[pain][0]
    effects.loc[place, ["sd_ldn", "sd_placebo"]] = [0.224, 0.223]
    effects.loc[place, "mean_ldn"] = -13.0
    kinds = published_warnings(effects)["kind"].tolist()
    assert kinds.count("SD may be a standard error") == 2
    assert "value outside the scale" in kinds


def test_warnings_can_be_written(tmp_path):
    empty = published_warnings(frame_of([], EFFECTS))
    io.write_table(empty, tmp_path / "w.parquet", PUBLISHED_WARNINGS)
    assert len(io.read_table(tmp_path / "w.parquet", PUBLISHED_WARNINGS)) == 0
