"""Every effect and pool by a second engine, and that a difference is noticed."""

import pytest

from trialstats.analyses.synthesis_agreement import check_synthesis


def test_both_engines_agree_on_every_synthesis(every_synthesis, run, stored):
    for name, config in every_synthesis.items():
        checks = check_synthesis(config, stored(run(config)))
        assert checks["agrees"].all(), checks.loc[~checks["agrees"].astype(bool)]
        if name != "published_reviews":
            assert len(checks) > 0


def test_every_pooled_model_is_checked(config, run):
    rows = run(config("pain_across_conditions"))
    checks = check_synthesis(config("pain_across_conditions"), rows)
    pooled = rows.loc[rows["statistic"].eq("pooled_effect"), "row_id"]
    assert set(pooled) <= set(checks["row_id"])
    assert set(checks["row_id"]) <= set(rows["row_id"])


@pytest.mark.parametrize(
    ("synthesis", "statistic", "column"),
    [
        ("fibromyalgia_adverse_events", "effect", "estimate"),
        ("fibromyalgia_adverse_events", "pooled_effect", "ci_lower"),
        ("pain_across_conditions", "effect", "standard_error"),
        ("pain_across_conditions", "tau_squared", "estimate"),
        ("depression_scales", "effect", "estimate"),
        ("serious_adverse_events", "sensitivity_effect", "estimate"),
    ],
)
def test_a_changed_number_is_noticed(config, run, synthesis, statistic, column):
    rows = run(config(synthesis))
    present = rows["statistic"].eq(statistic) & rows[column].notna()
    first = rows.index[present & rows[column].ne(0)][0]
    # One in a hundred thousand: ten times the loosest tolerance of these checks.
    rows.loc[first, column] *= 1.00001
    checks = check_synthesis(config(synthesis), rows)
    assert not checks["agrees"].all()
