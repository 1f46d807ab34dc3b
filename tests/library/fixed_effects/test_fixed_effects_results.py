"""Tables of a fitted model: identities, invariances, and what has no answer."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from trialstats.errors import DataError, NotEstimableError
from trialstats.fixed_effects import (
    FixedEffectsResult,
    build_design,
    design_crossproduct,
    hypotheses,
    ls_means_matrix,
)
from trialstats.mmrm import fit_mmrm
from trialstats.mmrm.constrained_baseline import without_columns
from trialstats.small_sample import GivenDegrees

COLUMNS = [
    *("estimate", "standard_error", "df", "statistic", "p_value"),
    *("ci_lower", "ci_upper"),
]


def trial(n=90, seed=2):
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(
        {
            "arm": rng.choice(["PBO", "TRT", "XRT"], n, p=[0.5, 0.3, 0.2]),
            "visit": rng.choice(["V1", "V2"], n, p=[0.6, 0.4]),
            "sex": rng.choice(["F", "M"], n, p=[0.7, 0.3]),
            "base": rng.normal(30, 5, n),
        }
    )
    data["y"] = 10 + 0.2 * data["base"] + (data["arm"] == "TRT") + rng.normal(size=n)
    return data


def ordinary(formula, data, df=None, level=0.95):
    """Return least squares; `df` replaces the residual degrees of freedom."""
    design = build_design(formula, data)
    x, y = design.matrix(), design.response
    size = np.sqrt((x**2).sum(axis=0))
    beta = np.linalg.lstsq(x / size, y)[0] / size
    residual = len(y) - x.shape[1]
    variance = ((y - x @ beta) ** 2).sum() / residual
    inverse = np.linalg.inv((x / size).T @ (x / size)) / np.outer(size, size)
    given_df = np.full(len(beta), residual if df is None else df)
    return FixedEffectsResult(
        design=design,
        beta=beta,
        small_sample=GivenDegrees(variance * inverse, given_df),
        crossproduct=design_crossproduct(design),
        level=level,
    )


FULL = "y ~ base + sex + arm * visit"


def test_every_table_has_the_same_columns():
    fit = ordinary(FULL, trial())
    assert list(fit.coefficients) == ["coefficient", *COLUMNS]
    assert list(fit.contrast(np.eye(8)[1])) == ["contrast", *COLUMNS]
    assert list(fit.ls_means(["visit", "arm"])) == [
        *("visit", "arm"),
        *COLUMNS,
        "n_observed",
    ]
    assert list(fit.contrasts("arm", by="visit")) == ["visit", "contrast", *COLUMNS]
    assert list(fit.percent_differences("arm")) == [
        "contrast",
        *COLUMNS,
        "not_estimable",
    ]
    tests = ["numerator_df", "df", "statistic", "p_value"]
    assert list(fit.tests()) == ["term", *tests]
    assert list(fit.joint_test(np.eye(8)[1:3])) == tests
    assert list(fit.beta_covariance.columns) == list(fit.design.names)


@pytest.mark.parametrize("df", [1.0, 3.7, 40, np.inf])
def test_intervals_and_p_values_are_those_of_the_t_distribution(df):
    fit = ordinary(FULL, trial(), df=df, level=0.9)
    table = fit.coefficients
    t = table["estimate"] / table["standard_error"]
    np.testing.assert_allclose(table["p_value"], 2 * stats.t.sf(np.abs(t), df), 1e-12)
    half = stats.t.isf(0.05, df) * table["standard_error"]
    np.testing.assert_allclose(table["ci_upper"], table["estimate"] + half, 1e-12)
    wide = fit.contrast(np.eye(8), level=0.99)
    half = stats.t.isf(0.005, df) * table["standard_error"]
    np.testing.assert_allclose(wide["ci_lower"], table["estimate"] - half, 1e-12)


def test_contrasts_may_be_written_in_several_ways():
    fit = ordinary(FULL, trial())
    names = list(fit.design.names)
    row = np.zeros(8)
    row[names.index("arm[T.TRT]")], row[names.index("base")] = 1, 10
    by_vector = fit.contrast(row)
    by_name = fit.contrast({"arm[T.TRT]": 1, "base": 10})
    pd.testing.assert_frame_equal(by_vector, by_name)
    several = fit.contrast({"one": {"base": 10, "arm[T.TRT]": 1}, "two": row})
    assert list(several["contrast"]) == ["one", "two"]
    np.testing.assert_array_equal(several["estimate"], [by_vector["estimate"][0]] * 2)
    assert list(fit.contrast(row, names=["mine"])["contrast"]) == ["mine"]
    for wrong, message in (
        ({"arm[T.TRD]": 1}, r"no coefficient 'arm\[T.TRD\]'"),
        (np.ones(5), "shape"),
        ({"base": np.nan}, "not finite"),
        ({"base": "much"}, "not a number"),
    ):
        with pytest.raises(DataError, match=message):
            fit.contrast(wrong)
    with pytest.raises(DataError, match="2 names for 1"):
        fit.contrast(row, names=["a", "b"])
    with pytest.raises(NotEstimableError, match="no variance"):
        fit.contrast(np.zeros(8))
    with pytest.raises(DataError, match="confidence level"):
        fit.contrast(row, level=95)


def test_a_joint_test_of_one_contrast_is_the_square_of_t():
    fit = ordinary(FULL, trial())
    row = np.eye(8)[1]
    single, joint = fit.contrast(row), fit.joint_test(np.array([row, 2 * row]))
    assert joint["numerator_df"][0] == 1
    assert joint["statistic"][0] == pytest.approx(single["statistic"][0] ** 2)
    assert joint["p_value"][0] == pytest.approx(single["p_value"][0], rel=1e-9)


def test_means_of_a_saturated_model_are_the_means_of_its_cells():
    data = trial()
    fit = ordinary("y ~ arm * visit", data)
    cells = data.groupby(["arm", "visit"])["y"].agg(["mean", "size"]).reset_index()
    means = fit.ls_means(["arm", "visit"])
    np.testing.assert_allclose(means["estimate"], cells["mean"], rtol=1e-12)
    np.testing.assert_array_equal(means["n_observed"], cells["size"])
    assert list(means["visit"]) == ["V1", "V2"] * 3
    equal = cells.groupby("arm")["mean"].mean()
    np.testing.assert_allclose(fit.ls_means("arm")["estimate"], equal, rtol=1e-12)
    # Weights by the margin of the visits, the same for each arm.
    share = data["visit"].value_counts(normalize=True)
    parts = cells["mean"] * cells["visit"].map(share)
    weighed = parts.groupby(cells["arm"]).sum()
    np.testing.assert_allclose(
        fit.ls_means("arm", weights="proportional")["estimate"], weighed, rtol=1e-12
    )
    held = fit.ls_means("arm", at={"visit": "V2"})
    np.testing.assert_allclose(
        held["estimate"], cells.loc[cells["visit"] == "V2", "mean"], rtol=1e-12
    )
    np.testing.assert_array_equal(
        held["n_observed"], cells.loc[cells["visit"] == "V2", "size"]
    )
    over_all = fit.ls_means([])
    assert over_all["estimate"][0] == pytest.approx(cells["mean"].mean())


def test_contrasts_subtract_least_squares_means():
    fit = ordinary(FULL, trial())
    means = fit.ls_means(["visit", "arm"], at={"base": 20})
    table = means.set_index(["visit", "arm"])["estimate"]
    against = fit.contrasts("arm", by="visit", reference="TRT", at={"base": 20})
    assert list(against["visit"]) == ["V1", "V1", "V2", "V2"]
    assert list(against["contrast"]) == ["PBO - TRT", "XRT - TRT"] * 2
    expected = [
        table[visit, arm] - table[visit, "TRT"]
        for visit in ("V1", "V2")
        for arm in ("PBO", "XRT")
    ]
    np.testing.assert_allclose(against["estimate"], expected, rtol=1e-9)
    pairs = fit.contrasts("arm", method="pairwise")
    assert list(pairs["contrast"]) == ["TRT - PBO", "XRT - PBO", "XRT - TRT"]
    gaps = pairs["estimate"]
    assert gaps[2] == pytest.approx(gaps[1] - gaps[0])


def test_an_extrapolated_mean_is_marked():
    data = trial()
    data = data[~((data["arm"] == "XRT") & (data["sex"] == "M"))]
    means = ordinary("y ~ base + arm + sex", data).ls_means(["arm", "sex"])
    empty = means.loc[means["n_observed"] == 0]
    assert empty[["arm", "sex"]].to_numpy().tolist() == [["XRT", "M"]]


def test_percent_differences_by_numerical_derivatives():
    fit = ordinary(FULL, trial())
    found = fit.percent_differences("arm", by="visit")
    _, matrix = ls_means_matrix(fit.design, ["visit", "arm"])

    def percent(beta):
        means = (matrix @ beta).reshape(2, 3)
        return (100 * (means[:, 1:] / means[:, :1] - 1)).ravel()

    step = 1e-5
    slopes = np.array(
        [
            (percent(fit.beta + step * e) - percent(fit.beta - step * e)) / (2 * step)
            for e in np.eye(len(fit.beta))
        ]
    ).T
    variance = np.diag(slopes @ fit.small_sample.covariance @ slopes.T)
    np.testing.assert_allclose(found["estimate"], percent(fit.beta), rtol=1e-9)
    # Central differences leave about the square of the step.
    np.testing.assert_allclose(found["standard_error"], np.sqrt(variance), rtol=1e-6)
    assert (found["not_estimable"] == "").all()


def test_a_percentage_of_nothing_is_not_estimable():
    data = trial()
    data["y"] -= data.loc[data["arm"] == "PBO", "y"].mean()
    found = ordinary("y ~ arm", data).percent_differences("arm")
    assert found[COLUMNS].isna().all(axis=None)
    assert (
        found["not_estimable"] == "the 95 % interval of the reference mean holds 0"
    ).all()
    mixed = ordinary("y ~ arm", data).percent_differences("arm", reference="TRT")
    assert mixed[COLUMNS].notna().all(axis=None)


@given(seed=st.integers(0, 10_000))
def test_means_and_hypotheses_do_not_depend_on_the_order_of_rows(seed):
    data = trial(60, seed)
    order = np.random.default_rng(seed).permutation(60)
    try:
        designs = [build_design(FULL, d) for d in (data, data.iloc[order])]
        pairs = [hypotheses(d, 2) for d in designs]
    except NotEstimableError:
        return
    for weights in ("equal", "proportional"):
        first, second = (
            ls_means_matrix(d, ["arm", "visit"], weights=weights)[1] for d in designs
        )
        np.testing.assert_array_equal(first, second)
    for term, matrix in pairs[0].items():
        np.testing.assert_array_equal(matrix, pairs[1][term])


@pytest.mark.parametrize(
    "other",
    [
        "y ~ base + sex + C(arm, contr.sum) * C(visit, contr.helmert)",
        'y ~ base + sex + C(arm, contr.treatment("XRT")) * visit',
        "y ~ I(base / 10 - 3) + sex + arm * visit",
        "y ~ 0 + sex + base + arm * visit",
    ],
)
def test_means_and_tests_do_not_depend_on_how_the_model_is_written(other):
    data = trial()
    plain, again = ordinary(FULL, data), ordinary(other, data)
    for call in (
        lambda fit: fit.ls_means(["arm", "visit"]),
        lambda fit: fit.ls_means("arm", weights="proportional", at={"base": 20}),
        lambda fit: fit.contrasts("arm", by="visit", reference="XRT"),
    ):
        left, right = call(plain), call(again)
        np.testing.assert_allclose(left["estimate"], right["estimate"], rtol=1e-9)
        np.testing.assert_allclose(
            left["standard_error"], right["standard_error"], rtol=1e-9
        )
    for kind in (2, 3):
        left, right = plain.tests(kind)["statistic"], again.tests(kind)["statistic"]
        # Without intercept `sex` has a coefficient for each level.
        keep = slice(2, None) if other.startswith("y ~ 0") else slice(None)
        np.testing.assert_allclose(left[2:] if keep.start else left, right[keep], 1e-8)


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1e12])
def test_tests_do_not_depend_on_the_unit_of_a_covariate(scale):
    data = trial()
    plain = ordinary("y ~ base * arm + sex", data)
    again = ordinary("y ~ base * arm + sex", data.assign(base=scale * data["base"]))
    for kind in (1, 2, 3):
        np.testing.assert_allclose(
            plain.tests(kind)["statistic"], again.tests(kind)["statistic"], rtol=1e-8
        )


def test_a_design_with_columns_taken_out():
    data = trial()
    full = build_design("y ~ visit + arm:visit", data)
    keep = np.array([not name.endswith("visit[V1]") for name in full.names])
    design = without_columns(full, keep)
    # Written out: an arm's column is one at its second visits.
    data["t2"] = ((data["arm"] == "TRT") & (data["visit"] == "V2")).astype(float)
    data["x2"] = ((data["arm"] == "XRT") & (data["visit"] == "V2")).astype(float)
    plain = ordinary("y ~ visit + t2 + x2", data)
    fit = FixedEffectsResult(
        design=design,
        beta=plain.beta,
        small_sample=plain.small_sample,
        crossproduct=plain.crossproduct,
    )
    assert (design.names, len(plain.beta)) == (
        tuple(fit.coefficients["coefficient"]),
        4,
    )
    both = plain.joint_test(np.eye(4)[2:])
    for kind in (1, 2, 3):
        tests = fit.tests(kind).set_index("term").loc["arm:visit"]
        assert tests["statistic"] == pytest.approx(both["statistic"][0], rel=1e-9)
    means = fit.ls_means(["visit", "arm"])["estimate"]
    assert set(means[:3]) == {means[0]}
    assert means[4] - means[3] == pytest.approx(plain.beta[2])


def test_a_number_used_as_a_factor():
    data = trial().assign(week=lambda d: d["visit"].map({"V1": 4, "V2": 12}))
    fit = ordinary("y ~ base + C(week) * arm", data)
    other = ordinary("y ~ base + visit * arm", data)
    means = fit.ls_means("week", at={"arm": "TRT"})
    assert list(means["week"]) == [4, 12]
    np.testing.assert_allclose(
        means["estimate"], other.ls_means("visit", at={"arm": "TRT"})["estimate"]
    )
    np.testing.assert_allclose(
        fit.ls_means("arm", at={"week": 12})["estimate"],
        other.ls_means("arm", at={"visit": "V2"})["estimate"],
    )


def test_a_split_covariate_has_the_means_of_the_whole_one():
    data = trial()
    data["half"] = data["base"] / 2 + np.sin(np.arange(len(data)))
    data["rest"] = data["base"] - data["half"]
    whole = ordinary("y ~ base + arm", data).beta
    split = ordinary("y ~ base + half + arm", data)
    parts = ordinary("y ~ half + rest + arm", data)
    pd.testing.assert_frame_equal(
        split.ls_means("arm"), parts.ls_means("arm"), check_exact=False, rtol=1e-9
    )
    assert len(whole) + 1 == len(split.beta)


def test_fitted_values_and_predictions():
    data = trial()
    data.loc[4, "y"] = np.nan
    fit = ordinary("y ~ base * arm + sex", data)
    np.testing.assert_allclose(fit.fitted(), fit.design.matrix() @ fit.beta, rtol=1e-13)
    predicted = fit.predict(data[["sex", "arm", "base"]])
    np.testing.assert_allclose(predicted[fit.design.rows], fit.fitted(), rtol=1e-13)
    assert np.isfinite(predicted[4])


def test_a_formula_outside_the_factorisation_has_means_and_sequential_tests():
    data = trial()
    fit = ordinary("y ~ arm + C(base > 30)", data)
    plain = ordinary("y ~ arm + high", data.assign(high=data["base"] > 30))
    means = fit.ls_means("arm", at={"base": 31})
    theirs = plain.ls_means("arm", at={"high": True})
    np.testing.assert_allclose(means["estimate"], theirs["estimate"], rtol=1e-12)
    np.testing.assert_allclose(
        fit.tests(1)["statistic"], plain.tests(1)["statistic"], rtol=1e-10
    )
    with pytest.raises(NotEstimableError, match="no hypotheses of types 2 and 3"):
        fit.tests(3)


def test_aliased_columns_have_no_hypotheses():
    data = trial()
    data = data[~((data["arm"] == "XRT") & (data["visit"] == "V2"))]
    design = build_design(FULL, data)
    for kind in (1, 2, 3):
        with pytest.raises(NotEstimableError):
            hypotheses(design, kind)
    with pytest.raises(DataError, match="no such type"):
        hypotheses(build_design(FULL, trial()), 4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda fit: fit.ls_means("arms"), "no variable.*are arm"),
        (lambda fit: fit.ls_means("base"), "'base' is numeric"),
        (lambda fit: fit.ls_means(["arm", "arm"]), "named twice"),
        (lambda fit: fit.ls_means("arm", at={"arm": "PBO"}), "named twice"),
        (lambda fit: fit.ls_means("arm", at={"visit": "V9"}), "not a level"),
        (lambda fit: fit.ls_means("arm", at={"base": "low"}), "not a number"),
        (lambda fit: fit.ls_means("arm", at={"base": np.nan}), "not a number"),
        (lambda fit: fit.ls_means("arm", weights="outer"), "no such weights"),
        (lambda fit: fit.contrasts("arm", reference="PLACEBO"), "not a level"),
        (lambda fit: fit.contrasts("arm", method="dunnett"), "no such method"),
        (
            lambda fit: fit.contrasts("arm", method="pairwise", reference="PBO"),
            "has no reference",
        ),
        (lambda fit: fit.predict(pd.DataFrame({"arm": ["PBO"]})), "no column"),
    ],
)
def test_wrong_questions_say_what_is_wrong(call, message):
    with pytest.raises(DataError, match=message):
        call(ordinary(FULL, trial()))


def weeks():
    """Return a number that stands both under ``C()`` and as a number."""
    base = np.repeat([5, 6.5, 7, 5.5, 6, 8, 4, 6, 9, 7.5, 3, 5], 5)
    week = np.tile([4, 8, 12], 20)
    arm = np.tile(np.repeat(["A", "P"], 3), 10)
    y = week * 0.1 + base * 0.3 + (arm == "A") * 0.5 + np.sin(np.arange(1, 61))
    return pd.DataFrame(
        {
            **{"y": np.round(y, 3), "arm": arm, "base": base, "week": week},
            **{"week no": week, "visit": [f"V{w:02d}" for w in week]},
        }
    )


def test_a_number_that_is_a_factor_too_is_never_held_at_its_mean():
    # R 4 with emmeans 1: emmeans(lm(y ~ factor(week) * arm + week:base), ...), the
    # levels of week averaged over; printed with 7 significant digits.
    fit = ordinary("y ~ C(week) * arm + week:base", weeks())
    np.testing.assert_allclose(
        fit.ls_means("arm")["estimate"], [3.437717, 2.315223], atol=6e-7
    )
    means = fit.ls_means(["week", "arm"])
    expected = [2.505595, 2.422315, 3.599670, 2.223450, 4.207885, 2.299905]
    np.testing.assert_allclose(means["estimate"], expected, atol=6e-7)
    np.testing.assert_allclose(
        means["standard_error"][:2], [0.17583697, 0.17600637], atol=6e-9
    )
    held = fit.ls_means("arm", at={"week": 8})
    np.testing.assert_allclose(held["estimate"], expected[2:4], atol=6e-7)
    with pytest.raises(DataError, match="not a level"):
        fit.ls_means("arm", at={"week": 7})
    with pytest.raises(DataError, match="not a level"):
        fit.predict(weeks().head(2).assign(week=99))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C(week) * arm + week:base", "visit * arm + week:base"),
        ("C(week) * arm + I(week * base)", "visit * arm + I(week * base)"),
        ("C(`week no`) * arm", "visit * arm"),
        ('C(Q("week no")) * arm + base', "visit * arm + base"),
    ],
)
def test_labels_made_of_numbers_are_labels(one, other):
    first, second = (ordinary(f"y ~ {text}", weeks()) for text in (one, other))
    for kind in (1, 2, 3):
        left, right = (fit.tests(kind)["statistic"] for fit in (first, second))
        np.testing.assert_allclose(left, right, rtol=1e-8)
    week = next(name for name in first.design.levels if name != "arm")
    if "week" not in second.design.variables:
        left, right = (fit.contrasts("arm") for fit in (first, second))
        np.testing.assert_allclose(left["estimate"], right["estimate"], rtol=1e-9)
        assert list(first.ls_means(week)[week]) == [4, 8, 12]


def test_type_two_tells_a_number_from_the_factor_made_of_it():
    # arm:week:base holds the number, arm:C(week) the labels: as with visit.
    first = ordinary("y ~ arm:C(week) + arm:week:base + base", weeks())
    second = ordinary("y ~ arm:visit + arm:week:base + base", weeks())
    np.testing.assert_allclose(
        first.tests(2)["statistic"], second.tests(2)["statistic"], rtol=1e-8
    )


@pytest.mark.parametrize("formula", ["C(week + 0) * arm", "C(week + 0) + 0.5:base"])
def test_a_mean_that_is_no_label_is_refused(formula):
    fit = ordinary(f"y ~ {formula}", weeks().iloc[1:])
    with pytest.raises(DataError, match="not among its levels"):
        fit.ls_means([])
    assert fit.ls_means([], at={"week": 8})["estimate"].notna().all()
    with pytest.raises(DataError, match="not among its levels"):
        fit.predict(weeks().head(2).assign(week=99))
    with pytest.raises(DataError, match="not among its levels"):
        build_design("y ~ C(arm, levels=['A'])", weeks())


def test_labelled_weights_are_read_by_their_labels():
    fit = ordinary(FULL, trial())
    names = list(fit.design.names)
    values = np.arange(1.0, 9)
    plain = fit.contrast(values)
    series = pd.Series(values, index=names)[::-1]
    pd.testing.assert_frame_equal(fit.contrast(series), plain)
    pd.testing.assert_frame_equal(fit.contrast({"1": series}), plain)
    frame = pd.DataFrame(np.eye(8), index=names, columns=names).iloc[2:4, ::-1]
    found = fit.contrast(frame)
    assert list(found["contrast"]) == names[2:4]
    np.testing.assert_array_equal(
        found["estimate"], fit.coefficients["estimate"].iloc[2:4]
    )
    pd.testing.assert_frame_equal(fit.joint_test(frame), fit.joint_test(np.eye(8)[2:4]))
    # Coefficients that are not named have weight zero.
    pd.testing.assert_frame_equal(
        fit.joint_test(frame[names[2:4]]), fit.joint_test(frame)
    )
    for wrong, message in (
        (pd.Series(values), "no coefficient 0"),
        (pd.DataFrame(np.eye(8)), "no coefficient 0"),
        (pd.Series([1.0, 2.0], index=["base", "base"]), "named twice"),
        (pd.DataFrame([[1.0, 2.0]], columns=["base", "base"]), "named twice"),
        (frame.iloc[:0], "shape"),
        ({"one": np.eye(8)[:2]}, "several rows"),
    ):
        with pytest.raises(DataError, match=message):
            fit.contrast(wrong)


@pytest.mark.parametrize(
    "formula", [FULL, "y ~ poly(base, 2) + C(arm, contr.sum)", "y ~ arm + C(base > 30)"]
)
@pytest.mark.parametrize(
    "copied", [lambda fit: pickle.loads(pickle.dumps(fit)), copy.deepcopy]
)
def test_a_result_survives_pickling_and_copying(formula, copied):
    fit = ordinary(formula, trial())
    again = copied(fit)
    pd.testing.assert_frame_equal(again.ls_means("arm"), fit.ls_means("arm"))
    pd.testing.assert_frame_equal(again.tests(1), fit.tests(1))
    np.testing.assert_array_equal(again.design.matrix(), fit.design.matrix())
    np.testing.assert_array_equal(again.predict(trial()), fit.predict(trial()))
    assert again.design.levels == fit.design.levels
    with pytest.raises(TypeError):
        again.design.levels["arm"] = ("X", "Y")


def test_a_fit_over_visits_survives_pickling():
    data = trial(120)
    data["subject"] = np.repeat(np.arange(60), 2)
    data["visit"] = np.tile(["V1", "V2"], 60)
    data["arm"] = np.repeat(data["arm"].to_numpy()[::2], 2)
    fit = fit_mmrm("y ~ base + arm * visit", data, subject="subject", visit="visit")
    for again in (pickle.loads(pickle.dumps(fit)), copy.deepcopy(fit)):
        pd.testing.assert_frame_equal(
            again.contrasts("arm", by="visit"), fit.contrasts("arm", by="visit")
        )
        pd.testing.assert_frame_equal(again.tests(), fit.tests())


def test_a_categorical_stays_one_with_the_levels_used():
    data = trial()
    data["visit"] = pd.Categorical(data["visit"], ["V9", "V2", "V1"], ordered=True)
    data["sex"] = data["sex"].astype("category")
    fit = ordinary(FULL, data)
    found = fit.ls_means("arm", by=["visit", "sex"])
    assert found["visit"].dtype == pd.CategoricalDtype(["V2", "V1"], ordered=True)
    assert found["sex"].dtype == pd.CategoricalDtype(["F", "M"])
    assert found["arm"].dtype == ordinary(FULL, trial()).ls_means("arm")["arm"].dtype
    for table in (fit.contrasts, fit.percent_differences):
        assert list(table("arm", by="visit")["visit"].cat.categories) == ["V2", "V1"]
    assert list(fit.ls_means("visit").sort_values("visit")["visit"]) == ["V2", "V1"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda fit: fit.contrasts(["arm", "visit"]), "is no name.*others in `by`"),
        (lambda fit: fit.percent_differences(3), "is no name"),
        (lambda fit: fit.ls_means(3), "no names"),
        (lambda fit: fit.ls_means(["arm", 3]), "no names"),
        (lambda fit: fit.ls_means({"arm": "TRT"}), "no names"),
        (lambda fit: fit.contrasts("arm", by=3), "no names"),
        (lambda fit: fit.ls_means("arm", at=("base", 5)), "`at` is no mapping"),
        (lambda fit: fit.ls_means("arm", at="base"), "`at` is no mapping"),
        (lambda fit: fit.ls_means("arm", at={"visit": ["V1"]}), "not a level"),
        (lambda fit: fit.ls_means("arm", at={"visit": np.ones(2)}), "not a level"),
        (lambda fit: fit.contrasts("arm", reference=["PBO"]), "not a level"),
        (lambda fit: fit.contrasts("base"), r"write C\(base\) in the formula"),
        (lambda fit: fit.ls_means("arm", level="0.95"), "not a number"),
        (lambda fit: fit.contrast(np.ones(8), level=True), "not a number"),
        (lambda fit: fit.percent_differences("arm", level="0.95"), "not a number"),
    ],
)
def test_arguments_of_a_wrong_type_say_what_is_wrong(call, message):
    with pytest.raises(DataError, match=message):
        call(ordinary(FULL, trial()))


@pytest.mark.parametrize("name", ["n_observed", "contrast", "estimate"])
def test_a_factor_is_not_called_as_a_column_of_the_tables(name):
    fit = ordinary(f"y ~ arm * {name}", trial().rename(columns={"visit": name}))
    for call in (fit.ls_means, fit.contrasts, lambda f: fit.contrasts("arm", by=f)):
        with pytest.raises(DataError, match="rename the column"):
            call(name)
    assert fit.ls_means("arm")["estimate"].notna().all()
