"""Weights of a multilevel model beside the inverse of its whole marginal covariance."""

import numpy as np
import pandas as pd
import pytest

from trialstats.meta.multilevel import pool_multilevel
from trialstats.randomness import stream


@pytest.fixture
def effects():
    """Return made-up effects, errors of a trial correlated, in no order."""
    rng = stream(3, "weights")
    trial = np.array(list("caabbbcddeffa"))
    k = len(trial)
    variance = rng.uniform(0.02, 0.3, k)
    same = trial[:, None] == trial[None, :]
    covariance = 0.4 * np.sqrt(np.outer(variance, variance)) * same
    np.fill_diagonal(covariance, variance)
    effect = 0.3 + rng.normal(0, 0.4, k)
    frame = pd.DataFrame(
        {"trial": trial, "row": range(k), "dose": rng.uniform(0, 1, k)}
    )
    return effect, covariance, frame


@pytest.mark.parametrize("levels", [None, ["trial"], ["trial", "row"]])
def test_weights_are_those_of_generalised_least_squares(effects, levels):
    effect, covariance, frame = effects
    fit = pool_multilevel(effect, covariance=covariance, levels=levels, data=frame)
    marginal = covariance.copy()
    labels = {"sigma2[trial]": "trial", "sigma2[trial/row]": "row"}
    for name, variance in fit.component.items():
        own = frame[labels[name]].to_numpy()
        marginal += variance * (own[:, None] == own[None, :])
    inverse = np.linalg.inv(marginal)
    np.testing.assert_allclose(
        fit.weights, inverse.sum(axis=0) / inverse.sum(), rtol=1e-10
    )
    assert fit.weights.sum() == pytest.approx(1, rel=1e-12)
    assert fit.weights @ effect == pytest.approx(fit.estimate, rel=1e-12)


def test_with_moderators_there_are_none(effects):
    effect, covariance, frame = effects
    fit = pool_multilevel(
        effect, covariance=covariance, levels=["trial"], data=frame, moderators="~ dose"
    )
    assert fit.weights.shape == (len(effect),)
    assert np.isnan(fit.weights).all()
