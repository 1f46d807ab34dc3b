"""Small-study effects of twelve made-up trials beside metafor, option by option.

Numbers: R 4.2.2, metafor 3.8-1 with tight controls; for what is newer there (fail-safe
numbers, test of a common tau-squared) the functions of metafor 5.1-12. Beside what the
reference files hold: moderators, other estimators, directions, targets.
"""

import numpy as np
import pytest

from trialstats.meta.excess_significance import excess_significance
from trialstats.meta.fail_safe import fail_safe_n, with_unseen
from trialstats.meta.henmi_copas import henmi_copas
from trialstats.meta.heteroscedasticity import heteroscedasticity_test
from trialstats.meta.pooling import Pooled, pool
from trialstats.meta.selection import selection_model
from trialstats.meta.small_study import regression_test
from trialstats.meta.trim_and_fill import trim_and_fill

pytestmark = pytest.mark.reference

EFFECT = [0.42, 0.11, 0.55, 0.30, 0.78, 0.05, 0.61, -0.12, 0.95, 0.36, 0.20, 0.66]
VARIANCE = [
    *(0.021, 0.012, 0.055, 0.034, 0.110, 0.009),
    *(0.075, 0.048, 0.160, 0.027, 0.015, 0.090),
]
MODERATOR = np.array([1.0, 0, 1, 1, 0, 0, 1, 0, 1, 0, 1, 0])
SIZES = [190, 330, 72, 118, 36, 440, 53, 83, 25, 148, 266, 44]


def pooled(method: str, inference: str = "wald", **options: object) -> Pooled:
    """Pool the trials."""
    return pool(EFFECT, VARIANCE, tau_squared=method, inference=inference, **options)


def test_regression_keeps_the_moderators_of_the_model() -> None:
    """regtest(rma(y, v, mods = ~ x, test = "knha")): 1e-9, an iterative tau-squared."""
    model = pooled("REML", "knapp_hartung", moderators=MODERATOR[:, np.newaxis])
    test = regression_test(model)
    assert test.statistic == pytest.approx(3.55625013993335592, rel=1e-9)
    assert test.p_value == pytest.approx(0.00615532270783837, rel=1e-9)
    assert test.df == 9
    assert np.isnan(test.limit_estimate)
    assert "limit_estimate" in test.not_estimable


def test_regression_on_the_sizes_with_paule_mandel() -> None:
    """regtest(rma(y, v, method = "PM"), predictor = "sqrtninv", ni = n): 1e-9."""
    test = regression_test(pooled("PM"), predictor="sqrtninv", sizes=SIZES)
    found = [test.statistic, test.p_value, test.limit_estimate]
    found += [test.limit_lower, test.limit_upper]
    expected = [3.6036269989215213, 3.138073076733041e-04, -0.15120249636996269]
    expected += [-0.3799879682404439, 0.07758297550051848]
    assert found == pytest.approx(expected, rel=1e-9)


#: tes(test =, tes.alternative =): p, and the limit to uniroot's default tolerance.
EXCESS = [
    ("chi_squared", "greater", 0.0121579974393005, 0.2976989),
    ("chi_squared", "less", 0.9878420025606995, 0.5712230),
    ("chi_squared", "two_sided", 0.02431599487860108, None),
    ("binomial", "greater", 0.03147877812367228, 0.2750387),
    ("binomial", "less", 0.9926343513617253, 0.6171583),
    ("binomial", "two_sided", 0.04824748550127199, None),
    ("exact", "greater", 0.01947815180603129, 0.2887239),
    ("exact", "less", 0.9966180802748948, 0.5843874),
    ("exact", "two_sided", 0.02906415424454615, None),
]


@pytest.mark.parametrize(("test", "tail", "p_value", "limit"), EXCESS)
def test_excess_in_every_direction(
    test: str, tail: str, p_value: float, limit: float | None
) -> None:
    """tes(rma(y, v, method = "EE"), ...): closed form; 1e-12."""
    found = excess_significance(pooled("EE"), test=test, excess_alternative=tail)
    assert found.p_value == pytest.approx(p_value, rel=1e-12)
    if limit is None:
        assert np.isnan(found.effect_limit)
    else:
        assert found.effect_limit == pytest.approx(limit, rel=1e-4)


def test_excess_with_one_sided_trials() -> None:
    """tes(alternative = "greater", alpha = .01, H0 = .1), and "less" from 0.3."""
    above = excess_significance(
        pooled("EE"), alternative="greater", alpha=0.01, null=0.1
    )
    assert (above.observed, above.p_value) == (0, 1.0)
    assert above.expected == pytest.approx(0.8210511212299499, rel=1e-12)
    below = excess_significance(pooled("EE"), alternative="less", null=0.3)
    assert below.observed == 3
    assert below.expected == pytest.approx(1.2548094989701502, rel=1e-12)
    assert below.p_value == pytest.approx(0.1217239107284868, rel=1e-12)


def test_excess_under_random_effects() -> None:
    """tes(rma(y, v, method = "DL")): metafor integrates the power, to 1.2e-4."""
    found = excess_significance(pooled("DL"))
    assert found.expected == pytest.approx(4.8040494939916938, rel=1e-5)
    assert found.p_value == pytest.approx(0.1368014648161469, rel=2e-5)


def test_fail_safe_numbers() -> None:
    """fsn(): whole numbers; .fsn.gen(), .fsn.fisher() and binom.test() at them."""
    assert fail_safe_n(pooled("EE"), alpha=0.01).number == 69
    assert fail_safe_n(pooled("EE"), kind="Rosenberg", alpha=0.1).number == 99
    fisher = fail_safe_n(pooled("EE"), combine="fisher")
    # At 56 unseen p is 0.04846, at 57 0.05298.
    assert fisher.number == 57
    assert fisher.p_value == pytest.approx(4.728593815055545e-09, rel=1e-12)
    # 15 of 20 positive: p = 0.041; 16 of 22: 0.052.
    signs = fail_safe_n(pooled("EE"), kind="Binomial")
    assert signs.number == 10
    assert signs.p_value == pytest.approx(0.006347656250000004, rel=1e-12)


def test_general_fail_safe_number_of_an_estimate() -> None:
    """.fsn.gen(target = .1): 0.1012 at 22 unseen, 0.0981 at 23; 1e-10."""
    found = fail_safe_n(pooled("DL"), kind="General", target=0.1)
    assert found.number == 23
    assert found.estimate_with == pytest.approx(0.09810340471024519, rel=1e-10)
    assert found.tau_squared_with == pytest.approx(0.04769131939291821, rel=1e-10)
    assert with_unseen(pooled("DL"), 22).estimate == pytest.approx(
        0.10122984618275521, rel=1e-10
    )


def test_general_fail_safe_number_by_refitting() -> None:
    """.fsn.gen(test = "knha", exact = TRUE), whose unseen trials are drawn at random.

    The refit sees their mean and sum of squares alone, which are fixed: 1e-10.
    """
    model = pooled("DL", "knapp_hartung")
    found = fail_safe_n(model, kind="General")
    assert found.number == 22
    assert found.estimate_with == pytest.approx(0.09842757538672577, rel=1e-10)
    assert found.tau_squared_with == pytest.approx(0.03850090219885871, rel=1e-10)
    assert found.p_value_with == pytest.approx(0.05109407151988478, rel=1e-10)
    assert with_unseen(model, 21).p_value == pytest.approx(
        0.04842458683565926, rel=1e-10
    )


def test_henmi_copas_at_two_levels() -> None:
    """hc(control = list(tol = 1e-13)); integrate() is good to 1e-7."""
    wide, narrow = henmi_copas(pooled("DL")), henmi_copas(pooled("DL"), level=0.8)
    assert wide.standard_error == pytest.approx(0.07834478401556272, rel=1e-12)
    assert [wide.ci_lower, wide.ci_upper] == pytest.approx(
        [0.05448395835868541, 0.41341162778082524], rel=1e-6
    )
    assert [narrow.ci_lower, narrow.ci_upper] == pytest.approx(
        [0.12435086543257409, 0.34354472070693653], rel=1e-6
    )


def test_trim_and_fill_with_other_estimators() -> None:
    """trimfill() of ML and PM: the refit takes metafor's default threshold, 2e-4."""
    linear = trim_and_fill(pooled("ML"))
    assert linear.missing == 4
    assert linear.filled.estimate == pytest.approx(0.2127186517036717, rel=2e-4)
    assert linear.filled.standard_error == pytest.approx(0.0684359123540751, rel=2e-4)
    run = trim_and_fill(pooled("PM"), estimator="R0")
    assert (run.missing, run.missing_p_value) == (1, 0.25)
    assert run.filled.estimate == pytest.approx(0.2962294366384832, rel=2e-4)


#: selmodel() with BFGS at reltol 1e-15 and integrals at 1e-11: kind, direction, steps,
#: estimate, tau-squared (0: metafor's log scale ends at 2e-7 and less), weights,
#: log-likelihood.
SELECTED = [
    ("step", "greater", [0.05, 0.3], 0.0502482, 0, [1, 0.155738, 0.0202424], 1.630436),
    ("step", "two_sided", [0.05, 0.3], 0.1050945, 0, [1, 0.091149, 0.062410], 2.826467),
    ("half_normal", "greater", None, 0.2138874, 0.0318336, [3.259949], -0.6845947),
    ("half_normal", "two_sided", None, 0.2072384, 0.0104092, [3.517400], 0.1223497),
    (
        "negative_exponential",
        "greater",
        None,
        0.0798124,
        0.0242324,
        [5.071286],
        0.459884,
    ),
    ("negative_exponential", "two_sided", None, 0.1336796, 0, [4.492314], 1.054126),
    ("logistic", "greater", None, 0.1256249, 0.0300841, [5.032597], 0.02202270),
    ("logistic", "two_sided", None, 0.1587518, 0.0025701, [4.614103], 0.6219652),
    ("power", "greater", None, 0.1572529, 0.0332863, [1.939478], -0.2334189),
    ("power", "two_sided", None, 0.1736989, 0.0049677, [1.949514], 0.6295247),
    ("beta", "two_sided", None, 1.1928197, 0.1623918, [1.733696, 3.054227], 3.028010),
]


@pytest.mark.parametrize(
    ("kind", "direction", "steps", "estimate", "between", "weights", "likelihood"),
    SELECTED,
)
def test_selection_models_in_both_directions(
    kind: str,
    direction: str,
    steps: list[float] | None,
    estimate: float,
    between: float,
    weights: list[float],
    likelihood: float,
) -> None:
    """3e-4 where metafor's tau-squared stops above zero, 1e-4 elsewhere.

    The maximum is flat: log-likelihoods agree to 2e-5.
    """
    model = selection_model(pooled("ML"), kind=kind, steps=steps, alternative=direction)
    relative = 3e-4 if between == 0 else 1e-4
    assert model.log_likelihood == pytest.approx(likelihood, abs=2e-5)
    assert model.log_likelihood > likelihood - 1e-6
    assert model.estimate == pytest.approx(estimate, rel=relative)
    assert model.tau_squared == pytest.approx(between, rel=1e-4)
    assert model.weights["estimate"].tolist() == pytest.approx(weights, rel=relative)


def test_a_lower_maximum_is_reported() -> None:
    """metafor's maximum of the beta model, "greater", is the lower of two."""
    model = selection_model(pooled("ML"), kind="beta")
    assert model.log_likelihood == pytest.approx(2.60761, abs=1e-5)
    lower = model.other_maxima.iloc[0]
    assert lower["log_likelihood"] == pytest.approx(1.2966478986503631, abs=1e-7)
    assert lower["Intercept"] == pytest.approx(0.9572358980598860, rel=1e-4)
    assert lower["tau_squared"] == pytest.approx(0.1501714161537491, rel=1e-4)


def test_selection_model_with_a_moderator() -> None:
    """selmodel(rma(y, v, mods = ~ x)): 3e-4, as tau-squared is zero."""
    model = selection_model(
        pooled("ML", moderators=MODERATOR[:, np.newaxis]), steps=[0.05]
    )
    assert model.coefficients["estimate"].tolist() == pytest.approx(
        [0.06691421641283561, 0.2076931723205600], rel=1e-4
    )
    assert model.weights["estimate"].tolist() == pytest.approx(
        [1, 0.1780212605476083], rel=1e-4
    )
    assert model.log_likelihood == pytest.approx(2.117699763347962, abs=2e-6)
    assert model.likelihood_ratio == pytest.approx(3.661825114729060, abs=4e-6)
    assert np.isnan(model.estimate)
    assert "estimate" in model.not_estimable


SPREAD = (
    [0.1, 0.3, 0.2, 1.5, 0.4, 0.9, -0.2],
    [0.01, 0.02, 0.015, 0.03, 0.025, 0.2, 0.05],
)


@pytest.mark.parametrize(
    ("method", "score", "ratio", "wald", "own"),
    [
        (
            "REML",
            *(7.275895894808774, 8.293577115035163, 0.942381361956278),
            [
                *(0.01442460437344188, 0, 0, 1.56471631425960811),
                *(0.00591568506333463, 0.24173415287982250, 0.14793352368354909),
            ],
        ),
        (
            "ML",
            *(7.174005475615100, 10.481957451891441, 0.960563798158418),
            [
                *(0, 0, 0, 1.6642969868546180),
                *(0.0156633831307843, 0.2923150211870725, 0.1086814174632384),
            ],
        ),
    ],
)
def test_common_tau_squared_by_three_tests(
    method: str, score: float, ratio: float, wald: float, own: list[float]
) -> None:
    """.hettest.score(), .lrt() and .wald() with thresholds of 1e-14: 1e-9."""
    model = pool(*SPREAD, tau_squared=method)
    tests = {
        kind: heteroscedasticity_test(model, kind=kind)
        for kind in ("score", "likelihood_ratio", "wald")
    }
    assert [test.statistic for test in tests.values()] == pytest.approx(
        [score, ratio, wald], rel=1e-9
    )
    assert tests["score"].tau_squared_by_trial == pytest.approx(own, rel=1e-9)
