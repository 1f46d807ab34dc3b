"""What must hold of effects and pools whatever the counts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialstats.analyses.trial_effect import Settings, least_sure
from trialstats.analyses.trial_effects import published_effects
from trialstats.meta import pool

COUNTS = st.tuples(
    st.integers(1, 20), st.integers(21, 60), st.integers(1, 20), st.integers(21, 60)
)


def row(counts, name="A", **values):
    """Return a published row of counts."""
    events, n, control_events, control_n = counts
    return {
        "trial": name,
        "outcome": "event",
        "timepoint": "12",
        "design": "parallel",
        "evidence_status": "seen",
        "events_ldn": events,
        "n_ldn": n,
        "events_placebo": control_events,
        "n_placebo": control_n,
    } | values


def pooled(effects):
    entered = [e for e in effects if e.not_estimable is None]
    values = [e.effect for e in entered], [e.variance for e in entered]
    return pool(*values, inference="wald")


@given(st.lists(COUNTS, min_size=2, max_size=4), st.integers(1, 90), st.integers(1, 90))
def test_a_double_zero_trial_leaves_a_pooled_ratio_unchanged(tables, n, control_n):
    for measure in ("RR", "OR"):
        settings = Settings(measure, "lower")
        trials = [row(counts) for counts in tables]
        empty = row((0, n, 0, control_n), name="empty")
        before = published_effects(trials, settings)
        after = published_effects([*trials, empty], settings)
        assert after[:-1] == before
        assert after[-1].not_estimable == "no events in either arm"
        assert pooled(after).estimate == pooled(before).estimate


@given(COUNTS)
def test_swapping_the_arms_turns_the_sign(counts):
    events, n, control_events, control_n = counts
    turned = (control_events, control_n, events, n)
    for measure in ("RR", "OR", "RD"):
        pair = published_effects([row(counts), row(turned)], Settings(measure, "lower"))
        # The same logarithms in another order: rounding only.
        assert pair[0].effect == pytest.approx(-pair[1].effect, abs=1e-12)
        assert pair[0].variance == pytest.approx(pair[1].variance, rel=1e-12)


def test_a_double_zero_trial_can_be_included_on_request():
    settings = Settings("RR", "lower", double_zero="include")
    (effect,) = published_effects([row((0, 6, 0, 6))], settings)
    # 0.5 in each cell of equal arms: no effect.
    assert effect.effect == 0
    assert "0.5 added" in effect.method


def test_counts_that_are_not_published_leave_the_trial_in_view():
    blank = row((None, None, None, None))
    effects = published_effects([blank, row((5, 30, 6, 30))], Settings("RR", "lower"))
    assert effects[0].not_estimable == "the counts of both arms are not published"
    assert effects[1].effect == pytest.approx(math.log(5 / 6))


def test_order_of_the_trials_does_not_matter(config, run):
    forward = config("pain_across_conditions")
    trials = forward["published"]["trials"]
    backward = forward | {"published": forward["published"] | {"trials": trials[::-1]}}
    results = [
        made.loc[made["statistic"].eq("pooled_effect")].set_index("model_id")
        for made in (run(forward), run(backward))
    ]
    for name in ("estimate", "ci_lower", "ci_upper"):
        assert results[0][name].tolist() == pytest.approx(
            results[1][name].tolist(), rel=1e-12
        )


def test_the_least_sure_number_decides():
    assert least_sure(["published", "derived"]) == "derived"
    assert least_sure(["derived", "recalled", "published"]) == "recalled"
