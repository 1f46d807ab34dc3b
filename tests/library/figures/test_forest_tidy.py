"""No text of a forest plot touches another or leaves the page, whatever is drawn."""

import itertools

import pytest
from figure_samples import BINARY, SYNTHESIS, assert_tidy, effect, many, pooled, texts
from synthesis_samples import GROUPED, WHOLE, continuous, judged, synthesis

from trialstats.figures.forest import ForestOptions, forest_plot
from trialstats.figures.render import render
from trialstats.rows import estimates_frame

LAYOUTS = ("plain", "cochrane", "jama", "bmj")

LONG = "A very long name of a trial with several authors and a consortium {i} {year}"

#: Hangul and Han are not in the font; Arabic and Greek are.
WIDE = "임상시험 臨床試験 تجربة Δοκιμή {i} {year}"


def draw(k, *, layout="plain", groups=0, bias=False, **options):
    rows, labels = synthesis(k, groups=groups)
    return forest_plot(
        rows,
        synthesis=GROUPED if groups else WHOLE,
        labels=labels,
        options=ForestOptions(layout=layout, **options),
        risk_of_bias=judged(labels) if bias else None,
    )


@pytest.mark.parametrize("k", [1, 2, 13])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_few_trials_in_every_layout_with_and_without_groups_and_lights(k, layout):
    both = itertools.product((0, 3), (False, True))
    # Of one trial or two, groups and lights change together.
    for groups, bias in both if k == 13 else ((0, False), (2, True)):
        assert_tidy(draw(k, layout=layout, groups=groups, bias=bias))


# Of many trials some of the combinations: each layout, with and without the rest.
@pytest.mark.parametrize(
    ("k", "layout", "groups", "bias"),
    [
        (60, "cochrane", 3, False),
        (60, "jama", 3, True),
        (60, "bmj", 0, True),
        (150, "plain", 3, True),
        (150, "jama", 0, False),
    ],
)
def test_many_trials(k, layout, groups, bias):
    figure = draw(k, layout=layout, groups=groups, bias=bias)
    assert_tidy(figure)
    found = [t.get_text() for t in texts(figure)]
    assert sum(w.startswith("Author ") for w in found) == k


@pytest.mark.parametrize(("k", "label"), [(1, WIDE), (5, LONG), (13, WIDE), (60, LONG)])
def test_long_labels_and_other_scripts(k, label):
    rows, labels = many(k, label=label)
    assert_tidy(forest_plot(rows, synthesis=BINARY, labels=labels))


@pytest.mark.parametrize(
    ("layout", "scale"),
    [("plain", 1e-9), ("cochrane", 1e-4), ("jama", 1e3), ("bmj", 1e12)],
)
def test_units_that_are_huge_or_tiny(layout, scale):
    rows, labels = continuous(4, scale=scale)
    options = ForestOptions(layout=layout)
    figure = forest_plot(rows, synthesis=SYNTHESIS, labels=labels, options=options)
    assert_tidy(figure)
    assert figure.get_size_inches()[0] < 16
    effects = [t.get_text() for t in texts(figure) if t.get_text().count(" ") > 1]
    # No effect is printed as zero because its unit is large.
    assert not [e for e in effects if e.startswith(("0.00 ", "−0.00 "))]


@pytest.mark.parametrize(
    ("layout", "size"),
    [("plain", 900.0), ("cochrane", 300.0), ("jama", 12.0), ("bmj", 3.0)],
)
def test_ratios_beyond_every_number(layout, size):
    # A table with empty cells may have a logarithm of 900, which no number undoes.
    listed = [
        effect("A", size, -2 * size, 4 * size, scale="log"),
        effect("B", -size, -3 * size, size, scale="log"),
        *pooled({"A": 0.5, "B": 0.5}, scale="log", prediction=(-size, size)),
    ]
    options = ForestOptions(layout=layout)
    figure = forest_plot(
        estimates_frame(listed), synthesis=BINARY, labels={}, options=options
    )
    assert_tidy(figure)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_long_sides_long_groups_and_a_tall_type(layout):
    rows, labels = synthesis(13, groups=3)
    longest = "an allocation by the alternation of the days of the week of admission"
    rows["subgroup"] = rows["subgroup"].replace("systematic", longest)
    words = GROUPED | {
        "favours": {
            "lower": "fewer people fall ill with the vaccine",
            "higher": "more people fall ill with the vaccine",
        }
    }
    options = ForestOptions(layout=layout, font_size=12)
    figure = forest_plot(rows, synthesis=words, labels=labels, options=options)
    assert_tidy(figure)


def test_a_trial_that_no_group_has_comes_last():
    rows, labels = synthesis(13, groups=3)
    lone = (rows["trial"] == "T0") & (rows["statistic"] == "effect")
    rows.loc[lone, "subgroup"] = None
    figure = forest_plot(rows, synthesis=GROUPED, labels=labels)
    assert_tidy(figure)
    at = {t.get_text(): t.get_position()[1] for t in texts(figure)}
    headings = [at[w] for w in at if w.startswith("Allocation:")]
    assert max(headings) < at["In none of the groups"] < at["Author 0 1948"]


def test_groups_stand_in_the_order_of_the_configuration():
    rows, labels = synthesis(13, groups=3)
    order = ["systematic", "randomised", "alternate allocation"]
    about = {"name": "Allocation", "groups": {n: ["T0"] for n in order}}
    figure = forest_plot(rows, synthesis=WHOLE | {"subgroups": about}, labels=labels)
    at = {t.get_text(): t.get_position()[1] for t in texts(figure)}
    places = [at[f"Allocation: {name}"] for name in order]
    assert places == sorted(places)


def test_no_trial_with_an_estimate():
    reason = {"not_estimable": "no events in either arm"}
    listed = [effect(t, None, None, None, scale="log") | reason for t in "AB"]
    figure = forest_plot(estimates_frame(listed), synthesis=BINARY, labels={})
    assert_tidy(figure)
    found = [t.get_text() for t in texts(figure)]
    assert "No trial with an estimate: not pooled." in found


def test_nobody_judged_means_no_lights():
    rows, labels = synthesis(2)
    for listed in (None, judged({}), judged({"elsewhere": "Elsewhere 2001"})):
        figure = forest_plot(rows, synthesis=WHOLE, labels=labels, risk_of_bias=listed)
        assert "Risk of bias" not in [t.get_text() for t in texts(figure)]


def test_judgements_of_another_outcome_do_not_count():
    rows, labels = synthesis(2)
    listed = judged(labels).assign(outcome="pain")
    figure = forest_plot(rows, synthesis=WHOLE, labels=labels, risk_of_bias=listed)
    assert "Risk of bias" not in [t.get_text() for t in texts(figure)]
    own = listed.assign(outcome="tuberculosis")
    figure = forest_plot(rows, synthesis=WHOLE, labels=labels, risk_of_bias=own)
    assert "Risk of bias" in [t.get_text() for t in texts(figure)]


def test_crossover_trials_add_their_domain():
    rows, labels = synthesis(2)
    listed = judged(labels, crossover=True)
    figure = forest_plot(rows, synthesis=WHOLE, labels=labels, risk_of_bias=listed)
    assert "DS" in [t.get_text() for t in texts(figure)]
    assert_tidy(figure)


def test_imputed_numbers_have_a_mark_and_a_note():
    rows, labels = synthesis(2)
    own = (rows["trial"] == "T1") & (rows["statistic"] == "effect")
    rows.loc[own, "method"] = "risk ratio; standard deviation imputed"
    found = [
        t.get_text() for t in texts(forest_plot(rows, synthesis=WHOLE, labels=labels))
    ]
    assert "Author 1 1949§" in found
    assert "§ With imputed numbers: Author 1 1949." in found


def test_the_same_bytes_twice_with_everything_on():
    drawn = [render(draw(13, groups=3, bias=True), "svg") for _ in range(2)]
    assert drawn[0] == drawn[1]
