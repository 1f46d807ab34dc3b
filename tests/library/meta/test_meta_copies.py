"""Results of every kind survive a copy and a pickle with all that they hold."""

import copy
import dataclasses
import pickle
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from trialstats.meta import (
    excess_significance,
    fail_safe_n,
    mantel_haenszel,
    one_stage,
    pool,
    pool_bayesian,
    pool_location_scale,
    pool_multilevel,
    regression_test,
    subgroups,
    trim_and_fill,
)

EFFECT = np.array([-0.9, -0.2, 0.3, -1.2, 0.1, 0.4])
VARIANCE = np.array([0.05, 0.02, 0.4, 0.11, 0.03, 0.2])
TRIALS = pd.DataFrame({"year": [1990, 2004, 2009, 1994, 2011, 2001]})
COUNTS = {"ai": [15, 11, 3], "n1i": [18, 30, 25], "ci": [6, 8, 2], "n2i": [16, 31, 24]}
POOLED = pool(EFFECT, VARIANCE)
RESULTS = {
    "pool": POOLED,
    "moderators": pool(EFFECT, VARIANCE, moderators="~ year", data=TRIALS),
    "batch": pool(np.array([EFFECT, -EFFECT]), np.array([VARIANCE, VARIANCE])),
    "bayesian": pool_bayesian(EFFECT, VARIANCE, scale=0.5),
    "location_scale": pool_location_scale(EFFECT, VARIANCE),
    "multilevel": pool_multilevel(EFFECT, VARIANCE, levels={"study": list("aabbcc")}),
    "subgroups": subgroups(EFFECT, VARIANCE, list("aaabbb")),
    "mantel_haenszel": mantel_haenszel("OR", **COUNTS),
    "one_stage": one_stage("OR", **COUNTS),
    "trim_and_fill": trim_and_fill(POOLED),
    "regression_test": regression_test(POOLED),
    "fail_safe_n": fail_safe_n(POOLED),
    "excess_significance": excess_significance(POOLED),
}


def assert_same(again, found, where="result"):
    """Compare two results field by field, down to numbers and tables."""
    assert type(again) is type(found), where
    if isinstance(found, pd.DataFrame):
        pd.testing.assert_frame_equal(again, found, check_exact=True)
    elif isinstance(found, pd.Series | pd.Index):
        assert again.equals(found), where
    elif isinstance(found, np.ndarray):
        np.testing.assert_array_equal(again, found, err_msg=where)
    elif dataclasses.is_dataclass(found):
        for field in dataclasses.fields(found):
            name = field.name
            assert_same(getattr(again, name), getattr(found, name), f"{where}.{name}")
    elif isinstance(found, Mapping):
        assert list(again) == list(found), where
        for key, value in found.items():
            assert_same(again[key], value, f"{where}[{key!r}]")
    elif isinstance(found, list | tuple):
        assert len(again) == len(found), where
        for i, value in enumerate(found):
            assert_same(again[i], value, f"{where}[{i}]")
    elif isinstance(found, float):
        np.testing.assert_array_equal(again, found, err_msg=where)
    elif isinstance(found, str | int | bool | None):
        assert again == found, where


@pytest.mark.parametrize("kind", RESULTS)
@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda result: pickle.loads(pickle.dumps(result))]
)
def test_a_copy_is_the_result(kind, copied):
    assert_same(copied(RESULTS[kind]), RESULTS[kind])


def test_a_copy_answers_as_the_result_does():
    again = pickle.loads(pickle.dumps(RESULTS["moderators"]))
    pd.testing.assert_frame_equal(
        again.predict([2000]), RESULTS["moderators"].predict([2000])
    )
    with pytest.raises(TypeError, match="does not support item assignment"):
        again.options["level"] = 0.9
