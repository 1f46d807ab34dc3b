"""The likelihood-ratio test: what it counts, and what it refuses.

The value itself is compared with R's anova() in lmm/test_lmm_reference.py.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from trialstats.errors import DataError
from trialstats.likelihood_ratio import WIDER, likelihood_ratio_test
from trialstats.lmm import fit_lmm
from trialstats.mmrm import fit_mmrm
from trialstats.randomness import stream


def panel():
    rng = stream(5, "likelihood ratio")
    subject = np.repeat(np.arange(24), 5)
    week = np.tile(np.arange(5.0), 24)
    own, slope = rng.normal(0, 3, 24), rng.normal(0, 1.5, 24)
    y = 20 + own[subject] + slope[subject] * week + rng.normal(size=120)
    arm = np.where(subject % 2, "a", "b")
    return pd.DataFrame({"subject": subject, "week": week, "arm": arm, "y": y})


def fitted(formula="y ~ week + arm", effects="1 + week", method="ml", **options):
    data = options.pop("data", None)
    return fit_lmm(
        formula,
        panel() if data is None else data,
        random={"subject": effects},
        method=method,
        df="satterthwaite",
        **options,
    )


def test_it_counts_coefficients_and_variances():
    small, large = fitted("y ~ week", "1"), fitted()
    test = likelihood_ratio_test(small, large)
    assert test.df == 1 + 2
    expected = 2 * (large.log_likelihood - small.log_likelihood)
    assert test.statistic == pytest.approx(expected, rel=1e-12)
    assert test.p_value == pytest.approx(stats.chi2.sf(expected, 3), rel=1e-10)


def test_restricted_likelihoods_compare_covariances():
    test = likelihood_ratio_test(
        fitted(method="reml", correlated=False), fitted(method="reml")
    )
    assert test.df == 1
    assert 0 < test.p_value < 1


@pytest.mark.parametrize(
    ("small", "large", "reason"),
    [
        (
            {"formula": "y ~ week", "method": "reml"},
            {"method": "reml"},
            "different fixed",
        ),
        ({"method": "reml"}, {}, "one fit is by reml"),
        ({}, {"effects": "1"}, "no part of the larger"),
        ({}, {}, "no more parameters"),
        ({}, {"formula": "y ~ week"}, "lacks coefficients"),
        ({"data": panel().head(115)}, {"formula": "y ~ week*arm"}, "115 and 120 rows"),
        (
            {"data": panel().assign(y=lambda d: d["y"] + 1)},
            {"formula": "y ~ week*arm"},
            "different responses",
        ),
        ({}, {"correlated": False}, "no part of the larger"),
    ],
)
def test_what_is_not_nested_is_refused(small, large, reason):
    with pytest.raises(DataError, match=reason):
        likelihood_ratio_test(fitted(**small), fitted(**large))


def visits(structure):
    return fit_mmrm(
        "y ~ arm * C(week)",
        panel(),
        subject="subject",
        visit="week",
        covariance=structure,
        df="satterthwaite",
    )


def test_structures_of_repeated_measures():
    small, large = visits("compound_symmetry"), visits("unstructured")
    test = likelihood_ratio_test(small, large)
    assert test.df == 15 - 2
    with pytest.raises(DataError, match="no special case"):
        likelihood_ratio_test(large, small)
    mixed = fitted("y ~ arm * C(week)", "1", "reml")
    with pytest.raises(DataError, match="not nested by their form"):
        likelihood_ratio_test(mixed, large)


@pytest.mark.parametrize("structure", list(WIDER))
def test_wider_structures_are_never_less_likely(structure):
    own = visits(structure)
    for wider in WIDER[structure]:
        assert likelihood_ratio_test(own, visits(wider)).statistic >= 0


def repeated(data=None, structure="compound_symmetry", **options):
    settings = {"formula": "y ~ arm + week", "method": "ml"} | options
    return fit_mmrm(
        settings.pop("formula"),
        panel() if data is None else data,
        subject="subject",
        visit="week",
        covariance=structure,
        df="satterthwaite",
        **settings,
    )


def weighted(data):
    return data.assign(load=1.0 + data["subject"] % 3)


@pytest.mark.parametrize(
    ("small", "large", "reason"),
    [
        # A restricted likelihood depends on the unit of a covariate.
        (
            {"data": panel().assign(week=lambda d: d["week"] / 1000), "method": "reml"},
            {"structure": "unstructured", "method": "reml"},
            "week has other values|different visits",
        ),
        (
            {"data": weighted(panel()), "weights": "load"},
            {"structure": "unstructured"},
            "different weights",
        ),
        (
            {"group": "arm"},
            {"structure": "unstructured"},
            "groups of covariances that the larger one lacks",
        ),
        (
            {
                "data": panel().assign(half=lambda d: d["subject"] // 12),
                "group": "half",
            },
            {"structure": "unstructured", "group": "arm"},
            "groups of covariances that the larger one lacks",
        ),
        (
            {
                "data": panel().assign(
                    subject=lambda d: (d["subject"] + 2 * d["week"].astype(int)) % 24
                )
            },
            {"structure": "unstructured"},
            "different subjects",
        ),
        (
            {
                "formula": "y ~ arm",
                "data": panel().assign(week=lambda d: (d["week"] + 2) % 5),
            },
            {"structure": "unstructured", "formula": "y ~ arm"},
            "different visits",
        ),
        (
            {"data": panel().iloc[::-1]},
            {"structure": "unstructured"},
            "rows in different orders",
        ),
    ],
)
def test_repeated_measures_on_other_data_are_refused(small, large, reason):
    with pytest.raises(DataError, match=reason):
        likelihood_ratio_test(repeated(**small), repeated(**large))


def test_a_common_covariance_is_a_case_of_one_for_each_group():
    relabelled = panel().assign(subject=lambda d: 100 - d["subject"])
    test = likelihood_ratio_test(repeated(relabelled), repeated(group="arm"))
    assert test.df == 2
    ones = panel().assign(load=1.0)
    assert likelihood_ratio_test(
        repeated(ones, weights="load"), repeated(structure="unstructured")
    ).p_value == pytest.approx(
        likelihood_ratio_test(repeated(), repeated(structure="unstructured")).p_value,
        rel=1e-9,
    )


def test_a_fit_short_of_its_maximum_is_refused():
    def full(structure, **options):
        return repeated(
            formula="y ~ arm * C(week)",
            method="reml",
            structure=structure,
            **options,
        )

    with pytest.raises(DataError, match="short of its maximum"):
        likelihood_ratio_test(
            full("compound_symmetry"), full("unstructured", stop="sas")
        )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: d.assign(week=d["week"] ** 2), "random effect week of subject"),
        (
            lambda d: d.assign(subject=d["subject"] // 2),
            "subject groups the rows of the fits in different ways",
        ),
        (lambda d: d.assign(arm=d["arm"].map({"a": "b", "b": "a"})), "arm.T.b. has"),
    ],
)
def test_random_effects_on_other_data_are_refused(change, reason):
    data = panel()
    small = fitted("y ~ arm", "0 + week", data=change(data))
    with pytest.raises(DataError, match=reason):
        likelihood_ratio_test(small, fitted("y ~ arm", "1 + week", data=data))


def test_rows_left_out_are_the_same_rows():
    # Two rows with the same response: the values do not tell which is absent.
    data = panel()
    data.loc[1, "y"] = data.loc[0, "y"]
    first = data.assign(y=data["y"].where(data.index != 0))
    second = data.assign(y=data["y"].where(data.index != 1))
    small, large = fitted("y ~ arm", "1", data=first), fitted("y ~ arm", data=second)
    with pytest.raises(DataError, match="different rows"):
        likelihood_ratio_test(small, large)
