"""Many sets of trials at a time give what each gives alone."""

import math

import numpy as np
import pytest

from trialstats.errors import ConvergenceError, DataError, NotEstimableError
from trialstats.meta.batch import PooledBatch, fit_many
from trialstats.meta.pooling import INFERENCE, PREDICTION, TAU_SQUARED, pool
from trialstats.meta.tau_squared import WITH_WEIGHTS

ESTIMATORS = sorted(set(TAU_SQUARED) - set(WITH_WEIGHTS))
FIELDS = (
    *("estimate", "standard_error", "ci_lower", "ci_upper", "statistic", "df"),
    *("p_value", "tau_squared", "tau_squared_standard_error", "tau_squared_lower"),
    *("tau_squared_upper", "i_squared", "h_squared", "typical_variance", "q", "q_df"),
    *("q_p_value", "prediction_lower", "prediction_upper", "prediction_df", "scale"),
    "log_likelihood",
)


def simulated(seed: int, m: int, k: int):
    """Sets from alike to very unlike, with variances over six powers of ten."""
    random = np.random.default_rng(seed)
    variance = 10.0 ** random.uniform(-4, 2, (m, k))
    between = 10.0 ** random.uniform(-5, 1, (m, 1))
    effect = random.normal(0.3, np.sqrt(variance + between))
    return effect, variance, random.random((m, k)) < 0.7


def compare(single, batch: PooledBatch, i: int) -> None:
    """Hold one fit against its place in the batch; 1e-13: the sums run otherwise."""
    for name in FIELDS:
        alone, together = getattr(single, name), getattr(batch, name)[i]
        assert math.isnan(alone) == math.isnan(together), name
        if not math.isnan(alone) and alone != together:
            # A p-value of 1e-100 carries the rounding of its statistic many times; a
            # limit near zero that of its ends.
            digits = 1e-13
            if name.endswith("p_value"):
                digits *= max(1, abs(math.log(max(alone, 1e-300))))
            size = abs(single.estimate) if "er" in name[-5:] else 0
            expected = pytest.approx(alone, rel=digits, abs=max(1e-300, digits * size))
            assert together == expected, name


@pytest.mark.parametrize("method", ESTIMATORS)
def test_a_batch_is_its_fits_one_by_one(method):
    effect, variance, include = simulated(1, 40, 9)
    include[0] = False
    include[1] = np.arange(9) == 4
    include[2] = np.arange(9) < 2
    batch = fit_many(
        effect,
        variance,
        include=include,
        tau_squared=method,
        inference="knapp_hartung_adhoc",
        tau_squared_interval="q_profile",
    )
    assert batch.reason_of(0) == "no trial is included"
    assert math.isnan(batch.estimate[0])
    for i in range(1, len(batch)):
        rows = include[i]
        single = pool(
            effect[i, rows],
            variance[i, rows],
            tau_squared=method,
            inference="knapp_hartung_adhoc",
        )
        if single.k > 1:
            compare(single, batch, i)
            assert batch.reason[i] == 0
    assert batch.reason_of(1) == "needs at least 2 trials"
    assert batch.estimate[1] == effect[1, 4]
    assert batch.k.tolist() == include.sum(axis=1).tolist()


@pytest.mark.parametrize("inference", INFERENCE)
@pytest.mark.parametrize("prediction", [name for name in PREDICTION if name != "NNF"])
def test_every_inference_and_prediction(inference, prediction):
    effect, variance, _ = simulated(2, 6, 5)
    how = {"inference": inference, "prediction": prediction}
    batch = fit_many(effect, variance, **how)
    for i in range(len(batch)):
        single = pool(effect[i], variance[i], tau_squared_interval="none", **how)
        compare(single, batch, i)


def test_a_design_is_shared():
    effect, variance, include = simulated(3, 20, 10)
    random = np.random.default_rng(4)
    columns = np.round(random.normal(size=(10, 2)), 2)
    design = np.column_stack([np.ones(10), columns])
    batch = fit_many(effect, variance, include=include, design=design)
    for i in range(len(batch)):
        rows = include[i]
        if rows.sum() <= 3:
            assert batch.reason_of(i).startswith("no more trials than coefficients")
            continue
        single = pool(effect[i, rows], variance[i, rows], moderators=columns[rows])
        np.testing.assert_allclose(batch.coefficient[i], single.coefficient, rtol=1e-10)
        np.testing.assert_allclose(batch.covariance[i], single.covariance, rtol=1e-10)
        assert batch.tau_squared[i] == pytest.approx(single.tau_squared, rel=1e-11)
        assert math.isnan(batch.estimate[i])


def test_several_maxima_are_searched_in_a_batch_too():
    # The example of the single fit: a maximum at zero, and a higher one far above.
    effect = np.array([0.0, 0.05, -0.04, 0.02, 12.0, -11.0])
    variance = np.array([0.01, 0.01, 0.01, 0.01, 4.0, 4.0])
    batch = fit_many(np.tile(effect, (3, 1)), variance)
    assert (batch.tau_squared > 10).all()
    assert batch.tau_squared[1] == pool(effect, variance).tau_squared


def test_who_else_is_in_the_batch_does_not_matter():
    effect, variance, include = simulated(5, 300, 7)
    include[:, :2] = True
    whole = fit_many(effect, variance, include=include)
    part = fit_many(effect[100:110], variance[100:110], include=include[100:110])
    np.testing.assert_allclose(
        whole.tau_squared[100:110], part.tau_squared, rtol=1e-13, atol=1e-300
    )
    order = np.random.default_rng(6).permutation(7)
    moved = fit_many(effect[:, order], variance[:, order], include=include[:, order])
    assert np.array_equal(moved.estimate, whole.estimate)
    assert np.array_equal(moved.tau_squared, whole.tau_squared)


def test_pool_takes_arrays_of_two_dimensions():
    effect, variance, _ = simulated(7, 5, 6)
    batch = pool(effect, variance)
    assert isinstance(batch, PooledBatch)
    compare(pool(effect[3], variance[3]), batch, 3)
    with pytest.raises(DataError, match="inverse-variance weights"):
        pool(effect, variance, weights=np.ones(6))


def test_what_does_not_exist_has_a_reason():
    effect = np.array([[0.3, 0.3], [0.1, 0.5]])
    variance = np.array([[0.1, 0.2], [0.1, 0.1]])
    batch = fit_many(effect, variance, prediction="HTS")
    assert "identical" in batch.reason_of(0)
    assert math.isnan(batch.standard_error[0])
    assert math.isnan(batch.prediction_lower[1])
    with pytest.raises(NotEstimableError, match="identical"):
        pool(effect[0], variance[0])


def test_a_search_that_stops_is_nan_with_its_reason(monkeypatch):
    effect, variance, _ = simulated(8, 4, 6)
    monkeypatch.setattr("trialstats.meta.roots._STEPS", 1)
    batch = fit_many(effect, variance)
    lost = batch.reason == 4
    assert lost.any()
    assert np.isnan(batch.tau_squared[lost]).all()
    with pytest.raises(ConvergenceError):
        pool(effect[lost][0], variance[lost][0])


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0, -1.0])
def test_bad_numbers_are_refused_unless_masked(value):
    effect, variance, _ = simulated(9, 3, 4)
    variance[1, 2] = value
    include = np.ones((3, 4), bool)
    with pytest.raises(DataError, match=r"row 2, trial 3 .*set include to False"):
        fit_many(effect, variance)
    include[1, 2] = False
    batch = fit_many(effect, variance, include=include)
    single = pool(effect[1, [0, 1, 3]], variance[1, [0, 1, 3]])
    assert batch.estimate[1] == pytest.approx(single.estimate, rel=1e-13)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tau_squared": "GENQ"}, "unknown tau_squared estimator"),
        ({"prediction": "NNF"}, "unknown prediction interval"),
        ({"tau_squared_interval": "wald"}, "use one of none, q_profile"),
        ({"design": np.ones((3, 1))}, "array of 4 rows"),
        ({"include": np.ones((2, 3, 4))}, "broadcast to"),
    ],
)
def test_unknown_settings_are_refused(arguments, message):
    effect, variance, _ = simulated(10, 3, 4)
    with pytest.raises(DataError, match=message):
        fit_many(effect, variance, **arguments)
