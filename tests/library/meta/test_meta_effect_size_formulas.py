"""Formulas of effect sizes derived another way: delta method, integrals, identities."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from trialstats.errors import DataError
from trialstats.meta.effect_sizes import (
    MEASURES,
    REGISTRY,
    back_transform,
    effect_sizes,
)
from trialstats.meta.hedges import hedges_correction
from trialstats.meta.scales import SCALES, harmonic_mean, to_natural
from trialstats.meta.tetrachoric import (
    bivariate_normal,
    tetrachoric,
    tetrachoric_variance,
)

every = settings(deadline=None, derandomize=True, max_examples=30)


def effect_of(measure, values, **options):
    """Return the effect of one row."""
    return effect_sizes(measure, **values, **options)["effect"][0]


def by_delta(measure, values, spread, **options):
    """Return the variance by the delta method.

    `spread` holds, for groups of names, the covariance matrix of their estimates. The
    slopes are central differences.
    """
    total = 0.0
    for names, covariance in spread:
        slope = []
        for name in names:
            step = 1e-5 * max(abs(values[name]), 1e-3)
            ends = [
                effect_of(
                    measure, values | {name: values[name] + sign * step}, **options
                )
                for sign in (-1, 1)
            ]
            slope.append((ends[1] - ends[0]) / (2 * step))
        total += np.array(slope) @ np.atleast_2d(covariance) @ np.array(slope)
    return total


def binomial(events, others):
    """Covariance of the counts with and without the event, n fixed."""
    product = events * others / (events + others)
    return np.array([[product, -product], [-product, product]])


def multinomial(counts):
    counts = np.array(counts, dtype=float)
    return np.diag(counts) - np.outer(counts, counts) / counts.sum()


TABLE = dict(ai=23.0, bi=61.0, ci=14.0, di=82.0)
ARMS = [(("ai", "bi"), binomial(23, 61)), (("ci", "di"), binomial(14, 82))]
WHOLE = [(("ai", "bi", "ci", "di"), multinomial([23, 61, 14, 82]))]


@pytest.mark.parametrize(
    ("measure", "spread", "vtype"),
    [
        *((m, ARMS, "LS") for m in ("RR", "OR", "RD", "AS", "PBIT", "OR2D", "OR2DN")),
        *((m, ARMS, "LS") for m in ("YUQ", "YUY")),
        *((m, ARMS, "ST") for m in ("PHI", "ZPHI")),
        *((m, WHOLE, "CS") for m in ("PHI", "ZPHI")),
        *((m, WHOLE, "LS") for m in ("RTET", "ZTET", "MPRD", "MPRR", "MPOR", "MPORC")),
    ],
)
def test_variances_of_tables_are_the_delta_method(measure, spread, vtype):
    found = effect_sizes(measure, **TABLE, vtype=vtype)["variance"][0]
    assert found == pytest.approx(by_delta(measure, TABLE, spread), rel=1e-6)


@pytest.mark.parametrize("measure", ["IRR", "IRD", "IRSD"])
def test_variances_of_rates_are_the_delta_method_of_poisson_counts(measure):
    values = dict(x1i=31.0, t1i=410.0, x2i=45.0, t2i=380.0)
    spread = [(("x1i",), 31.0), (("x2i",), 45.0)]
    found = effect_sizes(measure, **values)["variance"][0]
    assert found == pytest.approx(by_delta(measure, values, spread), rel=1e-6)


@pytest.mark.parametrize("measure", ["IR", "IRLN", "IRS"])
def test_variances_of_a_rate_are_the_delta_method(measure):
    values = dict(xi=31.0, ti=410.0)
    found = effect_sizes(measure, **values)["variance"][0]
    assert found == pytest.approx(
        by_delta(measure, values, [(("xi",), 31.0)]), rel=1e-6
    )


@pytest.mark.parametrize("measure", ["PR", "PLN", "PLO", "PRZ", "PAS"])
def test_variances_of_a_proportion_are_the_delta_method(measure):
    values = dict(xi=23.0, mi=61.0)
    spread = [(("xi", "mi"), binomial(23, 61))]
    found = effect_sizes(measure, **values)["variance"][0]
    assert found == pytest.approx(by_delta(measure, values, spread), rel=1e-6)


def test_the_variance_of_excess_heterozygosity_is_the_delta_method():
    values = dict(ai=20.0, bi=40.0, ci=15.0)
    spread = [(("ai", "bi", "ci"), multinomial([20, 40, 15]))]
    found = effect_sizes("REH", **values)["variance"][0]
    assert found == pytest.approx(by_delta("REH", values, spread), rel=1e-6)


@pytest.mark.parametrize("measure", ["MD", "ROM", "VR", "CVR"])
def test_variances_of_two_arms_are_the_delta_method(measure):
    # Of normal samples: s^2/n of a mean, s^2/(2 (n - 1)) of a standard deviation.
    values = dict(m1i=10.2, sd1i=2.5, m2i=8.7, sd2i=3.1)
    sizes = dict(n1i=25, n2i=31)
    spread = [
        (("m1i",), 2.5**2 / 25),
        (("m2i",), 3.1**2 / 31),
        (("sd1i",), 2.5**2 / 48),
        (("sd2i",), 3.1**2 / 60),
    ]
    found = effect_sizes(measure, **values, **sizes, correct=False)["variance"][0]

    def effect(changed):
        return effect_of(measure, changed | sizes, correct=False)

    total = 0.0
    for (name,), variance in spread:
        step = 1e-5
        ends = [effect(values | {name: values[name] + s * step}) for s in (-1, 1)]
        total += ((ends[1] - ends[0]) / (2 * step)) ** 2 * variance
    assert found == pytest.approx(total, rel=1e-6)


@pytest.mark.parametrize("measure", ["MC", "ROMC", "VRC", "CVRC"])
def test_variances_of_pairs_are_the_delta_method(measure):
    # Means have correlation r, standard deviations r squared.
    n, r = 40, 0.6
    values = dict(m1i=10.2, sd1i=2.5, m2i=8.7, sd2i=3.1)
    shared = 2.5 * 3.1
    spread = [
        (("m1i", "m2i"), np.array([[6.25, r * shared], [r * shared, 9.61]]) / n),
        (
            ("sd1i", "sd2i"),
            np.array([[6.25, r**2 * shared], [r**2 * shared, 9.61]]) / (2 * (n - 1)),
        ),
    ]
    fixed = dict(ni=n, ri=r)
    found = effect_sizes(measure, **values, **fixed, correct=False)["variance"][0]
    total = by_delta(measure, values | fixed, spread, correct=False)
    assert found == pytest.approx(total, rel=1e-6)


@pytest.mark.parametrize(
    ("raw", "transformed"),
    [("ARAW", "ABT"), ("COR", "ZCOR"), ("PCOR", "ZPCOR"), ("SPCOR", "ZSPCOR")],
)
def test_transformed_and_raw_variances_agree_in_large_samples(raw, transformed):
    n = 10**7
    values = {
        "ARAW": dict(ai=0.8, mi=10, ni=n),
        "COR": dict(ri=0.4, ni=n),
        "PCOR": dict(ri=0.4, mi=3, ni=n),
        "SPCOR": dict(ri=0.4, mi=3, ni=n, r2i=0.5),
    }[raw]
    first = effect_sizes(raw, **values).iloc[0]
    second = effect_sizes(transformed, **values).iloc[0]
    step = 1e-6
    ends = back_transform(transformed, second["effect"] + np.array([-step, step]))
    slope = (ends[1] - ends[0]) / (2 * step)
    assert first["variance"] == pytest.approx(slope**2 * second["variance"], rel=1e-5)


@pytest.mark.parametrize("effect", [0.0, 0.4, -1.3])
def test_g_is_unbiased_and_its_unbiased_variance_too(effect):
    # By integration over the non-central t of two arms with 6 and 9 participants.
    n1, n2 = 6, 9
    root, df = np.sqrt(n1 * n2 / (n1 + n2)), n1 + n2 - 2
    law = stats.nct(df, effect * root)

    def moment(function):
        return integrate.quad(
            lambda t: function(t) * law.pdf(t), -60, 60, limit=400, epsabs=1e-12
        )[0]

    def row(t):
        sizes = dict(n1i=n1, n2i=n2, ti=t)
        return effect_sizes("SMD", **sizes, vtype="UB").iloc[0]

    nodes, weights = np.polynomial.legendre.leggauss(400)
    t = 25 * nodes
    density = law.pdf(t) * weights * 25
    found = effect_sizes("SMD", ti=t, n1i=n1, n2i=n2, vtype="UB")
    mean = (found["effect"] * density).sum()
    assert mean == pytest.approx(effect, abs=1e-6)
    spread = ((found["effect"] - mean) ** 2 * density).sum()
    assert (found["variance"] * density).sum() == pytest.approx(spread, rel=1e-4)


@pytest.mark.parametrize("rho", [0.0, 0.5, -0.8])
def test_the_unbiased_correlation_is_unbiased(rho):
    # By integration over the density of r (Hotelling 1953) of nine pairs.
    from scipy.special import gammaln, hyp2f1

    n = 9
    nodes, weights = np.polynomial.legendre.leggauss(300)
    constant = np.log(n - 2) + gammaln(n - 1) - np.log(2 * np.pi) / 2
    constant -= gammaln(n - 0.5)
    density = np.exp(
        constant
        + (n - 1) / 2 * np.log(1 - rho**2)
        + (n - 4) / 2 * np.log1p(-(nodes**2))
        - (n - 1.5) * np.log1p(-rho * nodes)
    ) * hyp2f1(0.5, 0.5, n - 0.5, (rho * nodes + 1) / 2)
    found = effect_sizes("UCOR", ri=nodes, ni=n, vtype="UB")
    assert (density * weights).sum() == pytest.approx(1, rel=1e-9)
    mean = (found["effect"] * density * weights).sum()
    assert mean == pytest.approx(rho, abs=1e-8)
    spread = ((found["effect"] - mean) ** 2 * density * weights).sum()
    # The unbiased variance is negative for some r; such rows have none.
    unbiased = found["effect"] ** 2 - (1 - _remainder(nodes, n))
    assert (unbiased * density * weights).sum() == pytest.approx(spread, rel=1e-6)
    kept = found["variance"].notna()
    np.testing.assert_allclose(found["variance"][kept], unbiased[kept], rtol=1e-9)


def _remainder(r, n):
    """Return (1 - r^2)(n - 3)/(n - 2) F(1, 1; n/2; 1 - r^2) by its series."""
    rest, term, total = 1 - r**2, np.ones_like(r), np.zeros_like(r)
    for k in range(20000):
        total = total + term
        term = term * (k + 1) * rest / (n / 2 + k)
    return rest * (n - 3) / (n - 2) * total


@given(st.floats(2, 1e12))
@every
def test_the_correction_of_hedges_satisfies_the_recurrence_of_gamma(df):
    # Gamma(x + 1/2)/Gamma(x) times Gamma(x)/Gamma(x - 1/2) is x - 1/2.
    first, second = hedges_correction(np.array([df, df + 1]))
    product = first * second * np.sqrt(df * (df + 1)) / 2
    assert product == pytest.approx((df - 1) / 2, rel=1e-12)


def test_the_correction_is_continuous_and_ends_at_one():
    df = np.array([999.9999, 1000.0001, 1e15, np.inf])
    found = hedges_correction(df[:3])
    assert found[1] - found[0] == pytest.approx(0.0002 * 0.75e-6, rel=0.05)
    assert found[2] == pytest.approx(1, abs=1e-14)
    assert np.isnan(hedges_correction(np.array([1.0, 0.5]))).all()


# -- the tetrachoric correlation


@pytest.mark.parametrize(
    ("h", "k"),
    [(0.0, 0.0), (0.3, -1.2), (-2.0, 0.0), (0.0, 1.5), (1.0, 1.0), (-3, 2.5)],
)
@pytest.mark.parametrize("r", [-0.99, -0.4, 0.0, 0.3, 0.95])
def test_bivariate_normal_probabilities_are_integrals(h, k, r):
    def inner(x):
        return stats.norm.pdf(x) * stats.norm.cdf((k - r * x) / np.sqrt(1 - r**2))

    expected = integrate.quad(inner, -12, h, epsabs=1e-13, limit=200)[0]
    found = bivariate_normal(np.array([h]), np.array([k]), np.array([r]))[0]
    assert found == pytest.approx(expected, abs=1e-12)


cells = st.integers(1, 200)


@every
@given(cells, cells, cells, cells)
def test_the_tetrachoric_correlation_reproduces_its_table(a, b, c, d):
    table = tuple(np.array([float(x)]) for x in (a, b, c, d))
    n = a + b + c + d
    (r,) = tetrachoric(*table)
    h, k = stats.norm.ppf([(a + b) / n, (a + c) / n])
    found = bivariate_normal(np.array([h]), np.array([k]), np.array([r]))[0]
    assert found == pytest.approx(a / n, abs=1e-10)
    if a * d == b * c:
        assert abs(r) < 1e-12
    else:
        assert np.sign(r) == np.sign(a * d - b * c)
    # The other outcome and the other arm turn the sign.
    (turned,) = tetrachoric(table[1], table[0], table[3], table[2])
    assert turned == pytest.approx(-r, abs=1e-7)
    variance = tetrachoric_variance(*table, np.array([r]))
    other = tetrachoric_variance(table[2], table[3], table[0], table[1], np.array([-r]))
    assert other[0] == pytest.approx(variance[0], rel=1e-4)


def test_a_zero_cell_puts_the_tetrachoric_correlation_at_its_bound():
    found = effect_sizes("RTET", ai=[5, 0, 4], bi=[0, 3, 0], ci=[3, 3, 0], di=[4, 2, 6])
    assert found["effect"].tolist() == [1, -1, 1]
    assert found["variance"].isna().all()
    assert found["note"].str.startswith("variance not estimable: a cell is zero").all()
    # Without an event there is no margin to cut at.
    empty = effect_sizes("RTET", ai=0, bi=5, ci=0, di=6).iloc[0]
    assert np.isnan(empty["effect"])
    assert empty["note"] == "not estimable: no events in either arm"


# -- ways back


@pytest.mark.reference
def test_ways_back_agree_with_metafor(root):
    path = root / "tests/reference/metafor/recovery.json"
    cases = json.loads(path.read_text(encoding="utf-8"))["cases"]
    cases = [case for case in cases if case["fun"] == ["back_transform"]]
    assert len(cases) == 10
    for case in cases:
        (measure,), data = case["options"]["measure"], case["data"]
        found = back_transform(measure, data["values"], n=data.get("n"))
        expected = np.array(case["results"]["values"])
        if measure in ("ABT", "AHW"):
            # metafor ends at an alpha of zero; alpha may be negative.
            assert (found[expected == 0] < 0).all()
            found = np.maximum(found, 0)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


@every
@given(st.integers(1, 400), st.data())
def test_a_proportion_comes_back_from_every_scale(n, data):
    x = data.draw(st.integers(0, n))
    for measure in ("PR", "PLN", "PLO", "PRZ", "PAS", "PFT"):
        if 0 < x < n or measure in ("PR", "PAS", "PFT"):
            effect = effect_of(measure, dict(xi=x, ni=n), to="none")
            found = back_transform(measure, effect, n=n)
            assert float(found) == pytest.approx(x / n, abs=1e-7)


@every
@given(st.integers(0, 400), st.floats(0.5, 1e5))
def test_a_rate_comes_back_from_every_scale(x, t):
    for measure in ("IR", "IRLN", "IRS", "IRFT"):
        if x or measure != "IRLN":
            effect = effect_of(measure, dict(xi=x, ti=t), to="none")
            found = back_transform(measure, effect, n=t)
            assert float(found) == pytest.approx(x / t, rel=1e-9, abs=1e-12)


def test_ways_back_stay_within_what_a_proportion_can_be():
    y = np.linspace(-3, 4, 200)
    for scale in ("logit", "probit", "arcsine", "double_arcsine", "fisher_z_of_root"):
        found = to_natural(scale, y, n=20)
        assert ((found >= 0) & (found <= 1)).all()
        assert (np.diff(found) >= -1e-12).all()
    assert np.isnan(to_natural("double_arcsine", [np.nan], n=5)).all()


def test_bad_ways_back_are_named():
    with pytest.raises(DataError, match="needs n above zero; give n=, for a pooled"):
        back_transform("PFT", [0.3])
    with pytest.raises(DataError, match="unknown measure 'XYZ'"):
        back_transform("XYZ", [0.3])
    with pytest.raises(DataError, match="unknown scale 'logs'; use one of natural, lo"):
        to_natural("logs", [0.3])
    with pytest.raises(DataError, match="sizes above zero"):
        harmonic_mean([3, 0])


# -- the table of measures


def test_the_table_of_measures_is_complete():
    assert set(MEASURES.values()) == set(SCALES)
    for code, measure in REGISTRY.items():
        assert measure.words, code
        if code not in ("HR", "HD", "GEN"):
            assert next(iter(measure.variances)) == "LS", code


#: Two-arm measures, and the arguments that swapping the arms exchanges.
SWAPS = {
    "tables": (
        dict(ai=23, bi=61, ci=14, di=82),
        (("ai", "ci"), ("bi", "di")),
        "RR OR RD AS PETO PBIT OR2D OR2DN PHI ZPHI YUQ YUY RTET ZTET",
    ),
    "pairs": (
        dict(ai=23, bi=61, ci=14, di=82),
        (("bi", "ci"),),
        "MPRD MPRR MPOR MPORC MPPETO",
    ),
    "rates": (
        dict(x1i=31, t1i=410, x2i=45, t2i=380),
        (("x1i", "x2i"), ("t1i", "t2i")),
        "IRR IRD IRSD",
    ),
    "means": (
        dict(m1i=10.2, sd1i=2.5, n1i=25, m2i=8.7, sd2i=3.1, n2i=31),
        (("m1i", "m2i"), ("sd1i", "sd2i"), ("n1i", "n2i")),
        "MD SMD SMDH ROM VR CVR RPB ZPB RBIS ZBIS D2OR D2ORN",
    ),
    "change": (
        dict(m1i=10.2, sd1i=2.5, m2i=8.7, sd2i=3.1, ni=25, ri=0.4),
        (("m1i", "m2i"), ("sd1i", "sd2i")),
        "MC SMCC SMCRP SMCRPH ROMC VRC CVRC",
    ),
}


@pytest.mark.parametrize("kind", SWAPS)
def test_swapping_the_arms_turns_the_sign_and_keeps_the_variance(kind):
    values, pairs, measures = SWAPS[kind]
    exchange = dict(itertools.chain(pairs, ((b, a) for a, b in pairs)))
    swapped = {exchange.get(name, name): value for name, value in values.items()}
    for measure in measures.split():
        first = effect_sizes(measure, **values).iloc[0]
        second = effect_sizes(measure, **swapped).iloc[0]
        assert second["effect"] == pytest.approx(-first["effect"], rel=1e-9), measure
        assert second["variance"] == pytest.approx(first["variance"], rel=1e-9), measure
        assert second["n"] == first["n"]


@pytest.mark.parametrize("kind", SWAPS)
def test_the_order_of_the_rows_is_irrelevant(kind):
    values, _, measures = SWAPS[kind]
    rng = np.random.default_rng(22)
    rows = {
        name: value * rng.uniform(0.7, 1.3, 6)
        if name in ("m1i", "m2i", "sd1i", "sd2i", "t1i", "t2i")
        else np.full(6, value) + (rng.integers(0, 9, 6) if value > 1 else 0)
        for name, value in values.items()
    }
    order = rng.permutation(6)
    turned = {name: column[order] for name, column in rows.items()}
    for measure in measures.split():
        for vtype in REGISTRY[measure].variances:
            first = effect_sizes(measure, **rows, vtype=vtype)
            second = effect_sizes(measure, **turned, vtype=vtype)
            for name in ("effect", "variance"):
                np.testing.assert_allclose(
                    second[name], first[name].to_numpy()[order], rtol=1e-12
                )
