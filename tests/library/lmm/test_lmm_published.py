"""Crossovers of the literature, to the printed digit.

Sources as expected.json states them: Senn's asthma trial (formoterol, salbutamol), and
the two replicate data sets of the European Medicines Agency, whose results SAS,
Phoenix, JMP, Stata and SPSS share.
"""

import json
import math

import numpy as np
import pandas as pd
import pytest

from trialstats.lmm import fit_crossover, fit_within_subjects, reference_variability

DATASETS = ("xo_senn_asthma_pef", "xo_ema_replicate_be")
REPLICATE = {
    "response": "logPK",
    "subject": "subject",
    "treatment": "treatment",
    "period": "period",
    "sequence": "sequence",
    "control": "R",
}


def printed(shared):
    found = json.loads((shared / "trials" / "expected.json").read_text())
    return [cell for cell in found if cell["dataset"] in DATASETS]


def as_printed(value, text):
    """Write a number with as many decimals as the page has."""
    decimals = len(text.partition(".")[2])
    return f"{value:.{decimals}f}"


def shown(estimate):
    return {
        "Estimate": estimate.estimate,
        "estimate": estimate.estimate,
        "SE": estimate.standard_error,
        "t": estimate.statistic,
        "df": estimate.df,
        "p": estimate.p_value,
        "CL.lo %": 100 * math.exp(min(estimate.ci_lower, 10)),
        "CL.hi %": 100 * math.exp(min(estimate.ci_upper, 10)),
        "PE %": 100 * math.exp(min(estimate.estimate, 10)),
    }


def senn(shared):
    file = shared / "trials" / "xo_senn_asthma_pef" / "asthma_2.csv"
    columns = {**REPLICATE, "response": "pef", "control": "F"}
    fit = fit_crossover(pd.read_csv(file), **columns)
    return {
        ("Mixed model", "Sal - For"): shown(fit.difference),
        ("Mixed model", "Period 2 - 1"): shown(fit.period_effect),
        ("Mixed model", "Sequence SF - FS"): shown(fit.sequence_effect),
        ("LS means", "For"): {"mean": fit.ls_means["F"].estimate},
        ("LS means", "Sal"): {"mean": fit.ls_means["S"].estimate},
    }


def replicate(shared):
    folder = shared / "trials" / "xo_ema_replicate_be"
    first, second = (pd.read_csv(folder / f"DS0{k}.csv", comment="#") for k in (1, 2))
    # The file's own logarithms have six decimals, the page's results all of them.
    first, second = (d.assign(logPK=np.log(d["PK"])) for d in (first, second))
    method_a = fit_within_subjects(first, level=0.9, **REPLICATE)
    variability = reference_variability(first, **REPLICATE)
    low, high = variability.limits
    lines = {
        row.term: {
            "Df": row.df,
            "Sum Sq": row.sum_of_squares,
            "F": row.statistic,
            "p": row.p_value,
        }
        for row in method_a.anova.itertuples()
    }
    options = {"level": 0.9, **REPLICATE}
    by_rule = {
        rule: fit_crossover(first, df=rule, **options).difference
        for rule in ("satterthwaite", "kenward_roger")
    }
    found = {
        ("rds01 Method A", "T - R"): {
            **shown(method_a.differences["T"]),
            "CVwR %": 100 * variability.cv,
            "L %": 100 * low,
            "U %": 100 * high,
        },
        ("rds01 Method B Satterthwaite", "T - R"): shown(by_rule["satterthwaite"]),
        ("rds01 Method B Kenward-Roger", "T - R"): shown(by_rule["kenward_roger"]),
        ("rds02 ABE", "T - R"): shown(fit_crossover(second, **options).difference),
    }
    return found | {("rds01 Method A ANOVA", t): line for t, line in lines.items()}


@pytest.mark.reference
def test_every_printed_cell(shared):
    ours = senn(shared) | replicate(shared)
    cells = printed(shared)
    assert len(cells) == 53
    wrong = []
    for cell in cells:
        value = ours[cell["table"], cell["row"]][cell["column"]]
        if as_printed(value, cell["printed"]) != cell["printed"]:
            wrong.append((cell["id"], cell["printed"], value))
    assert not wrong


@pytest.mark.reference
def test_information_of_kenward_roger_in_the_replicate_trial(shared):
    # docs/methods/lmm.md prints these: the page's 217.208 belongs to the expected
    # information; SAS's DDFM=KR inverts the observed one.
    folder = shared / "trials" / "xo_ema_replicate_be"
    rows = pd.read_csv(folder / "DS01.csv", comment="#")
    found = {
        information: fit_crossover(rows, information=information, **REPLICATE)
        for information in ("expected", "observed")
    }
    degrees = {key: round(fit.difference.df, 3) for key, fit in found.items()}
    assert degrees == {"expected": 217.208, "observed": 216.939}
