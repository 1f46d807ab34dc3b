"""What the syntheses come to, against published numbers and sums worked by hand."""

import math

import pytest

from trialstats.formatting import format_interval, format_number


def one(rows, statistic, **columns):
    """Return the only row with this statistic and these columns."""
    found = rows.loc[rows["statistic"].eq(statistic)]
    for name, value in columns.items():
        found = found.loc[found[name].eq(value)]
    assert len(found) == 1, found["row_id"].tolist()
    return found.iloc[0]


def printed(row, digits=2):
    back = math.exp if row["scale"] == "log" else float
    limits = [back(row[name]) for name in ("ci_lower", "ci_upper")]
    return f"{format_number(back(row['estimate']), digits)} " + format_interval(
        *limits, digits
    )


#: As the Cochrane review prints them (Parker 2018, CD010410.pub3).
CROHN = {
    "crohn_remission": "1.48 (0.42, 5.24)",
    "crohn_response_70": "2.22 (1.14, 4.32)",
    "crohn_response_100": "1.96 (0.87, 4.42)",
    "crohn_endoscopic_response": "2.89 (1.18, 7.08)",
    "crohn_endoscopic_remission": "8.05 (0.47, 138.87)",
}


@pytest.mark.parametrize(("name", "expected"), CROHN.items())
def test_crohn_equals_the_review_to_the_printed_digits(config, run, name, expected):
    rows = run(config(name))
    pooled = one(rows, "pooled_effect")
    assert printed(pooled) == expected
    assert printed(one(rows, "effect")) == expected
    assert printed(one(rows, "published_pool")) == expected
    assert pooled["data_status"] == "recalled"
    assert "own effect" in pooled["method"]
    for statistic in ("prediction_interval", "tau_squared", "i_squared", "q"):
        assert one(rows, statistic)["not_estimable"] == "needs at least 2 trials"


def test_the_zero_cell_rule_stands_where_it_acted(config, run):
    added = one(run(config("crohn_endoscopic_remission")), "effect")
    assert "0.5 added to every cell" in added["method"]
    assert "added" not in one(run(config("crohn_remission")), "effect")["method"]


def test_fibromyalgia_pain(config, run):
    # README of the LDN tables: REML with Hartung-Knapp and Wald intervals, rounded.
    rows = run(config("fibromyalgia_pain"))
    main = one(rows, "pooled_effect", role="primary")
    assert printed(main) == "0.03 (-5.21, 5.27)"
    wald = one(rows, "pooled_effect", model_id="REML.wald")
    assert printed(wald) == "0.03 (-0.78, 0.84)"
    tau = one(rows, "tau_squared", role="primary")
    assert format_number(tau["estimate"], 2) == "0.21"
    final = one(rows, "effect", trial="DUEBRUUN2024_FINAL")
    # The published adjusted difference, not the gap of the means (-0.40).
    assert final["estimate"] == -0.34
    assert "in preference to the arms' means" in final["method"]
    assert main["data_status"] == "derived"


def test_any_adverse_event(config, run):
    # Same source: 0.97 (0.87, 1.08); REPORTING.md: Wald 0.84 to 1.11.
    rows = run(config("fibromyalgia_adverse_events"))
    assert printed(one(rows, "pooled_effect", role="primary")) == "0.97 (0.87, 1.08)"
    wald = one(rows, "pooled_effect", model_id="EE.wald")
    assert printed(wald) == "0.97 (0.84, 1.11)"


def test_pain_across_conditions(config, run):
    # Same source: -0.12 (-0.51, 0.26), "for orientation". How it standardised FINAL and
    # INNOVA is not said; here they enter with the d that they print, and the lower
    # limit is -0.498. Allowed: a hundredth beyond the rounding of the source (0.005).
    rows = run(config("pain_across_conditions"))
    pooled = one(rows, "pooled_effect", role="primary")
    found = [pooled[name] for name in ("estimate", "ci_lower", "ci_upper")]
    assert found == pytest.approx([-0.12, -0.51, 0.26], abs=0.0151)
    assert pooled["n_trials"] == 5
    # 99 + 98 in parallel trials, and 28 + 60 + 23 people of crossover trials, once.
    assert pooled["n_subjects"] == 308
    younger = one(rows, "effect", trial="YOUNGER2013_FM")
    assert younger["estimate"] < 0
    assert "sign turned" in younger["method"]
    widths = {
        key: row["ci_upper"] - row["ci_lower"]
        for key in ("paired-r-0.3", "REML.knapp_hartung", "paired-r-0.7")
        for row in [one(rows, "pooled_effect", model_id=key)]
    }
    assert list(widths.values()) == sorted(widths.values(), reverse=True)
    without = one(rows, "pooled_effect", model_id="without-crossover")
    assert without["n_trials"] == 2


def test_a_crossover_trial_by_hand(config, run):
    # Cree 2010: 1.6 (SE 0.76) in 60 people, r = 0.5, so the SD of one result is
    # 0.76 * sqrt(60) / sqrt(2 * 0.5) = 5.887 and J(59) = 0.98722:
    # g = -1.6 / 5.887 * 0.98722 = -0.2683. Rounded inputs of the hand sum: 1e-4.
    rows = run(config("pain_across_conditions"))
    cree = one(rows, "effect", trial="CREE2010_MS")
    assert cree["estimate"] == pytest.approx(-0.2683, abs=1e-4)
    variance = (1 / 60 + 0.2683**2 / 120) * 2 * 0.5
    assert cree["standard_error"] == pytest.approx(math.sqrt(variance), abs=1e-4)


def test_double_zero_trials_stay_in_view(config, run):
    rows = run(config("serious_adverse_events"))
    for trial in ("SMITH2013_CD_PED", "INNOVA_FM"):
        effect = one(rows, "effect", trial=trial)
        assert effect["not_estimable"] == "no events in either arm"
        assert math.isnan(effect["estimate"])
        listed = rows.loc[rows["trial"].eq(trial) & rows["statistic"].eq("events")]
        assert listed["estimate"].tolist() == [0, 0]
    main = one(rows, "pooled_effect", role="primary")
    assert main["n_trials"] == 1
    difference = one(rows, "pooled_effect", model_id="risk-difference")
    assert difference["n_trials"] == 3
    assert difference["scale"] == "natural"


def test_several_scales_of_the_same_people_are_not_pooled(config, run):
    rows = run(config("depression_scales"))
    effects = rows.loc[rows["statistic"].eq("effect")]
    # HAM-D-17 by hand, the first of the configuration: -6.1 / 6.8593 * 0.92275.
    assert effects["parameter"].tolist()[0] == "HAM-D-17 (primary)"
    assert effects["estimate"].tolist()[0] == pytest.approx(-0.8206, abs=1e-4)
    assert len(effects) == 5
    assert "pooled_effect" not in set(rows["statistic"])


def test_no_error_follows_from_means_that_are_equal_in_print(config, run):
    rows = run(config("arthritis"))
    effects = rows.loc[rows["statistic"].eq("effect")].set_index("parameter")
    for outcome in ("fatigue", "global severity", "pain interference (primary)"):
        assert "rounding" in effects.loc[outcome, "not_estimable"]
    severity = effects.loc["pain severity"]
    # 0.3 / t(0.89; 22 df) = 0.3 / 1.2620, from a printed table of t to four digits.
    assert severity["standard_error"] == pytest.approx(0.3 / 1.2620, rel=1e-3)
    assert "DERIVED" in severity["method"]
    assert severity["data_status"] == "derived"


def test_a_bound_on_p_gives_no_error(config, run):
    rows = run(config("multiple_sclerosis_quality_of_life"))
    index = one(rows, "effect", parameter="Mental Health Inventory")
    assert "p <0.01" in index["not_estimable"]


def test_published_pools_stand_as_printed(config, run, published):
    rows = run(config("published_reviews"))
    assert set(rows["statistic"]) == {"published_pool"}
    assert len(rows) == len(published[2]) == 29
    assert rows["subgroup"].tolist() == sorted(
        rows["subgroup"], key=["SMD", "MD", "RR", "other"].index
    )
    events = one(rows, "published_pool", parameter="adverse events, v placebo")
    assert printed(events) == "1.40 (1.12, 1.75)"
    assert events["scale"] == "log"


def test_a_fitted_trial_enters_with_its_fitted_contrast(config, run):
    rows = run(config("synthetic_fibromyalgia_pain"))
    effects = rows.loc[rows["statistic"].eq("effect")]
    assert effects["estimate"].tolist() == [-0.5, -0.9]
    assert effects["standard_error"].tolist() == [0.25, 0.25]
    assert set(rows["data_status"]) == {"synthetic"}
    assert "synthetic" in config("synthetic_fibromyalgia_pain")["title"]


def test_every_synthesis_runs_and_keeps_its_order(every_synthesis, run, stored):
    for name, config in every_synthesis.items():
        rows = stored(run(config))
        assert rows["synthesis"].eq(name).all()
        weights = rows.loc[rows["statistic"].eq("weight")]
        sums = weights.groupby("model_id")["estimate"].sum()
        # Weights are stored with twelve digits.
        assert sums.tolist() == pytest.approx([1.0] * len(sums), abs=1e-10)
        named = (config.get("published") or {}).get("trials")
        if named:
            listed = rows.loc[rows["statistic"].eq("effect"), "trial"].tolist()
            assert listed == named


def test_the_configuration_lists_every_synthesis(root, every_synthesis):
    from trialstats.config.loading import load_project

    assert set(load_project(root).syntheses) == set(every_synthesis)
