"""Published crossovers from their configurations, to the printed digit.

Senn's asthma trial, Ashina's headache trial, and the two replicate data sets of the
European Medicines Agency; sources in trials/EXPECTED.md. Text equals text.
"""

import math

import pytest

from trialstats.formatting import format_number

pytestmark = pytest.mark.reference


def of_row(row):
    return {
        "Estimate": row["estimate"],
        "estimate": row["estimate"],
        "SE": row["standard_error"],
        "t": row["test_statistic"],
        "df": row["df"],
        "p": row["p_value"],
        "CL.lo %": 100 * math.exp(min(row["ci_lower"], 10)),
        "CL.hi %": 100 * math.exp(min(row["ci_upper"], 10)),
        "PE %": 100 * math.exp(min(row["estimate"], 10)),
    }


def lines(*named):
    """Return cells by section, row and column from pairs of a row and its values."""
    return {
        ("", name, column): value
        for name, row in named
        for column, value in row.items()
    }


def test_senn_asthma(example, printed):
    results, cells = example("xo_senn_asthma_pef"), printed("xo_senn_asthma_pef")
    ours = lines(
        ("Sal - For", of_row(results.row("pef", statistic="difference"))),
        ("Period 2 - 1", of_row(results.row("pef", statistic="period_effect"))),
        ("Sequence SF - FS", of_row(results.row("pef", statistic="sequence_effect"))),
    )
    cells.compare_digits("Mixed model", ours, n_cells=12)
    means = {
        ("", name, "mean"): results.value("pef", statistic="ls_mean", group=arm)
        for name, arm in (("For", "F"), ("Sal", "S"))
    }
    cells.compare_digits("LS means", means, n_cells=2)


def test_senn_asthma_within_children_agrees_with_the_mixed_model(example):
    # With everybody in both periods, the differences within carry all information.
    results = example("xo_senn_asthma_pef")
    mixed = results.row("pef", statistic="difference")
    within = results.row("pef_two_periods", statistic="difference")
    assert within["estimate"] == pytest.approx(mixed["estimate"], rel=1e-9)
    assert within["p_value"] == pytest.approx(mixed["p_value"], rel=1e-6)


def test_ashina_headache(example, printed):
    results = example("xo_ashina_headache")
    found = results.row("pain", statistic="difference")
    ours = {
        ("", "Patients", "All"): str(found["n_subjects"]),
        ("", "VAS pain reduction L-NMMA vs placebo", "P"): format_number(
            found["p_value"], 2
        ),
    }
    printed("xo_ashina_headache").compare("Abstract", ours, n_cells=2)
    # The rank test of the same differences prints the same.
    ranks = results.row("pain", statistic="signed_rank_test")
    assert format_number(ranks["p_value"], 2) == "0.01"


def test_first_replicate_data_set(example, printed):
    results, cells = example("xo_ema_replicate_be_1"), printed("xo_ema_replicate_be")
    within = of_row(results.row("method_a", statistic="geometric_mean_ratio"))
    cv = results.value("method_a", statistic="cv_within_reference")
    limits = [
        100 * math.exp(results.value("method_a", statistic=f"acceptance_{end}"))
        for end in ("lower", "upper")
    ]
    within |= {"CVwR %": 100 * cv, "L %": limits[0], "U %": limits[1]}
    cells.compare_digits("rds01 Method A", lines(("T - R", within)), n_cells=11)
    sums = [
        (
            row["subgroup"],
            {
                "Df": row["numerator_df"],
                "Sum Sq": row["estimate"],
                "F": row["test_statistic"],
                "p": row["p_value"],
            },
        )
        for row in results.rows["method_a"]
        if row["statistic"] == "sum_of_squares"
    ]
    cells.compare_digits("rds01 Method A ANOVA", lines(*sums), n_cells=15)
    for table, analysis, n_cells in (
        ("rds01 Method B Satterthwaite", "method_b", 8),
        ("rds01 Method B Kenward-Roger", "method_b_kenward_roger", 2),
    ):
        found = of_row(results.row(analysis, statistic="geometric_mean_ratio"))
        cells.compare_digits(table, lines(("T - R", found)), n_cells=n_cells)


def test_second_replicate_data_set(example, printed):
    results, cells = example("xo_ema_replicate_be_2"), printed("xo_ema_replicate_be")
    # Both models print the interval of the page.
    for analysis in ("method_a", "method_b", "method_b_kenward_roger"):
        found = results.row(analysis, statistic="geometric_mean_ratio")
        assert found["confidence_level"] == 0.9
    found = of_row(
        results.row("method_b_kenward_roger", statistic="geometric_mean_ratio")
    )
    cells.compare_digits("rds02 ABE", lines(("T - R", found)), n_cells=3)
