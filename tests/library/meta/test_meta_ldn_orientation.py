"""The LDN syntheses beside the digits that the README of the published data states.

README of the shared `ldn` folder: REML, Hartung-Knapp; printed to two decimals, which
is the tolerance. The trials' numbers are those of `outcomes_*.csv` there.
"""

import csv
from pathlib import Path

import numpy as np
import pytest

from trialstats.meta import (
    Pooled,
    effect_sizes,
    paired_effect_sizes,
    pool,
    standard_error_from,
    standardise_difference,
)

pytestmark = pytest.mark.reference


def outcome(shared: Path, kind: str, trial: str, endpoint: str) -> dict[str, str]:
    with (shared / f"ldn/outcomes_{kind}.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    (row,) = [
        row for row in rows if (row["trial_id"], row["endpoint"]) == (trial, endpoint)
    ]
    return row


@pytest.fixture
def fibromyalgia_pain(shared: Path) -> tuple[list[float], list[float]]:
    """Adjusted differences of FINAL (interval) and INNOVA (p-value), LDN - placebo."""
    final = outcome(shared, "continuous", "DUEBRUUN2024_FINAL", "pain intensity")
    innova = outcome(shared, "continuous", "INNOVA_FM", "pain intensity")
    differences = [float(row["published_diff"]) for row in (final, innova)]
    first = standard_error_from(
        effect=differences[0],
        ci_lower=float(final["ci_low"]),
        ci_upper=float(final["ci_high"]),
    )
    second = standard_error_from(effect=differences[1], p_value=float(innova["p"]))
    return differences, [first.standard_error, second.standard_error]


def printed(pooled: Pooled) -> tuple[float, float, float]:
    return (
        round(pooled.estimate, 2),
        round(pooled.ci_lower, 2),
        round(pooled.ci_upper, 2),
    )


def test_fibromyalgia_pain(fibromyalgia_pain):
    difference, error = fibromyalgia_pain
    pooled = pool(difference, np.square(error))
    # README: 0.03 (-5.21, 5.27), Wald (-0.78, 0.84), tau-squared 0.21.
    assert printed(pooled) == (0.03, -5.21, 5.27)
    assert round(pooled.tau_squared, 2) == 0.21
    wald = pool(difference, np.square(error), inference="wald")
    assert printed(wald) == (0.03, -0.78, 0.84)


def test_adverse_events(shared):
    names = ("DUEBRUUN2024_FINAL", "INNOVA_FM")
    rows = [outcome(shared, "binary", name, "any adverse event") for name in names]
    sizes = effect_sizes(
        "RR",
        ai=[row["events_ldn"] for row in rows],
        n1i=[row["n_ldn"] for row in rows],
        ci=[row["events_placebo"] for row in rows],
        n2i=[row["n_placebo"] for row in rows],
    )
    pooled = pool(sizes["effect"], sizes["variance"])
    ratio = np.exp([pooled.estimate, pooled.ci_lower, pooled.ci_upper])
    # README: 0.97 (0.87, 1.08); REPORTING.md: Wald 0.84-1.11, wider.
    assert tuple(ratio.round(2)) == (0.97, 0.87, 1.08)
    wald = pool(sizes["effect"], sizes["variance"], inference="wald")
    assert tuple(np.exp([wald.ci_lower, wald.ci_upper]).round(2)) == (0.84, 1.11)


@pytest.fixture
def crossover_pain(shared: Path):
    """Pain of the crossover trials, LDN - placebo, positive is worse, at r = 0.5.

    Younger: fall from baseline in percent, so the sign turns. Cree: improvement shown
    positive, likewise. Beaudette: change on a scale where lower is better, as it is.
    The error is |difference| / t(n - 1) quantile of the published p.
    """
    younger = outcome(shared, "continuous", "YOUNGER2013_FM", "pain intensity")
    cree = outcome(shared, "continuous", "CREE2010_MS", "pain intensity")
    beaudette = outcome(
        shared, "continuous", "BEAUDETTE2023_ARTHRITIS", "pain intensity"
    )
    difference = [
        -(float(younger["mean_ldn"]) - float(younger["mean_placebo"])),
        -float(cree["published_diff"]),
        float(beaudette["mean_ldn"]) - float(beaudette["mean_placebo"]),
    ]
    rows = (younger, cree, beaudette)
    n = [int(row["n_ldn"]) for row in rows]
    error = [
        standard_error_from(effect=d, p_value=float(row["p"]), df=k - 1).standard_error
        for d, row, k in zip(difference, rows, n, strict=True)
    ]
    return paired_effect_sizes(
        "SMD", difference=difference, standard_error=error, n=n, correlation=0.5
    )


def test_pain_across_conditions_as_the_readme_has_it(shared, crossover_pain):
    # README: -0.12 (-0.51, 0.26), k = 5. These digits come from Hedges' g of FINAL's
    # arm means and SDs, and the d = 0.19 that INNOVA published, with the large-sample
    # variance; the crossover trials as in `paired_effect_sizes`.
    final = outcome(shared, "continuous", "DUEBRUUN2024_FINAL", "pain intensity")
    arms = effect_sizes(
        "SMD",
        m1i=[final["mean_ldn"]],
        sd1i=[final["sd_ldn"]],
        n1i=[final["n_ldn"]],
        m2i=[final["mean_placebo"]],
        sd2i=[final["sd_placebo"]],
        n2i=[final["n_placebo"]],
    ).iloc[0]
    innova = 1 / 48 + 1 / 50 + 0.19**2 / (2 * 98)
    pooled = pool(
        [arms["effect"], 0.19, *crossover_pain["effect"]],
        [arms["variance"], innova, *crossover_pain["variance"]],
    )
    assert printed(pooled) == (-0.12, -0.51, 0.26)


def test_pain_across_conditions_from_published_differences(
    fibromyalgia_pain, crossover_pain
):
    # With the adjusted differences of both parallel trials, which the same README
    # prefers to arm means, the synthesis moves to -0.11 (-0.50, 0.29): 0.03 at most
    # from the README's digits, which rest on arm means and a published d.
    difference, error = fibromyalgia_pain
    parallel = standardise_difference(
        difference=difference, standard_error=error, n1=[49, 48], n2=[50, 50]
    )
    pooled = pool(
        [*parallel["effect"], *crossover_pain["effect"]],
        [*parallel["variance"], *crossover_pain["variance"]],
    )
    assert printed(pooled) == pytest.approx((-0.12, -0.51, 0.26), abs=0.031)
