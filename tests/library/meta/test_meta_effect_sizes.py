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

from trialstats.errors import DataError
from trialstats.meta.effect_sizes import effect_sizes
from trialstats.meta.means import MEANS

#: Closed form in both programs: only the order of the operations differs.
EXACT = 1e-12
every = settings(deadline=None, derandomize=True, max_examples=60)


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
        ("RRR", {}, "unknown measure 'RRR'; use one of MD, SMD, "),
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
