"""Trials too small, too empty or too odd for their models keep their report.

What cannot be estimated is a row with its reason, and tables and figures show it.
"""

import numpy as np
import pandas as pd
import pytest

from trialstats.analyses.trial import analyse_trial
from trialstats.analyses.trial_agreement import check_trial
from trialstats.figures.render import render
from trialstats.figures.trial import adverse_events_figure, profile_figure
from trialstats.second_engine import pingouin_engine
from trialstats.tables.adverse_events import adverse_events_table
from trialstats.tables.efficacy import efficacy_table
from trialstats.tables.render import to_html

TITLES = {
    "pain_week2": "Pain at week 2",
    "pain_over_time": "Pain over time",
    "responders": "Responders",
    "adverse_events": "Adverse events",
}


def one_arm(adsl, bds, adae):
    keep = adsl["TRT01P"] == "Placebo"
    ids = set(adsl.loc[keep, "USUBJID"])
    return adsl[keep], bds[bds["USUBJID"].isin(ids)], adae[adae["USUBJID"].isin(ids)]


def no_values(adsl, bds, adae):
    return adsl, bds[bds["PARAMCD"] != "PAIN"], adae


def nobody(adsl, bds, adae):
    return adsl.assign(ITTFL="N", SAFETYFL="N"), bds, adae


@pytest.mark.parametrize("change", [one_arm, no_values, nobody])
def test_tables_and_figures_say_why(parallel, change):
    config, *data = parallel
    config = config | {
        "analyses": {
            name: settings | {"title": TITLES[name]}
            for name, settings in config["analyses"].items()
        }
    }
    adsl, bds, adae = change(*data)
    made = analyse_trial(config, adsl, bds, adae)
    assert check_trial(config, adsl, bds, made)["agrees"].all()
    rows = pd.concat(made.values(), ignore_index=True)
    reasons = rows.loc[rows["statistic"] == "difference", "not_estimable"]
    assert reasons.notna().all()
    pages = {
        name: to_html(efficacy_table(rows, trial=config, analysis=name))
        for name in ("pain_week2", "pain_over_time", "responders")
    }
    assert "not estimable" in pages["pain_week2"]
    assert "not estimable" in pages["pain_over_time"]
    assert adverse_events_table(rows, trial=config).rows
    profile = profile_figure(rows, trial=config)
    assert "Not estimable: " in profile.alt
    assert render(profile.figure, "svg", title=profile.title, alt=profile.alt)
    assert adverse_events_figure(rows, trial=config).alt


def test_labels_that_differ_in_capitals_have_keys_of_their_own(parallel):
    config, adsl, bds, adae = parallel
    adae = adae.assign(AETERM=["Nausea", "nausea", "NAUSEA!", "头痛", "恶心"])
    sex = np.array(["F", "f", "female", "F."])[np.arange(len(adsl)) % 4]
    reasons = pd.Series(["Moved", "moved"])[np.arange(len(adsl)) % 2]
    adsl = adsl.assign(SEX=sex, DCSREAS=reasons.tolist(), EOSSTT="DISCONTINUED")
    made = analyse_trial(config, adsl, bds, adae)
    events = made["adverse_events"]
    terms = set(events["parameter"]) - {p for p in events["parameter"] if " " in p}
    assert terms == {"Nausea", "nausea", "NAUSEA!", "头痛"}
    for frame in made.values():
        assert frame["row_id"].is_unique


def test_what_was_not_recorded_is_not_counted_as_none(parallel):
    config, *data = parallel
    config = config | {"adae": {"variables": {"AETERM": {}, "AEREL": {}}}}
    events = analyse_trial(config, *data)["adverse_events"]
    assert "Any related adverse event" in set(events["parameter"])
    assert "Any serious adverse event" not in set(events["parameter"])


@pytest.mark.parametrize("sizes", [(2, 2), (2, 3), (5, 4), (40, 60)])
def test_hedges_g_of_small_trials_agrees(sizes):
    # The exact factor by Hedges' gamma functions, from the standard library; the
    # second engine takes it by recursion. 1e-12: a dozen additions of doubles.
    from math import exp, lgamma, sqrt

    one = np.arange(sizes[0]) * 1.3 + 1
    other = np.arange(sizes[1]) * 0.7
    m = sum(sizes) - 2
    exact = exp(lgamma(m / 2) - lgamma((m - 1) / 2)) / sqrt(m / 2)
    pooled = sqrt(
        ((len(one) - 1) * one.var(ddof=1) + (len(other) - 1) * other.var(ddof=1)) / m
    )
    expected = exact * (one.mean() - other.mean()) / pooled
    found = pingouin_engine.hedges_g(one.tolist(), other.tolist())["estimate"]
    assert found == pytest.approx(expected, rel=1e-12)
