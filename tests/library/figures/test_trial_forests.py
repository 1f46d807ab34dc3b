"""Forests of subgroups and of analyses, and the heat map of assumptions.

Numbers are made up; the tests compare what is drawn with what stands in the rows.
"""

from itertools import product

import pytest
from figure_samples import assert_tidy, texts
from matplotlib.patches import Polygon

from trialstats.errors import DataError
from trialstats.figures.reading import texts_of
from trialstats.figures.render import render
from trialstats.figures.tipping_point import tipping_point_figure
from trialstats.figures.tipping_point_panel import class_words
from trialstats.figures.trial_analyses import (
    analyses_figure,
    compared_analyses,
    letter_of,
)
from trialstats.figures.trial_kinds import figure_names
from trialstats.figures.trial_subgroups import subgroup_figure
from trialstats.formatting import MINUS
from trialstats.parts import (
    AS_OBSERVED,
    P_VALUE_LIMIT,
    SUBGROUPS,
    TIPPING_POINT,
    counts_assumed,
    shifts_assumed,
)
from trialstats.records import records
from trialstats.rows import estimates_frame
from trialstats.tracing import unresolved

LONG = "a level with a name that is much longer than anybody would have expected {i}"


def trial_of(arms=("Active",), *, analyses, better="lower"):
    spec = {"label": "Pain", "unit": "points"} | ({"better": better} if better else {})
    return {
        "id": "t",
        "trial": "T-1",
        "design": "parallel",
        "arms": {"control": "Placebo", "treatments": list(arms)},
        "adsl": {"variables": {"SEX": {"label": "Sex"}}},
        "bds": {"PAIN": spec},
        "responders": {"WELL": {"label": "Well again"}},
        "adtte": {"TTE": {"label": "Relapse", "unit": "weeks"}},
        "analyses": analyses,
    }


def analysis_of(kind="ancova", parameter="PAIN", **more):
    return {
        "title": "Pain at week 12",
        "role": "primary",
        "parameter": parameter,
        "response": "CHG" if parameter == "PAIN" else "AVAL",
        "at": "Week 12",
        "model": {"type": kind},
    } | more


def row(statistic, key, **values):
    return {
        "row_id": f"t.{key}.{statistic}",
        "kind": "trial",
        "trial": "t",
        "analysis": "main",
        "role": "descriptive",
        "visit": "Week 12",
        "statistic": statistic,
        "scale": "natural",
        "method": f"Method of {statistic}; 95% t interval",
        "data_status": "individual",
    } | values


def effect(key, estimate, half, *, statistic="difference", **values):
    about = {"confidence_level": 0.95, "p_value": 0.0321, "n_subjects": 40}
    return row(
        statistic,
        key,
        estimate=estimate,
        ci_lower=None if estimate is None else estimate - half,
        ci_upper=None if estimate is None else estimate + half,
        **about | values,
    )


def counts(key, arms, **values):
    return [
        row("n_analysed", f"{key}.{arm}", group=arm, estimate=20.0 + number, **values)
        for number, arm in enumerate(arms)
    ]


def divided(levels, *, arms=("Active",), statistic="difference", label="SEX", **more):
    """Return rows and trial of one analysis with so many levels of a variable."""
    kind = {"difference": "ancova", "hazard_ratio": "survival"}[statistic]
    parameter = "PAIN" if kind == "ancova" else "TTE"
    analysis = analysis_of(kind, parameter, subgroups=[label])
    trial = trial_of(arms, analyses={"main": analysis}, **more)
    scale = "natural" if kind == "ancova" else "log"
    every = [*arms, "Placebo"]
    listed = counts("all", every)
    for arm in arms:
        contrast = f"{arm} versus Placebo"
        shared = {"contrast": contrast, "statistic": statistic, "scale": scale}
        listed.append(effect(f"all.{arm}", -0.6, 0.4, role="primary", **shared))
        for i, level in enumerate(levels):
            about = {"subgroup": f"{label} = {level}", "model_id": SUBGROUPS}
            absent = {"not_estimable": f"Nobody in level {i}."} if i == 1 else {}
            listed.append(
                effect(
                    f"{arm}.level-{i}",
                    None if absent else 0.3 - i / 10,
                    1.0 + i % 5,
                    role="secondary",
                    **shared | about | absent,
                )
            )
    for i, level in enumerate(levels):
        about = {"subgroup": f"{label} = {level}", "model_id": SUBGROUPS}
        listed += counts(f"level-{i}", every, **about)
    listed.append(
        row(
            "interaction_test",
            "test",
            subgroup=label,
            group=statistic,
            model_id=SUBGROUPS,
            p_value=0.417,
            estimate=1.2,
            method="ANCOVA; F test of treatment by SEX",
        )
    )
    return estimates_frame(listed), trial


def assert_numbers_have_rows(figure, rows, given=()):
    """Assert that every number drawn stands in a row that its text names."""
    known = {r["row_id"]: r for r in records(rows)}
    for written in texts_of(render(figure, "svg")):
        if written.of_axis:
            continue
        named = [known[row_id] for row_id in written.rows]
        assert not unresolved(written.text, named, given), written


@pytest.mark.parametrize(
    ("number", "label", "arms"),
    [
        (2, "F{i}", ["Active"]),
        (2, LONG, ["Low", "High"]),
        (25, "L{i}", ["Low", "High"]),
        (60, LONG, ["Active"]),
    ],
)
def test_subgroups_are_tidy_and_their_numbers_have_rows(number, label, arms):
    levels = [label.format(i=i) for i in range(number)]
    rows, trial = divided(levels, arms=arms)
    drawn = subgroup_figure(rows, trial=trial, analysis="main")
    assert_tidy(drawn.figure)
    assert_numbers_have_rows(drawn.figure, rows, [drawn.title])
    found = [t.get_text() for t in texts(drawn.figure)]
    assert found.count("All subjects") == found.count("Sex") == len(arms)
    assert found.count("Not estimable") == len(arms)
    assert found.count("0.417") == len(arms)
    assert any("Nobody in level 1." in text for text in found)


def test_the_names_of_the_arms_stand_above_the_numbers_and_sides_below():
    rows, trial = divided(["F", "M"])
    drawn = subgroup_figure(rows, trial=trial, analysis="main")
    found = [t.get_text() for t in texts(drawn.figure)]
    assert {"Active", "Placebo", "20", "21"} <= set(found)
    assert "← Favours Active" in found
    assert "Favours Placebo →" in found
    assert f"{MINUS}0.60 [{MINUS}1.00, {MINUS}0.20]" in found
    assert len([p for p in drawn.figure.findobj(Polygon) if len(p.get_xy()) > 4]) == 1
    assert "Sex, 2 levels: p = 0.417." in drawn.alt


def test_higher_may_be_better_and_nothing_may_be_known():
    sides = {}
    for better in ("higher", None):
        rows, trial = divided(["F", "M"], better=better)
        drawn = subgroup_figure(rows, trial=trial, analysis="main")
        sides[better] = {t.get_text() for t in texts(drawn.figure)}
    assert "← Favours Placebo" in sides["higher"]
    assert "← Lower on Active" in sides[None]


def test_ratios_have_a_log_axis():
    rows, trial = divided(["F", "M", "X"], statistic="hazard_ratio")
    drawn = subgroup_figure(rows, trial=trial, analysis="main")
    found = [t.get_text() for t in texts(drawn.figure)]
    assert "Hazard ratio, relapse (log axis)" in found
    # exp(-0.6), exp(-1.0) and exp(-0.2).
    assert "0.55 [0.37, 0.82]" in found
    assert "← Less often on Active" in found
    assert_tidy(drawn.figure)


def test_an_infinite_ratio_is_told_by_its_limit():
    rows, trial = divided(["F", "M"], statistic="hazard_ratio")
    at = rows["subgroup"] == "SEX = F"
    at &= rows["statistic"] == "hazard_ratio"
    rows.loc[at, ["estimate", "ci_upper", "ci_lower"]] = [None, None, 0.0]
    rows.loc[at, "not_estimable"] = "The ratio is infinite."
    drawn = subgroup_figure(rows, trial=trial, analysis="main")
    found = [t.get_text() for t in texts(drawn.figure)]
    assert "above 1.00" in found
    assert "SEX = F: The ratio is infinite." in found


def test_without_subgroups_there_is_no_figure():
    rows, trial = divided(["F", "M"])
    own = rows[rows["model_id"].isna()]
    with pytest.raises(DataError, match="no effects within subgroups of 'main'"):
        subgroup_figure(own, trial=trial, analysis="main")


def compared(number, *, arms=("Active",), title="Analysis {i}"):
    """Return rows and trial of so many analyses of pain."""
    roles = ("primary", "secondary", "sensitivity")
    analyses, listed = {}, []
    for i in range(number):
        role = roles[min(i, 2)]
        analyses[f"a{i}"] = analysis_of(title=title.format(i=i), role=role)
        for arm in arms:
            absent = {"not_estimable": "It does not converge."} if i == 1 else {}
            listed.append(
                effect(
                    f"a{i}.{arm}",
                    None if absent else i / 10 - 1,
                    0.8,
                    analysis=f"a{i}",
                    contrast=f"{arm} versus Placebo",
                    role=role,
                    method=f"ANCOVA number {i % 30}; 95% t interval",
                    **absent,
                )
            )
    return estimates_frame(listed), trial_of(arms, analyses=analyses)


@pytest.mark.parametrize(
    ("number", "title", "arms"),
    [
        (2, "Analysis {i}", ["Active"]),
        (30, f"Pain in {LONG}", ["Low dose", "High dose"]),
        (60, "Pain at week 12, variant {i}", ["Active"]),
    ],
)
def test_analyses_are_tidy_and_their_numbers_have_rows(number, title, arms):
    rows, trial = compared(number, arms=arms, title=title)
    drawn = analyses_figure(rows, trial=trial, parameter="PAIN")
    assert_tidy(drawn.figure)
    titles = [a["title"] for a in trial["analyses"].values()]
    # Titles of the configuration are given; a wrapped one stands in parts.
    if number != 30:
        assert_numbers_have_rows(drawn.figure, rows, [drawn.title, *titles])
    found = [t.get_text() for t in texts(drawn.figure)]
    assert found.count("Primary") == found.count("Not estimable") == len(arms)
    assert sum(text.startswith("ANCOVA (") for text in found) == number * len(arms)
    assert "It does not converge." in " ".join(found)
    assert f"{number} effects" in drawn.alt


def test_one_method_has_one_letter():
    assert [letter_of(n) for n in (0, 25, 26, 27, 52)] == ["a", "z", "aa", "ab", "ba"]
    rows, trial = compared(31)
    drawn = analyses_figure(rows, trial=trial, parameter="PAIN")
    found = [t.get_text() for t in texts(drawn.figure)]
    assert found.count("ANCOVA (a)") == 2
    assert found.count("(a) ANCOVA number 0; 95% t interval.") == 1


def test_effects_are_compared_with_their_like():
    analyses = {
        "one": analysis_of(),
        "two": analysis_of("mmrm"),
        "percent": analysis_of(response="PCHG"),
        "responders": analysis_of("proportions", "WELL"),
        "odds": analysis_of("logistic", "WELL"),
        "events": analysis_of("adverse_events", None),
    }
    trial = trial_of(analyses=analyses)
    assert compared_analyses(trial) == {"PAIN": {("difference", False): ["one", "two"]}}
    assert "analyses_PAIN" in figure_names(trial | {"bds": trial["bds"]})
    with pytest.raises(DataError, match="no two analyses of 'WELL'"):
        analyses_figure(estimates_frame([]), trial=trial, parameter="WELL")
    analyses["responders"]["estimand"] = {"summary": "odds ratio"}
    assert list(compared_analyses(trial)) == ["PAIN", "WELL"]


def assumed(cells, *, arms=("Active",), shift=False, own=0):
    """Return rows and trial of assumptions: (words, estimate, p) each."""
    kind = "ancova" if shift else "proportions"
    analysis = analysis_of(kind, "PAIN" if shift else "WELL")
    analysis["model"]["tipping_point"] = True
    trial = trial_of(arms, analyses={"main": analysis})
    listed = []
    for arm in arms:
        for i, (words, estimate, p) in enumerate(cells):
            about = {
                "contrast": f"{arm} versus Placebo",
                "subgroup": words,
                "model_id": TIPPING_POINT,
                "estimate": estimate,
                "p_value": p,
                "ci_lower": None,
                "ci_upper": None,
                "unit": "points" if shift else None,
            }
            listed.append(row(TIPPING_POINT, f"{arm}.{i}", **about))
            if i == own:
                listed.append(row(AS_OBSERVED, f"{arm}.{i}", **about))
    for limit in (0.001, 0.01, 0.05, 0.1, 0.5):
        significant = "significance" if limit == 0.05 else None
        about = {"subgroup": significant, "model_id": TIPPING_POINT}
        listed.append(row(P_VALUE_LIMIT, f"{limit}", estimate=limit, **about))
    return estimates_frame(listed), trial


def grid(m, n):
    """Return assumptions on m and n without data whose p-values cross every limit."""
    return [
        (
            counts_assumed((i, m, j, n)),
            0.4 - i / (m + 1) + j / (2 * n + 2),
            0.0004 + 0.9 * (i + n - j) / (m + n + 1),
        )
        for i, j in product(range(m + 1), range(n + 1))
    ]


@pytest.mark.parametrize(
    ("m", "n", "arms"),
    [(0, 0, ["Active"]), (4, 9, ["Low", "High"]), (60, 60, ["Active"]), (60, 1, "AB")],
)
def test_assumptions_are_tidy_and_their_numbers_have_rows(m, n, arms):
    rows, trial = assumed(grid(m, n), arms=arms)
    drawn = tipping_point_figure(rows, trial=trial, analysis="main")
    assert_tidy(drawn.figure)
    assert drawn.figure.get_size_inches()[0] < 9
    assert_numbers_have_rows(drawn.figure, rows, [drawn.title])
    svg = render(drawn.figure, "svg").decode()
    cells = rows.loc[rows["statistic"] == TIPPING_POINT, "row_id"]
    # Each cell names the row that it shows.
    assert all(f'data-row="{row_id}"' in svg for row_id in cells)


def test_a_cell_tells_its_class_its_p_value_and_the_other_direction():
    cells = [
        (shifts_assumed(0, 0), -1.0, 0.02),
        (shifts_assumed(1, 0), -0.2, 0.7),
        (shifts_assumed(4, 0), 1.1, 0.01),
    ]
    rows, trial = assumed(cells, shift=True)
    drawn = tipping_point_figure(rows, trial=trial, analysis="main")
    found = [t.get_text() for t in texts(drawn.figure)]
    assert {"0.020", "0.700", "0.010", "0", "+1", "+4"} <= set(found)
    assert "other direction" in found
    assert f"significant {class_words(0.05)}" in found
    heading = f"Active versus Placebo: difference {MINUS}1.00 points, p = 0.020"
    assert any(text.startswith(heading) for text in found)
    assert "2 of 3 assumptions give a p-value below 0.05" in drawn.alt
    plain = tipping_point_figure(
        assumed(cells[:2], shift=True)[0], trial=trial, analysis="main"
    )
    assert "other direction" not in [t.get_text() for t in texts(plain.figure)]


def test_what_has_no_estimate_says_why():
    rows, trial = assumed([(None, None, None)])
    rows = rows[rows["statistic"] == TIPPING_POINT]
    rows = rows.assign(not_estimable="Placebo has no subject with AVAL.")
    drawn = tipping_point_figure(rows, trial=trial, analysis="main")
    assert drawn.alt.endswith("Not estimable: Placebo has no subject with AVAL.")
    with pytest.raises(DataError, match="no assumptions of 'main'"):
        tipping_point_figure(rows[:0], trial=trial, analysis="main")


def test_names_follow_the_configuration():
    analyses = {
        "plain": analysis_of(parameter="OTHER"),
        "divided": analysis_of("survival", "TTE", subgroups=["SEX"]),
        "tipped": analysis_of(
            "proportions", "WELL", model={"type": "proportions", "tipping_point": True}
        ),
    }
    names = figure_names(trial_of(analyses=analyses))
    assert "subgroups_divided" in names
    assert "tipping_point_tipped" in names
    assert not [n for n in names if n in ("subgroups_plain", "tipping_point_plain")]


def test_the_same_bytes_twice():
    rows, trial = assumed(grid(3, 4))
    drawn = [
        render(tipping_point_figure(rows, trial=trial, analysis="main").figure, "svg")
        for _ in range(2)
    ]
    assert drawn[0] == drawn[1]
