"""The figure of residuals places what stands in the rows, and computes nothing."""

import numpy as np
import pandas as pd
import pytest
from figure_samples import assert_tidy, texts

from trialstats.errors import DataError
from trialstats.figures.render import render
from trialstats.figures.residuals import residual_alt_text, residual_plot
from trialstats.figures.trial import residual_figure
from trialstats.rows import ESTIMATES, RESIDUALS, estimates_frame, frame_of

ARMS = ("LDN 6 mg", "Placebo")
SYNTHETIC_WORDS = "SYNTHETIC DATA"


def residuals(visits, n=12, *, status="synthetic"):
    """Return residuals of n subjects at some visits; the first is far out."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        [
            {
                "trial": "demo",
                "analysis": "pain",
                "USUBJID": f"S{i}",
                "group": ARMS[i % 2],
                "occasion": visit,
                "occasion_number": float(k + 1),
                "fitted": float(k) - i % 2,
                "residual": 4.25 if (i, k) == (0, 0) else float(rng.uniform(-2, 2)),
                "normal_quantile": (i + 0.5) / n - 0.5,
                "lower_quartile": -0.7,
                "median": 0.1 * k,
                "upper_quartile": 0.6,
                "data_status": status,
            }
            for i in range(n)
            for k, visit in enumerate(visits)
        ]
    )
    return frame_of(frame.to_dict("records"), RESIDUALS)


def drawn(rows):
    return residual_plot(rows, title="Residuals", subtitle="An MMRM", arms=ARMS)


@pytest.mark.parametrize(
    ("visits", "axis", "labels"),
    [
        ([f"Week {n}" for n in range(1, 13)], "Week", {"1", "12"}),
        (["Baseline", "Week 4", "Week 8"], "Visit", {"Baseline", "Week 8"}),
        (
            ["Baseline", "Week 2", "Week 4", "Week 8", "Week 12"],
            "Week",
            {"Baseline", "2", "4", "8", "12"},
        ),
        (["Period 1", "Period 2"], "Period", {"1", "2"}),
        (["End of treatment"], "Visit", {"End of treatment"}),
    ],
)
def test_three_panels_share_an_axis_and_name_what_they_show(visits, axis, labels):
    figure = drawn(residuals(visits))
    assert_tidy(figure)
    found = [t.get_text() for t in texts(figure)]
    assert {"Fitted value", axis, "Normal quantile", "Normalised residual"} <= set(
        found
    )
    assert labels <= set(found)
    assert set(ARMS) <= set(found)
    assert found[1].startswith(SYNTHETIC_WORDS)


def test_real_residuals_have_no_banner():
    found = [t.get_text() for t in texts(drawn(residuals(["Week 1"], status="real")))]
    assert not [text for text in found if text.startswith(SYNTHETIC_WORDS)]


def test_every_residual_is_a_point_in_each_panel():
    rows = residuals(["Week 4", "Week 8"])
    lines = drawn(rows).axes[0].get_lines()
    points = [line for line in lines if line.get_linestyle() == "None"]
    # One marker an arm in the legend.
    assert sum(len(line.get_xdata()) for line in points) == 3 * len(rows) + len(ARMS)


def test_the_same_rows_give_the_same_bytes():
    rows = residuals(["Week 4", "Week 8"])
    before = rows.copy(deep=True)
    first = render(drawn(rows), "svg", title="t", alt="a")
    assert first == render(drawn(rows), "svg", title="t", alt="a")
    assert rows.equals(before)


def test_the_alt_text_counts_what_lies_far_out():
    alt = residual_alt_text(residuals(["Week 4"]), title="Residuals")
    assert alt.startswith("Synthetic data. Residuals: 12 normalised residuals")
    assert alt.endswith("Larger than 3 in absolute value: 1; the largest is 4.25.")


def test_no_residuals_are_asked_for():
    with pytest.raises(DataError, match="no residuals to draw"):
        drawn(frame_of([], RESIDUALS))


def test_a_model_without_estimate_has_its_reason_in_the_figure():
    trial = {
        "trial": "DEMO",
        "data_status": "synthetic",
        "arms": {"control": ARMS[1], "treatments": [ARMS[0]]},
        "analyses": {"pain": {"title": "Pain at week 8", "model": {"type": "mmrm"}}},
    }
    failed = {
        "row_id": "demo.pain.difference",
        "kind": "trial",
        "analysis": "pain",
        "role": "primary",
        "statistic": "difference",
        "scale": "natural",
        "method": "Mixed model for repeated measures (MMRM)",
        "data_status": "synthetic",
        "not_estimable": "Placebo has no data at Week 8.",
    }
    rows = estimates_frame([failed])
    assert list(rows) == ESTIMATES.names
    made = residual_figure(frame_of([], RESIDUALS), rows, trial=trial, analysis="pain")
    assert made.title == "DEMO: residuals at all visits of the model for pain at week 8"
    assert made.alt.endswith("Not estimable: Placebo has no data at Week 8.")
    assert render(made.figure, "svg", title=made.title, alt=made.alt)
