"""Tables of counts: against R, against all tables one by one, and what is refused."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from trialstats.contingency import chi_square_test, fisher_exact_test
from trialstats.errors import DataError, NotEstimableError

#: Sums of up to a million probabilities in two orders.
SUMS = 1e-9

#: R 4.2.2: fisher.test(table, workspace = 2e8)$p.value.
FISHER = (
    ([[3, 0, 1], [83, 84, 83]], 0.32812598226805),
    ([[20, 31, 8], [14, 40, 12], [17, 25, 3], [9, 30, 11]], 0.12954132283715),
    ([[2, 3, 7], [4, 3, 2], [3, 8, 1], [5, 5, 4], [6, 1, 9]], 0.031103587172372),
    ([[0, 7, 2], [5, 1, 4]], 0.0051094416419494),
    ([[12, 5], [3, 9]], 0.025327687033676),
    ([[14, 8, 11], [42, 47, 55], [30, 29, 18]], 0.135550933055),
)


@pytest.mark.reference
@pytest.mark.parametrize(("table", "expected"), FISHER)
def test_fisher_agrees_with_r(table, expected):
    assert fisher_exact_test(table).p_value == pytest.approx(expected, rel=SUMS)


def all_tables(rows, columns):
    """Yield every table with these margins, from all the numbers there are."""
    r, c = len(rows), len(columns)
    ranges = [range(min(rows[i], columns[j]) + 1) for i in range(r) for j in range(c)]
    for cells in itertools.product(*ranges):
        table = np.reshape(cells, (r, c))
        if (table.sum(axis=1) == rows).all() and (table.sum(axis=0) == columns).all():
            yield table


def by_enumeration(table):
    """Return Freeman and Halton's p-value in whole numbers."""
    table = np.array(table)
    found = []
    for each in all_tables(table.sum(axis=1), table.sum(axis=0)):
        found.append(math.prod(math.factorial(int(x)) for x in each.ravel()))
    own = math.prod(math.factorial(int(x)) for x in table.ravel())
    # A table is as improbable when the product of its factorials is as large.
    common = math.lcm(*found)
    weights = [common // product for product in found]
    chosen = sum(w for w, p in zip(weights, found, strict=True) if p >= own)
    return chosen / sum(weights)


@pytest.mark.parametrize(
    "table",
    [
        [[1, 2, 0], [0, 1, 3]],
        [[2, 0, 1], [1, 1, 1], [0, 3, 0]],
        [[4, 0], [1, 3]],
        [[1, 0, 2, 1], [2, 2, 0, 0]],
        # Ties: every table of these margins has one probability or its mirror's.
        [[1, 1], [1, 1]],
        [[2, 1], [1, 2]],
    ],
)
def test_fisher_is_the_sum_over_all_tables(table):
    expected = by_enumeration(table)
    assert fisher_exact_test(table).p_value == pytest.approx(expected, rel=SUMS)


counts = st.integers(0, 9)
tables = st.integers(2, 4).flatmap(
    lambda c: st.lists(st.lists(counts, min_size=c, max_size=c), min_size=2, max_size=3)
)


@given(tables)
def test_order_of_rows_and_columns_does_not_matter(table):
    try:
        found = fisher_exact_test(table).p_value
    except NotEstimableError:
        return
    turned = [row[::-1] for row in table[::-1]]
    assert fisher_exact_test(turned).p_value == pytest.approx(found, rel=SUMS)
    across = np.transpose(table)
    assert fisher_exact_test(across).p_value == pytest.approx(found, rel=SUMS)
    pearson = chi_square_test(table)
    assert chi_square_test(across).p_value == pytest.approx(pearson.p_value, rel=1e-9)


@given(st.lists(st.integers(0, 40), min_size=4, max_size=4))
def test_two_by_two_is_scipys(cells):
    table = np.reshape(cells, (2, 2))
    if min(*table.sum(axis=0), *table.sum(axis=1)) == 0:
        with pytest.raises(NotEstimableError):
            fisher_exact_test(table)
        return
    theirs = stats.fisher_exact(table).pvalue
    assert fisher_exact_test(table).p_value == pytest.approx(theirs, rel=1e-7)


def test_probability_of_the_table_itself():
    # Hypergeometric: 3 of 8 drawn from 4 white and 6 black.
    found = fisher_exact_test([[3, 1], [5, 1]])
    expected = math.comb(4, 3) * math.comb(6, 5) / math.comb(10, 8)
    assert found.probability == pytest.approx(expected, rel=1e-12)


def test_many_sites_in_two_arms_are_still_exact():
    # Arms of equal sites: the observed table is the most probable of all.
    assert fisher_exact_test(np.full((2, 17), 10)).p_value == pytest.approx(1)


def test_a_test_that_would_take_too_long_is_refused():
    with pytest.raises(NotEstimableError, match=r"Too many tables.*chi-square"):
        fisher_exact_test(np.full((5, 7), 30))


def test_pearson_by_hand():
    # Expected counts 10 each: four cells differ by 2.
    found = chi_square_test([[12, 8], [8, 12]])
    assert found.statistic == pytest.approx(4 * 4 / 10)
    assert (found.df, found.smallest_expected) == (1, 10)
    corrected = chi_square_test([[12, 8], [8, 12]], continuity=True)
    assert corrected.statistic == pytest.approx(4 * 1.5**2 / 10)


def test_empty_rows_and_columns_are_left_out():
    whole = chi_square_test([[5, 0, 9], [0, 0, 0], [7, 0, 2]])
    assert whole == chi_square_test([[5, 9], [7, 2]])


@pytest.mark.parametrize("test", [chi_square_test, fisher_exact_test])
@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([[1, 2], [3, -4]], "row 2 of the table, column '2', value -4.0: not a count"),
        ([[1.5, 2], [3, 4]], "value 1.5: not a count"),
        ([[1, float("nan")], [3, 4]], "value nan: not a count"),
        ([[1, float("inf")], [3, 4]], "value inf: not a count"),
        ([[1, 2], [3]], "no rectangle of counts"),
        ([["a", "b"], ["c", "d"]], "no rectangle of counts"),
        ([1, 2, 3], "has 1 dimensions"),
    ],
)
def test_no_counts(test, table, message):
    with pytest.raises(DataError, match=message.replace("(", r"\(")):
        test(table)


@pytest.mark.parametrize("test", [chi_square_test, fisher_exact_test])
@pytest.mark.parametrize("table", [[[0, 0], [3, 4]], [[3, 0], [4, 0]], [[5]], [[]]])
def test_nothing_to_compare(test, table):
    with pytest.raises(NotEstimableError, match="independence needs two"):
        test(table)


def test_correction_beyond_two_by_two():
    with pytest.raises(DataError, match="this one is 2 x 3"):
        chi_square_test([[1, 2, 3], [3, 2, 1]], continuity=True)
