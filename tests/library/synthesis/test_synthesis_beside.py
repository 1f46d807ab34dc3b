"""What stands beside a main model: when it is there, when not, and what is refused."""

import copy
import math

import pandas as pd
import pytest
from test_synthesis_results import one

from trialstats.analyses.synthesis import synthesise
from trialstats.clean.published import published_frames
from trialstats.clean.studies import build_studies
from trialstats.errors import ConfigError

#: Made-up effects of eight studies; the last two have gaps in a column each.
STUDIES = pd.DataFrame(
    {
        "study": [f"Study {i}" for i in range(1, 9)],
        "effect": [0.10, 0.32, 0.35, 0.80, 0.41, 0.05, 0.62, 0.20],
        "variance": [0.01, 0.02, 0.05, 0.04, 0.03, 0.02, 0.06, 0.01],
        "dose": [1.0, 2.0, 2.0, 4.0, 3.0, 1.0, 4.0, 2.0],
        "place": ["A", "A", "A", "B", "B", "A", "B", "A"],
    }
)

CONFIG = {
    "id": "made_up",
    "synthesis": "made_up",
    "title": "Pain: X versus placebo",
    "question": "Does X lower pain?",
    "condition": "pain",
    "comparison": {"treatment": "X", "control": "Placebo"},
    "measure": "SMD",
    "outcome": {"name": "Pain", "better": "lower"},
    "analyses": [],
    "studies": {
        "file": "made_up.csv",
        "study": "study",
        "columns": {"effect": "effect", "variance": "variance"},
        "covariates": ["dose", "place"],
        "scale": "natural",
        "level": 0.95,
        "data_status": "published",
    },
    "pooling": True,
    "favours": {"lower": "X", "higher": "placebo"},
}


def run(frame=STUDIES, **changes):
    config = copy.deepcopy(CONFIG) | changes
    cells = frame.astype(object).map(lambda v: None if pd.isna(v) else str(v))
    cells.index = pd.Index(range(2, 2 + len(cells)), name="row")
    studies, _ = build_studies(cells, config["studies"])
    return synthesise(config, *published_frames({}, files={}), {}, studies)


def statistics(rows):
    return set(rows["statistic"])


def test_one_trial_has_nothing_beside_it():
    found = statistics(run(STUDIES.head(1)))
    assert not {s for s in found if s.startswith(("grid", "leave", "egger", "bayes"))}
    assert "shrinkage_effect" not in found


def test_two_trials_have_no_influence_and_say_why_there_is_no_test():
    rows = run(STUDIES.head(2))
    assert "dffits" not in statistics(rows)
    egger = one(rows, "egger_test")
    assert pd.isna(egger["estimate"])
    assert "3 trials" in egger["not_estimable"]
    # Without one of two trials the other's own effect is left.
    left = rows[rows["statistic"] == "leave_one_out_effect"]
    assert left["estimate"].tolist() == pytest.approx([0.32, 0.10])
    assert pd.isna(one(rows, "leave_one_out_tau_squared", trial="Study 1")["estimate"])


def test_diagnostics_can_be_left_out():
    found = statistics(run(diagnostics=False))
    assert not {"grid_effect", "leave_one_out_effect", "egger_test"} & found
    assert "pooled_effect" in found


def test_a_unit_must_name_its_own_prior():
    measured = {"measure": "MD", "outcome": {"name": "Pain", "better": "lower"}}
    assert "shrinkage_effect" not in statistics(run(**measured))
    prior = {"prior": "half_cauchy", "scale": 2.0}
    rows = run(**measured, bayesian=prior)
    assert one(rows, "pooled_effect", model_id="bayesian.half_cauchy.2")["estimate"] > 0


def test_identical_effects_end_in_a_reason_or_a_number():
    frame = STUDIES.assign(effect=0.3)
    rows = run(frame)
    main = one(rows, "pooled_effect", role="primary")
    assert "identical" in main["not_estimable"]
    adhoc = run(frame, model={"inference": "knapp_hartung_adhoc"})
    assert one(adhoc, "pooled_effect", role="primary")["estimate"] == pytest.approx(0.3)
    absent = adhoc[adhoc["estimate"].isna() & adhoc["ci_lower"].isna()]
    assert absent["not_estimable"].notna().all(), absent["row_id"].tolist()


def test_subgroups_by_column_and_by_name_are_the_same():
    by = run(subgroups={"name": "Place", "by": "place"})
    groups = {
        place: STUDIES.loc[STUDIES["place"] == place, "study"].tolist()
        for place in "AB"
    }
    named = run(subgroups={"name": "Place", "groups": groups})
    for group in "AB":
        first, second = (
            one(rows, "subgroup_effect", subgroup=group) for rows in (by, named)
        )
        assert first["estimate"] == second["estimate"]
        assert first["n_trials"] == second["n_trials"] == {"A": 5, "B": 3}[group]
    weights = by[by["statistic"] == "subgroup_weight"]["estimate"]
    assert weights.sum() == pytest.approx(1, rel=1e-12)
    assert set(by[by["statistic"] == "effect"]["subgroup"]) == {"A", "B"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"subgroups": {"name": "x", "by": "plaec"}}, "did you mean 'place'"),
        ({"subgroups": {"name": "x"}}, "write either `by` or `groups`"),
        (
            {"subgroups": {"name": "x", "groups": {"A": ["Study 9"]}}},
            "'Study 9' is not here",
        ),
        (
            {"subgroups": {"name": "x", "groups": {"A": ["Study 1"]}}},
            "belongs to no group",
        ),
        (
            {
                "subgroups": {
                    "name": "x",
                    "groups": {"A": ["Study 1"], "B": ["Study 1"]},
                }
            },
            "is in two groups",
        ),
        ({"moderators": "~ dsoe"}, "config/syntheses/made_up.yaml, at moderators"),
        ({"moderators": "~ dose +"}, "config/syntheses/made_up.yaml, at moderators"),
    ],
)
def test_what_cannot_be_divided_is_refused_with_its_place(changes, said):
    with pytest.raises(ConfigError) as caught:
        run(**changes)
    assert said in str(caught.value)
    assert "made_up.yaml" in str(caught.value)


def test_a_gap_in_a_column_of_a_moderator_is_refused():
    frame = STUDIES.copy()
    frame.loc[2, "dose"] = None
    with pytest.raises(ConfigError, match="at moderators"):
        run(frame, moderators="~ dose")


def test_a_moderator_that_says_everything_is_not_estimable():
    rows = run(STUDIES.head(2), moderators="~ dose")
    found = rows[rows["statistic"] == "coefficient"]
    assert found["estimate"].isna().all()
    assert found["not_estimable"].notna().all()


def test_a_variation_changes_what_it_names_and_nothing_else():
    rows = run(
        model={"tau_squared": "DL", "inference": "wald"},
        sensitivity=[{"name": "without one", "exclude": ["Study 4"]}],
    )
    varied = one(rows, "pooled_effect", model_id="without one")
    assert "DL" in varied["method"]
    assert "normal interval" in varied["method"]
    left = one(rows, "leave_one_out_effect", trial="Study 4")
    assert varied["estimate"] == pytest.approx(left["estimate"], rel=1e-12)
    assert varied["ci_lower"] == pytest.approx(left["ci_lower"], rel=1e-12)


def test_counts_in_three_ways():
    frame = pd.DataFrame(
        {
            "study": ["one", "two", "three"],
            "ai": [4, 0, 10],
            "n1i": [100, 50, 200],
            "ci": [11, 0, 15],
            "n2i": [100, 60, 180],
        }
    )
    columns = {name: name for name in ("ai", "n1i", "ci", "n2i")}
    studies = {**CONFIG["studies"], "columns": columns, "covariates": []}
    rows = run(
        frame,
        measure="OR",
        studies=studies,
        zero_cells={"add": 0.5, "to": "only0", "double_zero": "not_estimable"},
        sensitivity=[
            {"method": "mantel_haenszel"},
            {"method": "peto"},
            {"method": "one_stage", "tau_squared": "EE"},
        ],
    )
    # The trial without events stays in view; counts are pooled as they are.
    assert one(rows, "effect", trial="two")["not_estimable"]
    for model in ("mantel_haenszel", "peto", "one_stage"):
        pooled = one(rows, "pooled_effect", model_id=model)
        assert pooled["n_trials"] == 3
        # Mantel-Haenszel of the two tables with events, by hand:
        # (4 x 89 / 200 + 10 x 165 / 380) / (11 x 96 / 200 + 15 x 190 / 380) = 0.4788.
        assert pooled["estimate"] == pytest.approx(math.log(0.4788), abs=0.03)
        weights = rows[(rows["model_id"] == model) & (rows["statistic"] == "weight")]
        assert weights["estimate"].sum() == pytest.approx(1, rel=1e-12)
        assert weights.set_index("trial").loc["two", "estimate"] == 0
