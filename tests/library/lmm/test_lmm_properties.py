"""What must hold whatever the data: order, labels, units, threads."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from trialstats.lmm import fit_lmm
from trialstats.randomness import stream

PANELS = {
    "subjects": {"subject": "1"},
    "slopes": {"subject": "1 + week"},
    "nested": {"centre": "1", "centre:subject": "1"},
    "nested slopes": {"centre": "1", "centre:subject": "1 + week"},
    "crossed": {"subject": "1", "rater": "1"},
}
FORMULA = "y ~ arm + week"


def panel(kind, *, coarse=False, key=""):
    """Return data of a panel; coarse responses repeat, so that rows and levels tie."""
    rng = stream(5, "panel", kind, key)
    rows = []
    for c in range(6):
        at_centre = rng.normal(0, 3)
        for s in range(4 + c % 3):
            own, slope = rng.normal(0, 2), rng.normal(0, 1.2)
            for week in range(5):
                for rater in range(2 if kind == "crossed" else 1):
                    y = at_centre + own + slope * week + rng.normal(0, 1)
                    arm = "ab"[s % 2]
                    rows.append((c, s, arm, float(week), (rater + week + c) % 4, y))
    columns = ["centre", "subject", "arm", "week", "rater", "y"]
    data = pd.DataFrame(rows, columns=columns)
    data["y"] += np.array([0.0, 2.0, -1.0, 0.5])[data["rater"]]
    if kind in ("crossed", "subjects", "slopes"):
        data["subject"] += 100 * data["centre"]
    if coarse:
        data["y"] = (data["y"] / 2).round()
    keep = rng.random(len(data)) > 0.15
    return data[keep].reset_index(drop=True)


def fitted(data, kind, **options):
    return fit_lmm(FORMULA, data, random=PANELS[kind], **options)


def numbers(fit):
    """Return everything that a fit reports, as bytes."""
    arrays = [
        fit.beta,
        fit.theta,
        np.array([fit.log_likelihood]),
        np.asarray(fit.beta_covariance),
        fit.coefficients["df"].to_numpy(),
        fit.tests(3)["statistic"].to_numpy(),
    ]
    return [array.tobytes() for array in arrays]


def relabelled(data, rng):
    """Give centres, subjects and raters other names, in another order."""
    changed = data.copy()
    for name in ("centre", "subject", "rater"):
        levels = data[name].unique()
        names = [f"{name} {k:03}" for k in rng.permutation(len(levels))]
        changed[name] = data[name].map(dict(zip(levels, names, strict=True)))
    return changed


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("kind", list(PANELS))
def test_neither_order_nor_labels_change_a_bit(kind, coarse):
    data = panel(kind, coarse=coarse)
    first = fitted(data, kind)
    rng = stream(5, "order", kind)
    effects = first.random_effects()
    for _ in range(4):
        order = rng.permutation(len(data))
        other = relabelled(data, rng).iloc[order].reset_index(drop=True)
        again = fitted(other, kind)
        assert numbers(again) == numbers(first)
        for name, table in again.random_effects().items():
            # Levels are sorted by label: the predictions are the same set.
            columns = name.split(":")
            own = table.drop(columns=columns).sort_values("Intercept")
            given = effects[name].drop(columns=columns).sort_values("Intercept")
            np.testing.assert_array_equal(own.to_numpy(), given.to_numpy())


def test_identical_crossed_levels_may_be_swapped():
    # Two by two blocks of a Latin square: every level looks like every other until
    # one is set apart.
    square = pd.DataFrame(
        [
            (i, j, [1.0, 2.0, 4.0][(i + j) % 3] + 0.5 * ((i * j) % 2) + i // 3)
            for i in range(6)
            for j in range(6)
        ],
        columns=["a", "b", "y"],
    )
    random = {"a": "1", "b": "1"}
    square["y"] += square["a"] % 2 + square["b"] % 3
    first = fit_lmm("y ~ 1", square, random=random)
    rng = stream(5, "square")
    for _ in range(6):
        a, b = rng.permutation(6), rng.permutation(6)
        other = square.assign(a=a[square["a"]], b=b[square["b"]])
        other = other.sample(frac=1, random_state=int(rng.integers(99)))
        again = fit_lmm("y ~ 1", other, random=random)
        assert again.theta.tobytes() == first.theta.tobytes()
        assert again.beta.tobytes() == first.beta.tobytes()


@pytest.mark.parametrize("kind", list(PANELS))
def test_units_of_the_response_scale_the_results(kind):
    data = panel(kind)
    first = fitted(data, kind).coefficients
    theta = fitted(data, kind).theta
    for unit, shift in ((1e-6, 0.0), (1e5, 0.0), (1.0, 1e4)):
        other = fitted(data.assign(y=unit * data["y"] + shift), kind)
        table = other.coefficients
        expected = unit * first["estimate"].to_numpy()
        expected[0] += shift
        assert table["estimate"].to_numpy() == pytest.approx(expected, rel=1e-8)
        errors = unit * first["standard_error"].to_numpy()
        assert table["standard_error"].to_numpy() == pytest.approx(errors, rel=1e-8)
        degrees = first["df"].to_numpy()
        assert table["df"].to_numpy() == pytest.approx(degrees, rel=1e-7)
        assert other.theta == pytest.approx(unit**2 * theta, rel=1e-7)


@pytest.mark.parametrize("kind", list(PANELS))
def test_units_of_a_covariate_scale_its_coefficient(kind):
    data = panel(kind)
    first = fitted(data, kind)
    for unit in (1e-5, 1e4):
        other = fitted(data.assign(week=unit * data["week"]), kind)
        scale = np.array([1, 1, 1 / unit])
        assert other.beta == pytest.approx(first.beta * scale, rel=1e-8)
        errors = first.coefficients["standard_error"].to_numpy() * scale
        found = other.coefficients["standard_error"].to_numpy()
        assert found == pytest.approx(errors, rel=1e-8)
        degrees = first.coefficients["df"].to_numpy()
        assert other.coefficients["df"].to_numpy() == pytest.approx(degrees, rel=1e-7)


def test_moving_a_covariate_of_correlated_effects_changes_nothing_else():
    # An unstructured matrix holds intercepts at any origin of the slope.
    data = panel("slopes")
    first = fitted(data, "slopes")
    other = fitted(data.assign(week=data["week"] + 30), "slopes")
    assert other.log_likelihood == pytest.approx(first.log_likelihood, rel=1e-11)
    assert other.beta[2] == pytest.approx(first.beta[2], rel=1e-8)
    df = first.coefficients["df"][2]
    assert other.coefficients["df"][2] == pytest.approx(df, rel=1e-6)
    variance = first.covariance["subject"].loc["week", "week"]
    moved = other.covariance["subject"].loc["week", "week"]
    assert moved == pytest.approx(variance, rel=1e-6)


def test_a_missing_response_is_a_row_left_out():
    data = panel("nested")
    some = data.copy()
    some.loc[[3, 11, 40], "y"] = np.nan
    fit = fitted(some, "nested")
    assert numbers(fit) == numbers(fitted(data.drop(index=[3, 11, 40]), "nested"))
    assert fit.design.n_left_out == 3


def test_copies_of_a_subject_do_not_disturb_each_other():
    # Subjects with equal coefficients are rotated together; with other weeks each
    # stands for itself. The same likelihood either way.
    data = panel("nested slopes")
    fit = fitted(data, "nested slopes")
    moved = data.copy()
    # 1e-13 of a week is no change of the data, but no two subjects are alike.
    rng = stream(5, "jitter")
    moved["week"] += rng.normal(0, 1e-13, len(data))
    other = fitted(moved, "nested slopes")
    assert other.log_likelihood == pytest.approx(fit.log_likelihood, rel=1e-11)
    assert other.theta == pytest.approx(fit.theta, rel=1e-6)
    assert other.coefficients["df"].to_numpy() == pytest.approx(
        fit.coefficients["df"].to_numpy(), rel=1e-6
    )


THREADS = """
from test_lmm_properties import fitted, numbers, panel
import numpy as np
import pandas as pd
from trialstats.lmm import fit_lmm

print([part.hex() for part in numbers(fitted(panel("nested slopes"), "nested slopes"))])
# Matrices of 150 rows and more are where BLAS divides the work.
rng = np.random.default_rng(3)
u, v = (a.ravel() for a in np.indices((30, 130)))
data = pd.DataFrame({"u": u, "v": v, "y": rng.normal(size=3900)})
data["y"] += rng.normal(size=30)[u] + rng.normal(size=130)[v]
fit = fit_lmm("y ~ 1", data[rng.random(3900) > 0.1], random={"u": "1", "v": "1"})
print([part.tobytes().hex() for part in (fit.beta, fit.theta)])
print(fit.random_effects()["v"]["Intercept"].to_numpy().tobytes().hex())
"""


def test_threads_do_not_change_a_bit(root):
    found = set()
    for threads in ("1", "2"):
        environment = {
            **os.environ,
            "OPENBLAS_NUM_THREADS": threads,
            "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests' / 'library' / 'lmm'}",
        }
        run = subprocess.run(
            [sys.executable, "-c", THREADS],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(run.stdout)
    assert len(found) == 1
