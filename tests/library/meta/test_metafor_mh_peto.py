"""Mantel-Haenszel and Peto beside metafor's rma.mh and rma.peto.

The reference numbers are closed forms, computed by metafor at full precision; ours are
sums in another order, so 1e-10 (relative) is the distance that rounding explains.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from reference_cases import Family, Tolerance, check_file, files_of, read_data

from trialstats.meta.common_effect import ChiSquaredTest, CommonEffect
from trialstats.meta.mantel_haenszel import mantel_haenszel
from trialstats.meta.peto import peto

#: Column of the data -> argument, as the calls of the reference name them.
ARGUMENTS = {"tpos": "ai", "tneg": "bi", "cpos": "ci", "cneg": "di"}


def read_rows(reference: dict[str, Any], shared: Path) -> pd.DataFrame:
    """Return the columns that the calls of a file use; the index counts rows from 1.

    A row without counts is no trial here; R leaves it out with a warning.
    """
    data = read_data(shared, reference["data"]["csv"][0])
    if "table" in data:
        data = data[data["table"].astype(str) == "6"].reset_index(drop=True)
    data.index += 1
    data = data.rename(columns=ARGUMENTS)
    names = ("ai", "bi", "ci", "di", "n1i", "n2i", "x1i", "t1i", "x2i", "t2i")
    return data[[name for name in names if name in data]].dropna()


def options(call: str) -> dict[str, Any]:
    """Return the options that a call of the reference sets."""
    found: dict[str, Any] = {}
    if "correct = FALSE" in call:
        found["correct"] = False
    if "add = c(1/2, 1/2)" in call:
        found |= {"add": (0.5, 0.5), "to": ("all", "all")}
    if "drop00 = c(TRUE, TRUE)" in call:
        found["drop00"] = (True, True)
    if "level = 90" in call:
        found["level"] = 0.90
    return found


def fitted(case: dict[str, Any], rows: pd.DataFrame) -> CommonEffect:
    """Return our analysis of a case."""
    given = {str(name): rows[name].to_numpy() for name in rows}
    if "rma.peto" in case["call"]:
        return peto(**given)
    measure = case["call"].split('measure = "')[1].split('"')[0]
    return mantel_haenszel(measure, **given, **options(case["call"]))


def whole(pooled: CommonEffect, labels: pd.Index) -> dict[str, Any]:
    """Return an analysis under metafor's names; yi and vi without absent ones."""
    there = np.isfinite(pooled.effect)
    fit = pooled.fit_statistics
    # metafor prints the association tests of two-by-two tables beside OR alone.
    tests = {"OR": ("MH", "CO", "TA", "BD"), "IRR": ("MH",)}.get(pooled.measure, ())
    of: dict[str, ChiSquaredTest] = {
        "MH": pooled.mantel_haenszel_test,
        "CO": pooled.cochran_test,
        "TA": pooled.tarone_test,
        "BD": pooled.breslow_day_test,
    }
    return {
        "k": pooled.k,
        "measure": pooled.measure,
        "beta": pooled.estimate,
        "se": pooled.standard_error,
        "z": pooled.statistic,
        "pval": pooled.p_value,
        "ci_lb": pooled.ci_lower,
        "ci_ub": pooled.ci_upper,
        "I2_pct": 100 * pooled.i_squared,
        "H2": pooled.h_squared,
        "QE": pooled.q,
        "QEp": pooled.q_p_value,
        **{name: of[name].statistic if name in tests else None for name in of},
        **{f"{name}p": of[name].p_value if name in tests else None for name in of},
        "fit_stats": {
            "ML": {
                "ll": fit["log_likelihood"],
                "dev": fit["deviance"],
                "AIC": fit["aic"],
                "BIC": fit["bic"],
                "AICc": fit["aicc"],
            }
        },
        "yi": pooled.effect[there],
        "vi": pooled.variance[there],
    }


def frame(table: pd.DataFrame) -> dict[str, Any]:
    """Return an analysis of subsets under metafor's names."""
    return {
        "estimate": table["estimate"],
        "se": table["standard_error"],
        "zval": table["statistic"],
        "pval": table["p_value"],
        "ci.lb": table["ci_lower"],
        "ci.ub": table["ci_upper"],
        "Q": table["q"],
        "Qp": table["q_p_value"],
        "I2": 100 * table["i_squared"],
        "H2": table["h_squared"],
    }


def cumulative(pooled: CommonEffect, labels: pd.Index) -> dict[str, Any]:
    """Return the trials added one by one."""
    table = pooled.cumulative()
    last = labels[table["trial"] - 1]
    return frame(table) | {
        "k": table.index + 1,
        "slab": last,
        "ids": last,
        "order": last,
        "level": [1 - pooled.level],
    }


def residuals(pooled: CommonEffect, labels: pd.Index) -> dict[str, Any]:
    """Return the residuals of the trials that have one."""
    table = pooled.residuals().dropna()
    return {
        "resid": table["residual"],
        "se": table["standard_error"],
        "z": table["standardized"],
        "slab": labels[table.index],
    }


def regression(pooled: CommonEffect, labels: pd.Index) -> dict[str, Any]:
    """Return the regression test under metafor's names."""
    test = pooled.regression_test()
    return {"stat": test["statistic"], "pval": test["p_value"], "dfs": test["df"]}


#: Word in the name of a case -> our result in its shape.
SHAPES = {
    "leave1out": lambda pooled, labels: frame(pooled.leave_one_out()),
    "cumul": cumulative,
    "regtest": regression,
    "rstandard": residuals,
}


@pytest.mark.reference
@pytest.mark.parametrize("name", files_of("metafor.mh_peto"))
def test_agrees_with_metafor(name: str, shared: Path) -> None:
    def compute(case: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
        rows = read_rows(reference, shared)
        shape = next((f for word, f in SHAPES.items() if word in case["id"]), whole)
        return shape(fitted(case, rows), rows.index)

    family = Family("metafor.mh_peto", compute, Tolerance(1e-10))
    check_file(family, shared, name)
