"""Figures of one trial: means by visit, crossover means, adverse events, account."""

from itertools import pairwise

import pytest
from figure_samples import assert_tidy, boxes, row, svg_texts, texts
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from trialstats.cleaning_rows import STEPS
from trialstats.errors import DataError
from trialstats.figures.account import (
    MOST_STEPS,
    account_alt_text,
    account_plot,
)
from trialstats.figures.adverse_events import adverse_event_alt_text, adverse_event_plot
from trialstats.figures.period_means import period_plot, period_plot_alt_text
from trialstats.figures.reading import texts_of
from trialstats.figures.render import drawn_ggplot, render
from trialstats.figures.visits import mean_profile, mean_profile_alt_text
from trialstats.rows import estimates_frame, frame_of

ARMS = ("LDN 6 mg", "Placebo")
CONTRAST = "LDN 6 mg versus Placebo"


def interval(statistic, estimate, half, **values):
    return row(
        statistic,
        estimate=estimate,
        ci_lower=estimate - half,
        ci_upper=estimate + half,
        confidence_level=0.95,
        data_status=values.pop("data_status", "synthetic"),
        **values,
    )


def profile(visits):
    listed = []
    for number, visit in enumerate(visits):
        for arm, group in enumerate(ARMS):
            mean = -0.3 * number * (2 - arm)
            listed.append(interval("ls_mean", mean, 0.4, visit=visit, group=group))
            n = row("n_with_data", visit=visit, group=group, estimate=49.0 - number)
            listed.append(n)
        about = {"visit": visit, "contrast": CONTRAST}
        listed.append(interval("difference", -0.3 * number, 0.6, **about))
    return estimates_frame(listed)


def crossover():
    return estimates_frame(
        [
            interval("ls_mean", 5.22, 0.47, group=ARMS[0], visit="Week 6"),
            interval("ls_mean", 5.96, 0.47, group=ARMS[1], visit="Week 6"),
            row("n_with_data", group=ARMS[0], visit="Week 6", estimate=29.0),
            row("n_with_data", group=ARMS[1], visit="Week 6", estimate=30.0),
            interval("difference", -0.74, 0.33, contrast=CONTRAST, visit="Week 6"),
        ]
    )


def adverse_events(terms=("Headache", "Nausea"), *, differences=True):
    listed = []
    for number, name in enumerate(
        ("Any adverse event", "Any severe adverse event", *terms)
    ):
        for arm, group in enumerate(ARMS):
            listed.append(
                row(
                    "subjects_with_event",
                    parameter=name,
                    group=group,
                    estimate=float(max(0, 40 - 2 * number + arm)),
                    n_subjects=50,
                    data_status="synthetic",
                )
            )
        if differences and name.startswith("Any"):
            about = {"parameter": name, "contrast": CONTRAST}
            listed.append(interval("risk_difference", 0.097, 0.16, **about))
    return estimates_frame(listed)


TITLES = {"title": "Change in pain", "subtitle": "A trial", "unit": "Change (NRS 0-10)"}


@pytest.mark.parametrize(
    "visits",
    [
        [f"Week {n}" for n in range(1, 13)],
        ["Week 4", "Week 8", "Week 12"],
        ["End of treatment"],
    ],
)
def test_means_by_visit_show_counts_arms_and_axis(visits):
    plot = mean_profile(profile(visits), **TITLES)
    figure = drawn_ggplot(plot)
    found = [t.get_text() for t in texts(figure)]
    assert found.count("LDN 6 mg") == 2  # legend and row of counts
    assert found.count("49") == 2
    assert ("12" in found) == (visits[-1] == "Week 12")
    assert any(w.startswith("SYNTHETIC DATA") for w in found)


def test_crossover_means_stand_beside_their_difference():
    svg = render(period_plot(crossover(), **TITLES), "svg")
    found = svg_texts(svg)
    assert {"Mean by treatment", "Difference", "−0.74", "5.22"} <= set(found)
    assert "(−1.07 to −0.41)" in found
    assert "n = 29" in found


@pytest.mark.parametrize("draw", [mean_profile, period_plot])
def test_plotnine_figures_give_the_same_bytes_and_keep_their_rows(draw):
    rows = profile(["Week 4", "Week 8"]) if draw is mean_profile else crossover()
    before = rows.copy(deep=True)
    plot = draw(rows, **TITLES)
    first = render(plot, "svg", title="t", alt="a")
    assert first == render(plot, "svg", title="t", alt="a")
    assert first == render(draw(rows, **TITLES), "svg", title="t", alt="a")
    assert rows.equals(before)


def test_drawing_leaves_no_figure_open():
    import matplotlib.pyplot as plt

    assert isinstance(drawn_ggplot(period_plot(crossover(), **TITLES)), Figure)
    assert plt.get_fignums() == []


def test_means_that_are_missing_are_asked_for():
    with pytest.raises(DataError, match="no means by visit"):
        mean_profile(adverse_events(), **TITLES)
    with pytest.raises(DataError, match="no means of treatments"):
        period_plot(adverse_events(), **TITLES)


def test_alt_texts_of_means_say_the_difference():
    rows = profile(["Week 4", "Week 8"])
    alt = mean_profile_alt_text(rows, title="Pain", unit="change in pain")
    assert alt.startswith("Synthetic data. Pain: least-squares means of change in pain")
    assert "At Week 8: LDN 6 mg −0.60, Placebo −0.30; difference −0.30" in alt
    crossed = period_plot_alt_text(crossover(), title="Pain", unit="pain")
    assert "difference −0.74 (−1.07 to −0.41), LDN 6 mg versus Placebo." in crossed


LONG_TERM = "Aspartate aminotransferase increased to more than three times the limit"


@pytest.mark.parametrize("differences", [True, False])
@pytest.mark.parametrize("terms", [(), ("Headache", LONG_TERM)])
def test_adverse_events_are_tidy(terms, differences):
    rows = adverse_events(terms, differences=differences)
    figure = adverse_event_plot(rows, title="Adverse events", subtitle="A trial")
    assert_tidy(figure)
    found = [t.get_text() for t in texts(figure)]
    assert "40/50 (80)" in found
    assert ("9.7 [−6.3, 25.7]" in found) == differences
    assert found[0] == "Adverse events"
    assert found[1].startswith("SYNTHETIC DATA")


def test_rare_terms_are_counted_when_they_are_not_shown():
    rows = adverse_events([f"Term {i}" for i in range(30)])
    figure = adverse_event_plot(rows, title="Adverse events")
    found = [t.get_text() for t in texts(figure)]
    assert "Rarer terms are not shown; the table lists them." in found
    assert "Term 0" in found
    assert "Term 29" not in found
    assert_tidy(figure)


def test_alt_text_of_adverse_events_says_the_counts():
    alt = adverse_event_alt_text(adverse_events(), title="Adverse events")
    assert "Any adverse event: LDN 6 mg 40 of 50 (80%), Placebo 41 of 50 (82%)" in alt


def test_no_counts_of_events_are_asked_for():
    with pytest.raises(DataError, match="no counts of adverse events"):
        adverse_event_plot(crossover(), title="Adverse events")


def account(sources):
    """Return the steps of sources: received, what is set aside, changed."""
    rows = []
    for source, received, asides, changed in sources:
        left = received
        steps = [("received", 0), *asides, ("used", 0)]
        for position, (rule, number) in enumerate(steps):
            reason = rule.upper() if rule == CONFIGURED else None
            rows.append(
                {
                    **{"source": source, "files": "f.csv", "step": position},
                    **{"rule": rule, "reason": reason, "n_in": left},
                    **{"n_set_aside": number, "n_out": left - number},
                    "n_changed": changed if rule == "used" else None,
                }
            )
            left -= number
    return frame_of(rows, STEPS)


CONFIGURED = "set aside by the configuration"

ACCOUNT = account(
    [
        ("diary", 1228, [("resubmission", 2), (CONFIGURED, 20)], 521),
        ("adverse_events", 183, [("resubmission", 1)], 182),
        ("empty", 0, [], 0),
    ]
)


def test_account_prints_every_count_and_their_sums():
    figure = account_plot(ACCOUNT, title="Rows", subtitle="A trial", synthetic=True)
    assert_tidy(figure)
    found = [t.get_text() for t in texts(figure)]
    # Rows in, set aside and out of the diary; what the second step starts from.
    assert {"1228", "22", "1206", "1226", "20"} <= set(found)
    assert {"All sources", "1411", "23", "1388", "703"} <= set(found)
    assert "adverse events" in found
    # A rule of the configuration is told by its reason.
    assert CONFIGURED.upper() in found
    assert CONFIGURED not in found
    assert render(figure, "svg") == render(
        account_plot(ACCOUNT, title="Rows", subtitle="A trial", synthetic=True), "svg"
    )


def test_alt_text_of_the_account_states_every_number():
    alt = account_alt_text(ACCOUNT, title="Rows")
    assert alt == (
        "Rows: of 1411 rows received from 3 sources, 23 were set aside and 1388 are "
        "used, 703 of them with a changed value. diary: 1228 received, 2 set aside "
        f"(resubmission), 20 set aside ({CONFIGURED.upper()}), 1206 used, 521 changed. "
        "adverse events: 183 received, 1 set aside (resubmission), 182 used, 182 "
        "changed. empty: 0 received, 0 used, 0 changed."
    )


def test_many_reasons_share_the_last_line_and_none_is_lost():
    reasons = [(f"rule {number}", 1) for number in range(40)]
    frame = account([("diary", 100, reasons, 0)])
    figure = account_plot(frame, title="Rows")
    assert_tidy(figure)
    found = [t.get_text() for t in texts(figure)]
    assert len([t for t in found if t.startswith("rule ")]) == MOST_STEPS - 1
    assert f"{40 - (MOST_STEPS - 1)} further reasons" in found
    written = texts_of(render(figure, "svg"))
    (label,) = [w for w in written if w.text.endswith("further reasons")]
    assert len(label.rows) == 40 - (MOST_STEPS - 1)
    # The last line begins with what the one above left, and ends with the rows used.
    place = found.index(f"{40 - (MOST_STEPS - 1)} further reasons")
    assert found[place + 1 : place + 4] == ["95", "35", "60"]


def test_a_long_reason_stays_in_its_column():
    frame = account([("diary", 10, [("a very long reason " * 20, 1)], 0)])
    assert_tidy(account_plot(frame, title="Rows"))


def test_a_column_that_is_missing_is_named():
    with pytest.raises(DataError, match="missing column 'n_set_aside'"):
        account_plot(ACCOUNT.drop(columns="n_set_aside"), title="Rows")


@pytest.mark.parametrize(
    "arms",
    [
        ARMS,
        ("Low", "High", "Placebo"),
        ("Low dose of naltrexone", "High dose of naltrexone", "Placebo"),
        ("A", "B", "C", "D", "Placebo"),
    ],
)
@pytest.mark.parametrize("half", [0.5, 12.5])
def test_every_label_of_a_crossover_lies_in_its_panel(arms, half):
    listed = []
    for number, arm in enumerate(arms):
        about = {"visit": "Week 6", "group": arm}
        listed.append(interval("ls_mean", 6.25 - 0.5 * number, half, **about))
        listed.append(row("n_with_data", estimate=24.0, **about))
        if arm != arms[-1]:
            versus = {"visit": "Week 6", "contrast": f"{arm} versus {arms[-1]}"}
            listed.append(interval("difference", -1.25, half, **versus))
    figure = drawn_ggplot(period_plot(estimates_frame(listed), **TITLES))
    FigureCanvasAgg(figure).draw()
    words, found, (width, _) = boxes(figure)
    panels = [axes.get_window_extent().extents for axes in figure.axes]
    labels = []
    for text, (left, _, right, _) in zip(words, found, strict=True):
        assert left >= 0
        assert right <= width
        if "(" in text and " to " in text:
            (panel,) = (p for p in panels if p[0] <= left <= p[2])
            assert right <= panel[2], text
            labels.append((left, right))
    assert len(labels) == 2 * len(arms) - 1
    for (_, right), (left, _) in pairwise(sorted(labels)):
        assert right < left
