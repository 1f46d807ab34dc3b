"""What a pooled effect means for people: arithmetic worked by hand."""

import math

import pytest
from test_synthesis_results import one

from trialstats import tables
from trialstats.evidence_rows import CERTAINTY
from trialstats.judgements import GRADE_DOWN
from trialstats.rows import frame_of

MEDIAN = "median of the control arms"


def test_a_risk_ratio_multiplies_the_risk_of_the_control_arms(config, run):
    # Smith 2011: 4 of 16 on placebo; RR 2.22 (1.14, 4.32) as the review prints it.
    rows = run(config("crohn_response_70"))
    control = one(rows, "risk_with_control")
    pooled = one(rows, "pooled_effect")
    events = one(rows, "events", group="Placebo")["estimate"]
    n = one(rows, "n", group="Placebo")["estimate"]
    assert control["estimate"] == pytest.approx(events / n, rel=1e-12)
    treated = one(rows, "risk_with_treatment")
    for name in ("estimate", "ci_lower", "ci_upper"):
        expected = min(1.0, math.exp(pooled[name]) * events / n)
        assert treated[name] == pytest.approx(expected, rel=1e-12)
    assert treated["ci_upper"] == 1.0
    change = one(rows, "risk_change")
    assert change["estimate"] == pytest.approx(
        treated["estimate"] - control["estimate"], abs=1e-12
    )


def test_a_risk_by_configuration_stands_under_its_name(config, run):
    settings = config("fibromyalgia_adverse_events")
    settings["findings"] = {"control_risks": {"low": 0.1, "high": 0.6}}
    rows = run(settings)
    pooled = one(rows, "pooled_effect", role="primary")
    for name, risk in (("low", 0.1), ("high", 0.6)):
        assert one(rows, "risk_with_control", group=name)["estimate"] == risk
        treated = one(rows, "risk_with_treatment", group=name)
        assert treated["estimate"] == pytest.approx(
            risk * math.exp(pooled["estimate"]), rel=1e-12
        )


def test_a_mean_difference_gives_no_risk(config, run):
    rows = run(config("fibromyalgia_pain"))
    assert not rows["statistic"].str.startswith("risk_").any()


def test_no_event_under_control_gives_no_risk_and_says_why(config, run):
    treated = one(run(config("crohn_endoscopic_remission")), "risk_with_treatment")
    assert math.isnan(treated["estimate"])
    assert "name a risk under findings.control_risks" in treated["not_estimable"]


def findings(rows, settings, *judged):
    names = ("synthesis", "domain", "levels", "reason", "file", "row")
    rows_of = [dict(zip(names, (*one, "f", 2), strict=True)) for one in judged]
    frame = frame_of(rows_of, CERTAINTY)
    return tables.findings_tables(rows, syntheses=settings, judged=frame)


def cells_of(table):
    return [[cell.printed for cell in row.cells] for row in table.rows]


def test_the_table_says_per_thousand_and_that_nobody_judged(config, run):
    settings = config("crohn_response_70")
    (table,) = findings(run(settings), [settings])
    assert table.title == "Crohn's disease: LDN versus Placebo"
    (line,) = cells_of(table)
    assert line[0].startswith("Clinical response (70 points)")
    # 6 of 16 under placebo and 15 of 18 on LDN, RR 2.22 (1.14, 4.32): by hand.
    assert line[1].startswith("375")
    assert line[2] == "833 (428 to 1000)"
    assert line[3] == "+458 (+53 to +625)"
    assert line[4] == "Risk ratio 2.22 (1.14 to 4.32)"
    assert line[5] == "34 (1 trial)"
    assert line[6] == "not judged"


def test_certainty_comes_with_its_reasons(config, run):
    settings = config("crohn_response_70")
    name = settings["synthesis"]
    judged = [
        (name, domain, 0, None) for domain in GRADE_DOWN if domain != "imprecision"
    ]
    (table,) = findings(
        run(settings), [settings], *judged, (name, "imprecision", -2, "one small trial")
    )
    (line,) = cells_of(table)
    assert line[6].startswith("⊕⊕◯◯ low")
    assert "Imprecision (-2): one small trial" in dict(table.footnotes).values()


def test_domains_that_nobody_judged_are_named(config, run):
    settings = config("crohn_response_70")
    judged = (settings["synthesis"], "imprecision", -2, "one small trial")
    (table,) = findings(run(settings), [settings], judged)
    (line,) = cells_of(table)
    assert line[6].startswith("not judged")
    said = " ".join(text for _, text in table.footnotes)
    assert "Not judged: risk of bias, inconsistency, indirectness" in said


def test_a_table_holds_seven_outcomes(config, run):
    settings = config("crohn_response_70")
    rows = run(settings)
    many = [{**settings, "synthesis": settings["synthesis"]} for _ in range(9)]
    assert [len(table.rows) for table in findings(rows, many)] == [7, 2]
