"""The factored design against formulaic's own matrix, and what it refuses."""

import warnings

import numpy as np
import pandas as pd
import pytest
from formulaic import Formula
from hypothesis import given
from hypothesis import strategies as st

from trialstats.errors import DataError, NotEstimableError, RankDeficientError
from trialstats.fixed_effects import (
    aliased_columns,
    build_design,
    check_rank,
    design_crossproduct,
)
from trialstats.fixed_effects import columns as columns_module

FORMULAS = [
    "y ~ 1",
    "y ~ b + a * v",
    "y ~ b:v + a:v",
    "y ~ 0 + a + b:v",
    "y ~ a - 1",
    "y ~ np.log(b) + I(b ** 2) + poly(b, 2)",
    "y ~ C(a, contr.sum) * v",
    "y ~ C(a, contr.helmert):v + t",
    "y ~ C(a, contr.diff) * C(t, contr.sum) * z",
    'y ~ C(a, contr.treatment("Q")):b + b:z',
    'y ~ C(a, levels=["R", "Q", "P"]) * v',
    "np.log(b) ~ a * v * b",
    "y ~ g + a:g",
    "y ~ bs(b, df=4):a",
    "y ~ poly(b, 2):poly(z, 2):a",
    "y ~ t:b:a + poly(z, 3):t",
    "y ~ scale(b) * a + center(z)",
    "y ~ b + {b * z}",
    "y ~ b:b + a:a",
    'y ~ Q("my col") + `my col`:a',
    "y ~ (a + b + v) ** 2",
    "y ~ a / v",
    "y ~ b %in% a",
    "y ~ a * v * t * b",
    "y ~ C(week) * a",
    "y ~ C(week, contr.poly) * b",
    'y ~ I(a == "P") + b',
]
#: Formulas whose columns are no product of levels and numbers.
WHOLE = [
    "y ~ C(b > 9) + a",
    "y ~ hashed(a, levels=4)",
    "y ~ C(C(a))",
    "y ~ week + C(week):a",
    "y ~ 3:b",
]


def frame(n=80, seed=1):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "b": rng.normal(9, 1, n),
            "z": rng.normal(size=n),
            "a": pd.Categorical(rng.choice(list("PQR"), n)),
            "v": rng.choice(["v1", "v2", "v3"], n),
            "t": rng.choice(["x", "w"], n).astype(object),
            "g": pd.Categorical(rng.random(n) > 0.5),
            "week": rng.choice([2, 4, 8], n),
            "my col": rng.normal(size=n),
        }
    )


@pytest.mark.reference
@pytest.mark.parametrize("formula", FORMULAS + WHOLE)
def test_the_design_is_formulaics_matrix_bit_for_bit(formula):
    data = frame()
    design = build_design(formula, data)
    theirs = Formula(formula).get_model_matrix(data)
    assert design.names == tuple(theirs.rhs.model_spec.column_names)
    assert [str(t.name) for t in design.terms] == [
        "Intercept" if str(term) == "1" else str(term)
        for term in theirs.rhs.model_spec.term_slices
    ]
    assert [t.columns for t in design.terms] == list(
        theirs.rhs.model_spec.term_slices.values()
    )
    matrix = np.asarray(theirs.rhs, dtype=float)
    np.testing.assert_array_equal(design.matrix(), matrix)
    np.testing.assert_array_equal(design.matrix(np.array([5, 2])), matrix[[5, 2]])
    np.testing.assert_array_equal(design.rows_for(data), matrix)
    np.testing.assert_array_equal(design.response, np.asarray(theirs.lhs)[:, 0])
    assert (design.numeric[:, 0] == 1).all()
    product = matrix.T @ matrix
    np.testing.assert_allclose(
        design_crossproduct(design), product, rtol=1e-12, atol=1e-12 * product.max()
    )
    if formula in FORMULAS:
        assert design.coding.shape[0] <= 3**3 * 2
        assert design.numeric.shape[1] <= 1 + 10


def test_the_parts_of_a_design():
    data = frame()
    data.loc[3, "b"] = np.nan
    data.loc[5, "v"] = None
    data["subject"] = np.where(data.index == 7, None, "s")
    design = build_design("np.log(b) ~ z + a * v", data, other_columns=["subject"])
    assert design.response_name == "np.log(b)"
    assert design.n_left_out == 3
    assert list(design.rows) == [i for i in range(80) if i not in (3, 5, 7)]
    assert design.levels == {"a": ("P", "Q", "R"), "v": ("v1", "v2", "v3")}
    assert design.variables == {"z": "numeric", "a": "categorical", "v": "categorical"}
    assert [t.factors for t in design.terms] == [(), ("z",), ("a",), ("v",), ("a", "v")]
    assert design.numeric.shape == (77, 2)
    assert design.cell_counts.sum() == 77
    labels = data["a"].astype(str) + data["v"]
    names = [
        f"{design.levels['a'][i]}{design.levels['v'][j]}" for i, j in design.cell_levels
    ]
    assert [names[c] for c in design.cells] == list(labels[design.rows])


def test_levels_text_sorted_categorical_in_its_order_and_unused_left_out():
    data = pd.DataFrame(
        {
            "y": [1.0, 2, 3, 4, np.nan],
            "text": ["b", "a", "c", "b", "z"],
            "order": pd.Categorical([*list("ABAB"), "C"], categories=list("CDBA")),
            "flag": [True, False, True, True, False],
        }
    )
    design = build_design("y ~ text + order + flag", data)
    assert design.levels == {
        "text": ("a", "b", "c"),
        "order": ("B", "A"),
        "flag": (False, True),
    }
    assert design.names[-1] == "flag[T.True]"


def test_kinds_of_columns_give_one_design():
    data = frame()
    plain = build_design("y ~ b + a * v", data)
    for kind in (str, object, "category", "string"):
        other = data.astype({"a": kind, "v": kind})
        other["b"] = other["b"].astype("Float64")
        again = build_design("y ~ b + a * v", other)
        assert again.names == plain.names
        np.testing.assert_array_equal(again.matrix(), plain.matrix())


def test_many_levels_are_counted_by_sorting(monkeypatch):
    data = frame()
    plain = build_design("y ~ a * v * t", data)
    monkeypatch.setattr(columns_module, "TABLE_LIMIT", 1)
    again = build_design("y ~ a * v * t", data)
    np.testing.assert_array_equal(again.cells, plain.cells)
    np.testing.assert_array_equal(again.cell_levels, plain.cell_levels)


@given(seed=st.integers(0, 10_000))
def test_row_order_and_relabelling_change_nothing(seed):
    rng = np.random.default_rng(seed)
    data = frame(40, seed)
    data.loc[rng.random(40) < 0.1, "y"] = np.nan
    formula = "y ~ b * t + a:z"
    design = build_design(formula, data)
    order = rng.permutation(len(data))
    shuffled = build_design(formula, data.iloc[order])
    back = np.argsort(order[shuffled.rows])
    np.testing.assert_array_equal(shuffled.matrix()[back], design.matrix())
    np.testing.assert_array_equal(shuffled.coding, design.coding)
    np.testing.assert_array_equal(
        design_crossproduct(shuffled), design_crossproduct(design)
    )
    renamed = data.assign(
        a=data["a"].astype(str).map({"P": "1", "Q": "2", "R": "3"}),
        t=data["t"].map({"w": "k", "x": "l"}),
    )
    again = build_design(formula, renamed)
    np.testing.assert_array_equal(again.matrix(), design.matrix())
    spare = data.assign(a=data["a"].cat.add_categories(["never"]))
    np.testing.assert_array_equal(
        build_design(formula, spare).matrix(), design.matrix()
    )


def test_a_stateful_transform_keeps_its_basis_for_new_rows():
    data = frame()
    design = build_design("y ~ poly(b, 2) + scale(z)", data)
    np.testing.assert_allclose(
        design.rows_for(data.iloc[:3]), design.matrix()[:3], rtol=1e-12
    )


BAD_FORMULAS = {
    "y ~ (b": "cannot be read",
    "y ~ b +* z": "cannot be read",
    "b + a": "one response",
    "y + z ~ b": "one response",
    "y ~ b | z": "one response",
    "y ~ bb": "near it: b",
    "y ~ unknown": "the columns are",
    "nothing ~ b": "no column 'nothing'",
    "y ~ C(wek)": "near it: week",
    "a ~ b": "not numeric",
    "v ~ b": "not numeric",
    "g ~ b": "not numeric",
    "poly(b, 2) ~ a": "several columns",
    "np.log(z) ~ b": r"np.log\(z\) is nan",
    "y ~ np.log(z)": r"np.log\(z\) is nan in a row",
    "y ~ I(b / 0)": "is inf in a row",
    "y ~ huge:huger": "huge:huger is inf in a row",
    "y ~ nofunction(b)": "no column|cannot be evaluated",
    "y ~ when": "neither numbers nor labels",
    "y ~ mixed": "have no order",
    "y ~ endless": "infinite",
    "y ~ twice": "more than one column",
    'y ~ C(a, contr.treatment("nobody"))': "cannot be evaluated",
}


@pytest.mark.parametrize("formula", BAD_FORMULAS)
def test_data_errors_say_what_is_wrong(formula):
    data = frame().assign(
        when=pd.Timestamp("2020-01-01"),
        mixed=pd.Series([1, "one"] * 40, dtype=object),
        endless=np.inf,
        huge=1e200,
        huger=1e300,
    )
    data = pd.concat(
        [data, data[["b", "b"]].set_axis(["twice", "twice"], axis=1)], axis=1
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match=BAD_FORMULAS[formula]):
            build_design(formula, data)


def test_questions_without_answer():
    data = frame()
    with pytest.raises(NotEstimableError, match="No row has a value in each of y, b"):
        build_design("y ~ b", data.assign(y=np.nan))
    with pytest.raises(NotEstimableError, match="No row"):
        build_design("y ~ b", data.iloc[:0])
    with pytest.raises(NotEstimableError, match="Only one level of a has data: P"):
        build_design("y ~ a", data[data["a"] == "P"])
    with pytest.raises(NotEstimableError, match="no column"):
        build_design("y ~ 0", data)
    with pytest.raises(NotEstimableError, match=r"C\(b > 0\) has no column"):
        build_design("y ~ C(b > 0) + a", data)


def test_new_rows_are_checked():
    design = build_design("y ~ b + a", frame())
    good = pd.DataFrame({"b": [9.0], "a": ["P"]})
    assert design.rows_for(good).shape == (1, 4)
    for bad, message in (
        (good.drop(columns="a"), "no column 'a'"),
        (good.assign(a="X"), "not a level"),
        (good.assign(a=None), "not a level"),
        (good.assign(b=np.nan), "b is nan"),
        (good.assign(b=np.inf), "infinite"),
    ):
        with pytest.raises(DataError, match=message):
            design.rows_for(bad)


def test_aliased_columns_are_the_later_ones():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(50, 4))
    matrix = np.column_stack(
        [x[:, 0], x[:, 1], x[:, 0] - 2 * x[:, 1], x[:, 2], np.zeros(50), x[:, 3]]
    )
    assert aliased_columns(matrix) == (2, 4)
    # Scales of columns do not matter, nor does the triangle instead of the matrix.
    scale = 10.0 ** np.array([-8, 8, 3, -12, 0, 6])
    assert aliased_columns(matrix * scale) == (2, 4)
    assert aliased_columns(np.linalg.qr(matrix, mode="r")) == (2, 4)
    assert aliased_columns(matrix[:2]) == (2, 3, 4, 5)
    assert aliased_columns(x) == ()
    # R: qr(cbind(1, x, x + 1e-8 * z))$rank is 2, with 1e-6 it is 3 (tolerance 1e-7).
    one, z = np.ones(50), x[:, 1]
    for size, expected in ((1e-8, (2,)), (1e-6, ())):
        near = np.column_stack([one, x[:, 0], x[:, 0] + size * z])
        assert aliased_columns(near) == expected


def test_an_empty_cell_is_named():
    data = frame()
    kept = data[~((data["a"] == "R") & (data["v"] == "v3"))]
    design = build_design("y ~ a * v", kept)
    with pytest.raises(RankDeficientError, match="no data in a=R, v=v3") as caught:
        check_rank(design.matrix(), design)
    assert caught.value.aliased == ("a[T.R]:v[T.v3]",)
    assert isinstance(caught.value, NotEstimableError)
    double = build_design("y ~ b + twice + a", data.assign(twice=2 * data["b"]))
    with pytest.raises(RankDeficientError, match="cannot tell twice from") as caught:
        check_rank(double.matrix(), double)
    assert caught.value.aliased == ("twice",)
    whole = build_design("y ~ b + a * v", data)
    check_rank(whole.matrix(), whole)


@pytest.mark.parametrize(
    "left",
    [
        *("y - b", "y ** 2", "y - 1", "y^2", "y + 1", "0 + y", "(y - b)", "-(y) + y"),
        *("y + y", "((y) - (b))", "np.log(b) - y", "{y} - b", "`my col` - b"),
    ],
)
def test_arithmetic_on_the_left_side_is_refused(left):
    # formulaic fits y alone for most of these.
    with pytest.raises(DataError, match=r"left side|one response"):
        build_design(f"{left} ~ a", frame())


@pytest.mark.parametrize(
    "left",
    [
        *("y", "(y)", "I(y - b)", "{y - b}", "np.log(b + (b - 1) * 2)", "`my col`"),
        *('Q("my col")', "I((y - b) / (b + 1))", "`a-b`", "I(`a-b` - 1)"),
    ],
)
def test_expressions_on_the_left_side(left):
    data = frame().assign(**{"a-b": 1.5})
    theirs = Formula(f"{left} ~ a").get_model_matrix(data).lhs
    np.testing.assert_array_equal(
        build_design(f"{left} ~ a", data).response, np.asarray(theirs)[:, 0]
    )


def test_an_offset_is_refused():
    with pytest.raises(DataError, match="offsets are not supported"):
        build_design("y ~ offset(b) + a", frame())


@pytest.mark.parametrize("values", [[1, 2], [1.5, None], [1, 2.5], [np.nan, 3]])
def test_numbers_in_an_object_column_are_no_factor_unnoticed(values):
    data = frame().assign(o=pd.Series(values * 40, dtype=object))
    for formula in ("y ~ o", "y ~ a:o", "y ~ C(o) + o"):
        with pytest.raises(DataError, match=r"to_numeric, or write C\(o\)"):
            build_design(formula, data)
    with pytest.raises(DataError, match="to_numeric"):
        build_design("o ~ a", data)


def test_object_columns_that_are_labels():
    columns = {"n": [3, 1], "text": ["3", "1"], "flag": [True, None, False, True]}
    data = frame().assign(
        **{n: pd.Series(v * (80 // len(v)), dtype=object) for n, v in columns.items()}
    )
    design = build_design("y ~ C(n) + b + text + flag", data)
    assert design.levels["n"] == (1, 3)
    assert design.levels["text"] == ("1", "3")
    assert design.levels["flag"] == (False, True)
    assert design.n_left_out == 20
