"""Trials of several treatments against one control enter with their covariance.

Numbers are of metafor 3.8.1 on made-up trials, `rma.mv(yi, V, random = ~ 1 |
trial/contrast)` with `dfs = "contain"`: `tests/reference/metafor/make_several_arms.R`.
Its optimiser was tightened; variances agree to 1e-6 and what follows to 1e-7, and where
metafor stops at 7e-9 beside a variance of zero, to 1e-6.
"""

import json
import math

import numpy as np
import pytest

from trialstats.analyses.synthesis import synthesise
from trialstats.analyses.synthesis_agreement import check_synthesis
from trialstats.errors import ConfigError
from trialstats.figures.forest_lines import lines
from trialstats.figures.forest_options import ForestOptions
from trialstats.figures.forest_rows import panels
from trialstats.meta.pooling import pool
from trialstats.rows import estimates_frame
from trialstats.tables.synthesis import trial_effects_table

PLACEBO = "Placebo"

#: Made up: people of each treatment, and of the control arm.
N_TREATED, N_CONTROL = 30, 25


def trial_of(name, arms, covariance=None, **changes):
    """Return the rows of an analysis: (estimate, error) of each treatment."""
    trial, analysis = name.split(".")
    shared = {
        "kind": "trial",
        "trial": trial,
        "analysis": analysis,
        "parameter": "PAINNRS",
        "visit": "Week 12",
        "role": "primary",
        "scale": "natural",
        "method": "ANCOVA",
        "data_status": "synthetic",
    } | changes
    rows = [
        shared
        | {
            "row_id": f"{name}.{arm}.{shared['visit']}",
            "statistic": "difference",
            "contrast": f"{arm} versus {PLACEBO}",
            "estimate": estimate,
            "standard_error": error,
            "n_subjects": N_TREATED + N_CONTROL,
        }
        for arm, (estimate, error) in arms.items()
    ]
    listed = list(arms)
    for i, one in enumerate(listed):
        for other in listed[i + 1 :] if covariance is not None else ():
            rows.append(
                shared
                | {
                    "row_id": f"{name}.{one}.{other}.{shared['visit']}",
                    "statistic": "contrast_covariance",
                    "role": "descriptive",
                    "contrast": f"{one} versus {PLACEBO}",
                    "group": other,
                    "subgroup": "difference",
                    "estimate": covariance,
                    "n_subjects": 2 * N_TREATED + N_CONTROL,
                }
            )
    return rows


@pytest.fixture(scope="module")
def reference(root):
    path = root / "tests/reference/metafor/several_arms.json"
    return json.loads(path.read_text(encoding="utf-8"))


def trials_in(reference, data):
    """Return the made-up trials as rows by ``trial.analysis``."""
    arms = {}
    for row in reference["data"][data]:
        treatment = row["contrast"] or "LDN 4.5 mg"
        own = arms.setdefault(f"{row['trial']}.pain", {})
        own[treatment] = (row["yi"], row["sei"])
    return {
        name: estimates_frame(
            trial_of(name, own, reference["shared"].get(name.split(".")[0]))
        )
        for name, own in arms.items()
    }


@pytest.fixture
def pooled(config, published):
    """Return a function that pools trials: configuration and rows."""

    def run(trials, **changes):
        made = config("synthetic_fibromyalgia_pain") | {
            "analyses": list(trials),
            "sensitivity": [],
            "model": model(),
        }
        made = made | changes
        return made, synthesise(made, *published, trials)

    return run


def model(**changes):
    return {"tau_squared": "REML", "inference": "t", "prediction": "t"} | changes


def find(rows, statistic, **where):
    found = rows.loc[rows["statistic"].eq(statistic)]
    for name, value in where.items():
        found = found.loc[found[name].eq(value)]
    return found


def one(rows, statistic, **where):
    found = find(rows, statistic, **where)
    assert len(found) == 1, found["row_id"].tolist()
    return found.iloc[0]


#: Case, its data, the model, and how close metafor's optimiser came.
CASES = {
    "two_trials": ("two", model(), 1e-6),
    "two_trials_wald": ("two", model(inference="wald"), 1e-6),
    "four_trials": ("four", model(), 1e-6),
    "four_trials_ml": ("four", model(tau_squared="ML"), 1e-6),
    "four_trials_equal": ("four", model(tau_squared="EE", inference="wald"), 1e-10),
    "one_trial": ("two", model(inference="knapp_hartung"), 1e-10),
}


@pytest.mark.reference
@pytest.mark.parametrize("case", CASES)
def test_agrees_with_metafor(reference, pooled, stored, case):
    data, arguments, close = CASES[case]
    trials = trials_in(reference, data)
    if case == "one_trial":
        trials = {"doses.pain": trials["doses.pain"]}
    config, rows = pooled(trials, model=arguments)
    expected = reference["cases"][case]
    effect = one(rows, "pooled_effect")
    for column, name in {
        "estimate": "estimate",
        "standard_error": "standard_error",
        "ci_lower": "ci_lower",
        "ci_upper": "ci_upper",
        "test_statistic": "statistic",
        "p_value": "p_value",
    }.items():
        # A limit near zero is good to a share of the standard error.
        floor = close * expected["standard_error"]
        assert effect[column] == pytest.approx(expected[name], rel=close, abs=floor), (
            name
        )
    if isinstance(expected["df"], (int, float)):
        assert effect["df"] == expected["df"]
    else:
        assert math.isnan(effect["df"])
    q = one(rows, "q")
    assert q["estimate"] == pytest.approx(expected["q"], rel=1e-9)
    assert q["p_value"] == pytest.approx(expected["q_p_value"], rel=1e-8)
    weights = find(rows, "weight")["estimate"].to_list()
    assert weights == pytest.approx(expected["weights"], rel=10 * close)
    variances = find(rows, "variance_component")["estimate"].to_list()
    theirs = expected["sigma2"] if variances else []
    assert variances == pytest.approx(theirs, rel=1e-5, abs=1e-8)
    # The second engine has the same from the rows alone.
    checks = check_synthesis(config, stored(rows))
    assert checks["agrees"].all(), checks.loc[~checks["agrees"].astype(bool)]
    assert effect["row_id"] in set(checks["row_id"])


def test_rows_name_treatment_and_covariance(reference, pooled):
    _, rows = pooled(trials_in(reference, "two"))
    effects = find(rows, "effect")
    assert effects["trial"].to_list() == ["doses", "doses", "single"]
    assert effects["group"].to_list()[:2] == ["LDN 3 mg", "LDN 6 mg"]
    # A trial of one treatment has the rows that it always had.
    assert effects["group"].isna().to_list()[2]
    assert effects["row_id"].to_list()[2] == (
        "synthetic-fibromyalgia-pain.single.pain.effect"
    )
    shared = one(rows, "effect_covariance")
    assert (shared["group"], shared["subgroup"]) == ("LDN 3 mg", "LDN 6 mg")
    assert shared["estimate"] == 0.041
    effect = one(rows, "pooled_effect")
    assert effect["n_trials"] == 2
    # The control arm of the two doses is counted once.
    assert effect["n_subjects"] == (2 * N_TREATED + N_CONTROL) + N_TREATED + N_CONTROL
    assert "share" in effect["method"]
    assert "1 df, one less than trials" in effect["method"]
    assert find(rows, "variance_component")["group"].to_list() == [
        "trial",
        "trial/contrast",
    ]
    assert "sum of the variances" in one(rows, "tau_squared")["method"]


def test_what_has_no_number_has_a_reason(reference, pooled):
    trials = trials_in(reference, "two")
    for chosen in (trials, {"doses.pain": trials["doses.pain"]}):
        _, rows = pooled(chosen)
        numbers = ["estimate", "ci_lower", "ci_upper"]
        absent = rows.loc[rows[numbers].isna().all(axis=1)]
        assert absent["not_estimable"].notna().all(), absent["row_id"].to_list()
    for statistic in ("prediction_interval", "tau_squared", "i_squared", "h_squared"):
        row = one(rows, statistic)
        assert row["not_estimable"] == "needs at least 2 trials"


def test_the_control_arm_is_not_counted_twice(reference, pooled):
    trials = {"doses.pain": trials_in(reference, "two")["doses.pain"]}
    _, rows = pooled(trials)
    effects = find(rows, "effect")
    apart = pool(
        effects["estimate"],
        effects["standard_error"] ** 2,
        tau_squared="EE",
        inference="wald",
    )
    assert one(rows, "pooled_effect")["standard_error"] > apart.standard_error


@pytest.mark.parametrize("arguments", [model(), model(tau_squared="EE")])
def test_the_order_of_trials_and_treatments_does_not_matter(
    reference, pooled, arguments
):
    trials = trials_in(reference, "four")
    _, rows = pooled(trials, model=arguments)
    turned = {
        name: frame.iloc[::-1].reset_index(drop=True)
        for name, frame in reversed(trials.items())
    }
    _, again = pooled(turned, model=arguments)
    for statistic in ("pooled_effect", "tau_squared", "q", "prediction_interval"):
        first, second = one(rows, statistic), one(again, statistic)
        for column in ("estimate", "standard_error", "ci_lower", "ci_upper", "df"):
            assert first[column] == pytest.approx(
                second[column], rel=1e-9, nan_ok=True
            ), (statistic, column)


def test_chosen_treatments_enter_alone(reference, pooled):
    trials = trials_in(reference, "two")
    chosen = {"doses.pain": ["LDN 6 mg"]}
    config, rows = pooled(trials, contrasts=chosen, model=model())
    effects = find(rows, "effect")
    assert effects["group"].to_list()[:1] == ["LDN 6 mg"]
    plain = pool([-0.98, -0.2], [0.29**2, 0.22**2], inference="t")
    found = one(rows, "pooled_effect")
    assert found["estimate"] == pytest.approx(plain.estimate, rel=1e-12)
    assert found["ci_upper"] == pytest.approx(plain.ci_upper, rel=1e-12)
    assert found["n_subjects"] == 2 * (N_TREATED + N_CONTROL)
    assert len(find(rows, "effect_covariance")) == 0
    assert check_synthesis(config, rows)["agrees"].all()


def test_a_treatment_that_is_not_there_is_refused(reference, pooled):
    trials = trials_in(reference, "two")
    with pytest.raises(ConfigError, match=r"no treatment 'LDN 5 mg'.*did you mean"):
        pooled(trials, contrasts={"doses.pain": ["LDN 5 mg"]})
    with pytest.raises(ConfigError, match=r"at contrasts: 'dosis.pain' is not under"):
        pooled(trials, contrasts={"dosis.pain": ["LDN 6 mg"]})


def test_two_analyses_of_one_trial_are_refused(reference, pooled):
    trials = trials_in(reference, "two")
    again = estimates_frame(trial_of("doses.pain_again", {"LDN 6 mg": (-0.9, 0.3)}))
    with pytest.raises(ConfigError, match=r"'doses' has pain and pain_again.*once"):
        pooled(trials | {"doses.pain_again": again})


def test_without_the_covariance_there_is_a_reason_and_no_pool(pooled):
    arms = {"LDN 3 mg": (-0.45, 0.31), "LDN 6 mg": (-0.98, 0.29)}
    trials = {"doses.pain": estimates_frame(trial_of("doses.pain", arms))}
    _, rows = pooled(trials)
    effect = one(rows, "pooled_effect")
    assert math.isnan(effect["estimate"])
    assert "covariance of two effects of doses" in effect["not_estimable"]
    assert len(find(rows, "effect")) == 2


def test_a_treatment_without_an_estimate_stays_out(reference, pooled):
    trials = trials_in(reference, "two")
    frame = trials["doses.pain"]
    low = frame["contrast"].eq("LDN 3 mg versus Placebo")
    difference = frame["statistic"].eq("difference")
    frame.loc[low, ["estimate", "standard_error"]] = np.nan
    frame["not_estimable"] = frame["not_estimable"].astype(object)
    frame.loc[low, "not_estimable"] = "LDN 3 mg has no data."
    _, rows = pooled(trials, model=model())
    assert difference.sum() == 2
    plain = pool([-0.98, -0.2], [0.29**2, 0.22**2], inference="t")
    found = one(rows, "pooled_effect")
    assert found["estimate"] == pytest.approx(plain.estimate, rel=1e-12)
    assert found["n_trials"] == 2


@pytest.mark.parametrize(
    ("arguments", "statistic", "said"),
    [
        (model(tau_squared="DL"), "pooled_effect", "use REML, ML or EE"),
        (model(inference="knapp_hartung"), "pooled_effect", "use inference wald or t"),
        (model(prediction="HTS"), "prediction_interval", "HTS is not derived"),
        (model(tau_squared="EE"), "prediction_interval", "under equal effects"),
    ],
)
def test_what_is_not_derived_is_not_estimated(
    reference, pooled, arguments, statistic, said
):
    _, rows = pooled(trials_in(reference, "two"), model=arguments)
    row = one(rows, statistic)
    assert math.isnan(row["estimate"])
    assert math.isnan(row["ci_lower"])
    assert said in row["not_estimable"]


def test_levels_may_name_trial_and_contrast(reference, pooled, stored):
    # The configured levels are those of the model without them; df are k - 1.
    trials = trials_in(reference, "two")
    arguments = model(levels=["trial", "contrast"])
    config, rows = pooled(trials, model=arguments)
    expected = reference["cases"]["two_trials"]
    found = one(rows, "pooled_effect")
    assert found["estimate"] == pytest.approx(expected["estimate"], rel=1e-6)
    assert found["df"] == 2
    assert "share" in found["method"]
    assert check_synthesis(config, stored(rows))["agrees"].all()


def test_visits_have_their_own_covariance(pooled):
    arms = {"LDN 3 mg": (-0.45, 0.31), "LDN 6 mg": (-0.98, 0.29)}
    other = {"LDN 3 mg": (-0.1, 0.3), "LDN 6 mg": (-0.2, 0.3)}
    listed = [
        *trial_of("doses.pain", other, 0.02, role="descriptive", visit="Week 4"),
        *trial_of("doses.pain", arms, 0.041),
    ]
    _, rows = pooled({"doses.pain": estimates_frame(listed)})
    assert one(rows, "effect_covariance")["estimate"] == 0.041
    assert set(find(rows, "effect")["visit"]) == {"Week 12"}


@pytest.mark.parametrize(
    ("statistic", "column"),
    [
        ("effect_covariance", "estimate"),
        ("variance_component", "estimate"),
        ("weight", "estimate"),
        ("pooled_effect", "ci_upper"),
        ("prediction_interval", "ci_lower"),
        ("q", "p_value"),
        ("tau_squared", "estimate"),
        ("i_squared", "estimate"),
    ],
)
def test_a_changed_number_is_noticed(reference, pooled, statistic, column):
    config, rows = pooled(trials_in(reference, "two"))
    first = rows.index[rows["statistic"].eq(statistic)][0]
    rows.loc[first, column] *= 1.00001
    assert not check_synthesis(config, rows)["agrees"].all()


def test_a_maximum_that_is_none_is_noticed(reference, pooled):
    # Estimate, error and all that follows fit the variances; only the slope does not.
    trials = trials_in(reference, "two")
    config, rows = pooled(trials)
    config = config | {"model": model(tau_squared="ML")}
    rows["model_id"] = rows["model_id"].where(rows["model_id"].isna(), "ML.t")
    checks = check_synthesis(config, rows)
    wrong = checks.loc[~checks["agrees"].astype(bool), "quantity"]
    assert len(wrong) > 0
    assert all("slope" in quantity for quantity in wrong)


def test_figure_and_table_have_a_row_for_each_treatment(reference, pooled):
    config, rows = pooled(trials_in(reference, "two"))
    labels = {"doses": "Doses 2026", "single": "Single 2026"}
    drawn = panels(rows, synthesis=config, labels=labels)[0]
    shown = [(trial.label, trial.weight) for trial in drawn.trials]
    weights = find(rows, "weight")["estimate"].to_list()
    names = ["Doses 2026, LDN 3 mg", "Doses 2026, LDN 6 mg", "Single 2026"]
    assert shown == list(zip(names, weights, strict=True))
    total = next(x for x in lines(drawn, ForestOptions()) if x.kind == "total")
    assert total.cells["n"] == str(3 * N_TREATED + 2 * N_CONTROL)
    table = trial_effects_table(rows, synthesis=config, labels=labels)
    assert [row.cells[0].text for row in table.rows] == names
    last = [column.label for column in table.columns].index("Weight")
    assert [row.cells[last].text for row in table.rows] == [
        f"{100 * weight:.1f}%" for weight in weights
    ]
