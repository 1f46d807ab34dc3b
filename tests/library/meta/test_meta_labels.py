"""Values pair by position, and labels that say otherwise are not passed over."""

import numpy as np
import pandas as pd
import pytest

from trialstats.errors import DataError
from trialstats.meta import (
    bootstrap,
    cochran_q,
    effect_sizes,
    gosh,
    pool,
    pool_bayesian,
    pool_location_scale,
    pool_multilevel,
    subgroups,
)

TRIALS = pd.DataFrame(
    {
        "effect": [-0.9, -0.2, 0.3, -1.2, 0.1, 0.4],
        "variance": [0.05, 0.02, 0.4, 0.11, 0.03, 0.2],
        "year": [1990.0, 2004, 2009, 1994, 2011, 2001],
        "group": list("aabbcc"),
    },
    index=[f"trial {i}" for i in range(6)],
)
SORTED = TRIALS.sort_values("year")
EFFECT, VARIANCE = TRIALS["effect"], TRIALS["variance"]


@pytest.mark.parametrize(
    "call",
    [
        lambda: pool(EFFECT, SORTED["variance"]),
        lambda: pool(EFFECT, VARIANCE, moderators="~ year", data=SORTED),
        lambda: pool(EFFECT, VARIANCE, moderators=SORTED["year"]),
        lambda: pool(EFFECT, VARIANCE, moderators=SORTED[["year"]]),
        lambda: pool(EFFECT, VARIANCE, weights=1 / SORTED["variance"]),
        lambda: pool(
            pd.DataFrame([EFFECT.values] * 2, index=["x", "y"]),
            pd.DataFrame([VARIANCE.values] * 2, index=["y", "x"]),
        ),
        lambda: pool_bayesian(EFFECT, SORTED["variance"], scale=0.5),
        lambda: pool_multilevel("effect", SORTED["variance"], data=TRIALS),
        lambda: pool_location_scale(EFFECT, VARIANCE, scale=SORTED["year"]),
        lambda: subgroups(EFFECT, VARIANCE, SORTED["group"]),
        lambda: cochran_q(EFFECT, SORTED["variance"]),
        lambda: effect_sizes(
            "MN", mi=EFFECT, sdi=SORTED["variance"], ni=TRIALS["year"]
        ),
        lambda: effect_sizes("MN", mi=EFFECT, sdi="effect", ni="year", data=SORTED),
    ],
)
def test_labels_in_another_order_are_refused(call):
    with pytest.raises(DataError, match="in another order") as caught:
        call()
    assert "reindex" in str(caught.value)


def test_labels_that_say_nothing_about_the_order_pass():
    expected = pool(EFFECT.to_numpy(), VARIANCE.to_numpy()).estimate
    fresh = VARIANCE.reset_index(drop=True)
    for effect, variance in (
        (EFFECT, VARIANCE),
        (EFFECT, fresh),
        (EFFECT, VARIANCE.to_numpy()),
        (SORTED["effect"], SORTED["variance"]),
        (EFFECT, VARIANCE.rename(lambda name: name.upper())),
        (EFFECT.set_axis([0] * 6), VARIANCE.set_axis([0] * 6)),
    ):
        assert pool(effect, variance).estimate == expected


@pytest.mark.parametrize("seed", [-1, 1.5, "1", None, True])
def test_a_seed_that_is_none_is_refused(seed):
    pooled = pool(np.array(EFFECT), np.array(VARIANCE))
    with pytest.raises(DataError, match="the seed is"):
        bootstrap(pooled, seed=seed)
    with pytest.raises(DataError, match="the seed is"):
        gosh(pooled, subsets=10, seed=seed)
