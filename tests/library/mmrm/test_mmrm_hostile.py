"""Small and degenerate designs end in a correct fit or in a named error.

The designs are drawn by `hostile_designs`; what is correct is decided by
`dense_likelihood`, which shares no code with the library. Warnings are errors here as
everywhere, so NumPy's would fail the test.
"""

import contextlib
import re
import time

import numpy as np
import pandas as pd
import pytest
from dense_likelihood import Dense, gradient
from hostile_designs import hostile_design

from trialstats.errors import (
    ConvergenceError,
    DataError,
    NotEstimableError,
    RankDeficientError,
    SingularCovarianceError,
    TrialstatsError,
)
from trialstats.mmrm import STRUCTURES, fit_mmrm
from trialstats.randomness import stream

#: Designs that every run of the tests goes through, a block a test.
N_DESIGNS, BLOCK = 1200, 60
#: Every so manieth of them is searched for a higher maximum; a validation run, all.
SEARCHED = 12


def attempt(number):
    """Return the fit of a design, or None after a named error, and its dense twin."""
    frame, arguments, troubles = hostile_design(number)
    start, fit, table = time.process_time(), None, None
    with contextlib.suppress(TrialstatsError):
        fit = fit_mmrm(data=frame, **arguments)
        table = fit.coefficients
    # Hundredths as a rule; the limit is generous because machines are shared.
    assert time.process_time() - start < 2, (number, troubles)
    if fit is None or table is None:
        return None, None
    numbers = table.drop(columns="coefficient").to_numpy(dtype=float)
    assert np.isfinite(numbers).all(), (number, troubles)
    assert (table["standard_error"] > 0).all()
    assert (table["df"] > 0).all()
    dense = Dense(
        arguments["formula"],
        frame,
        arguments["covariance"],
        visit=arguments["visit"],
        group=arguments.get("group"),
        weights=arguments.get("weights"),
        reml=arguments["method"] == "reml",
    )
    return fit, dense


def check_reports(number, fit, frame):
    """Check that whatever is asked of a fit is a number or a named error."""
    factors = [name for name in ("ARM", "VISIT") if name in fit.design.levels]
    asked = [
        lambda: fit.tests(3)[["statistic", "p_value"]],
        lambda: fit.parameters[["estimate", "standard_error"]],
        lambda: fit.residuals("normalized"),
        lambda: fit.predict_conditional(frame),
        lambda: fit.simulate(1, stream(20260304, str(number))),
    ]
    if factors:
        by = factors[1:] or None
        asked += [
            lambda: fit.ls_means(factors).select_dtypes(float),
            lambda: fit.contrasts(factors[0], by=by).select_dtypes(float),
        ]
    for ask in asked:
        found = None
        with contextlib.suppress(TrialstatsError):
            found = np.asarray(ask(), dtype=float)
        assert found is None or np.isfinite(found).all(), number


def check_is_stationary(number, fit, dense):
    """Check the value and the zero gradient of the likelihood by the dense V."""
    value, beta, _ = dense.fit_at(fit.theta)
    # The offset of 1e9 leaves seven digits of the residuals: 1e-6 of -2 l.
    assert value == pytest.approx(-2 * fit.log_likelihood, rel=1e-6, abs=1e-5), number
    free = dense.free(fit.theta)
    with np.errstate(all="ignore"):
        slope = gradient(lambda at: dense.objective(dense.natural(at)), free)
    # In logarithms of variances and transformed correlations, where the curvature is
    # of the order of the number of subjects; differences of -2 l are exact to 1e-8.
    assert np.abs(slope).max() < 5e-3, number
    error = np.sqrt(np.diag(fit.model_covariance))
    assert sorted(dense.names) == sorted(fit.design.names), number
    order = [dense.names.index(name) for name in fit.design.names]
    assert np.abs((beta[order] - fit.beta) / error).max() < 1e-3, number


def is_regular(dense, theta):
    """Return whether a covariance is inside its space, not at the border.

    A likelihood may rise towards a singular covariance, or to no correlation at any
    observed distance, and have a maximum elsewhere: the fit reports the maximum.
    """
    for sigma in dense.sigmas(theta):
        deviation = np.sqrt(np.diag(sigma))
        correlation = sigma / np.outer(deviation, deviation)
        apart = np.abs(correlation - np.eye(len(sigma))).max()
        if np.linalg.cond(correlation) > 1e5 or (dense.spatial and apart < 1e-5):
            return False
    return True


def check_is_highest(number, fit, dense, n_starts):
    """Check that a general optimiser finds nothing higher, from here and elsewhere."""
    random = stream(20260304, "starts", str(number))
    free = dense.free(fit.theta)
    for m in range(n_starts):
        start = free + (m > 0) * random.standard_normal(len(free))
        value, theta = dense.climb(start)
        # From the solution itself: 1e-6 of -2 l, or its rounding at an offset of 1e9.
        slack = 1e-5 if np.abs(dense.shift).max() > 1e8 else 1e-6
        if is_regular(dense, theta):
            assert value > -2 * fit.log_likelihood - slack, (number, m)


def blocks(number, ordinary):
    """Return numbers of blocks, of which the first `ordinary` are run every time."""
    later = pytest.mark.validation
    return [
        pytest.param(block, marks=() if block < ordinary else later)
        for block in range(number)
    ]


@pytest.mark.parametrize("block", blocks(N_DESIGNS // BLOCK, 5))
def test_degenerate_designs(block):
    n_fits = 0
    for number in range(block * BLOCK, (block + 1) * BLOCK):
        fit, dense = attempt(number)
        if fit is None:
            continue
        n_fits += 1
        check_is_stationary(number, fit, dense)
        check_reports(number, fit, hostile_design(number)[0])
        if number % SEARCHED == 0:
            check_is_highest(number, fit, dense, 2)
    # Were all refused, nothing would have been checked; about 45 % are fitted.
    assert 0.25 * BLOCK < n_fits < 0.75 * BLOCK


@pytest.mark.validation
@pytest.mark.parametrize("block", range(20))
def test_no_other_maximum_is_higher(block):
    missed = []
    for number in range(block * 100, (block + 1) * 100):
        fit, dense = attempt(number)
        if fit is None:
            continue
        try:
            check_is_highest(number, fit, dense, 4)
        except AssertionError as error:
            missed.append(str(error))
    # Several maxima are a trait of tiny data; one in a hundred may be missed.
    assert len(missed) <= 1, missed


def regular(n=12, t=3):
    random = stream(20260305, "regular", str(n), str(t))
    return pd.DataFrame(
        {
            "SUBJECT": np.repeat([f"S{i:02d}" for i in range(n)], t),
            "ARM": np.repeat(np.where(np.arange(n) % 2 == 1, "TRT", "PBO"), t),
            "VISIT": np.tile([f"V{j}" for j in range(t)], n),
            "TIME": np.tile(np.arange(t) * 1.5, n),
            "B": np.repeat(random.standard_normal(n), t),
            "Y": random.standard_normal(n * t),
            "W": 1.0,
        }
    )


def fit(data, formula="Y ~ ARM * VISIT", **arguments):
    given = {"subject": "SUBJECT", "visit": "VISIT", **arguments}
    return fit_mmrm(formula, data, **given)


class TestMessages:
    """Each cause by its own error, which names where it is."""

    def refused(self, error, *words, data=None, **arguments):
        with pytest.raises(error) as caught:
            fit(regular() if data is None else data, **arguments)
        message = str(caught.value)
        for word in words:
            assert re.search(word, message), message

    def test_no_data_at_a_visit(self):
        data = regular()
        data.loc[data["VISIT"] == "V1", "Y"] = np.nan
        self.refused(NotEstimableError, "VISIT V1", data=data)

    def test_an_arm_without_data_at_a_visit(self):
        data = regular()
        data.loc[(data["VISIT"] == "V1") & (data["ARM"] == "TRT"), "Y"] = np.nan
        self.refused(RankDeficientError, "ARM=TRT, VISIT=V1", data=data)

    def test_two_records_of_a_subject_at_a_visit(self):
        data = regular()
        data = pd.concat([data, data.iloc[[4]]], ignore_index=True)
        self.refused(DataError, "S01", "V1", "row 36", data=data)

    def test_two_records_of_a_subject_at_a_time(self):
        data = regular()
        data.loc[4, "TIME"] = 0.0
        self.refused(
            DataError,
            "row 4",
            "TIME",
            data=data,
            visit="TIME",
            covariance="spatial_exponential",
        )

    def test_an_infinite_time(self):
        data = regular()
        data.loc[4, "TIME"] = np.inf
        self.refused(
            DataError,
            "row 4",
            "TIME",
            "infinite",
            data=data,
            visit="TIME",
            covariance="spatial_gaussian",
        )

    def test_a_subject_in_two_groups(self):
        data = regular()
        data.loc[4, "ARM"] = "PBO"
        self.refused(DataError, "S01 is in two groups", "row 4", data=data, group="ARM")

    @pytest.mark.parametrize("weight", [0.0, -1.0, np.inf])
    def test_a_bad_weight(self, weight):
        data = regular()
        data.loc[4, "W"] = weight
        self.refused(DataError, "'W'", data=data, weights="W")

    @pytest.mark.parametrize("covariance", ["unstructured", "ar1_heterogeneous"])
    def test_a_constant_visit(self, covariance):
        data = regular()
        data.loc[data["VISIT"] == "V1", "Y"] = 3.0
        self.refused(
            SingularCovarianceError,
            "V1",
            "no variance|singular",
            data=data,
            covariance=covariance,
        )

    @pytest.mark.parametrize("factor", [1.0, -2.0])
    @pytest.mark.parametrize("covariance", ["unstructured", "toeplitz_heterogeneous"])
    def test_visits_that_determine_one_another(self, covariance, factor):
        data = regular(t=2)
        first = data.loc[data["VISIT"] == "V0", "Y"].to_numpy()
        data.loc[data["VISIT"] == "V1", "Y"] = factor * first
        self.refused(
            SingularCovarianceError,
            "V0, V1",
            "singular",
            data=data,
            covariance=covariance,
        )

    def test_more_visits_than_subjects(self):
        self.refused(
            SingularCovarianceError, "singular", data=regular(4, 5), formula="Y ~ VISIT"
        )

    def test_no_subject_at_both_of_two_visits(self):
        data = regular()
        number = data["SUBJECT"].str[1:].astype(int)
        data.loc[(data["VISIT"] == "V0") & (number < 6), "Y"] = np.nan
        data.loc[(data["VISIT"] == "V2") & (number >= 6), "Y"] = np.nan
        self.refused(NotEstimableError, "both V[02] and V[02]", data=data)
        self.refused(
            NotEstimableError,
            "correlation at lag 2",
            data=data,
            covariance="toeplitz_heterogeneous",
        )
        # Structures that need no such pair have an answer.
        assert fit(data, covariance="ar1").converged

    def test_one_visit_per_subject(self):
        data = regular().iloc[::4]
        self.refused(
            NotEstimableError,
            "the correlation",
            data=data,
            formula="Y ~ VISIT",
            covariance="ar1",
        )
        self.refused(
            NotEstimableError,
            "two times",
            data=data,
            formula="Y ~ VISIT",
            visit="TIME",
            covariance="spatial_exponential",
        )

    def test_a_group_without_data_at_a_visit(self):
        data = regular()
        gone = (data["VISIT"] == "V1") & (data["ARM"] == "TRT")
        data.loc[gone, "Y"] = np.nan
        self.refused(
            NotEstimableError,
            "in TRT",
            "V1",
            data=data,
            formula="Y ~ ARM + VISIT",
            group="ARM",
        )

    @pytest.mark.parametrize("value", [0.0, 5.0, -1e9])
    @pytest.mark.parametrize("covariance", ["unstructured", "compound_symmetry"])
    def test_a_constant_response(self, covariance, value):
        self.refused(
            NotEstimableError,
            "no residual variation",
            data=regular().assign(Y=value),
            covariance=covariance,
        )

    def test_collinear_covariates(self):
        data = regular()
        data["C"] = 3 - 2 * data["B"]
        self.refused(RankDeficientError, " C ", data=data, formula="Y ~ B + C + VISIT")

    @pytest.mark.parametrize("factor", [1e-150, 1e200])
    def test_a_unit_beyond_floating_point(self, factor):
        data = regular()
        self.refused(DataError, "'Y'", "unit", data=data.assign(Y=data["Y"] * factor))

    @pytest.mark.parametrize(
        "covariance", [name for name in STRUCTURES if "heterogeneous" in name]
    )
    def test_one_subject(self, covariance):
        # One residual per visit cannot give one variance per visit.
        with pytest.raises((NotEstimableError, ConvergenceError)):
            fit(regular().iloc[:3], "Y ~ 1", covariance=covariance)

    def test_uncorrelated_at_all_times_leaves_no_range(self):
        # The responses alternate in sign, which no positive decay explains.
        data = regular(20, 4)
        sign = np.where(data["VISIT"].str[1:].astype(int) % 2 == 0, 1.0, -1.0)
        size = np.repeat(stream(20260305, "signs").standard_normal(20), 4)
        noise = stream(20260305, "noise").standard_normal(80) / 10
        data["Y"] = sign * size + noise
        self.refused(
            NotEstimableError,
            "range is not identified",
            data=data,
            formula="Y ~ 1",
            visit="TIME",
            covariance="spatial_exponential",
        )


def test_visits_whose_scales_differ_by_a_million():
    # The cross-product of one basis for all visits loses twelve digits; the closed
    # form of complete data is kept to nine.
    data = regular(30, 3)
    at = data["VISIT"] == "V1"
    data.loc[at, "Y"] *= 1e6
    result = fit(data, "Y ~ B * VISIT + ARM * VISIT")
    values = data.pivot_table(index="SUBJECT", columns="VISIT", values="Y").to_numpy()
    first = data.drop_duplicates("SUBJECT")
    design = np.column_stack([np.ones(30), first["B"], first["ARM"] == "TRT"])
    design = design.astype(float)
    beta = np.linalg.lstsq(design, values, rcond=None)[0]
    residual = values - design @ beta
    np.testing.assert_allclose(result.covariance, residual.T @ residual / 27, rtol=1e-9)
    table = result.contrasts("ARM", by="VISIT")
    np.testing.assert_allclose(table["estimate"], beta[2], rtol=1e-9)
    np.testing.assert_allclose(table["df"], 27, rtol=1e-6)
