"""Mantel-Haenszel, Peto and Cochran: R, by hand, symmetries, degenerate counts."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_cases import read_data, read_reference
from scipy.optimize import brentq

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.cochran import cochran_rate_ratio
from trialstats.meta.common_effect import CommonEffect
from trialstats.meta.mantel_haenszel import mantel_haenszel
from trialstats.meta.peto import peto

#: Synthetic: a zero cell on either side, and a trial without events.
TABLES = {
    "ai": [0, 2, 1, 5, 1, 0],
    "n1i": [40, 120, 65, 210, 33, 20],
    "ci": [3, 1, 0, 11, 2, 0],
    "n2i": [42, 60, 64, 199, 30, 25],
}
RATES = {
    "x1i": [3, 0, 9, 4],
    "t1i": [90.0, 40, 300, 51],
    "x2i": [6, 2, 8, 9],
    "t2i": [85.0, 44, 310, 60],
}
METHODS: dict[str, Callable[..., CommonEffect]] = {
    "OR": lambda **given: mantel_haenszel("OR", **given),
    "RR": lambda **given: mantel_haenszel("RR", **given),
    "RD": lambda **given: mantel_haenszel("RD", **given),
    "PETO": peto,
}


def numbers_of(pooled: CommonEffect) -> list[float]:
    return [
        pooled.estimate,
        pooled.standard_error,
        pooled.ci_lower,
        pooled.p_value,
        pooled.q,
        pooled.i_squared,
        pooled.log_likelihood,
    ]


@pytest.mark.reference
@pytest.mark.parametrize("name", ["Rabbits", "UCBAdmissions", "BCG"])
@pytest.mark.parametrize("correct", [True, False])
def test_agrees_with_mantelhaen_test(name: str, correct: bool, shared: Path) -> None:
    """stats::mantelhaen.test of R 4.2.2: closed forms, 1e-10."""
    path = shared / "reference" / "json" / "base.cmh.json"
    cases = {c["id"]: c for c in json.loads(path.read_text(encoding="utf-8"))["cases"]}
    word = "TRUE" if correct else "FALSE"
    theirs = cases[f"cmh.{name}.correct{word}.two.sided"]["results"]
    # The first rabbits waited for "None".
    table = read_data(shared, f"tab_{name}.csv").fillna("None")
    first, second, third = table.columns[:3]
    wide = table.pivot_table("count", third, [first, second])
    (a1, a2), (b1, b2) = (list(dict.fromkeys(table[c])) for c in (first, second))
    columns = [wide[key] for key in ((a1, b1), (a1, b2), (a2, b1), (a2, b2))]
    given = dict(zip(("ai", "bi", "ci", "di"), columns, strict=True))
    pooled = mantel_haenszel("OR", **given, correct=correct)
    assert math.exp(pooled.estimate) == pytest.approx(theirs["estimate"], rel=1e-10)
    limits = [math.exp(pooled.ci_lower), math.exp(pooled.ci_upper)]
    assert limits == pytest.approx(theirs["ci"], rel=1e-10)
    test = pooled.mantel_haenszel_test
    assert test.statistic == pytest.approx(theirs["statistic"], rel=1e-10)
    assert test.p_value == pytest.approx(theirs["p"], rel=1e-10)


#: File of meta, its data, and the columns of events and participants of both arms.
META = {
    "meta.metabin_bcg": ("dat.bcg.csv", None),
    "meta.metabin_collins1985b": (
        "dat.collins1985b.csv",
        ["pre.xti", "pre.nti", "pre.xci", "pre.nci"],
    ),
    "meta.metabin_egger2001": ("dat.egger2001.csv", ["ai", "n1i", "ci", "n2i"]),
}


def cells_of(file: str, shared: Path) -> list[np.ndarray]:
    csv, columns = META[file]
    data = read_data(shared, csv)
    if columns is None:
        return [data[c].to_numpy(float) for c in ("tpos", "tneg", "cpos", "cneg")]
    a, n1, c, n2 = (data[column].to_numpy(float) for column in columns)
    return [a, n1 - a, c, n2 - c]


@pytest.mark.reference
@pytest.mark.parametrize("file", META)
def test_pooled_counts_of_meta(file: str, shared: Path) -> None:
    """R meta, method MH and Peto, with and without what it adds: closed forms, 1e-9.

    meta's risk difference has Greenland and Robins' variance; its Q.CMH is Cochran's
    without correction.
    """
    cells = cells_of(file, shared)
    compared = 0
    for case in read_reference(shared, file)["cases"]:
        theirs = case["results"]
        measure, _, rest = case["id"].partition(".")
        wanted = rest.startswith(("MH", "Peto")) and measure in METHODS
        if not wanted or len(theirs["incr.e"]) != len(cells[0]):
            continue
        added = [0.0 if "exact" in rest else np.array(theirs["incr.e"], float)] * 2
        added += [0.0 if "exact" in rest else np.array(theirs["incr.c"], float)] * 2
        if rest == "Peto":
            added = [0.0] * 4
        given = {
            name: cell + more
            for name, cell, more in zip(
                ("ai", "bi", "ci", "di"), cells, added, strict=True
            )
        }
        pooled = (
            peto(**given)
            if rest == "Peto"
            else mantel_haenszel(measure, **given, rd_variance="greenland_robins")
        )
        estimate = pooled.estimate
        if measure == "RD":
            # meta weighs the differences as observed with weights of added counts.
            a, b, c, d = cells
            estimate = float(pooled.weights @ (a / (a + b) - c / (c + d)))
        assert estimate == pytest.approx(theirs["TE.common"][0], rel=1e-9)
        assert pooled.standard_error == pytest.approx(
            theirs["seTE.common"][0], rel=1e-9
        )
        plain = dict(zip(given, cells, strict=True))
        test = mantel_haenszel("OR", **plain, correct=False).cochran_test
        assert test.statistic == pytest.approx(theirs["Q.CMH"][0], rel=1e-9)
        compared += 1
    assert compared >= 8


@pytest.mark.reference
def test_pooled_rates_of_meta(shared: Path) -> None:
    """R meta, metainc with method MH and Cochran: closed forms, 1e-10."""
    data = read_data(shared, "dat.nielweise2008.csv")
    given = {name: data[name] for name in RATES}
    pooled = {
        "IRR.MH": mantel_haenszel("IRR", **given),
        "IRD.MH": mantel_haenszel("IRD", **given),
        "IRR.Cochran": cochran_rate_ratio(**given),
    }
    cases = read_reference(shared, "meta.metainc_nielweise2008")["cases"]
    found = {c["id"]: c["results"] for c in cases}
    for name, ours in pooled.items():
        theirs = found[name]
        assert ours.estimate == pytest.approx(theirs["TE.common"][0], rel=1e-10)
        assert ours.standard_error == pytest.approx(theirs["seTE.common"][0], rel=1e-10)
        weight = np.array(theirs["w.common"])
        np.testing.assert_allclose(ours.weights, weight / weight.sum(), rtol=1e-10)


def test_one_table_is_its_own_estimate() -> None:
    """Hand formulae of a single table with the variances of large samples."""
    table = {"ai": [5], "n1i": [50], "ci": [9], "n2i": [45]}
    odds = mantel_haenszel("OR", **table)
    assert odds.estimate == pytest.approx(math.log(5 * 36 / (45 * 9)))
    assert odds.standard_error**2 == pytest.approx(1 / 5 + 1 / 45 + 1 / 9 + 1 / 36)
    risk = mantel_haenszel("RR", **table)
    assert risk.estimate == pytest.approx(math.log((5 / 50) / (9 / 45)))
    assert risk.standard_error**2 == pytest.approx(1 / 5 - 1 / 50 + 1 / 9 - 1 / 45)
    greenland = mantel_haenszel("RD", **table, rd_variance="greenland_robins")
    assert greenland.estimate == pytest.approx(5 / 50 - 9 / 45)
    variance = 0.1 * 0.9 / 50 + 0.2 * 0.8 / 45
    assert greenland.standard_error**2 == pytest.approx(variance)
    assert math.isnan(odds.q)
    assert "fewer than 2" in odds.not_estimable["q"]


@pytest.mark.parametrize("size", [1, 100, 10_000])
def test_sato_and_greenland_robins_agree_on_one_table(size: int) -> None:
    """An identity: with one table both are the binomial variance."""
    counts = {"ai": 5, "n1i": 50, "ci": 9, "n2i": 45}
    table = {name: [size * count] for name, count in counts.items()}
    sato, other = (
        mantel_haenszel("RD", **table, rd_variance=name).standard_error
        for name in ("sato", "greenland_robins")
    )
    assert sato == pytest.approx(other, rel=1e-12)


def test_breslow_and_day_compare_with_the_tables_of_the_common_ratio() -> None:
    """Expected cells by root-finding within the margins, then Pearson's distance."""
    tables = list(zip(*TABLES.values(), strict=True))
    pooled = mantel_haenszel("OR", **TABLES)
    ratio = math.exp(pooled.estimate)
    pearson, excess, information = 0.0, 0.0, 0.0
    used = 0
    for a, n1, c, n2 in tables:
        m = a + c
        if m == 0:
            continue
        low, high = max(0, m - n2), min(n1, m)

        def miss(e: float, n1: int = n1, n2: int = n2, m: int = m) -> float:
            return e * (n2 - m + e) - ratio * (n1 - e) * (m - e)

        e = brentq(miss, low, high, xtol=1e-13)
        spread = 1 / sum(1 / cell for cell in (e, n1 - e, m - e, n2 - m + e))
        pearson += (a - e) ** 2 / spread
        excess, information, used = excess + a - e, information + spread, used + 1
    test = pooled.breslow_day_test
    assert test.df == used - 1
    assert test.statistic == pytest.approx(pearson, rel=1e-9)
    tarone = pearson - excess**2 / information
    assert pooled.tarone_test.statistic == pytest.approx(tarone, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_the_trials_changes_no_bit(method: str) -> None:
    order = [4, 1, 5, 0, 3, 2]
    mixed = {name: np.array(column)[order] for name, column in TABLES.items()}
    one, two = METHODS[method](**TABLES), METHODS[method](**mixed)
    assert numbers_of(two) == numbers_of(one)
    assert two.weights.tolist() == one.weights[order].tolist()
    left, other = one.leave_one_out(), two.leave_one_out()
    assert other.to_numpy().tolist() == left.iloc[order].to_numpy().tolist()


@pytest.mark.parametrize("method", METHODS)
def test_exchanged_arms_change_the_sign(method: str) -> None:
    names = {"ai": "ci", "n1i": "n2i", "ci": "ai", "n2i": "n1i"}
    swapped = {name: TABLES[other] for name, other in names.items()}
    one, two = METHODS[method](**TABLES), METHODS[method](**swapped)
    assert two.estimate == pytest.approx(-one.estimate, rel=1e-12)
    assert two.standard_error == pytest.approx(one.standard_error, rel=1e-12)
    assert two.q == pytest.approx(one.q, rel=1e-12)


@pytest.mark.parametrize("method", ["OR", "RR", "PETO"])
def test_a_trial_without_events_does_not_move_a_ratio(method: str) -> None:
    without = {name: column[:-1] for name, column in TABLES.items()}
    one, two = METHODS[method](**TABLES), METHODS[method](**without)
    assert one.estimate == pytest.approx(two.estimate, rel=1e-14)
    assert one.standard_error == pytest.approx(two.standard_error, rel=1e-14)
    assert one.weights[-1] == 0
    assert one.k == 6
    dropped = METHODS[method](**TABLES, drop00=(True, True))
    assert dropped.k == 5


def test_nothing_is_added_to_what_is_pooled_unless_asked_for() -> None:
    plain = mantel_haenszel("OR", **TABLES)
    a, n1, c, n2 = (np.array(v, float) for v in TABLES.values())
    n = n1 + n2
    by_hand = math.log((a * (n2 - c) / n).sum() / ((n1 - a) * c / n).sum())
    assert plain.estimate == pytest.approx(by_hand, rel=1e-14)
    assert "nothing added" in plain.method
    asked = mantel_haenszel("OR", **TABLES, add=(0.5, 0.5), to=("only0", "only0"))
    assert asked.estimate != plain.estimate
    assert "0.5 added" in asked.method
    # One value is for the trials' own effects.
    alone = mantel_haenszel("OR", **TABLES, add=0.25)
    assert alone.estimate == plain.estimate
    assert alone.q != plain.q


@pytest.mark.parametrize("method", METHODS)
def test_leaving_out_and_adding_up_are_analyses_of_fewer_trials(method: str) -> None:
    pooled = METHODS[method](**TABLES)
    left, summed = pooled.leave_one_out(), pooled.cumulative()
    for i in range(6):
        others = {n: [v for j, v in enumerate(c) if j != i] for n, c in TABLES.items()}
        alone = METHODS[method](**others)
        assert left["estimate"].iloc[i] == pytest.approx(alone.estimate, rel=1e-13)
        assert left["q"].iloc[i] == pytest.approx(alone.q, rel=1e-11)
    assert summed["estimate"].iloc[-1] == pooled.estimate
    assert summed["q_p_value"].iloc[-1] == pooled.q_p_value
    assert summed["trial"].tolist() == [1, 2, 3, 4, 5, 6]
    by_year = pooled.cumulative(order=[3, 1, 2, 6, 5, 4])
    assert by_year["trial"].tolist() == [2, 3, 1, 6, 5, 4]
    assert by_year["estimate"].iloc[-1] == pooled.estimate


def test_twice_the_trials_halve_the_variance() -> None:
    doubled = {name: column * 2 for name, column in TABLES.items()}
    for method in METHODS.values():
        one, two = method(**TABLES), method(**doubled)
        assert two.estimate == pytest.approx(one.estimate, rel=1e-13)
        assert two.standard_error == pytest.approx(
            one.standard_error / math.sqrt(2), rel=1e-13
        )


def test_the_unit_of_time_scales_a_difference_of_rates_alone() -> None:
    days = {n: np.multiply(v, 365 if "t" in n else 1) for n, v in RATES.items()}
    ratio, other = (mantel_haenszel("IRR", **given) for given in (RATES, days))
    assert other.estimate == pytest.approx(ratio.estimate, rel=1e-13)
    assert other.standard_error == pytest.approx(ratio.standard_error, rel=1e-13)
    difference, scaled = (mantel_haenszel("IRD", **given) for given in (RATES, days))
    assert scaled.estimate == pytest.approx(difference.estimate / 365, rel=1e-12)
    assert scaled.statistic == pytest.approx(difference.statistic, rel=1e-12)


@pytest.mark.parametrize(
    ("measure", "change", "reason"),
    [
        ("OR", {"ai": [0] * 6}, "no events under treatment"),
        ("RR", {"ci": [0] * 6}, "no events under control"),
        ("RR", {"ai": [0] * 6, "ci": [0] * 6}, "no events in any trial"),
        ("RD", {"ai": [0] * 6, "ci": [0] * 6}, "no events in any trial"),
        ("PETO", {"ai": [0] * 6, "ci": [0] * 6}, "no trial has both"),
    ],
)
def test_what_does_not_exist_is_nan_with_its_reason(
    measure: str, change: dict[str, Any], reason: str
) -> None:
    pooled = METHODS[measure](**(TABLES | change))
    assert math.isnan(pooled.standard_error)
    assert math.isnan(pooled.p_value)
    assert reason in pooled.not_estimable["standard_error"]
    assert not np.isnan(pooled.weights).any()
    for name in ("estimate", "ci_lower", "q", "i_squared", "log_likelihood"):
        value = getattr(pooled, name)
        assert np.isfinite(value) or name in pooled.not_estimable


def test_the_regression_test_needs_three_effects() -> None:
    pooled = mantel_haenszel("OR", ai=[1, 2], n1i=[9, 9], ci=[2, 3], n2i=[9, 9])
    with pytest.raises(NotEstimableError, match="three effects"):
        pooled.regression_test()


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"ai": [-1, 2, 1, 5, 1, 0]}, "row 1"),
        ({"n1i": [40, 1, 65, 210, 33, 20]}, "row 2"),
        ({"to": "some"}, "zero-cell rule"),
        ({"add": -1.0}, "add"),
        ({"add": (0.5, 0.5, 0.5)}, "one value or two"),
        ({"level": 95}, "level"),
        ({"rd_variance": "deeks"}, "rd_variance"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], what: str) -> None:
    with pytest.raises(DataError, match=what):
        mantel_haenszel("OR", **(TABLES | arguments))


def test_wrong_person_time_is_named() -> None:
    with pytest.raises(DataError, match="t2i"):
        mantel_haenszel("IRR", x1i=[1], t1i=[2.0], x2i=[3], t2i=[0.0])


@given(
    st.lists(
        st.tuples(*[st.integers(0, 12)] * 4).filter(
            lambda t: t[0] + t[1] > 0 and t[2] + t[3] > 0
        ),
        min_size=1,
        max_size=7,
    ),
    st.sampled_from(sorted(METHODS)),
)
@settings(max_examples=120, deadline=None)
def test_any_counts_give_numbers_or_reasons(
    tables: list[tuple[int, int, int, int]], method: str
) -> None:
    columns = zip(*tables, strict=True)
    given = dict(zip(("ai", "bi", "ci", "di"), columns, strict=True))
    pooled = METHODS[method](**{name: list(column) for name, column in given.items()})
    assert not np.isnan(pooled.weights).any()
    total = pooled.weights.sum()
    assert total == pytest.approx(1) or "weights" in pooled.not_estimable
    for name in ("estimate", "standard_error", "p_value", "q", "i_squared"):
        assert np.isfinite(getattr(pooled, name)) or name in pooled.not_estimable
    if np.isfinite(pooled.standard_error):
        assert pooled.ci_lower < pooled.estimate < pooled.ci_upper
        assert 0 <= pooled.p_value <= 1
