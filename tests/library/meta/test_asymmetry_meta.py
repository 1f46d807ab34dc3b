"""Tests of funnel asymmetry by name, and trim and fill as meta has it, beside meta."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.library.meta.reference_cases import read_data, read_reference
from trialstats.meta.asymmetry import asymmetry_test
from trialstats.meta.effect_sizes import effect_sizes
from trialstats.meta.pooling import Pooled, pool
from trialstats.meta.rank_test import RankTest
from trialstats.meta.trim_and_fill import trim_and_fill

pytestmark = pytest.mark.reference

#: File -> the columns of events and sizes; a sum of columns where two make a size.
COLUMNS = {
    "meta.metabin_bcg": (["tpos"], ["tpos", "tneg"], ["cpos"], ["cpos", "cneg"]),
    "meta.metabin_collins1985b": (["pre.xti"], ["pre.nti"], ["pre.xci"], ["pre.nci"]),
    "meta.metabin_egger2001": (["ai"], ["n1i"], ["ci"], ["n2i"]),
}
NAMES = ("ai", "n1i", "ci", "n2i")


def tables(shared: Path, file: str, csv: str, measure: str) -> tuple[Pooled, Any]:
    """Return the pooled effects and the counts they are from."""
    data = read_data(shared, csv)
    counts = {
        name: data[columns].sum(axis=1)
        for name, columns in zip(NAMES, COLUMNS[file], strict=True)
    }
    effects = effect_sizes(measure, drop00=True, **counts)
    there = effects["effect"].notna()
    counts = {name: values[there] for name, values in counts.items()}
    effects = effects[there]
    return pool(effects["effect"], effects["variance"]), counts


def cases(shared: Path, file: str, start: str) -> Iterator[tuple[list[str], Any, str]]:
    """Yield the parts of the id, the results and the data of cases."""
    reference = read_reference(shared, file)
    for case in reference["cases"]:
        if case["id"].startswith(start):
            csv = reference["data"]["csv"]
            csv = csv if isinstance(csv, str) else csv[0]
            yield case["id"].split("."), case["results"], csv


@pytest.mark.parametrize("file", COLUMNS)
def test_every_named_test(shared: Path, file: str) -> None:
    """metabias(): closed forms, 1e-12; REML of Thompson and Sharp by default, 1e-4."""
    seen = 0
    for (_, measure, name), theirs, csv in cases(shared, file, "bias."):
        pooled, counts = tables(shared, file, csv, measure)
        test = asymmetry_test(pooled, name, **counts)
        given = list(theirs["estimate"].values())
        if isinstance(test, RankTest):
            ours = [test.score, test.score_standard_error]
        else:
            ours = [test.estimate, test.standard_error]
            spread = test.tau_squared if name == "Thompson" else test.dispersion
            ours += [test.df, spread]
            given += [theirs["df"], theirs["tau2"]]
        ours += [test.statistic, test.p_value]
        given += [theirs["statistic"], theirs["pval"]]
        relative = 1e-4 if name == "Thompson" else 1e-12
        assert ours == pytest.approx(given, rel=relative), name
        seen += 1
    assert seen == 8


@pytest.mark.parametrize("file", COLUMNS)
def test_trim_and_fill_by_the_equal_effects_model(shared: Path, file: str) -> None:
    """trimfill(type = "L" or "R"): the filled trials 1e-12, the refit 1e-5.

    meta refits with the default threshold of metafor.
    """
    seen = 0
    for (_, measure, kind), theirs, csv in cases(shared, file, "trimfill."):
        if file == "meta.metabin_egger2001" and measure == "RR":
            # meta's risk ratios with zero cells are not those of metafor.
            continue
        pooled, _ = tables(shared, file, csv, measure)
        result = trim_and_fill(pooled, estimator=f"{kind}0", centre="EE")
        assert result.effect == pytest.approx(np.array(theirs["TE"]), rel=1e-12)
        assert np.sqrt(result.variance) == pytest.approx(
            np.array(theirs["seTE"]), rel=1e-12
        )
        assert result.filled.estimate == pytest.approx(theirs["TE.random"][0], rel=1e-5)
        assert result.filled.tau_squared == pytest.approx(theirs["tau2"][0], rel=1e-5)
        seen += 1
    assert seen >= 2


def test_pustejovsky_and_rodgers() -> None:
    """lm(y ~ sqrt(1/n1 + 1/n2), weights = 1/v) in R: 1e-12."""
    effect = [0.42, 0.11, 0.55, 0.30, 0.78, 0.05, 0.61, -0.12, 0.95, 0.36, 0.20, 0.66]
    variance = [0.021, 0.012, 0.055, 0.034, 0.110, 0.009]
    variance += [0.075, 0.048, 0.160, 0.027, 0.015, 0.090]
    n = np.array([190, 330, 72, 118, 36, 440, 53, 83, 25, 148, 266, 44])
    test = asymmetry_test(
        pool(effect, variance),
        "Pustejovsky",
        data=pd.DataFrame({"n": n / 2}),
        n1i="n",
        n2i="n",
    )
    assert not isinstance(test, RankTest)
    found = [test.estimate, test.standard_error, test.statistic, test.p_value]
    expected = [2.580451087650174724, 0.669423221209835662, 3.854737938409987130]
    assert found == pytest.approx([*expected, 0.003187488503085285], rel=1e-12)
