"""Cochran-Mantel-Haenszel tests: R, books, every permutation, and what is refused."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from trialstats.cochran_mantel_haenszel import (
    ALTERNATIVES,
    SCORES,
    cmh_test,
    is_informative,
)
from trialstats.errors import DataError, NotEstimableError
from trialstats.second_engine.categories_engine import permutation_test
from trialstats.stratified_effects import homogeneity_tests, stratified_effect

#: Closed forms in double precision; R prints 15 digits.
CLOSED = 1e-11


@pytest.fixture(scope="module")
def reference(root):
    file = root / "tests/reference/categorical/mantelhaen.json"
    return json.loads(file.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tables(reference):
    return {k: np.array(v["counts"]) for k, v in reference["tables"].items()}


@pytest.fixture(scope="module")
def results(reference):
    return {found["name"]: found["values"] for found in reference["results"]}


def assert_test(found, expected):
    assert found.statistic == pytest.approx(expected["statistic"], rel=CLOSED)
    assert found.df == expected["df"]
    assert found.p_value == pytest.approx(expected["p_value"], rel=CLOSED)


@pytest.mark.reference
@pytest.mark.parametrize(
    "name", ["migraine", "UCBAdmissions", "arthritis", "satisfaction"]
)
def test_general_association_is_that_of_r(name, tables, results):
    assert_test(cmh_test(tables[name], "general_association"), results[name])


@pytest.mark.reference
@pytest.mark.parametrize("name", ["satisfaction", "arthritis"])
def test_row_means_of_ranks_in_one_stratum_are_kruskal_and_wallis(
    name, tables, results
):
    found = cmh_test(tables[name][:1], "row_means", scores="rank")
    assert_test(found, results[f"kruskal_{name}"])


@pytest.mark.reference
def test_row_means_of_ranks_within_subjects_are_friedman(reference, results):
    scores = np.array(reference["blocks"]["scores"])
    values = np.unique(scores)
    tables = (scores[:, :, None] == values).astype(int)
    found = cmh_test(tables, "row_means", scores="rank")
    assert_test(found, results["friedman"])


@pytest.mark.reference
def test_modified_ridits_of_two_rows_are_van_elteren(tables, results):
    found = cmh_test(tables["arthritis"], "row_means", scores="modified_ridit")
    assert_test(found, results["van_elteren_arthritis"])


@pytest.mark.reference
@pytest.mark.parametrize("stratum", [1, 2])
def test_correlation_of_one_stratum_is_that_of_pearson_and_spearman(
    stratum, tables, results
):
    one = tables["satisfaction"][stratum - 1 : stratum]
    found = cmh_test(one, "correlation")
    assert_test(found, results[f"correlation_satisfaction_{stratum}"])
    found = cmh_test(one, "correlation", scores="rank")
    assert_test(found, results[f"spearman_satisfaction_{stratum}"])


#: Agresti (2002), Categorical Data Analysis, section 7.5: job satisfaction with the
#: scores 3, 10, 20, 35 and 1, 3, 4, 5; printed to four decimals.
AGRESTI = {
    "correlation": (6.1563, 1, 0.0131),
    "row_means": (9.0342, 3, 0.0288),
    "general_association": (10.2001, 9, 0.3345),
}


@pytest.mark.parametrize("statistic", AGRESTI)
def test_agresti_prints_the_same(statistic, tables):
    found = cmh_test(
        tables["satisfaction"],
        statistic,
        row_values=[3, 10, 20, 35],
        column_values=[1, 3, 4, 5],
    )
    value, df, p_value = AGRESTI[statistic]
    assert (round(found.statistic, 4), found.df) == (value, df)
    assert round(found.p_value, 4) == p_value


def permuted(table, left, right):
    """Return mean and covariance of left' n right over every order of the subjects."""
    rows = np.repeat(np.arange(len(table)), table.sum(axis=1))
    columns = np.concatenate([np.repeat(np.arange(len(r)), r) for r in table])
    every = np.array(
        [
            (left[:, rows] @ right[list(order)]).ravel()
            for order in itertools.permutations(columns)
        ]
    )
    observed = (left[:, rows] @ right[columns]).ravel()
    return observed, every.mean(axis=0), np.cov(every, rowvar=False, ddof=0)


#: Six subjects in each stratum: 720 orders.
SMALL = np.array([[[1, 1, 0], [0, 1, 1], [0, 0, 2]], [[0, 2, 1], [1, 0, 1], [1, 0, 0]]])


@pytest.mark.parametrize("statistic", ALTERNATIVES)
@pytest.mark.parametrize("scores", SCORES)
def test_moments_are_those_of_every_permutation(statistic, scores):
    total = mean = spread = 0.0
    for table in SMALL:
        column = midranks(table.sum(axis=0), scores)
        row = midranks(table.sum(axis=1), scores)
        left = np.eye(3)[:2] if statistic != "correlation" else row[None]
        right = column[:, None]
        if statistic == "general_association":
            right = np.eye(3)[:, :2]
        observed, expected, covariance = permuted(table, left, right)
        total, mean, spread = (
            total + observed,
            mean + expected,
            spread + np.atleast_2d(covariance),
        )
    away = total - mean
    expected = float(away @ np.linalg.inv(spread) @ away)
    found = cmh_test(SMALL, statistic, scores=scores)
    assert found.statistic == pytest.approx(expected, rel=1e-9)
    assert found.df == len(away)


def midranks(margin, scores):
    """Return the scores of the levels of a margin, from ranked subjects."""
    levels = np.repeat(np.arange(len(margin)), margin)
    if scores == "table":
        return np.arange(1.0, len(margin) + 1)
    ranks = stats.rankdata(levels)
    over = {"rank": 1, "ridit": len(levels), "modified_ridit": len(levels) + 1}
    made = [ranks[levels == k].mean() if margin[k] else 0 for k in range(len(margin))]
    return np.array(made) / over[scores]


counts = st.lists(
    st.lists(
        st.lists(st.integers(0, 6), min_size=3, max_size=3), min_size=3, max_size=3
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(counts, st.sampled_from(list(ALTERNATIVES)), st.sampled_from(list(SCORES)))
def test_single_subjects_give_the_same(tables, statistic, scores):
    cells = [
        (float(i), float(j), str(h))
        for h, table in enumerate(tables)
        for i, row in enumerate(table)
        for j, n in enumerate(row)
        for _ in range(n)
    ]
    values = ([0.0, 1.0, 2.0],) * 2
    try:
        ours = cmh_test(
            tables,
            statistic,
            scores=scores,
            row_values=values[0],
            column_values=values[1],
        )
    except NotEstimableError:
        ours = None
    arms, categories, strata = zip(*cells, strict=True) if cells else ((), (), ())
    theirs = {"estimate": None}
    if len(set(arms)) > 1 and len(set(categories)) > 1:
        theirs = permutation_test(arms, categories, strata, statistic, scores)
    assert (ours is None) == (theirs["estimate"] is None)
    if ours is not None:
        assert ours.df == theirs["df"]
        assert ours.statistic == pytest.approx(theirs["estimate"], rel=1e-7, abs=1e-9)


def test_one_stratum_of_general_association_is_pearson_but_for_one_subject():
    table = np.array([[20, 31, 8], [14, 40, 12], [17, 25, 3]])
    pearson = stats.chi2_contingency(table, correction=False)
    found = cmh_test([table], "general_association")
    n = table.sum()
    assert found.statistic == pytest.approx(pearson.statistic * (n - 1) / n, rel=CLOSED)
    assert found.df == pearson.dof


def test_scores_count_up_to_a_line_and_far_ones_do_not_cancel(tables):
    plain = cmh_test(tables["satisfaction"], "row_means")
    moved = [1e9 + 10 * value for value in range(4)]
    found = cmh_test(tables["satisfaction"], "row_means", column_values=moved)
    # Scores of 1e9 that differ by 10 hold eight digits of their differences.
    assert found.statistic == pytest.approx(plain.statistic, rel=1e-7)


def test_order_of_strata_rows_and_columns_changes_nothing(tables):
    table = tables["satisfaction"]
    usual = cmh_test(table, "general_association").statistic
    turned = table[::-1, ::-1, [2, 0, 3, 1]]
    again = cmh_test(turned, "general_association").statistic
    assert again == pytest.approx(usual, rel=CLOSED)
    crossed = cmh_test(table.transpose(0, 2, 1), "general_association").statistic
    assert crossed == pytest.approx(usual, rel=CLOSED)


def test_strata_without_information_are_counted_and_change_nothing(tables):
    table = tables["arthritis"]
    nobody, one_arm = np.zeros((2, 3), int), np.array([[3, 1, 2], [0, 0, 0]])
    one_category = np.array([[0, 4, 0], [0, 2, 0]])
    more = np.concatenate([table, [nobody, one_arm, one_category]])
    assert is_informative(more).tolist() == [True, True, False, False, False]
    usual, found = (cmh_test(t, "row_means") for t in (table, more))
    assert found.statistic == pytest.approx(usual.statistic, rel=CLOSED)
    assert (usual.n_strata, usual.n_informative) == (2, 2)
    assert (found.n_strata, found.n_informative) == (4, 2)


@pytest.mark.parametrize(
    ("given", "statistic", "why"),
    [
        ([[[3, 0], [2, 0]]], "row_means", "2 row.s. and 1 column"),
        ([[[3, 1], [0, 0]], [[0, 0], [2, 2]]], "row_means", "No stratum has two rows"),
        (
            [[[3, 1], [2, 2], [0, 0], [0, 0]], [[0, 0], [0, 0], [3, 1], [2, 2]]],
            "row_means",
            "do not connect",
        ),
        (
            [[[3, 1, 0], [2, 2, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 0], [1, 1, 2]]],
            "general_association",
            "do not connect",
        ),
    ],
)
def test_what_has_no_answer_says_why(given, statistic, why):
    with pytest.raises(NotEstimableError, match=why):
        cmh_test(given, statistic)


def test_one_score_for_all_has_no_variance():
    with pytest.raises(NotEstimableError, match="no variance"):
        cmh_test([[[3, 1], [2, 2]]], "row_means", column_values=[1, 1])


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        ([[[1, 2], [3]]], {}, "no rectangles of counts"),
        ([[1, 2], [3, 4]], {}, "2 dimensions"),
        ([[[1, 2], [3, -1]]], {}, "row 2 of table 1, column '2', value -1.0"),
        ([[[1, 2], [3, 0.5]]], {}, "not a count"),
        ([[[1, 2], [3, 4]]], {"statistic": "trend"}, "no statistic 'trend'"),
        ([[[1, 2], [3, 4]]], {"scores": "logit"}, "no scores 'logit'"),
        ([[[1, 2], [3, 4]]], {"column_values": [1, 2, 3]}, "column_values are not 2"),
        ([[[1, 2], [3, 4]]], {"row_values": [1, np.nan]}, "row_values are not 2"),
    ],
)
def test_bad_input_gives_one_clear_error(given, options, said):
    with pytest.raises(DataError, match=said):
        cmh_test(given, **{"statistic": "row_means", **options})


@pytest.mark.reference
@pytest.mark.parametrize("name", ["migraine", "UCBAdmissions"])
def test_the_common_odds_ratio_is_that_of_r(name, tables, results):
    found, expected = stratified_effect(tables[name], "odds_ratio"), results[name]
    ours = np.exp([found.estimate, found.ci_lower, found.ci_upper])
    theirs = [expected[k] for k in ("odds_ratio", "ci_lower", "ci_upper")]
    assert ours == pytest.approx(theirs, rel=CLOSED)


def test_sas_prints_the_same_of_migraine(tables):
    # PROC FREQ, example of stratified tables: printed to four decimals.
    ratio = stratified_effect(tables["migraine"], "risk_ratio")
    limits = np.exp([ratio.estimate, ratio.ci_lower, ratio.ci_upper])
    assert [round(x, 4) for x in limits] == [2.1636, 1.2336, 3.7948]
    test = homogeneity_tests(tables["migraine"]).breslow_day
    assert (round(test.statistic, 4), round(test.p_value, 4)) == (1.4929, 0.2218)


@pytest.mark.parametrize("variance", ["sato", "greenland_robins"])
def test_the_risk_difference_is_the_weighted_one(variance, tables):
    """Estimate and variance by the formulas of Sato and of Greenland and Robins."""
    found = stratified_effect(
        tables["migraine"], "risk_difference", rd_variance=variance
    )
    weights, differences, parts = [], [], []
    for (a, b), (c, d) in tables["migraine"]:
        n1, n2 = a + b, c + d
        n, p1, p2 = n1 + n2, a / n1, c / n2
        weights.append(n1 * n2 / n)
        differences.append(p1 - p2)
        if variance == "sato":
            slope = (n1**2 * c - n2**2 * a + n1 * n2 * (n2 - n1) / 2) / n**2
            parts.append((slope, (a * (n2 - c) + c * (n1 - a)) / (2 * n)))
        else:
            own = p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2
            parts.append((0.0, own * weights[-1] ** 2))
    estimate = np.average(differences, weights=weights)
    slope, constant = np.sum(parts, axis=0)
    error = np.sqrt(estimate * slope + constant) / sum(weights)
    assert found.estimate == pytest.approx(estimate, rel=CLOSED)
    assert found.standard_error == pytest.approx(error, rel=CLOSED)


@pytest.mark.parametrize(
    ("given", "measure", "why"),
    [
        ([[[0, 5], [3, 2]]], "risk_ratio", "estimated as zero"),
        ([[[2, 3], [0, 5]]], "odds_ratio", "estimated as infinite"),
        ([[[0, 5], [0, 5]]], "odds_ratio", "zero over zero"),
        ([[[0, 5], [0, 5]]], "risk_difference", "variance is estimated as zero"),
        ([[[0, 5], [0, 0]]], "risk_difference", "No stratum has subjects in both"),
    ],
)
def test_an_effect_that_does_not_exist_says_why(given, measure, why):
    found = stratified_effect(given, measure)
    assert found.estimate is None
    assert found.ci_lower is None
    assert why in found.not_estimable


def test_strata_with_one_arm_do_not_count(tables):
    more = np.concatenate([tables["migraine"], [[[4, 2], [0, 0]]]])
    usual, found = (
        stratified_effect(t, "risk_difference") for t in (tables["migraine"], more)
    )
    assert found == usual
    assert found.n_strata == 2


def test_one_stratum_has_no_test_of_homogeneity(tables):
    found = homogeneity_tests(tables["migraine"][:1])
    assert found.breslow_day is None
    assert "Fewer than two strata" in found.not_estimable


def test_effects_are_of_two_arms_and_a_measure_that_exists():
    with pytest.raises(DataError, match="the tables are 2 x 3"):
        stratified_effect([[[1, 2, 3], [4, 5, 6]]], "odds_ratio")
    with pytest.raises(DataError, match="no measure 'hazard_ratio'"):
        stratified_effect([[[1, 2], [4, 5]]], "hazard_ratio")
