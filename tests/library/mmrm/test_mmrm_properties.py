"""What must hold of a mixed model whatever its data: invariances and closed forms."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from trialstats.mmrm import STRUCTURES, fit_mmrm
from trialstats.randomness import stream

SUBJECT_VISIT = {"subject": "SUBJECT", "visit": "VISIT"}
FORMULA = "Y ~ B * VISIT + ARM * VISIT"
VISITS = [name for name in STRUCTURES if not name.startswith("spatial")]


def trial(n=40, t=4, *, missing=0.15, name="properties"):
    """Return a trial of two arms, n subjects and t visits, seeded."""
    random = stream(20260303, name, str(n), str(t))
    loading = np.tril(random.uniform(0.2, 1, (t, t))) + np.eye(t)
    base = random.standard_normal(n)
    values = random.standard_normal((n, t)) @ loading.T + 0.6 * base[:, None]
    values[: n // 2] += 0.3 * np.arange(t)
    frame = pd.DataFrame(
        {
            "SUBJECT": np.repeat([f"S{i:03d}" for i in range(n)], t),
            "ARM": np.repeat(np.where(np.arange(n) < n // 2, "TRT", "PBO"), t),
            "VISIT": np.tile([f"V{j}" for j in range(t)], n),
            "TIME": np.tile(np.cumsum(random.uniform(0.5, 2, t)), n),
            "B": np.repeat(base, t),
            "Y": values.ravel(),
            "W": random.uniform(0.5, 2, n * t),
        }
    )
    frame.loc[random.random(n * t) < missing, "Y"] = np.nan
    return frame


def visit_of(covariance):
    return "TIME" if covariance.startswith("spatial") else "VISIT"


def bytes_of(fit):
    """Return every number of a fit that a report may print, as bytes."""
    table = fit.coefficients.drop(columns="coefficient")
    means = fit.ls_means(["ARM", "VISIT"]).select_dtypes(float)
    tests = fit.tests().select_dtypes("number")
    parts = [
        table.to_numpy(),
        fit.small_sample.covariance,
        fit.theta,
        fit.theta_covariance,
        np.array([fit.log_likelihood]),
        means.to_numpy(),
        tests.to_numpy(dtype=float),
    ]
    return b"".join(np.ascontiguousarray(part).tobytes() for part in parts)


def at_last(fit, **arguments):
    """Return the treatment difference at the last visit, and averaged over visits."""
    by_visit = fit.contrasts("ARM", by="VISIT", **arguments).iloc[-1]
    mean = fit.contrasts("ARM", **arguments).iloc[0]
    columns = ["estimate", "standard_error", "df", "ci_lower", "ci_upper"]
    return np.array([by_visit[columns], mean[columns]], dtype=float)


class TestBitForBit:
    """Canonical order of the subjects: equality of bytes, so no tolerance."""

    @pytest.mark.parametrize("covariance", list(STRUCTURES))
    def test_row_order(self, covariance):
        data = trial()
        arguments = {
            "subject": "SUBJECT",
            "visit": visit_of(covariance),
            "covariance": covariance,
        }
        expected = bytes_of(fit_mmrm(FORMULA, data, **arguments))
        for seed in range(4):
            shuffled = data.sample(frac=1, random_state=seed)
            assert bytes_of(fit_mmrm(FORMULA, shuffled, **arguments)) == expected

    @pytest.mark.parametrize(
        "extra",
        [
            {"group": "ARM"},
            {"weights": "W"},
            {"df": "satterthwaite", "vcov": "CR2"},
            {"df": "between_within"},
            {"method": "ml", "df": "satterthwaite"},
            {"covariance": "toeplitz_heterogeneous", "group": "ARM", "weights": "W"},
        ],
        ids=str,
    )
    def test_row_order_with_options(self, extra):
        data = trial()
        expected = bytes_of(fit_mmrm(FORMULA, data, **SUBJECT_VISIT, **extra))
        for seed in range(3):
            shuffled = data.sample(frac=1, random_state=seed)
            assert (
                bytes_of(fit_mmrm(FORMULA, shuffled, **SUBJECT_VISIT, **extra))
                == expected
            )

    def test_row_order_where_responses_are_tied(self):
        data = trial(60, 3)
        # Whole numbers, few of them, and a covariate with two values: many subjects
        # are alike but for their weights.
        data["Y"], data["B"] = data["Y"].round(), data["B"].round()
        for extra in ({}, {"weights": "W"}):
            expected = bytes_of(fit_mmrm(FORMULA, data, **SUBJECT_VISIT, **extra))
            for seed in range(3):
                shuffled = data.sample(frac=1, random_state=seed)
                fit = fit_mmrm(FORMULA, shuffled, **SUBJECT_VISIT, **extra)
                assert bytes_of(fit) == expected

    @pytest.mark.parametrize("vcov", [None, "CR2"])
    def test_relabelling_of_subjects(self, vcov):
        data = trial()
        extra = {"df": "satterthwaite", "vcov": vcov}
        expected = bytes_of(fit_mmrm(FORMULA, data, **SUBJECT_VISIT, **extra))
        labels = pd.unique(data["SUBJECT"])
        random = stream(20260303, "labels")
        for new in (
            random.permutation(len(labels)),
            random.permutation([f"00{i}-x" for i in range(len(labels))]),
            labels[::-1],
        ):
            other = data.assign(
                SUBJECT=data["SUBJECT"].map(dict(zip(labels, new, strict=True)))
            )
            assert (
                bytes_of(fit_mmrm(FORMULA, other, **SUBJECT_VISIT, **extra)) == expected
            )

    def test_relabelling_of_arms_and_visits_that_keeps_their_order(self):
        data = trial()
        expected = bytes_of(fit_mmrm(FORMULA, data, **SUBJECT_VISIT))
        other = data.assign(
            ARM=data["ARM"].map({"PBO": "0: placebo", "TRT": "1: verum"}),
            VISIT="Week " + data["VISIT"].str[1:],
        )
        assert bytes_of(fit_mmrm(FORMULA, other, **SUBJECT_VISIT)) == expected

    def test_categories_and_text(self):
        data = trial()
        expected = bytes_of(fit_mmrm(FORMULA, data, **SUBJECT_VISIT))
        for kinds in (
            {"ARM": "category", "VISIT": "category", "SUBJECT": "category"},
            {"ARM": object, "VISIT": object, "SUBJECT": object},
        ):
            assert (
                bytes_of(fit_mmrm(FORMULA, data.astype(kinds), **SUBJECT_VISIT))
                == expected
            )

    def test_an_index_means_nothing(self):
        data = trial()
        expected = bytes_of(fit_mmrm(FORMULA, data, **SUBJECT_VISIT))
        other = data.set_axis(np.zeros(len(data)), axis=0)
        assert bytes_of(fit_mmrm(FORMULA, other, **SUBJECT_VISIT)) == expected

    def test_subjects_without_data_add_nothing(self):
        data = trial()
        expected = bytes_of(fit_mmrm(FORMULA, data, **SUBJECT_VISIT))
        absent = data[data["SUBJECT"] == "S000"].assign(SUBJECT="new", Y=np.nan)
        for other in (pd.concat([data, absent]), data.dropna(subset="Y")):
            assert bytes_of(fit_mmrm(FORMULA, other, **SUBJECT_VISIT)) == expected

    def test_number_of_threads(self):
        # 300 x 6 with a covariate by visit: products large enough for BLAS to split.
        program = (
            "import sys, hashlib\n"
            "sys.path.insert(0, sys.argv[1])\n"
            "from test_mmrm_properties import *\n"
            "data = trial(300, 6)\n"
            "fit = fit_mmrm(FORMULA, data, **SUBJECT_VISIT)\n"
            "print(hashlib.sha256(bytes_of(fit)).hexdigest())\n"
        )
        digests = set()
        for threads in ("1", "2"):
            variables = {
                name: threads for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
            }
            done = subprocess.run(
                [sys.executable, "-c", program, os.path.dirname(__file__)],
                env={**os.environ, **variables, "PYTHONPATH": os.getcwd()},
                capture_output=True,
                text=True,
                check=True,
            )
            digests.add(done.stdout)
        assert len(digests) == 1


class TestInvariance:
    """Changes that move no answer, or move it in a known way, but change rounding."""

    @pytest.mark.parametrize("covariance", list(STRUCTURES))
    def test_power_of_two_times_the_response(self, covariance):
        # Every product by a power of two is exact; the iteration takes the same path,
        # but the stopping rule sees logarithms, so the last digits may differ.
        data = trial()
        arguments = {
            "subject": "SUBJECT",
            "visit": visit_of(covariance),
            "covariance": covariance,
        }
        fit = fit_mmrm(FORMULA, data, **arguments)
        factor = 2.0**20
        scaled = fit_mmrm(FORMULA, data.assign(Y=data["Y"] * factor), **arguments)
        one, other = fit.coefficients, scaled.coefficients
        for column, power in (("estimate", 1), ("standard_error", 1), ("df", 0)):
            np.testing.assert_allclose(
                other[column], one[column] * factor**power, rtol=1e-9
            )
        free = len(fit.design.response) - len(fit.beta)
        shift = free * np.log(factor)
        assert scaled.log_likelihood == pytest.approx(fit.log_likelihood - shift)

    @pytest.mark.parametrize("factor", [1e-9, 1e12, -3.7])
    def test_scale_of_the_response(self, factor):
        data = trial()
        fit = fit_mmrm(FORMULA, data, **SUBJECT_VISIT)
        scaled = fit_mmrm(FORMULA, data.assign(Y=data["Y"] * factor), **SUBJECT_VISIT)
        expected = fit.coefficients
        found = scaled.coefficients
        np.testing.assert_allclose(
            found["estimate"], factor * expected["estimate"], rtol=1e-9, atol=0
        )
        np.testing.assert_allclose(
            found["standard_error"], abs(factor) * expected["standard_error"], rtol=1e-9
        )
        np.testing.assert_allclose(found["df"], expected["df"], rtol=1e-9)

    def test_shift_of_the_response(self):
        data = trial()
        expected = at_last(fit_mmrm(FORMULA, data, **SUBJECT_VISIT))
        shifted = fit_mmrm(FORMULA, data.assign(Y=data["Y"] + 1e5), **SUBJECT_VISIT)
        # 1e5 costs five of sixteen digits.
        np.testing.assert_allclose(at_last(shifted), expected, rtol=1e-9, atol=1e-9)

    @pytest.mark.parametrize("change", [lambda b: b * 1000, lambda b: b + 1e4])
    def test_unit_of_a_covariate(self, change):
        data = trial()
        expected = fit_mmrm(FORMULA, data, **SUBJECT_VISIT)
        other = fit_mmrm(FORMULA, data.assign(B=change(data["B"])), **SUBJECT_VISIT)
        np.testing.assert_allclose(at_last(other), at_last(expected), rtol=1e-8)
        np.testing.assert_allclose(other.theta, expected.theta, rtol=1e-8)

    def test_other_order_of_labels(self):
        data = trial()
        expected = fit_mmrm(FORMULA, data, **SUBJECT_VISIT)
        labels = {"V0": "d", "V1": "b", "V2": "c", "V3": "a"}
        other = data.assign(
            VISIT=data["VISIT"].map(labels),
            ARM=data["ARM"].map({"PBO": "z", "TRT": "a"}),
        )
        fit = fit_mmrm(FORMULA, other, **SUBJECT_VISIT)
        found = fit.contrasts("ARM", by="VISIT", reference="z").set_index("VISIT")
        table = expected.contrasts("ARM", by="VISIT").set_index("VISIT")
        for old, new in labels.items():
            np.testing.assert_allclose(
                found.loc[new].iloc[1:].to_numpy(dtype=float),
                table.loc[old].iloc[1:].to_numpy(dtype=float),
                rtol=1e-9,
                atol=1e-12,
            )

    def test_a_covariate_in_two_parts(self):
        # Where both parts carry the same coefficient the model is the same: the sum
        # stays a column, and a part beside it only re-expresses the other part.
        data = trial()
        random = stream(20260303, "parts")
        ranks = data.groupby("SUBJECT").ngroup()
        part = random.standard_normal(ranks.max() + 1)[ranks]
        data = data.assign(P=part, Q=data["B"] - part)
        one = fit_mmrm("Y ~ P + Q + ARM * VISIT", data, **SUBJECT_VISIT)
        other = fit_mmrm("Y ~ P + B + ARM * VISIT", data, **SUBJECT_VISIT)
        np.testing.assert_allclose(at_last(other), at_last(one), rtol=1e-9)
        assert other.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-12)
        found = other.coefficients.set_index("coefficient")["estimate"]
        split = one.coefficients.set_index("coefficient")["estimate"]
        assert found["B"] == pytest.approx(split["Q"], rel=1e-9)
        assert found["P"] == pytest.approx(split["P"] - split["Q"], rel=1e-8)

    def test_two_codings_of_one_model(self):
        data = trial()
        one = fit_mmrm("Y ~ B + ARM * VISIT", data, **SUBJECT_VISIT)
        other = fit_mmrm("Y ~ 0 + B + ARM:VISIT", data, **SUBJECT_VISIT)
        # The restricted likelihood changes with |X'X| of the coding; nothing else does.
        columns = ["estimate", "standard_error", "df", "ci_lower"]
        first = one.ls_means(["ARM", "VISIT"])[columns]
        second = other.ls_means(["ARM", "VISIT"])[columns]
        np.testing.assert_allclose(second, first, rtol=1e-9)
        np.testing.assert_allclose(other.theta, one.theta, rtol=1e-9)

    @pytest.mark.parametrize("covariance", ["unstructured", "ar1_heterogeneous"])
    def test_weights_of_one(self, covariance):
        data = trial().assign(W=1.0)
        arguments = {**SUBJECT_VISIT, "covariance": covariance}
        expected = fit_mmrm(FORMULA, data, **arguments)
        fit = fit_mmrm(FORMULA, data, weights="W", **arguments)
        np.testing.assert_allclose(at_last(fit), at_last(expected), rtol=1e-11)
        np.testing.assert_allclose(fit.theta, expected.theta, rtol=1e-10)
        assert fit.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-12)

    def test_weights_doubled(self):
        data = trial()
        expected = fit_mmrm(FORMULA, data, weights="W", **SUBJECT_VISIT)
        doubled = data.assign(W=2 * data["W"])
        fit = fit_mmrm(FORMULA, doubled, weights="W", **SUBJECT_VISIT)
        np.testing.assert_allclose(fit.theta, 2 * expected.theta, rtol=1e-9)
        np.testing.assert_allclose(at_last(fit), at_last(expected), rtol=1e-9)
        assert fit.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-11)

    @pytest.mark.parametrize("covariance", VISITS)
    def test_groups_with_the_same_data(self, covariance):
        half = trial(30, 3, missing=0.1)
        half = half.assign(ARM="PBO")
        twice = pd.concat(
            [half, half.assign(ARM="TRT", SUBJECT="again " + half["SUBJECT"])]
        )
        arguments = {**SUBJECT_VISIT, "covariance": covariance, "method": "ml"}
        formula = "Y ~ B * VISIT * ARM"
        one = fit_mmrm(formula, twice, df="residual", **arguments)
        two = fit_mmrm(formula, twice, df="residual", group="ARM", **arguments)
        np.testing.assert_allclose(two.theta, np.tile(one.theta, 2), rtol=1e-7)
        assert two.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-12)

    def test_an_unrelated_covariate_moves_nothing(self):
        # Complete data and a covariate that is orthogonal to the design and, after it,
        # to the responses at every visit: its coefficient is zero.
        data = trial(24, 3, missing=0.0)
        wide = data.pivot_table(index="SUBJECT", columns="VISIT", values="Y").to_numpy()
        first = data.drop_duplicates("SUBJECT")
        design = np.column_stack(
            [np.ones(len(first)), first["ARM"] == "TRT", first["B"], wide]
        )
        raw = stream(20260303, "unrelated").standard_normal(len(first))
        free = raw - design @ np.linalg.lstsq(design, raw, rcond=None)[0]
        data["U"] = np.repeat(free, 3)
        one = fit_mmrm(FORMULA, data, **SUBJECT_VISIT)
        other = fit_mmrm(
            "Y ~ U * VISIT + B * VISIT + ARM * VISIT", data, **SUBJECT_VISIT
        )
        # One degree of freedom fewer, the same residuals: variances grow by 21 / 20.
        np.testing.assert_allclose(other.theta, one.theta * 21 / 20, rtol=1e-9)
        np.testing.assert_allclose(at_last(other)[:, 0], at_last(one)[:, 0], rtol=1e-9)


class TestClosedForms:
    """Complete, balanced data have answers on paper."""

    @pytest.fixture
    def data(self):
        return trial(26, 4, missing=0.0)

    @pytest.fixture
    def wide(self, data):
        values = data.pivot_table(
            index="SUBJECT", columns="VISIT", values="Y"
        ).to_numpy()
        first = data.drop_duplicates("SUBJECT")
        treated = (first["ARM"] == "TRT").to_numpy(dtype=float)
        design = np.column_stack([np.ones(len(first)), treated, first["B"]])
        return design, values

    @pytest.mark.parametrize("df", ["kenward_roger", "satterthwaite"])
    def test_unstructured_is_one_regression_per_visit(self, data, wide, df):
        # Multivariate regression: generalised are ordinary least squares, Sigma is
        # S / (n - p), and a difference at one visit has n - p degrees of freedom.
        design, values = wide
        n, p = design.shape
        beta = np.linalg.lstsq(design, values, rcond=None)[0]
        residual = values - design @ beta
        sigma = residual.T @ residual / (n - p)
        fit = fit_mmrm(FORMULA, data, df=df, **SUBJECT_VISIT)
        np.testing.assert_allclose(fit.covariance, sigma, rtol=1e-10)
        table = fit.contrasts("ARM", by="VISIT")
        np.testing.assert_allclose(table["estimate"], beta[1], rtol=1e-10)
        scale = np.linalg.inv(design.T @ design)[1, 1]
        np.testing.assert_allclose(
            table["standard_error"], np.sqrt(scale * np.diag(sigma)), rtol=1e-10
        )
        np.testing.assert_allclose(table["df"], n - p, rtol=1e-9)
        # So has any combination of visits, such as the mean.
        assert fit.contrasts("ARM")["df"].iloc[0] == pytest.approx(n - p, rel=1e-9)

    def test_kenward_roger_test_of_all_visits_is_hotellings(self, data, wide):
        # Complete data, four contrasts of one between-subject effect: the scaled F of
        # Kenward and Roger is Hotelling's T squared with (t, n - p - t + 1) df.
        design, values = wide
        n, p = design.shape
        t = values.shape[1]
        beta = np.linalg.lstsq(design, values, rcond=None)[0]
        residual = values - design @ beta
        sigma = residual.T @ residual / (n - p)
        scale = np.linalg.inv(design.T @ design)[1, 1]
        hotelling = beta[1] @ np.linalg.solve(sigma, beta[1]) / scale
        df = n - p - t + 1
        fit = fit_mmrm("Y ~ 0 + VISIT + ARM:VISIT + B:VISIT", data, **SUBJECT_VISIT)
        names = list(fit.design.names)
        weights = np.zeros((t, len(names)))
        places = [j for j, name in enumerate(names) if "ARM[T.TRT]" in name]
        weights[np.arange(t), places] = 1
        found = fit.joint_test(weights).iloc[0]
        assert found["df"] == pytest.approx(df, rel=1e-8)
        assert found["statistic"] == pytest.approx(
            hotelling * df / (t * (n - p)), rel=1e-8
        )

    def test_compound_symmetry_is_the_analysis_of_variance(self, data):
        # Split plot: between and within mean squares are the expected ones of a random
        # intercept.
        t, n = 4, 26
        fit = fit_mmrm(
            "Y ~ ARM * VISIT", data, covariance="compound_symmetry", **SUBJECT_VISIT
        )
        values = data.pivot_table(
            index="SUBJECT", columns="VISIT", values="Y"
        ).to_numpy()
        treated = data.drop_duplicates("SUBJECT")["ARM"].to_numpy() == "TRT"
        means = np.where(
            treated[:, None],
            values[treated].mean(axis=0),
            values[~treated].mean(axis=0),
        )
        residual = values - means
        between = t * (residual.mean(axis=1) ** 2).sum() / (n - 2)
        rest = residual - residual.mean(axis=1, keepdims=True)
        within = (rest**2).sum() / ((n - 2) * (t - 1))
        covariance = (between - within) / t
        np.testing.assert_allclose(
            fit.theta, [covariance + within, covariance], rtol=1e-9
        )
        mean = fit.contrasts("ARM").iloc[0]
        expected = np.sqrt(between / t * (1 / treated.sum() + 1 / (~treated).sum()))
        assert mean["standard_error"] == pytest.approx(expected, rel=1e-9)
        assert mean["df"] == pytest.approx(n - 2, rel=1e-8)
        test = fit.tests().set_index("term").loc["ARM:VISIT"]
        assert test["df"] == pytest.approx((n - 2) * (t - 1), rel=1e-8)

    @pytest.mark.parametrize("covariance", VISITS)
    @pytest.mark.parametrize("df", ["kenward_roger", "satterthwaite", "residual"])
    def test_one_visit_is_least_squares(self, covariance, df):
        data = trial(20, 1, missing=0.0)
        fit = fit_mmrm(
            "Y ~ B + ARM", data, covariance=covariance, df=df, **SUBJECT_VISIT
        )
        design = np.column_stack([np.ones(20), data["B"], data["ARM"] == "TRT"]).astype(
            float
        )
        beta, squares = np.linalg.lstsq(design, data["Y"], rcond=None)[:2]
        variance = squares[0] / 17
        error = np.sqrt(variance * np.diag(np.linalg.inv(design.T @ design)))
        table = fit.coefficients.set_index("coefficient").loc[
            ["Intercept", "B", "ARM[T.TRT]"]
        ]
        np.testing.assert_allclose(table["estimate"], beta, rtol=1e-10)
        np.testing.assert_allclose(table["standard_error"], error, rtol=1e-10)
        np.testing.assert_allclose(table["df"], 17, rtol=1e-9)
        p_value = 2 * stats.t.sf(np.abs(beta / error), 17)
        np.testing.assert_allclose(table["p_value"], p_value, rtol=1e-9)

    def test_maximum_and_restricted_likelihood(self, data, wide):
        # Sigma of ML is that of REML times (n - p) / n, and the likelihoods are those
        # of the matrix normal distribution.
        design, values = wide
        n, p = design.shape
        t = values.shape[1]
        reml = fit_mmrm(FORMULA, data, **SUBJECT_VISIT)
        ml = fit_mmrm(FORMULA, data, method="ml", df="residual", **SUBJECT_VISIT)
        np.testing.assert_allclose(ml.theta, reml.theta * (n - p) / n, rtol=1e-9)
        log_determinant = np.linalg.slogdet(ml.covariance)[1]
        expected = -n * (t * np.log(2 * np.pi) + log_determinant + t) / 2
        assert ml.log_likelihood == pytest.approx(expected, rel=1e-11)

    @pytest.mark.parametrize("method", ["reml", "ml"])
    def test_nested_structures_have_ordered_likelihoods(self, method):
        data = trial(40, 5)
        found = {
            name: fit_mmrm(
                FORMULA,
                data,
                covariance=name,
                method=method,
                df="residual",
                **SUBJECT_VISIT,
            ).log_likelihood
            for name in VISITS
        }
        chains = (
            ("compound_symmetry", "toeplitz", "toeplitz_heterogeneous", "unstructured"),
            ("ar1", "toeplitz"),
            ("ar1", "antedependence", "antedependence_heterogeneous", "unstructured"),
            ("ar1", "ar1_heterogeneous", "toeplitz_heterogeneous"),
            ("ar1_heterogeneous", "antedependence_heterogeneous"),
            (
                "compound_symmetry",
                "compound_symmetry_heterogeneous",
                "toeplitz_heterogeneous",
            ),
        )
        for chain in chains:
            for smaller, larger in itertools.pairwise(chain):
                assert found[smaller] < found[larger], (smaller, larger)

    def test_exponential_decay_at_whole_times_is_ar1(self):
        data = trial(40, 4)
        data["TIME"] = data["VISIT"].str[1:].astype(float)
        spatial = fit_mmrm(
            FORMULA,
            data,
            subject="SUBJECT",
            visit="TIME",
            covariance="spatial_exponential",
            df="satterthwaite",
        )
        series = fit_mmrm(
            FORMULA, data, covariance="ar1", df="satterthwaite", **SUBJECT_VISIT
        )
        variance, correlation = series.theta
        np.testing.assert_allclose(
            spatial.theta, [variance, -1 / np.log(correlation)], rtol=1e-8
        )
        assert spatial.log_likelihood == pytest.approx(series.log_likelihood, rel=1e-12)
        # Satterthwaite does not depend on how the covariance is parameterised.
        np.testing.assert_allclose(at_last(spatial), at_last(series), rtol=1e-7)
