"""Figures of the participants: curves, flow, bars, lines and crossover periods.

What is printed is compared with rows that are made up here: a figure computes nothing,
so that each number of its text stands in a row that the text names.
"""

import re

import pandas as pd
import pytest
from figure_samples import assert_tidy, row, texts

from trialstats.errors import DataError
from trialstats.figures.flow import flow_alt_text, flow_plot
from trialstats.figures.kaplan_meier import kaplan_meier_plot
from trialstats.figures.kaplan_meier_text import kaplan_meier_alt_text
from trialstats.figures.participant_records import one_a_line, values_of
from trialstats.figures.participants import (
    kaplan_meier_figure,
    periods_figure,
    records_figure,
)
from trialstats.figures.periods import periods_alt_text, periods_plot
from trialstats.figures.reading import texts_of
from trialstats.figures.render import render
from trialstats.figures.trial_kinds import figure_names
from trialstats.rows import BDS, estimates_frame, frame_of

SIX = [f"Dose {n} of the preparation with a long name" for n in range(1, 6)]


def trial_of(treatments=("Active",), **parts):
    return {
        "id": "t",
        "trial": "T-1",
        "data_status": "synthetic",
        "design": "parallel",
        "arms": {"control": "Placebo", "treatments": list(treatments)},
        "bds": {"PAIN": {"label": "Pain", "unit": "points", "better": "lower"}},
        "analyses": {
            "main": {
                "title": "Change in pain at week 12",
                "role": "primary",
                "analysis_set": "ITT",
                "at": "Week 12",
                "parameter": "PAIN",
                "response": "CHG",
                "model": {"type": "ancova"},
            }
        },
        **parts,
    }


def count(statistic, number, **values):
    about = {"kind": "trial", "data_status": "synthetic", "method": "Counted"}
    return row(statistic, **about, estimate=float(number), **values)


def numbers_name_rows(figure, frame):
    """Assert that each "n = 7" is one of the rows that its text names; count them."""
    stored = frame.set_index("row_id")["estimate"].to_dict()
    seen = 0
    for written in texts_of(render(figure, "svg")):
        for number in re.findall(r"n = (\d+)", written.text.replace("\xa0", " ")):
            assert float(number) in [stored[i] for i in written.rows], written
            seen += 1
    return seen


def flow_rows(trial, reasons=("Adverse event", "Lost to follow-up")):
    arms = [*trial["arms"]["treatments"], trial["arms"]["control"]]
    rows = [
        count("flow_count", 240, group="Total", parameter="enrolled"),
        count("flow_count", 40, group="Total", parameter="not randomised"),
        count(
            "flow_count",
            40,
            group="Total",
            parameter="not randomised",
            subgroup="Did not meet the criteria of the protocol for participation",
        ),
    ]
    for i, arm in enumerate(["Total", *arms]):
        where = {"analysis": "disposition", "group": arm}
        for parameter, number in (
            ("randomised", 200 - i),
            ("treated", 190 - i),
            ("completed", 150 - i),
            ("discontinued", 40),
        ):
            rows.append(count("count", number, parameter=parameter, **where))
        for reason in reasons:
            about = {"parameter": "discontinued", "subgroup": reason}
            rows.append(count("count", 7 + i, **about, **where))
    for arm in arms:
        where = {"analysis": "main", "group": arm}
        rows.append(count("flow_count", 3, group=arm, parameter="not treated"))
        rows.append(count("flow_analysed", 180, **where))
        rows.append(count("n_with_data", 170, visit="Week 12", **where))
        rows.append(count("flow_excluded", 20, **where))
        rows.append(count("flow_excluded", 20, subgroup="no value at Week 12", **where))
        rows.append(count("flow_excluded", 0, subgroup="AGE missing", **where))
    return estimates_frame(rows)


LONG = (
    "Withdrawal of the consent to all further procedures and to the use of data",
    "Adverse event",
    "Incomprehensibilitypneumonoultramicroscopicsilicovolcanoconiosis",
)


@pytest.mark.parametrize("reasons", [("Adverse event",), LONG])
@pytest.mark.parametrize("treatments", [["Active"], SIX[:2], SIX], ids=[2, 3, 6])
def test_a_flow_of_two_to_six_arms_is_tidy_and_names_its_rows(treatments, reasons):
    trial = trial_of(treatments)
    rows = flow_rows(trial, reasons)
    figure = flow_plot(rows, trial=trial, title="T-1: flow of participants")
    assert_tidy(figure)
    arms = len(treatments) + 1
    # Three boxes above; of each arm allocated, treated and not, completed, stopped,
    # reasons, analysed, with a value, not analysed and why.
    assert numbers_name_rows(figure, rows) == 4 + arms * (9 + len(reasons))
    found = [t.get_text() for t in texts(figure)]
    assert "Enrolled (n = 240)" in [f.replace("\xa0", " ") for f in found]
    # Nobody lacks an age: the reason is not printed.
    assert not any("AGE missing" in f for f in found)
    assert any(f.startswith("SYNTHETIC DATA") for f in found)


def test_the_words_of_a_flow_say_its_numbers():
    trial = trial_of()
    words = flow_alt_text(flow_rows(trial), trial=trial, title="Flow")
    assert words.startswith("Synthetic data. Flow. Enrolled (n = 240), Not randomised")
    assert "Analysed (n = 180); Not analysed (n = 20)." in words


def test_a_flow_of_a_crossover_has_its_periods():
    orders = {"Active first": ["Active", "Placebo"], "AP": ["Placebo", "Active"]}
    trial = trial_of(design="crossover", sequences=orders)
    trial["analyses"]["main"]["model"] = {"type": "crossover"}
    rows = []
    for group, order in orders.items():
        where = {"analysis": "disposition", "group": group}
        rows.append(count("count", 12, parameter="randomised", **where))
        for number, arm in enumerate(order, start=1):
            period = f"period {number}"
            about = {"parameter": period, "subgroup": arm, "group": group}
            rows.append(count("flow_count", 12 - number, **about))
            here = {"analysis": "main", "group": group, "subgroup": period}
            rows.append(count("flow_analysed", 10 - number, **here))
        rows.append(count("flow_analysed", 9, analysis="main", group=group))
    frame = estimates_frame(rows)
    figure = flow_plot(frame, trial=trial, title="Flow")
    assert_tidy(figure)
    assert numbers_name_rows(figure, frame) == 12
    found = [t.get_text() for t in texts(figure)]
    assert found.count("Period 1") == found.count("Period 2") == 1
    assert "Active then Placebo" in found


def test_a_flow_without_counts_is_refused():
    with pytest.raises(DataError, match="no count of participants"):
        flow_plot(estimates_frame([]), trial=trial_of(), title="Flow")


def curve_rows(arms, n=30):
    rows = []
    for i, arm in enumerate(arms):
        about = {"analysis": "relapse", "group": arm}
        for step in range(n):
            level = 1 - (step + 1) / (n + 5 + 5 * i)
            where = {**about, "subgroup": f"{2.5 * (step + 1):g} weeks"}
            rows.append(
                count(
                    "survival_step",
                    level,
                    n_subjects=n - step,
                    ci_lower=max(0.0, level - 0.1),
                    ci_upper=min(1.0, level + 0.1),
                    confidence_level=0.95,
                    **where,
                )
            )
        rows.append(count("curve_censored", 2, **where))
        for time in (0, 10, 20, 21, 60):
            where = {**about, "subgroup": f"{time} weeks"}
            rows.append(count("n_at_risk", 1000 - time - i, **where))
        rows.append(count("n_analysed", n, **about))
        rows.append(count("events", n - 2, n_subjects=n, **about))
        rows.append(count("censored", 2, n_subjects=n, **about))
        reached = i % 2 == 0
        median = count("median_time", 12.25 + i, ci_lower=10.0, **about)
        rows.append(
            median if reached else median | {"estimate": None, "ci_lower": None}
        )
    rows.append(
        count(
            "hazard_ratio",
            -0.5,
            analysis="relapse",
            contrast="Active versus Placebo",
            scale="log",
            ci_lower=-1.0,
            ci_upper=-0.01,
            confidence_level=0.95,
            p_value=0.0461,
        )
    )
    test = count("log_rank_test", 9.0, analysis="relapse", p_value=0.00004)
    rows.append(test | {"method": "Log-rank test of all arms"})
    return estimates_frame(rows)


@pytest.mark.parametrize("treatments", [["Active"], SIX], ids=[2, 6])
def test_curves_stand_over_those_at_risk(treatments):
    trial = trial_of(treatments)
    rows = curve_rows([*treatments, "Placebo"])
    figure = kaplan_meier_plot(rows, trial=trial, title="T-1: relapse", band=True)
    assert_tidy(figure)
    written = {w.text: w.rows for w in texts_of(render(figure, "svg"))}
    ids = rows.set_index("row_id")
    for text, statistic in (
        ("12.3 (10.0 to not reached)", "median_time"),
        ("28 (93%)", "events"),
        ("2 (7%)", "censored"),
        ("990", "n_at_risk"),
    ):
        assert {ids.loc[i, "statistic"] for i in written[text]} == {statistic}
    assert "not reached" in written
    # At 21 weeks there is no room for the numbers beside those at 20.
    assert "20" in written
    assert "21" not in written
    assert any("0.61 (95% CI 0.37 to 0.99), p = 0.0461." in text for text in written)
    assert "Log-rank test of all arms: p < 0.0001." in written


def test_steps_and_censored_times_are_drawn_with_their_rows():
    rows = curve_rows(["Active", "Placebo"])
    figure = kaplan_meier_plot(rows, trial=trial_of(), title="Relapse")
    svg = render(figure, "svg").decode()
    assert svg.encode() == render(figure, "svg")
    named = set(" ".join(re.findall(r'data-row="([^"]*)"', svg)).split())
    wanted = rows[rows["statistic"].isin(["survival_step", "curve_censored"])]
    assert set(wanted["row_id"]) <= named


def test_the_words_of_curves_say_medians_and_tests():
    rows = curve_rows(["Active", "Placebo"])
    words = kaplan_meier_alt_text(rows, title="Relapse")
    assert "Active: 30 participants, 28 (93%) with the event" in words
    assert (
        "Placebo: 30 participants, 28 (93%) with the event, median not reach" in words
    )
    assert words.endswith("Log-rank test of all arms: p < 0.0001.")


def test_an_analysis_without_curves_gives_its_reason():
    analyses = {"relapse": {"title": "Relapse", "model": {"type": "survival"}}}
    rows = count("hazard_ratio", 0, analysis="relapse", not_estimable="Nobody.")
    drawn = kaplan_meier_figure(
        estimates_frame([rows | {"estimate": None}]),
        trial=trial_of(analyses=analyses),
        analysis="relapse",
    )
    assert drawn.alt.endswith("Not estimable: Nobody.")
    with pytest.raises(DataError, match="no survival curve"):
        kaplan_meier_plot(estimates_frame([]), trial=trial_of(), title="Relapse")


def datasets(n, visits=("Baseline", "Week 4", "Week 12"), arms=("Active", "Placebo")):
    ids = [f"SUBJ-{i:03d}" for i in range(n)]
    arm = [arms[i % len(arms)] for i in range(n)]
    rows = [
        {
            "STUDYID": "T",
            "USUBJID": subject,
            "TRT01P": arm[i],
            "PARAMCD": "PAIN",
            "PARAM": "Pain",
            "AVISIT": visit,
            "AVISITN": float(visit.removeprefix("Week ") if v else 0),
            "AVAL": 50.0 - i + 3 * v,
            "CHG": float((7 * i) % 23 - 14 + v) if v else None,
            "ANL01FL": "Y",
        }
        for i, subject in enumerate(ids)
        for v, visit in enumerate(visits)
        # The first one leaves after week 4.
        if not (i == 0 and visit == "Week 12")
    ]
    bds = frame_of(rows, BDS).astype({"DTYPE": "str"})
    adsl = pd.DataFrame({"USUBJID": ids, "TRT01P": arm, "ITTFL": "Y"})
    return adsl, bds


ASKED = {
    "type": "waterfall",
    "parameter": "PAIN",
    "response": "CHG",
    "at": "Week 12",
    "analysis_set": "ITT",
}
TAKEN = {k: v for k, v in ASKED.items() if k != "at"}


def drawn_records(n, asked, arms=("Active", "Placebo"), rows=None):
    trial = trial_of(list(arms[:-1]), figures={"it": asked})
    adsl, bds = datasets(n, arms=arms)
    rows = estimates_frame([]) if rows is None else rows
    return records_figure(rows, adsl, bds, trial=trial, figure="it")


@pytest.mark.parametrize("n", [2, 24, 40, 41, 90])
def test_a_waterfall_is_tidy_and_labels_forty_participants(n):
    drawn = drawn_records(n, ASKED | {"lines": [-5, -5.5, 30]})
    assert_tidy(drawn.figure)
    found = [t.get_text() for t in texts(drawn.figure)]
    assert ("SUBJ-001" in found) == (n <= 41)
    assert {"−5.0", "−5", "−5.5", "30"} & set(found) >= {"−5.5", "30"}
    assert any("Who has no value there is not shown." in f for f in found)
    bars = re.findall(rb'data-row="bds:t:\d+"', render(drawn.figure, "svg"))
    assert len(bars) == n - 1


def test_the_words_of_a_waterfall_say_who_improved():
    # Active: participants 2 and 4 (0 left early): 14 - 14 + 2 and 28 % 23 - 14 + 2.
    drawn = drawn_records(5, ASKED)
    assert "Active: 1 of 2 improved, −7.0 to 2.0" in drawn.alt
    assert "Placebo: 1 of 2 improved, −5.0 to 9.0" in drawn.alt


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (ASKED, {"SUBJ-001": -5.0}),
        (TAKEN | {"take": "last"}, {"SUBJ-000": -13.0, "SUBJ-001": -5.0}),
        (TAKEN | {"take": "best"}, {"SUBJ-000": -13.0, "SUBJ-001": -6.0}),
    ],
    ids=["at", "last", "best"],
)
def test_one_value_of_each_is_taken(asked, expected):
    adsl, bds = datasets(2)
    values = one_a_line(values_of(trial_of(), asked, adsl, bds), asked, "lower")
    assert {v.subject: v.value for v in values} == expected
    if asked is not ASKED and asked["take"] == "best":
        higher = one_a_line(values_of(trial_of(), asked, adsl, bds), asked, "higher")
        assert {v.value for v in higher} == {-13.0, -5.0}


def test_two_values_at_one_visit_are_refused():
    adsl, bds = datasets(2)
    twice = pd.concat([bds, bds.iloc[1:2]], ignore_index=True)
    with pytest.raises(DataError, match="SUBJ-000 has two values of PAIN at Week 4"):
        values_of(trial_of(), ASKED, adsl, twice)
    with pytest.raises(DataError, match="ADSL has no column ITTFL"):
        values_of(trial_of(), ASKED, adsl.drop(columns="ITTFL"), bds)


def test_records_that_are_derived_or_outside_the_set_are_not_drawn():
    adsl, bds = datasets(4)
    adsl.loc[1, "ITTFL"] = "N"
    bds.loc[bds["USUBJID"] == "SUBJ-002", "DTYPE"] = "LOCF"
    bds.loc[bds["USUBJID"] == "SUBJ-003", "ANL01FL"] = None
    values = values_of(trial_of(), ASKED, adsl, bds)
    assert {v.subject for v in values} == {"SUBJ-000"}


PROFILES = {**TAKEN, "type": "individual_profiles", "response": "AVAL"}


@pytest.mark.parametrize(
    ("n", "arms"),
    [(20, ("Active", "Placebo")), (60, (*SIX, "Placebo")), (1, ("Active", "Placebo"))],
)
def test_profiles_are_tidy_and_have_a_panel_an_arm(n, arms):
    drawn = drawn_records(n, PROFILES | {"lines": [20]}, arms)
    assert_tidy(drawn.figure)
    found = [t.get_text() for t in texts(drawn.figure)]
    shown = [arm for i, arm in enumerate(arms) if i < n]
    assert sum(f == "Week" for f in found) == len(shown)
    assert ("SUBJ-000" in found) == (n <= 40)
    assert f"{shown[0]}: " in drawn.alt


def test_means_over_the_lines_name_their_rows():
    means = [
        count("ls_mean", -2.0 * v, analysis="main", group=arm, visit=f"Week {v}")
        for v in (4, 12)
        for arm in ("Active", "Placebo")
    ]
    rows = estimates_frame(means)
    asked = PROFILES | {"response": "CHG", "analysis": "main"}
    drawn = drawn_records(10, asked, rows=rows)
    named = re.findall(rb'data-row="(row-\d+)"', render(drawn.figure, "svg"))
    assert {n.decode() for n in named} == set(rows["row_id"])
    found = [t.get_text() for t in texts(drawn.figure)]
    assert any("least-squares means" in f for f in found)


def test_nobody_with_a_value_is_said():
    drawn = drawn_records(3, ASKED | {"at": "Week 99"})
    assert drawn.alt.endswith("nobody of the analysis set has a value.")


ORDERS = {"Active first": ["Active", "Placebo"], "Placebo first": ["Placebo", "Active"]}


def period_rows(orders, contrasts=("Active versus Placebo",), subjects=12):
    rows = []
    for s, (sequence, order) in enumerate(orders.items()):
        about = {"analysis": "main", "group": sequence}
        for number in range(1, len(order) + 1):
            mean = 5.0 + s - number
            rows.append(
                count(
                    "period_mean",
                    mean,
                    subgroup=f"period {number}",
                    ci_lower=mean - 1,
                    ci_upper=mean + 1,
                    confidence_level=0.95,
                    **about,
                )
            )
        for contrast in contrasts:
            for i in range(subjects):
                who = {"subgroup": f"S{s}{i}", "contrast": contrast}
                rows.append(count("subject_difference", i % 3 - 2, **who, **about))
    for contrast in contrasts:
        about = {"analysis": "main", "contrast": contrast, "confidence_level": 0.95}
        rows.append(count("difference", -0.75, ci_lower=-1.5, ci_upper=0.0, **about))
    return estimates_frame(rows)


THREE = {
    "A sequence with a name": ["Dose 1", "Dose 2", "Placebo"],
    "Another one with a name that is longer": ["Dose 2", "Placebo", "Dose 1"],
    "BCA": ["Placebo", "Dose 1", "Dose 2"],
}


@pytest.mark.parametrize(
    ("orders", "treatments"), [(ORDERS, ["Active"]), (THREE, ["Dose 1", "Dose 2"])]
)
def test_periods_are_tidy_and_every_row_is_shown(orders, treatments):
    trial = trial_of(treatments, design="crossover", sequences=orders)
    contrasts = [f"{t} versus Placebo" for t in treatments]
    rows = period_rows(orders, contrasts)
    figure = periods_plot(rows, trial=trial, title="T-1: pain", unit="Pain (points)")
    assert_tidy(figure)
    svg = render(figure, "svg").decode()
    named = set(" ".join(re.findall(r'data-row="([^"]*)"', svg)).split())
    assert named == set(rows["row_id"])
    words = f"{contrasts[0]}: difference −0.75 (95% CI −1.50 to 0.00)."
    assert words in [t.get_text() for t in texts(figure)]


def test_the_words_of_periods_say_means_and_differences():
    trial = trial_of(design="crossover", sequences=ORDERS)
    words = periods_alt_text(period_rows(ORDERS), trial=trial, title="Pain")
    assert (
        "Active first: Active 4.00, Placebo 3.00; Placebo first: Placebo 5.00" in words
    )
    # Of each twelve, four have -2, four -1 and four 0.
    assert words.endswith("below 0 in 16 of 24 participants.")


def test_periods_that_are_missing_are_asked_for_or_explained():
    trial = trial_of(design="crossover", sequences=ORDERS)
    with pytest.raises(DataError, match="no means by sequence and period"):
        periods_plot(estimates_frame([]), trial=trial, title="Pain", unit="points")
    nothing = count("difference", 0, analysis="main", not_estimable="One period.")
    rows = estimates_frame([nothing | {"estimate": None}])
    drawn = periods_figure(rows, trial=trial, analysis="main")
    assert drawn.alt.endswith("Not estimable: One period.")


def test_a_trial_has_the_figures_that_it_can_have():
    analyses = {
        "main": {"parameter": "PAIN", "model": {"type": "crossover"}},
        "relapse": {"parameter": "TTE", "model": {"type": "survival"}},
    }
    trial = trial_of(analyses=analyses, figures={"it": ASKED, "own": PROFILES})
    names = figure_names(trial)
    assert {
        *("flow", "periods_main", "kaplan_meier_relapse"),
        *("waterfall_it", "individual_profiles_own"),
    } <= set(names)
    assert len(names) == len(set(names))
