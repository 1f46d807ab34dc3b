"""L'Abbe, radial, GOSH, risk-of-bias and flow figures: marks against the rows."""

import math

import numpy as np
import pytest
from figure_samples import assert_tidy, svg_texts, texts
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from synthesis_points import PRISMA, judged, subsets, with_points
from synthesis_samples import WHOLE

from trialstats.analyses.synthesis_flow import flow_rows
from trialstats.analyses.synthesis_rows import Subject
from trialstats.errors import ConfigError
from trialstats.figures.forest_bias import LIGHTS
from trialstats.figures.labbe import labbe_alt_text, labbe_plot, under
from trialstats.figures.of_synthesis import FIGURES, figure_names, synthesis_figure
from trialstats.figures.prisma import prisma_alt_text, prisma_plot
from trialstats.figures.radial import radial_alt_text, radial_plot
from trialstats.figures.render import render
from trialstats.figures.theme import POOLED, PREDICTION, TRIAL
from trialstats.rows import estimates_frame

NAMES = ("labbe", "radial", "gosh", "risk_of_bias")


def drawn(name, k, *, figure=None, label="Author {i} {year}", **changed):
    rows, labels = with_points(k, label=label)
    synthesis = WHOLE | {"figure": figure or {}} | changed
    tables = {"subsets": subsets(rows), "risk_of_bias": judged(labels)}
    return synthesis_figure(
        name, rows, synthesis=synthesis, labels=labels, tables=tables
    )


def flow(**changed):
    kept = {k: v for k, v in (PRISMA | changed).items() if v is not None}
    config = WHOLE | {"id": "vaccine", "prisma": kept}
    return estimates_frame(flow_rows(config, Subject.of(config)))


def words(figure):
    return [t.get_text() for t in texts(figure)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("k", [1, 2, 150])
def test_texts_neither_touch_nor_leave_the_page(name, k):
    figure, title, alt = drawn(name, k)
    assert_tidy(figure)
    assert WHOLE["title"] in title
    assert WHOLE["title"] in alt


@pytest.mark.parametrize("name", NAMES)
def test_long_names_and_large_type(name):
    figure, *_ = drawn(
        name,
        13,
        figure={"layout": "jama", "font_size": 11},
        label="A very long name of a trial with a consortium {i} {year}",
    )
    assert_tidy(figure)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_bytes_twice(name):
    rows, labels = with_points(13)
    tables = {"subsets": subsets(rows), "risk_of_bias": judged(labels)}
    about = {"synthesis": WHOLE, "labels": labels, "tables": tables}
    before = rows.copy(deep=True)
    first, second = (
        render(synthesis_figure(name, rows, **about)[0], "svg") for _ in range(2)
    )
    assert first == second
    assert rows.equals(before)


@pytest.mark.parametrize("name", NAMES)
def test_without_what_is_drawn_a_sentence_says_why(name):
    rows, labels = with_points(13)
    alone = rows[rows["statistic"] == "effect"]
    figure, _, alt = synthesis_figure(name, alone, synthesis=WHOLE, labels=labels)
    assert_tidy(figure)
    assert ": No " in alt
    assert any(w.startswith("No ") for w in words(figure))


@pytest.mark.parametrize("name", NAMES)
def test_synthetic_data_are_named(name):
    rows, labels = with_points(5)
    made_up = rows.assign(data_status="synthetic")
    tables = {"subsets": subsets(rows), "risk_of_bias": judged(labels)}
    figure, _, alt = synthesis_figure(
        name, made_up, synthesis=WHOLE, labels=labels, tables=tables
    )
    assert any(w.startswith("SYNTHETIC DATA") for w in words(figure))
    assert alt.startswith("Synthetic data.")


# L'Abbe plots


def across_of(figure):
    """Return the share that a place across the plane is, from its tick labels."""
    numbers = [t for t in texts(figure) if t.get_text().replace(".", "").isdigit()]
    lowest = max(t.get_position()[1] for t in numbers)
    ticks = [t for t in numbers if t.get_position()[1] == lowest]
    shares = [float(t.get_text()) / 100 for t in ticks]
    slope, start = np.polyfit([t.get_position()[0] for t in ticks], shares, 1)
    return lambda x: start + slope * x


def points_of(figure, colour, shape="o"):
    return [
        (line.get_xdata()[0], line.get_ydata()[0], line.get_markersize())
        for line in figure.findobj(Line2D)
        if line.get_linestyle() == "None"
        and line.get_marker() == shape
        and to_hex(line.get_markeredgecolor()) == colour
    ]


def test_circles_stand_at_the_risks_with_areas_that_follow_the_weights():
    rows, labels = with_points(5)
    figure = labbe_plot(rows, synthesis=WHOLE, labels=labels)
    risks = rows[rows["statistic"] == "risk"].pivot(
        index="trial", columns="group", values="estimate"
    )
    main = rows[(rows["statistic"] == "weight") & (rows["role"] == "primary")]
    weights = main.set_index("trial")["estimate"].sort_values(ascending=False)
    circles = points_of(figure, TRIAL)
    assert len(circles) == len(weights) == 5
    at = across_of(figure)
    expected = risks.loc[weights.index, "No vaccination"].to_list()
    # Heaviest first.
    assert [at(x) for x, *_ in circles] == pytest.approx(expected)
    sizes = np.array([size for *_, size in circles])
    shares = (weights / weights.max()).to_numpy()
    large = sizes > 4.0
    assert sizes[large] ** 2 / sizes[0] ** 2 == pytest.approx(shares[large])


def test_the_curve_is_what_the_pooled_effect_makes_of_each_risk():
    rows, labels = with_points(13)
    figure = labbe_plot(rows, synthesis=WHOLE, labels=labels)
    (curve,) = (
        line
        for line in figure.findobj(Line2D)
        if line.is_dashed() and to_hex(line.get_color()) == POOLED
    )
    pool = rows[(rows["statistic"] == "pooled_effect") & (rows["role"] == "primary")]
    slope = np.diff(curve.get_ydata()) / np.diff(curve.get_xdata())
    # Downwards on the page is up on the plane, whose sides have one scale.
    assert -slope == pytest.approx(math.exp(pool["estimate"].iloc[0]))


@pytest.mark.parametrize(
    ("measure", "effect", "risk"),
    [("RR", math.log(0.5), 0.1), ("OR", math.log(4.0), 0.5), ("RD", 0.05, 0.25)],
)
def test_risks_that_follow_from_an_effect(measure, effect, risk):
    # 0.2 halved; odds of 1/4 times 4 are even odds; 0.2 and 0.05 are 0.25.
    assert under(0.2, effect, measure) == pytest.approx(risk)


def test_the_words_count_the_sides():
    rows, labels = with_points(13)
    risks = rows[rows["statistic"] == "risk"].pivot(
        index="trial", columns="group", values="estimate"
    )
    lower = int((risks["Vaccine"] < risks["No vaccination"]).sum())
    alt = labbe_alt_text(rows, synthesis=WHOLE, labels=labels)
    assert f"in {lower} the risk is lower under treatment" in alt


# Radial plots


def test_a_ray_through_a_point_is_its_effect():
    rows, labels = with_points(13)
    figure = radial_plot(rows, synthesis=WHOLE, labels=labels)
    dots = [
        (line.get_xdata()[0], line.get_ydata()[0])
        for line in figure.findobj(Line2D)
        if line.get_linestyle() == "None"
        and to_hex(line.get_markerfacecolor()) == TRIAL
    ]
    (ray,) = (
        line
        for line in figure.findobj(Line2D)
        if line.is_dashed() and to_hex(line.get_color()) == POOLED
    )
    (x0, x1), (y0, y1) = ray.get_xdata(), ray.get_ydata()
    pool = rows[(rows["statistic"] == "pooled_effect") & (rows["role"] == "primary")]
    scale = pool["estimate"].iloc[0] / ((y1 - y0) / (x1 - x0))
    effects = rows[(rows["statistic"] == "effect") & rows["estimate"].notna()]
    slopes = [scale * (y - y0) / (x - x0) for x, y in dots]
    assert slopes == pytest.approx(effects["estimate"].to_list())


def test_trials_outside_the_band_are_named():
    rows, labels = with_points(13)
    at = rows["statistic"] == "radial_effect"
    far = rows[at].index[3]
    moved = rows.copy()
    moved.loc[far, "estimate"] = 9.0
    name = labels[rows.loc[far, "trial"]]
    before = radial_alt_text(rows, synthesis=WHOLE, labels=labels)
    after = radial_alt_text(moved, synthesis=WHOLE, labels=labels)
    assert name not in before.split("Outside the band")[-1]
    assert name in after.split("Outside the band")[-1]


# GOSH plots


def test_subsets_are_coloured_by_the_trial_with_most_heterogeneity():
    rows, labels = with_points(6)
    fits = subsets(rows)
    figure, *_ = synthesis_figure(
        "gosh", rows, synthesis=WHOLE, labels=labels, tables={"subsets": fits}
    )
    shares = rows[rows["statistic"] == "baujat_heterogeneity"]
    trial = shares.set_index("trial")["estimate"].idxmax()
    inside = fits["members"].str.contains(f'"{trial}"').sum()
    counts = {
        to_hex(line.get_markerfacecolor()): len(line.get_xdata())
        for line in figure.findobj(Line2D)
        if line.get_rasterized()
    }
    assert counts == {PREDICTION: inside, TRIAL: len(fits) - inside}
    assert f"Subsets with {labels[trial]}" in words(figure)


def test_a_sample_of_subsets_is_called_one():
    figure, _, alt = drawn("gosh", 18)
    assert any("a random sample of the subsets" in w for w in words(figure))
    assert "random sample of 300 subsets" in alt


def test_thousands_of_points_are_an_image():
    few, many = (len(render(drawn("gosh", k)[0], "svg")) for k in (4, 13))
    # Each point as text would take about a hundred bytes.
    assert many - few < 300 * 100


# Risk of bias


def test_bars_are_as_long_as_the_weights_of_each_judgement():
    rows, labels = with_points(6)
    judgements = judged(labels)
    figure, *_ = synthesis_figure(
        "risk_of_bias",
        rows,
        synthesis=WHOLE,
        labels=labels,
        tables={"risk_of_bias": judgements},
    )
    main = rows[(rows["statistic"] == "weight") & (rows["role"] == "primary")]
    weights = main.set_index("trial")["estimate"]
    colours = {light.colour: name for name, light in LIGHTS.items()}
    drawn_bars = {}
    for patch in figure.findobj(Rectangle):
        name = colours.get(to_hex(patch.get_facecolor()))
        if name and patch.get_linewidth() == 0.4:
            key = (round(patch.get_y(), 3), name)
            drawn_bars[key] = drawn_bars.get(key, 0.0) + patch.get_width()
    whole = sum(drawn_bars.values()) / 6
    domains = list(dict.fromkeys(judgements["domain"]))
    tops = sorted({y for y, _ in drawn_bars})
    for domain, y in zip(domains, tops, strict=True):
        own = judgements[judgements["domain"] == domain].set_index("trial")
        for name in own["judgement"].unique():
            share = weights[own.index[own["judgement"] == name]].sum()
            assert drawn_bars[y, name] / whole == pytest.approx(share, abs=1e-6)


def test_the_tool_and_its_version_are_named_and_trials_at_high_risk_told():
    figure, _, alt = drawn("risk_of_bias", 13)
    assert sum("RoB 2 (22 August 2019)" in w for w in words(figure)) == 2
    assert "Overall risk of bias of 13 trials:" in alt
    assert "High: Author" in alt


# Flow of records


@pytest.mark.parametrize(
    "left_out",
    [(), ("other_methods",), ("previous",), ("duplicates", "excluded_reports")],
)
def test_the_flow_is_tidy_and_prints_every_count(left_out):
    rows = flow(**dict.fromkeys(left_out))
    figure = prisma_plot(rows, synthesis=WHOLE, labels={})
    assert_tidy(figure)
    page = " ".join(svg_texts(render(figure, "svg"))).replace("\N{NO-BREAK SPACE}", " ")
    for count in rows["estimate"]:
        assert f"(n = {count:.0f})" in page
    assert page.count("(n = ") == len(rows)


def test_all_studies_are_the_new_and_the_previous_ones():
    rows = flow().set_index("row_id")["estimate"]
    assert rows["vaccine.prisma-total.studies"] == 11
    assert rows["vaccine.prisma-total.reports"] == 14


def test_the_flow_in_words():
    alt = prisma_alt_text(flow(), synthesis=WHOLE, labels={})
    assert "380 from databases and 20 from registers; 320 screened" in alt
    assert alt.endswith("8 studies included.")


def test_a_synthesis_without_counts_has_a_sentence():
    rows, labels = with_points(2)
    assert_tidy(prisma_plot(rows, synthesis=WHOLE, labels=labels))
    alt = prisma_alt_text(rows, synthesis=WHOLE, labels=labels)
    assert "No flow of records" in alt


# Which figures there are


def test_figures_that_a_synthesis_has_unasked():
    usual = {"pooling": True, "diagnostics": True}
    diagnosed = ["sensitivity", "baujat", "influence", "funnel"]
    assert figure_names(usual) == diagnosed
    assert figure_names(usual, judged=True) == ["risk_of_bias", *diagnosed]
    assert figure_names(usual | {"prisma": PRISMA}) == ["prisma", *diagnosed]
    nested = usual | {"model": {"levels": ["a", "b"]}}
    assert figure_names(nested) == ["sensitivity", "funnel"]
    assert figure_names({"pooling": False}) == []
    assert figure_names({"pooling": False, "prisma": PRISMA}) == ["prisma"]


def test_chosen_figures_come_in_the_order_of_the_report():
    assert figure_names({"pooling": True, "figures": []}) == []
    assert figure_names({"figures": list(reversed(FIGURES))}) == list(FIGURES)
    with pytest.raises(ConfigError, match=r"no figure 'forest'; known: prisma, "):
        figure_names({"figures": ["forest"]})
