"""Rows that the figures of a synthesis draw: totals, risks, radial points, subsets.

Reference numbers are of R's metafor 3.8-1 with the BCG vaccine trials of
config/examples/meta_analysis/data/bcg_vaccine.csv. Its iterations for tau-squared stop
at a change of 1e-5, which is the tolerance of what goes through REML.
"""

import json
import math

import pandas as pd
import pytest

from tests.library.config.example_syntheses import ROOT, SCHEMA
from trialstats import io
from trialstats.analyses.synthesis import synthesise
from trialstats.analyses.synthesis_subsets import subsets_of
from trialstats.clean.studies import build_studies
from trialstats.config.checking import misfits, with_defaults
from trialstats.config.reading import load_yaml
from trialstats.config.synthesis_figures import figure_problems, prisma_problems
from trialstats.errors import NotEstimableError
from trialstats.records import find, one, records

EXAMPLES = ROOT / "config/examples/meta_analysis"
COUNTS = ROOT / "tests/reference/configurations/syntheses/counts.yaml"

NOTHING = (pd.DataFrame(), pd.DataFrame(), pd.DataFrame())


def configuration(**changed):
    config = load_yaml(EXAMPLES / "config/syntheses/bcg_vaccine.yaml")
    for key in ("moderators", "notes"):
        del config[key]
    return with_defaults(config | changed, SCHEMA) | {"id": "bcg_vaccine"}


def studies(config, rows=None):
    cells = io.read_cells(EXAMPLES / config["studies"]["file"])
    built, _ = build_studies(cells, config["studies"])
    return built if rows is None else built.iloc[:rows].reset_index(drop=True)


@pytest.fixture(scope="module")
def found():
    config = configuration()
    made = synthesise(config, *NOTHING, {}, studies(config))
    return records(made)


def total(found, statistic, arm, subgroup=None):
    row = one(found, statistic=f"total_{statistic}", group=arm, subgroup=subgroup)
    return row["estimate"]


def test_totals_are_sums_of_the_arms_in_all_trials_and_in_each_group(found):
    arms = {s: find(found, statistic=s) for s in ("events", "n")}
    effects = find(found, statistic="effect")
    for subgroup in (None, "random", "alternate", "systematic"):
        trials = {e["trial"] for e in effects if subgroup in (None, e["subgroup"])}
        for arm in ("BCG vaccine", "No vaccination"):
            for statistic, rows in arms.items():
                own = [r for r in rows if r["group"] == arm and r["trial"] in trials]
                assert len(own) == len(trials)
                expected = sum(r["estimate"] for r in own)
                assert total(found, statistic, arm, subgroup) == expected
        both = sum(
            total(found, "n", arm, subgroup)
            for arm in ("BCG vaccine", "No vaccination")
        )
        assert total(found, "n", None, subgroup) == both


def test_the_weights_have_a_total(found):
    row = one(found, statistic="total_weight")
    assert (row["estimate"], row["role"]) == (pytest.approx(1.0, abs=1e-12), "primary")


def test_the_risk_of_an_arm_is_its_events_by_its_people(found):
    trial = "Aronson 1948"
    risk = one(found, statistic="risk", trial=trial, group="BCG vaccine")
    # 4 cases of 4 + 119 vaccinated; the table of studies has both numbers.
    assert risk["estimate"] == pytest.approx(4 / 123, rel=1e-12)
    assert risk["n_subjects"] == 123
    assert len(find(found, statistic="risk")) == 26


def test_radial_points_are_those_of_metafor(found):
    expected = [
        (1.251146016, -1.112658333),
        (1.403276323, -2.224738366),
        (1.171526323, -1.579303179),
    ]
    trials = [r["trial"] for r in find(found, statistic="effect")][:3]
    points = [
        tuple(
            one(found, statistic=f"radial_{name}", trial=trial)["estimate"]
            for name in ("precision", "effect")
        )
        for trial in trials
    ]
    for point, metafor in zip(points, expected, strict=True):
        assert point == pytest.approx(metafor, rel=1e-5)


def test_subsets_are_those_of_metafor():
    config = configuration(model={"tau_squared": "DL"})
    fits = subsets_of(config, *NOTHING[:2], {}, studies(config, 5))
    # metafor's gosh() without the subsets of one trial: 26 fits and their means. The
    # moments estimator has a closed form, so that ten digits printed agree.
    assert len(fits) == 26
    means = fits[["k", "tau_squared", "i_squared", "estimate"]].astype(float).mean()
    assert means.to_list() == pytest.approx(
        [2.8846153846, 0.2797072963, 0.438684222997, -1.0879596717], rel=1e-9
    )
    assert not fits["sampled"].any()
    assert fits["members"].map(json.loads).map(len).to_list() == fits["k"].to_list()


def test_the_largest_subset_is_the_main_model(found):
    config = configuration()
    fits = subsets_of(config, *NOTHING[:2], {}, studies(config))
    # 2 to the 13th less 13 single trials and none.
    assert len(fits) == 2**13 - 14
    pool = one(found, statistic="pooled_effect", role="primary")
    whole = fits.iloc[-1]
    assert whole["k"] == 13
    assert whole["estimate"] == pytest.approx(pool["estimate"], rel=1e-9)


def test_nested_effects_have_no_subsets():
    levels = {"levels": ["allocation", "latitude"], "inference": "wald"}
    config = configuration(model=levels)
    with pytest.raises(NotEstimableError, match="independent effects"):
        subsets_of(config, *NOTHING[:2], {}, studies(config))


def test_arms_without_every_number_have_no_total(found):
    assert not [
        r for r in find(found, statistic="total_n") if math.isnan(r["estimate"])
    ]
    config = configuration(
        measure="OR",
        studies={
            "file": "data/passive_smoking.csv",
            "study": "study",
            "columns": {
                "effect": "odds_ratio",
                "ci_lower": "lower",
                "ci_upper": "upper",
            },
        },
        diagnostics=False,
    )
    del config["subgroups"]
    made = records(synthesise(config, *NOTHING, {}, studies(config)))
    assert not find(made, statistic="total_n")
    assert not find(made, statistic="risk")


# What a configuration may ask for

FLOW = load_yaml(COUNTS)["prisma"]


def problems(**changed):
    other = {"other_methods": FLOW["other_methods"] | changed.pop("other", {})}
    return list(prisma_problems({"prisma": FLOW | other | changed}))


def test_a_flow_that_adds_up_has_no_problem():
    assert problems() == []
    assert list(prisma_problems({})) == []


@pytest.mark.parametrize(
    ("changed", "place", "words"),
    [
        ({"screened": 321}, "screened", "is 321, but 400 identified less 80 removed"),
        ({"duplicates": 60}, "screened", "400 identified less 70 removed make 330"),
        ({"excluded": 251}, "sought", "320 screened less 251 excluded make 69"),
        ({"assessed": 64}, "assessed", "70 sought less 5 not retrieved make 65"),
        ({"excluded_reports": {"a": 1}}, "included.reports", "is 10, but"),
        ({"other": {"sought": 5}}, "other_methods.sought", "4 identified make 4"),
        ({"other": {"not_retrieved": 0}}, "other_methods.assessed", "make 4"),
        ({"included": {"studies": 11, "reports": 10}}, "included", "11 studies"),
        ({"previous": {"studies": 5, "reports": 4}}, "previous", "5 studies"),
    ],
)
def test_boxes_that_do_not_follow_are_named(changed, place, words):
    found = problems(**changed)
    assert any(p == f"prisma.{place}" and words in what for p, what in found), found


def test_counts_are_whole_numbers():
    config = load_yaml(COUNTS)
    config["prisma"]["screened"] = -3
    assert any("screened" in m for m in misfits(config, SCHEMA, file="counts.yaml"))


@pytest.mark.parametrize(
    ("name", "changed", "words"),
    [
        ("prisma", {}, "needs its counts under `prisma`"),
        ("labbe", {"measure": "MD"}, "needs RR, OR or RD, not MD"),
        ("gosh", {"model": {"levels": ["a", "b"]}}, "needs a model of independent"),
        ("radial", {"pooling": False}, "needs a model of independent"),
        ("influence", {"diagnostics": False}, "needs `diagnostics`"),
        ("baujat", {"model": {"method": "peto"}}, "needs a model of independent"),
    ],
)
def test_figures_that_cannot_be_are_refused(name, changed, words):
    config = {"measure": "RR", "pooling": True, "diagnostics": True, "figures": [name]}
    (place, what), *more = figure_problems(config | changed)
    assert (place, more) == ("figures.0", [])
    assert words in what


def test_subsets_need_no_diagnostics():
    config = {"measure": "RR", "pooling": True, "diagnostics": False}
    assert not list(figure_problems(config | {"figures": ["gosh", "funnel"]}))
