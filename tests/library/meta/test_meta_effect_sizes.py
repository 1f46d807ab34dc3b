"""Effect sizes beside metafor 5.1-12, published risk ratios, and what is refused."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from trialstats.errors import DataError
from trialstats.meta.effect_sizes import effect_sizes
from trialstats.meta.means import MEANS
from trialstats.meta.table_correlations import TABLE_CORRELATIONS
from trialstats.meta.two_by_two import TWO_BY_TWO

#: Closed form in both programs: only the order of the operations differs.
EXACT = 1e-12
every = settings(deadline=None, derandomize=True, max_examples=40)


@pytest.fixture(scope="session")
def committed(root: Path) -> dict[str, Any]:
    path = root / "tests/reference/metafor/escalc.json"
    return json.loads(path.read_text())["datasets"]


def options(call: str) -> dict[str, Any]:
    """Return the zero-cell options of a metafor call."""
    found: dict[str, Any] = {}
    for to in ("all", "if0all", "none"):
        if f'to = "{to}"' in call:
            found["to"] = to
    if "add = 0.1" in call:
        found["add"] = 0.1
    if "drop00 = TRUE" in call:
        found["drop00"] = True
    return found


def compare(result: pd.DataFrame, case: dict[str, Any]) -> int:
    """Compare all rows; a row that is NA there is NaN with a reason here."""
    theirs = np.array([case["yi"], case["vi"]], dtype=float).T
    ours = result[["effect", "variance"]].to_numpy()
    np.testing.assert_allclose(ours, theirs, rtol=EXACT, atol=1e-15)
    absent = np.isnan(theirs[:, 0])
    assert result["note"][absent].str.startswith("not estimable: ").all()
    return len(theirs)


@pytest.mark.reference
@pytest.mark.parametrize(("name", "cases"), [("t22", 18), ("mean2", 2)])
def test_agrees_with_metafor(name, cases, committed):
    data = pd.DataFrame(committed[name]["columns"])
    # 3 measures x 6 rules of ten tables, 2 measures of five pairs of means.
    assert len(committed[name]["cases"]) == cases
    for case in committed[name]["cases"]:
        arguments = {column: column for column in data}
        chosen = options(case["call"])
        result = effect_sizes(case["measure"], **arguments, data=data, **chosen)
        assert compare(result, case) == len(data)


@pytest.mark.reference
@pytest.mark.parametrize("name", ["t22", "mean2"])
def test_committed_numbers_are_those_of_the_shared_folder(name, committed, shared):
    path = shared / f"reference/json/metafor.escalc.{name}.json"
    theirs = {case["id"]: case for case in json.loads(path.read_text())["cases"]}
    for case in committed[name]["cases"]:
        results = theirs[case["id"]]["results"]
        assert (case["yi"], case["vi"]) == (results["yi"], results["vi"])


def shared_table(shared: Path, name: str) -> pd.DataFrame:
    with (shared / f"reference/data/dat.{name}.csv").open() as lines:
        return pd.DataFrame(list(csv.DictReader(lines)))


@pytest.mark.reference
@pytest.mark.parametrize(
    ("reference", "table", "columns"),
    [
        ("bcg_RR", "bcg", {"ai": "tpos", "bi": "tneg", "ci": "cpos", "di": "cneg"}),
        ("bcg_OR", "bcg", {"ai": "tpos", "bi": "tneg", "ci": "cpos", "di": "cneg"}),
        ("bcg_RD", "bcg", {"ai": "tpos", "bi": "tneg", "ci": "cpos", "di": "cneg"}),
        ("nielweise2007_OR", "nielweise2007", {}),
        ("normand1999_MD", "normand1999", {}),
        ("gibson2002_SMD", "gibson2002", {}),
    ],
)
def test_package_data_agree_with_metafor(reference, table, columns, shared):
    path = shared / f"reference/json/metafor.rma_uni.{reference}.json"
    inputs = json.loads(path.read_text())["inputs"]
    data = shared_table(shared, table)
    present = [value is not None for value in inputs["yi"]]
    # gibson2002 has two trials without results, which metafor omits.
    data = data[present].replace("NA", None)
    measure = inputs["measure"]
    names = "m1i sd1i n1i m2i sd2i n2i" if measure in MEANS else "ai n1i ci n2i"
    columns = columns or {name: name for name in names.split()}
    result = effect_sizes(measure, **columns, data=data)
    kept = {key: np.array(inputs[key])[present].tolist() for key in ("yi", "vi")}
    assert compare(result.reset_index(), kept) >= 9


@pytest.mark.parametrize(
    ("events", "control", "printed"),
    [
        (5, 3, (1.48, 0.42, 5.24)),
        (15, 6, (2.22, 1.14, 4.32)),
        (11, 5, (1.96, 0.87, 4.42)),
        (13, 4, (2.89, 1.18, 7.08)),
        (4, 0, (8.05, 0.47, 138.87)),
    ],
)
def test_crohn_risk_ratios_as_the_review_prints_them(events, control, printed):
    # Cochrane review of low-dose naltrexone in Crohn's disease; 18 and 16 adults, the
    # zero with 0.5 in every cell. Two decimals are what is printed.
    row = effect_sizes("RR", ai=events, n1i=18, ci=control, n2i=16).iloc[0]
    half = 1.959963984540054 * row["variance"] ** 0.5
    found = np.exp(row["effect"] + np.array([0, -half, half]))
    assert tuple(found.round(2)) == printed


def test_notes_say_what_was_done():
    table = dict(ai=[0, 0, 3], n1i=[20, 20, 20], ci=[2, 0, 4], n2i=[20, 20, 20])
    default = effect_sizes("RR", **table)["note"]
    assert default[0] == "0.5 added to every cell: a cell is zero"
    assert default[1] == default[0]
    assert pd.isna(default[2])
    dropped = effect_sizes("RR", **table, drop00=True)
    assert dropped["note"][1] == "not estimable: no events in either arm"
    assert dropped[["effect", "variance"]].isna().all(axis=1).tolist() == [
        False,
        True,
        False,
    ]
    none = effect_sizes("OR", **table, to="none")["note"]
    assert none[0] == "not estimable: a cell is zero and nothing is added"
    everywhere = effect_sizes("OR", **table, to="if0all", add=0.1)["note"]
    assert everywhere[2].startswith("0.1 added to every cell of every trial: one")
    zero = effect_sizes("RD", **table, to="none")
    assert zero["variance"][1] == 0
    assert zero["note"][1].startswith("variance is zero")
    shifted = effect_sizes("RD", **table)["note"]
    assert shifted[0] == default[0]
    assert shifted[1] == f"{default[0]}; the variance comes from this alone"
    full = effect_sizes("OR", ai=[5], n1i=[5], ci=[6], n2i=[6], drop00=True)["note"]
    assert full[0] == "not estimable: every participant has the event in both arms"


counts = st.integers(0, 30)


@every
@given(st.lists(st.tuples(counts, counts, counts, counts), min_size=1, max_size=6))
def test_swapping_arms_flips_the_sign(tables):
    a, b, c, d = (np.array(column) + 1 for column in zip(*tables, strict=True))
    for measure in ("RR", "OR", "RD"):
        first = effect_sizes(measure, ai=a, bi=b, ci=c, di=d)
        second = effect_sizes(measure, ai=c, bi=d, ci=a, di=b)
        np.testing.assert_allclose(second["effect"], -first["effect"], atol=1e-14)
        np.testing.assert_allclose(second["variance"], first["variance"], rtol=1e-13)


@every
@given(st.lists(st.tuples(counts, counts, counts, counts), min_size=1, max_size=6))
def test_counting_the_other_outcome_flips_differences_and_odds(tables):
    a, b, c, d = (np.array(column) + 1 for column in zip(*tables, strict=True))
    for measure in ("RD", "OR"):
        first = effect_sizes(measure, ai=a, bi=b, ci=c, di=d)
        second = effect_sizes(measure, ai=b, bi=a, ci=d, di=c)
        np.testing.assert_allclose(second["effect"], -first["effect"], atol=1e-14)


positive = st.floats(0.1, 50)


@every
@given(st.floats(-50, 50), st.floats(-50, 50), positive, positive, st.floats(0.01, 100))
def test_a_unit_scales_md_and_leaves_smd(m1, m2, sd1, sd2, unit):
    sizes = dict(n1i=20, n2i=31)
    for measure, power in (("MD", 1), ("SMD", 0)):
        arms = dict(m1i=m1, sd1i=sd1, m2i=m2, sd2i=sd2)
        first = effect_sizes(measure, **arms, **sizes).iloc[0]
        scaled = {name: unit * value for name, value in arms.items()}
        second = effect_sizes(measure, **scaled, **sizes).iloc[0]
        factor = unit**power
        assert second["effect"] == pytest.approx(
            factor * first["effect"], rel=1e-9, abs=1e-9 * factor
        )
        assert second["variance"] == pytest.approx(
            factor**2 * first["variance"], rel=1e-9
        )


def test_the_index_of_data_is_kept():
    data = pd.DataFrame({"x": [1, 2], "n": [9, 9]}, index=["A", "B"])
    result = effect_sizes("RR", ai="x", n1i="n", ci="x", n2i="n", data=data)
    assert result.index.tolist() == ["A", "B"]


MEANS_OK = dict(
    m1i=[1, 1], sd1i=[1, 1], n1i=[9, 9], m2i=[1, 1], sd2i=[1, 1], n2i=[9, 9]
)
TABLE_OK = dict(ai=[1, 1], n1i=[9, 9], ci=[1, 1], n2i=[9, 9])


@pytest.mark.parametrize(
    ("measure", "change", "message"),
    [
        (
            "RRR",
            {},
            r"unknown measure 'RRR'; did you mean \w+ or .* MEASURES lists the codes",
        ),
        ("RR", {"to": "some"}, "use one of only0, all, if0all, none"),
        ("RR", {"add": -1}, "add must be zero or more"),
        ("RR", {"ai": [1, 10]}, r"row 2 .*'ai', value 10.0: more events .*n1i = 9"),
        ("RR", {"ci": [-1, 1]}, r"row 1 .*'ci', value -1.0: a count is negative"),
        ("RR", {"n2i": [9, 0]}, r"row 2 .*'n2i', value 0.0"),
        ("RR", {"ai": [1, None]}, r"row 2 .*'ai': missing"),
        ("RR", {"ai": [1, "one"]}, r"row 2 .*'ai', value 'one': not a number"),
        ("RR", {"bi": [8, 7]}, r"row 2 .*'bi', value 7.0: ai \+ bi is not n1i"),
        ("RR", {"n1i": None}, "missing argument n1i; give n1i, or bi"),
        ("RR", {"n1i": None, "bi": [8, -8]}, "'bi', value -8.0: a count is negative"),
        ("RR", {"ai": [1]}, "differ in length"),
        ("RR", {"ai": "events"}, "names a column but there is no data"),
        ("MD", {"sd1i": [1, 0]}, r"row 2 .*'sd1i', value 0.0.*not above zero"),
        ("MD", {"n2i": [1, 9]}, r"row 1 .*'n2i', value 1.0.*two participants"),
        ("MD", {"m1i": None}, "missing argument m1i; this measure needs m1i, sd1i"),
    ],
)
def test_bad_input_is_named(measure, change, message):
    given_ = (MEANS_OK if measure in MEANS else TABLE_OK) | change
    with pytest.raises(DataError, match=message):
        effect_sizes(measure, **given_)


def test_an_unknown_column_lists_the_columns():
    data = pd.DataFrame({"events": [1], "n": [9]})
    with pytest.raises(DataError, match="no such column; the columns are events, n"):
        effect_sizes("RR", ai="event", n1i="n", ci="events", n2i="n", data=data)


# -- the ends of what data can be

NO_EVENTS = dict(ai=[0], bi=[20], ci=[0], di=[25])
ONLY_EVENTS = dict(ai=[20], bi=[0], ci=[25], di=[0])
#: Measures that are a number for two arms without events, and nothing added.
ESTIMABLE = {"RD": 0.0, "AS": 0.0}


@pytest.mark.parametrize("measure", [*TWO_BY_TWO, *TABLE_CORRELATIONS])
@pytest.mark.parametrize("table", [NO_EVENTS, ONLY_EVENTS], ids=["none", "all"])
def test_a_table_without_contrast_has_no_effect_or_a_reason(measure, table):
    plain = effect_sizes(measure, **table, to="none").iloc[0]
    if measure in ESTIMABLE:
        assert plain["effect"] == ESTIMABLE[measure]
    elif measure == "RR" and table is ONLY_EVENTS:
        # The risks are 1 and 1: a ratio of 1, known without error.
        assert (plain["effect"], plain["variance"]) == (0, 0)
        assert plain["note"].startswith("variance is zero")
    else:
        assert np.isnan([plain["effect"], plain["variance"]]).all()
        assert plain["note"].startswith("not estimable: ")
    dropped = effect_sizes(measure, **table, drop00=True).iloc[0]
    assert np.isnan([dropped["effect"], dropped["variance"]]).all()
    assert dropped["note"].startswith("not estimable: ")


@pytest.mark.parametrize("measure", ["IRR", "IRD", "IRSD"])
def test_rates_without_events(measure):
    rates = dict(x1i=[0], t1i=[100.0], x2i=[0], t2i=[120.0])
    added = effect_sizes(measure, **rates).iloc[0]
    plain = effect_sizes(measure, **rates, to="none").iloc[0]
    dropped = effect_sizes(measure, **rates, drop00=True).iloc[0]
    assert np.isnan([dropped["effect"], dropped["variance"]]).all()
    assert dropped["note"] == "not estimable: no events in either arm"
    notes = {
        "IRR": ("0.5 added to both counts: a count is zero", dropped["note"]),
        "IRD": (
            "0.5 added to both counts: a count is zero; the variance comes from this "
            "alone",
            "variance is zero: no events in either arm",
        ),
        "IRSD": (None, None),
    }[measure]
    assert [None if pd.isna(r["note"]) else r["note"] for r in (added, plain)] == [
        *notes
    ]


def test_proportions_at_the_ends_say_what_was_added():
    ends = dict(xi=[0, 8], ni=[12, 8])
    found = effect_sizes("PLO", **ends)
    word = "0.5 added to events and non-events: one of them is zero"
    assert found["note"].tolist() == [word, word]
    plain = effect_sizes("PLO", **ends, to="none")
    assert plain["note"].tolist() == [
        "not estimable: no events and nothing is added",
        "not estimable: every participant has the event and nothing is added",
    ]
    assert effect_sizes("PFT", **ends)["note"].isna().all()
    zero = effect_sizes("PR", **ends, to="none")["note"]
    assert zero[0] == "variance is zero: no event, or nothing but events"


def test_correlations_at_the_ends():
    found = effect_sizes("COR", ri=[1, -1, 0.5, 0.5], ni=[20, 20, 3, 4])
    assert found["variance"][:2].tolist() == [0, 0]
    assert found["note"][0] == "variance is zero: the correlation is 1 or -1"
    assert found["effect"][2] == 0.5
    assert np.isnan(found["variance"][2])
    assert found["note"][2].startswith("variance not estimable: too few pairs")
    z = effect_sizes("ZCOR", ri=[1, -1, 0.5], ni=[20, 20, 3])
    assert z["effect"].isna().tolist() == [True, True, False]
    assert z["note"][0] == "not estimable: a correlation of 1 or -1 has no z"
    unbiased = effect_sizes("UCOR", ri=[0.5, 0.5], ni=[4, 5])
    assert unbiased["note"][0] == "not estimable: needs more than four pairs"
    assert unbiased["effect"][1] > 0.5


def test_small_samples_of_standardized_differences():
    arms = dict(m1i=1, sd1i=1, n1i=2, m2i=0, sd2i=1, n2i=2)
    least = effect_sizes("SMD", **arms).iloc[0]
    # Two degrees of freedom: J = Gamma(1)/Gamma(1/2) = 1/sqrt(pi).
    assert least["effect"] == pytest.approx(np.pi**-0.5, rel=1e-14)
    null = effect_sizes("SMD", **arms, vtype="H0").iloc[0]
    assert np.isnan(null["variance"])
    assert null["note"] == "variance not estimable: too few participants"
    glass = effect_sizes("SMD1", **arms).iloc[0]
    assert np.isnan(glass["effect"])
    assert glass["note"] == "not estimable: too few participants"


def test_huge_counts_keep_their_digits():
    n = 1e15
    risk = effect_sizes("RD", ai=2e14, n1i=n, ci=1e14, n2i=n).iloc[0]
    assert risk["effect"] == pytest.approx(0.1, rel=1e-14)
    assert risk["variance"] == pytest.approx((0.16 + 0.09) / n, rel=1e-13)
    phi = effect_sizes("PHI", ai=2e14, n1i=n, ci=1e14, n2i=n).iloc[0]
    assert phi["effect"] == pytest.approx(0.1 / np.sqrt(4 * 0.15 * 0.85), rel=1e-13)
    g = effect_sizes("SMD", m1i=1, sd1i=1, n1i=n, m2i=0, sd2i=1, n2i=n).iloc[0]
    assert g["effect"] == pytest.approx(1, rel=1e-14)
    table = effect_sizes("RTET", ai=2e14, n1i=n, ci=1e14, n2i=n).iloc[0]
    small = effect_sizes("RTET", ai=200, n1i=1000, ci=100, n2i=1000).iloc[0]
    assert table["effect"] == pytest.approx(small["effect"], abs=1e-13)
    assert table["variance"] * 1e12 == pytest.approx(small["variance"], rel=1e-10)


def test_a_formula_may_differ_from_row_to_row():
    arms = dict(m1i=[1, 2, 3], sd1i=1, n1i=[9, 20, 30], m2i=0, sd2i=2, n2i=[8, 22, 31])
    mixed = effect_sizes("MD", **arms, vtype=["LS", "HO", "LS"])
    for vtype, rows in (("LS", [0, 2]), ("HO", [1])):
        whole = effect_sizes("MD", **arms, vtype=vtype)
        assert mixed["variance"][rows].tolist() == whole["variance"][rows].tolist()
    data = pd.DataFrame({"how": ["LS", "HO", "LS"], "m": [1, 2, 3]})
    named = effect_sizes("MD", **(arms | {"m1i": "m"}), vtype="how", data=data)
    assert named["variance"].tolist() == mixed["variance"].tolist()


def test_what_stands_for_moments_is_used_row_by_row_and_said():
    found = effect_sizes(
        "SMD",
        m1i=[1.0, None, None, None, None],
        sd1i=[2.0, None, None, None, None],
        m2i=[0.0, None, None, None, None],
        sd2i=[2.0, None, None, None, None],
        n1i=20,
        n2i=20,
        di=[None, 0.5, None, None, None],
        ti=[None, None, 0.5 * 10**0.5, None, None],
        pi=[None, None, None, 2 * stats.t(38).sf(0.5 * 10**0.5), None],
        ri=[None, None, None, None, 0.5 / (0.25 + 38 / 10) ** 0.5],
    )
    np.testing.assert_allclose(found["effect"], found["effect"][0], rtol=1e-12)
    np.testing.assert_allclose(found["variance"], found["variance"][0], rtol=1e-12)
    assert pd.isna(found["note"][0])
    assert found["note"][1:].tolist() == [
        f"standardized difference from {name}" for name in ("di", "ti", "pi", "ri")
    ]


def test_stated_effects_of_any_ratio_or_difference():
    ratio = effect_sizes("OR", estimate=[2.0], ci_lower=[1.0], ci_upper=[4.0]).iloc[0]
    assert ratio["effect"] == pytest.approx(np.log(2))
    assert ratio["variance"] ** 0.5 == pytest.approx(
        np.log(4) / (2 * 1.959963984540054)
    )
    assert ratio["note"].startswith("standard error = width of the 95% interval")
    general = effect_sizes("GEN", yi=[0.3, 0.4], vi=[0.01, None], sei=[None, 0.2])
    assert general["variance"].tolist() == pytest.approx([0.01, 0.04])
    assert general["note"].isna().all()
    mean = effect_sizes("MD", estimate=[3.0], p_value=[0.05], df=[10]).iloc[0]
    assert mean["variance"] ** 0.5 == pytest.approx(3 / stats.t(10).ppf(0.975))


@pytest.mark.parametrize(
    ("measure", "given_", "message"),
    [
        (
            "HR",
            dict(n1i=[3], n2i=[4]),
            "no formula from counts or means; give estimate",
        ),
        ("HR", dict(estimate=[-0.4], sei=[1]), "a ratio is above zero; give ratios as"),
        ("HR", dict(estimate=[0.5]), "row 1 .*nothing gives the variance; supply vi"),
        ("HR", dict(estimate=[0.5, 1], vi=[1, 0]), r"row 2 .*'vi', value 0.0"),
        ("HR", dict(estimate=[1, None], vi=[1, 1]), "row 2 .*the row has no effect"),
        (
            "HR",
            dict(estimate=[1, 2], vi=[1, None]),
            "row 2 .*'vi': nothing gives the va",
        ),
        ("HR", dict(estimate=[2], zi=[-2]), "'zi', value -2.0: the statistic and the"),
        ("MD", dict(estimate=[0], p_value=[0.2]), "'estimate', value 0.0: a p-value"),
        ("SMD", dict(n1i=[9], n2i=[9]), "or n1i, n2i with di, ti, pi or ri"),
        ("HR", dict(ci_lower=[1], ci_upper=[2]), "ci_lower, ci_upper given without an"),
        ("PFT", dict(yi=[1], vi=[1]), "cannot be stated: .* 'double_arcsine'"),
        ("SMD", dict(n1i=[9, 9], n2i=[9, 9], di=[1, None]), "row 2 .*has none of"),
        ("SMD", dict(n1i=[9], n2i=[9], pi=[1.5]), r"'pi', value 1.5: a p-value"),
        ("SMD", dict(n1i=[9], n2i=[9], ri=[1]), r"'ri', value 1.0"),
        ("COR", dict(ni=[9], ri=[1.2]), "correlation lies between -1 and 1"),
        ("COR", dict(ni=[1], ri=[0.2]), "at least two pairs"),
        ("COR", dict(ri=[0.2]), "missing argument ni; this measure needs ni"),
        ("PCOR", dict(ni=[5], mi=[4], ri=[0.2]), "no degrees of freedom are left"),
        ("SPCOR", dict(ni=[9], mi=[2], ti=[2]), "R squared is missing"),
        ("IRR", dict(x1i=[1], t1i=[0], x2i=[1], t2i=[1]), "person-time is not above"),
        ("IRR", dict(x1i=[-1], t1i=[1], x2i=[1], t2i=[1]), "a count is negative"),
        ("PR", dict(xi=[3]), "missing argument ni; give ni, or mi"),
        ("PR", dict(xi=[3], ni=[2]), "more events than participants"),
        ("PR", dict(xi=[3], ni=[9], mi=[5]), r"xi \+ mi is not ni"),
        ("ROM", MEANS_OK | dict(m1i=[1, -1]), "row 2 .*ratio of the means has no log"),
        ("CVR", MEANS_OK | dict(m2i=[1, 0]), r"'m2i', value 0.0: a coefficient"),
        ("MNLN", dict(mi=[0], sdi=[1], ni=[9]), "the logarithm needs a mean above"),
        ("ABT", dict(ai=[1.1], mi=[5], ni=[9]), "Cronbach's alpha is above 1"),
        ("ABT", dict(ai=[0.9], mi=[1], ni=[9]), "at least two items"),
        ("AUC", dict(ai=[1.1], n1i=[5], n2i=[9]), "superiority lies between 0 and 1"),
        ("MPORM", TABLE_OK, "row 1 .*neither ri nor pi"),
        ("MPORM", TABLE_OK | dict(n2i=[8, 9], ri=[0, 0]), "different numbers of pairs"),
        ("MPRD", dict(ai=[0], bi=[0], ci=[0], di=[0]), "there are no pairs"),
        ("SMCR", dict(m1i=1, sd1i=1, m2i=1, ni=9), "missing argument ri"),
        ("MD", MEANS_OK | dict(vtype="UBB"), "MD has no variance vtype='UBB'; use one"),
        ("MD", MEANS_OK | dict(vtype=["LS", "AV"]), "row 2 .*vtype='AV'"),
        ("AS", TABLE_OK | dict(vtype="UB"), "vtype='UB'; use LS"),
        ("RR", TABLE_OK | dict(ai=[1, np.inf]), r"row 2 .*'ai', value inf: infinite"),
        ("RR", TABLE_OK | dict(ai=[1, np.nan]), r"row 2 .*'ai': missing"),
    ],
)
def test_bad_input_of_every_kind_is_named(measure, given_, message):
    with pytest.raises(DataError, match=message):
        effect_sizes(measure, **given_)


def test_a_hundred_thousand_tables_take_less_than_seconds():
    rng = np.random.default_rng(23)
    a, b, c, d = rng.integers(0, 40, (4, 100_000)).astype(float)
    found = effect_sizes("OR", ai=a, bi=b + 1, ci=c, di=d + 1)
    assert found["effect"].notna().all()
    zero = (a == 0) | (c == 0)
    assert (found["note"].notna() == zero).all()
