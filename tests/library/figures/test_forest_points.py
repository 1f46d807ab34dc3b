"""The sixteen points of a forest plot, read from its SVG in every layout.

Thirteen trials, two of them with events in neither arm or derived numbers, in three
subgroups, judged for bias. Numbers are compared with those of the rows.
"""

import math
import re

import numpy as np
import pytest
from figure_samples import boxes, svg_texts, texts
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle
from synthesis_samples import GROUPED, judged, synthesis

from trialstats.figures.forest import ForestOptions, forest_plot
from trialstats.figures.forest_bias import LIGHTS
from trialstats.figures.forest_numbers import HOUSES
from trialstats.figures.render import render
from trialstats.figures.theme import BAND, INK, POOLED, PREDICTION, TRIAL
from trialstats.formatting import format_number
from trialstats.judgements import ROB_TOOL
from trialstats.version import __version__

LAYOUTS = ("plain", "cochrane", "jama", "bmj")


class Drawn:
    """A figure, the words of its SVG, and its rows."""

    def __init__(self, layout):
        self.rows, self.labels = synthesis(13, groups=3)
        self.house = HOUSES[layout]
        self.layout = layout
        self.judged = judged(self.labels)
        self.figure = forest_plot(
            self.rows,
            synthesis=GROUPED,
            labels=self.labels,
            options=ForestOptions(layout=layout, minimal_important_difference=1.25),
            risk_of_bias=self.judged,
        )
        self.words = svg_texts(render(self.figure, "svg"))
        self.page = " ".join(self.words).replace("\N{NO-BREAK SPACE}", " ")

    def one(self, statistic, **conditions):
        found = self.rows[self.rows["statistic"] == statistic]
        for name, value in conditions.items():
            found = found[found[name] == value]
        return found.iloc[0]

    def interval(self, row):
        """Return estimate and interval as the house prints a ratio."""
        numbers = [row["estimate"], row["ci_lower"], row["ci_upper"]]
        shown = [format_number(math.exp(n), 2) for n in numbers]
        opening, closing = self.house.brackets
        return f"{shown[0]} {opening}{self.house.between.join(shown[1:])}{closing}"

    def place(self, text):
        """Return where a text stands; of several the lowest, for ticks are low."""
        found = [t for t in texts(self.figure) if t.get_text() == text]
        return max((t.get_position() for t in found), key=lambda at: at[1])

    def box(self, text):
        """Return left, bottom, right, top of a text in points."""
        words, extents, _ = boxes(self.figure, dpi=72)
        return extents[words.index(text)]

    def patches(self, kind, colour):
        return [
            p
            for p in self.figure.findobj(kind)
            if to_hex(p.get_facecolor()) == colour and p.get_facecolor()[3] > 0
        ]

    @property
    def axis(self):
        """Where 1 stands, and how many points one unit of the logarithm has."""
        (one, _), (five, _) = self.place("1"), self.place("5")
        return one, (five - one) / math.log(5)

    def x(self, value):
        one, unit = self.axis
        return one + value * unit


@pytest.fixture(scope="module", params=LAYOUTS)
def drawn(request):
    return Drawn(request.param)


def test_point_1_title_and_axis_say_outcome_comparison_time_and_population(drawn):
    assert GROUPED["title"] in drawn.words
    about = (
        "Vaccine versus No vaccination; Tuberculosis; end of follow-up; people at risk"
    )
    assert about in drawn.words
    favours = drawn.house.favours.lower()
    assert (
        f"Risk ratio, tuberculosis (log axis); below 1 {favours} vaccine" in drawn.page
    )


def test_point_2_a_row_for_each_trial_under_the_heading_of_its_subgroup(drawn):
    for name in ("randomised", "alternate allocation", "systematic"):
        top = drawn.place(f"Allocation: {name}")[1]
        rows = drawn.rows.query("statistic == 'effect' and subgroup == @name")
        for trial, status in zip(rows["trial"], rows["data_status"], strict=True):
            mark = "‡" if status == "derived" else ""
            label = drawn.labels[trial] + mark
            assert drawn.words.count(label) == 1
            assert drawn.place(label)[1] > top
        subtotal = drawn.one("subgroup_effect", subgroup=name)
        y = drawn.place(drawn.interval(subtotal))[1]
        assert y > max(drawn.place(w)[1] for w in drawn.words if w == label)
    assert drawn.words.count("Subtotal, 95% CI") == 3


def test_point_3_numbers_of_both_arms_with_totals(drawn):
    heads = {
        "plain": ["Events/Total"] * 2,
        "cochrane": ["Events", "Total", "Events", "Total"],
        "jama": ["No./total No."] * 2,
        "bmj": ["No of events/total"] * 2,
    }[drawn.layout]
    for head in set(heads):
        # Cochrane's rows of totals are called Total as well.
        assert drawn.words.count(head) - (head == "Total") == heads.count(head)
    arms = drawn.rows.query("group == 'Vaccine'")
    events = arms.query("statistic == 'events'").set_index("trial")["estimate"]
    totals = arms.query("statistic == 'n'").set_index("trial")["estimate"]
    joined = drawn.layout != "cochrane"
    for trial in events.index:
        e, n = int(events[trial]), int(totals[trial])
        assert (f"{e}/{n}" if joined else f"{n}") in drawn.words
    sums = int(events.sum()), int(totals.sum())
    assert ("{}/{}".format(*sums) if joined else str(sums[1])) in drawn.words
    assert "Vaccine" in drawn.words
    assert re.search("No vaccination", drawn.page)


def test_point_4_squares_with_areas_by_weight_and_their_intervals(drawn):
    squares = drawn.patches(Rectangle, TRIAL)
    weights = drawn.rows.query("statistic == 'weight'").set_index("trial")["estimate"]
    effects = drawn.rows.query("statistic == 'effect' and estimate.notna()")
    assert len(squares) == len(weights) == len(effects) == 12
    area = {
        round(s.get_x() + s.get_width() / 2, 6): s.get_width() * s.get_height()
        for s in squares
    }
    places = np.array(sorted(area))
    largest = max(area.values())
    for trial, estimate in zip(effects["trial"], effects["estimate"], strict=True):
        nearest = places[np.argmin(abs(places - drawn.x(estimate)))]
        # Text is placed to the exact point: squares stand where the axis puts them.
        assert abs(nearest - drawn.x(estimate)) < 1e-6
        share = weights[trial] / weights.max()
        assert area[nearest] / largest == pytest.approx(share, rel=1e-9)
    lines = {
        tuple(np.round(line.get_xdata(), 6))
        for line in drawn.figure.findobj(Line2D)
        if len(line.get_xdata()) == 2
    }
    inside = 0
    for low, high in zip(effects["ci_lower"], effects["ci_upper"], strict=True):
        inside += (round(drawn.x(low), 6), round(drawn.x(high), 6)) in lines
    arrows = len(drawn.patches(Polygon, INK))
    assert inside + arrows >= 12


def test_point_4_an_arrow_stands_where_the_axis_cuts_an_interval(drawn):
    options = ForestOptions(layout=drawn.layout, axis_limits=(0.5, 2))
    figure = forest_plot(
        drawn.rows, synthesis=GROUPED, labels=drawn.labels, options=options
    )
    effects = drawn.rows.query("statistic == 'effect' and estimate.notna()")
    limit = math.log(2)
    cut = (effects["ci_lower"] < -limit).sum() + (effects["ci_upper"] > limit).sum()
    arrows = [
        p
        for p in figure.findobj(Polygon)
        if to_hex(p.get_facecolor()) == INK and len(p.get_xy()) == 4
    ]
    assert len(arrows) == cut


def test_point_5_weights_add_to_100_and_name_their_model(drawn):
    assert {drawn.house.heads["weight"], "random, DL"} <= set(drawn.words)
    sign = "%" if drawn.layout == "cochrane" else ""
    right = drawn.place(f"100.0{sign}")[0]
    listed = [t for t in texts(drawn.figure) if t.get_position()[0] == right]
    found = [t.get_text() for t in listed if re.match(r"\d", t.get_text())]
    numbers = [float(w.rstrip("%")) for w in found]
    # Twelve trials, three subtotals and the total, each of the three adding to 100.
    assert len(numbers) == 16
    assert math.isclose(sum(numbers), 300.0, abs_tol=1e-9)
    assert f"100.0{sign}" in drawn.words


def test_point_6_estimate_and_interval_in_text(drawn):
    for _, effect in drawn.rows.query(
        "statistic == 'effect' and estimate.notna()"
    ).iterrows():
        assert drawn.interval(effect) in drawn.words
    head = "RR" if drawn.layout == "plain" else "Risk ratio"
    assert f"{head} {drawn.house.bracketed('95% CI')}" in drawn.words


def test_point_7_no_effect_is_a_line_and_ticks_are_on_the_natural_scale(drawn):
    one = drawn.axis[0]
    lines = [
        line
        for line in drawn.figure.findobj(Line2D)
        if set(np.round(line.get_xdata(), 6)) == {round(one, 6)}
    ]
    assert any(np.ptp(line.get_ydata()) > 300 for line in lines)
    ticks = {w: drawn.place(w)[0] for w in ("0.2", "0.5", "1", "2", "5")}
    steps = [(ticks[w] - one) / math.log(float(w)) for w in ticks if w != "1"]
    assert np.ptp(steps) < 1e-6


def test_point_8_diamond_from_limit_to_limit_with_a_complete_label(drawn):
    pooled = drawn.one("pooled_effect", role="primary")
    label = "Random effects, DerSimonian-Laird, Wald, 95% CI"
    assert label in drawn.page
    assert drawn.interval(pooled) in drawn.words
    (diamond,) = drawn.patches(Polygon, POOLED)
    xs, ys = diamond.get_xy().T
    assert xs.min() == pytest.approx(drawn.x(pooled["ci_lower"]), abs=1e-6)
    assert xs.max() == pytest.approx(drawn.x(pooled["ci_upper"]), abs=1e-6)
    centre = xs[np.argmin(ys)]
    assert centre == pytest.approx(drawn.x(pooled["estimate"]), abs=1e-6)


def test_point_9_prediction_interval_has_its_row_its_form_and_its_look(drawn):
    row = drawn.one("prediction_interval")
    assert "95% prediction interval (t, 11 df)" in drawn.page
    (bar,) = drawn.patches(Rectangle, PREDICTION)
    assert bar.get_x() == pytest.approx(drawn.x(row["ci_lower"]), abs=1e-6)
    end = bar.get_x() + bar.get_width()
    assert end == pytest.approx(drawn.x(row["ci_upper"]), abs=1e-6)
    ends = [format_number(math.exp(row[n]), 2) for n in ("ci_lower", "ci_upper")]
    opening, closing = drawn.house.brackets
    assert f"{opening}{drawn.house.between.join(ends)}{closing}" in drawn.words


def heterogeneity_of(drawn, prefix="", **conditions):
    tau = drawn.one(f"{prefix}tau_squared", **conditions)
    q = drawn.one(f"{prefix}q", **conditions)
    share = format_number(
        100 * drawn.one(f"{prefix}i_squared", **conditions)["estimate"], 0
    )
    equals = "=" if drawn.layout == "bmj" else " = "
    return [
        rf"τ²{equals}{tau['estimate']:.2f}",
        f"{tau['ci_upper']:.2f}, Q-profile)",
        f"I²{equals}{share}% (from τ²)",
        f"Q{equals}{q['test_statistic']:.2f}, df{equals}{q['df']:.0f}, ",
    ]


def test_point_10_heterogeneity_of_all_trials_and_of_each_subgroup(drawn):
    for part in heterogeneity_of(drawn):
        assert part in drawn.page
    for name in ("randomised", "alternate allocation", "systematic"):
        for part in heterogeneity_of(drawn, "subgroup_", subgroup=name):
            assert part in drawn.page
    assert drawn.page.count("Heterogeneity:") == 4


def test_point_11_tests_of_the_overall_effect_and_between_subgroups(drawn):
    pooled = drawn.one("pooled_effect", role="primary")
    between = drawn.one("subgroup_test")
    z = format_number(pooled["test_statistic"], 2, minus="−")
    e = drawn.house.equation
    assert f"Test of overall effect: {e('z', z)}, " in drawn.page
    chi = format_number(between["test_statistic"], 2)
    test = f"{e('χ²', chi)}, {e('df', '2')}, {drawn.house.p(between['p_value'])}"
    assert f"Test of subgroup differences: {test}" in drawn.page


def test_point_12_both_sides_are_named_as_the_house_does(drawn):
    word = "Favors" if drawn.layout == "jama" else "Favours"
    for part in (f"← {word} vaccine", f"{word} no", "vaccination →"):
        assert part in drawn.page
    low = drawn.box(f"← {word} vaccine")
    start = f"{word} no" if drawn.layout == "jama" else f"{word} no vaccination →"
    high = drawn.box(start)
    # Each stands on its side of no effect.
    assert low[2] < drawn.axis[0] < high[0]
    assert (drawn.place(start)[1] > drawn.place("1")[1]) == (drawn.layout != "jama")


@pytest.mark.parametrize(
    ("p", "plain", "cochrane", "jama", "bmj"),
    [
        (0.43251, "p = 0.433", "P = 0.43", "P = .43", "P=0.43"),
        (0.0042, "p = 0.004", "P = 0.004", "P = .004", "P=0.004"),
        (0.000031, "p < 0.001", "P < 0.001", "P < .001", "P<0.001"),
        (0.9999, "p > 0.999", "P > 0.99", "P > .99", "P>0.99"),
    ],
)
def test_point_13_p_values_by_house(p, plain, cochrane, jama, bmj):
    assert [HOUSES[n].p(p) for n in LAYOUTS] == [plain, cochrane, jama, bmj]


def test_point_13_the_page_prints_them(drawn):
    found = re.findall(r"[pP] ?[=<>] ?[\d.]+", drawn.page)
    # Overall effect, subgroups, heterogeneity of all and of three groups.
    assert len(found) == 6
    assert all(f[0] == drawn.house.p_symbol for f in found)
    assert all(("0." in f) == (drawn.layout != "jama") for f in found)


def test_point_14_a_light_for_each_trial_and_domain_with_a_legend(drawn):
    assert {"Risk of bias", "D1", "D2", "D3", "D4", "D5", "All"} <= set(drawn.words)
    assert f"Risk of bias, {ROB_TOOL}:" in drawn.words
    legend = {"Low risk", "Some concerns", "High risk", "Not judged"}
    assert legend <= set(drawn.words)
    assert "D1: bias arising from the randomization process" in drawn.page
    drawn_lights = {
        judgement: sum(
            len(line.get_xdata())
            for line in drawn.figure.findobj(Line2D)
            if line.get_marker() == "o"
            and to_hex(line.get_markerfacecolor()) == light.colour
        )
        for judgement, light in LIGHTS.items()
    }
    given = drawn.judged["judgement"].value_counts().to_dict()
    given["not judged"] = 13 * 6 - len(drawn.judged)
    # One more of each in the legend.
    assert drawn_lights == {name: number + 1 for name, number in given.items()}


def test_point_14_the_sign_says_what_the_colour_says():
    signs = [light.sign for light in LIGHTS.values()]
    assert signs == ["+", "?", "−", "–"]
    grey = [
        sum(
            w * int(c.colour[i : i + 2], 16)
            for w, i in zip((0.3, 0.59, 0.11), (1, 3, 5), strict=True)
        )
        for c in LIGHTS.values()
    ]
    assert min(np.diff(sorted(grey))) > 15


def test_point_15_band_of_the_minimal_important_difference(drawn):
    (band,) = drawn.patches(Rectangle, BAND)
    assert band.get_x() == pytest.approx(drawn.x(-math.log(1.25)), abs=1e-6)
    assert band.get_width() == pytest.approx(2 * math.log(1.25) * drawn.axis[1])
    assert "minimal important ratio (0.80 to 1.25)" in drawn.page


def test_point_15_a_trial_without_an_estimate_stays(drawn):
    assert drawn.words.count("Not estimable") == 1
    y = drawn.place("Not estimable")[1]
    assert drawn.place("Author 10 1958")[1] == pytest.approx(y)
    assert "Not estimable: Author 10 1958; no events in either arm." in drawn.page


def test_point_16_footnotes(drawn):
    assert f"Software: trialstats {__version__}." in drawn.page
    assert (
        "Zero cells: 0.5 added to every cell of a table that holds a zero" in drawn.page
    )
    assert "‡ Derived by arithmetic from published numbers." in drawn.words
    assert "Data: published (9 trials), derived (4)." in drawn.page
