"""Every case of R's mmrm 0.3.18 in the reference folder, beside ours.

The reference fits are polished by Newton steps to a gradient below 3e-10
(reference/README.md). Cases named ``default_optimizer`` are the plain call, good to
about 1e-4 only, and left out. Plain Kenward-Roger depends on the parameterisation of
the covariance, in which mmrm and SAS differ: there the standard errors and what is
made of them are compared with SAS (test_mmrm_sas.py), and here everything else.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from trialstats.likelihood_ratio import likelihood_ratio_test
from trialstats.mmrm import Mmrm, fit_mmrm

pytestmark = pytest.mark.reference

STRUCTURE = {
    "us": "unstructured",
    "toep": "toeplitz",
    "toeph": "toeplitz_heterogeneous",
    "ar1": "ar1",
    "ar1h": "ar1_heterogeneous",
    "cs": "compound_symmetry",
    "csh": "compound_symmetry_heterogeneous",
    "ad": "antedependence",
    "adh": "antedependence_heterogeneous",
    "sp_exp": "spatial_exponential",
    "sp_gau": "spatial_gaussian",
}
VCOV = {
    "Empirical": "CR0",
    "Empirical-Bias-Reduced": "CR2",
    "Empirical-Jackknife": "CR3",
}
DF = {
    "Satterthwaite": "satterthwaite",
    "Kenward-Roger": "kenward_roger",
    "Between-Within": "between_within",
    "Residual": "residual",
}
FILES = (
    *(f"bcva.{s}" for s in ("ar1h", "cs", "csh", "toeph", "us")),
    *(f"fev.{s}" for s in ("ad", "adh", "ar1", "ar1h", "ar1h_grp", "cs", "cs_grp")),
    *(f"fev.{s}" for s in ("csh", "sp_exp", "sp_exp_grp", "sp_gau", "toep")),
    *(f"fev.{s}" for s in ("toep_grp", "toeph", "us", "us_grp")),
    *(f"fev_grp.{s}" for s in ("ar1_grp", "csh_grp", "toeph_grp")),
    *("sim1000x8.ar1h", "sim1000x8.us"),
)
#: Fits among the cases of these files: a shrinking folder must not pass in silence.
N_FITS = 440

#: Asked for: 1e-8 in the log-likelihood, 1e-6 in estimates, errors and covariances,
#: 1e-4 in degrees of freedom. Seen: 3e-14 and 1e-11, the polish of the reference.
LIKELIHOOD, ESTIMATE, DEGREES = 1e-11, 1e-8, 1e-8
#: F statistics and p values of the type II and III tests go through contrasts that
#: mmrm rounds to zero below 1.5e-8.
TEST = 1e-6


@cache
def reference(folder: Path, file: str) -> dict[str, Any]:
    return json.loads((folder / f"json/mmrm.{file}.json").read_text())


@cache
def data(folder: Path, name: str) -> pd.DataFrame:
    frame = pd.read_csv(folder / f"data/{name}.csv")
    columns = json.loads((folder / f"data/{name}.dict.json").read_text())["columns"]
    for column, about in columns.items():
        if about.get("levels"):
            levels = [str(level) for level in about["levels"]]
            frame[column] = pd.Categorical(frame[column].astype(str), levels)
    return frame


def fit_of(folder: Path, file: str, case: dict[str, Any], **options: Any) -> Mmrm:
    """Fit what the call of a case says."""
    kind, inside = case["covariance"].removesuffix(")").split("(")
    visit, subject = (part.strip() for part in inside.split("|"))
    group, _, subject = subject.rpartition("/")
    df = DF[case["method"]]
    if case["vcov"] == "Kenward-Roger-Linear":
        df = "kenward_roger_linear"
    return fit_mmrm(
        case["call"].removeprefix("mmrm(").split(f" + {kind}(")[0],
        data(folder, reference(folder, file)["data"]["name"]),
        subject=subject,
        visit=visit,
        covariance=STRUCTURE[kind],
        group=group or None,
        method="reml" if case["reml"] else "ml",
        df=df,
        vcov=VCOV.get(case["vcov"]),
        **options,
    )


def fits(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        case
        for case in document["cases"]
        if "reml" in case and not case["id"].endswith("default_optimizer")
    ]


def close(ours: Any, theirs: Any, tolerance: float, scale: Any = 1.0) -> None:
    theirs = np.asarray(theirs, dtype=float)
    difference = np.abs(np.asarray(ours, dtype=float) - theirs)
    assert (difference <= tolerance * np.maximum(np.abs(theirs), scale)).all()


def same_table(ours: pd.DataFrame, theirs: dict[str, Any], value: str) -> None:
    """Compare estimates, errors and degrees of freedom of a table."""
    error = np.asarray(theirs["se"], dtype=float)
    close(ours["estimate"], theirs[value], ESTIMATE, error)
    close(ours["standard_error"], error, ESTIMATE, 0)
    close(ours["df"], theirs["df"], DEGREES, 0)
    if "t" in theirs:
        close(ours["statistic"], theirs["t"], ESTIMATE)
    if "p" in theirs:
        # p = 2 P(T < -|t|): its relative error is up to t^2 that of t.
        close(ours["p_value"], theirs["p"], 1e-6, 1e-300)
    for bound, name in (("ci_lower", "lower"), ("ci_upper", "upper")):
        if name in theirs:
            close(ours[bound], theirs[name], ESTIMATE, error)


@pytest.mark.parametrize("file", FILES)
def test_fits_of_mmrm(shared, file):
    folder = shared / "reference"
    document = reference(folder, file)
    for case in fits(document):
        result = case["results"]
        plain = case["vcov"] == "Kenward-Roger"
        fit = fit_of(folder, file, case)
        assert case["status"] == "ok"
        assert fit.converged
        assert fit.n_observations == result["n_obs"]
        assert fit.n_subjects == result["n_subjects"]
        close(fit.log_likelihood, result["logLik"], LIKELIHOOD)
        close([fit.aic, fit.bic], [result["AIC"], result["BIC"]], LIKELIHOOD)
        compare_covariance(fit, result)
        coefficients = fit.coefficients
        if plain:
            close(coefficients["estimate"], result["coef"]["estimate"], ESTIMATE)
            # The degrees of freedom of one contrast do not use the adjustment.
            close(coefficients["df"], result["coef"]["df"], DEGREES)
            # mmrm's adjustment differs from SAS's by its parameterisation.
            close(coefficients["standard_error"], result["coef"]["se"], 0.04, 0)
            continue
        same_table(coefficients, result["coef"], "estimate")
        compare_margins(fit, result)
        compare_tests(fit, result)


def compare_covariance(fit: Mmrm, result: dict[str, Any]) -> None:
    if "varcor" not in result or fit.structure.startswith("spatial"):
        return
    if isinstance(fit.covariance, dict):
        for group, sigma in fit.covariance.items():
            theirs = np.array(result["varcor"][group]["data"])
            close(sigma, theirs, ESTIMATE, theirs.max())
    else:
        theirs = np.array(result["varcor"]["data"])
        close(fit.covariance, theirs, ESTIMATE, theirs.max())


def compare_margins(fit: Mmrm, result: dict[str, Any]) -> None:
    if "emmeans" in result:
        means = fit.ls_means(["ARMCD", "AVISIT"])
        means = means.sort_values(["AVISIT", "ARMCD"])
        assert means["ARMCD"].astype(str).tolist() == result["emmeans"]["ARMCD"]
        assert means["AVISIT"].astype(str).tolist() == result["emmeans"]["AVISIT"]
        same_table(means, result["emmeans"], "emmean")
    if "contrasts" in result:
        found = fit.contrasts("ARMCD", by="AVISIT")
        assert found["AVISIT"].astype(str).tolist() == result["contrasts"]["AVISIT"]
        assert found["contrast"].tolist() == result["contrasts"]["contrast"]
        same_table(found, result["contrasts"], "estimate")


def compare_tests(fit: Mmrm, result: dict[str, Any]) -> None:
    for name, kind in (("car_Anova_II", 2), ("car_Anova_III", 3)):
        if name in result:
            found = fit.tests(type=kind).set_index("term")
            same_tests(found.loc[result[name]["term"]], result[name])
    if "anova_terms" in result:
        unit = np.eye(len(fit.beta))
        rows = [fit.joint_test(unit[term.columns]) for term in fit.design.terms]
        same_tests(pd.concat(rows), result["anova_terms"])


def same_tests(ours: pd.DataFrame, theirs: dict[str, Any]) -> None:
    assert ours["numerator_df"].tolist() == theirs["num_df"]
    close(ours["df"], theirs["den_df"], TEST, 0)
    close(ours["statistic"], theirs["f"], TEST, 0)
    close(ours["p_value"], theirs["p"], 1e-4, 1e-300)


def test_no_case_is_missing(shared):
    folder = shared / "reference"
    assert sum(len(fits(reference(folder, file))) for file in FILES) == N_FITS
    present = {
        path.stem.removeprefix("mmrm.") for path in folder.glob("json/mmrm.*.json")
    }
    assert present == set(FILES)


@pytest.fixture
def unstructured(shared):
    """Return our fit of the default case, and mmrm's further results by name."""
    folder = shared / "reference"
    document = reference(folder, "fev.us")
    (case,) = (
        c
        for c in document["cases"]
        if c["id"].endswith("REML.Satterthwaite.Asymptotic")
    )
    further = {case["id"]: case["results"] for case in document["cases"]}
    return fit_of(folder, "fev.us", case), further


@pytest.mark.parametrize("kind", ["response", "pearson", "normalized"])
def test_residuals(unstructured, kind):
    fit, further = unstructured
    close(fit.residuals(kind), further[f"us.residuals.{kind}"]["value"], 1e-9)


def test_fitted_values_and_predictions(shared, unstructured):
    fit, further = unstructured
    close(fit.fitted(), further["us.fitted"]["value"], 1e-10)
    # mmrm predicts every row of the data, those without a response included, at its
    # mean. Its column `se` holds the variance: where the row is the intercept alone it
    # is beta_vcov[1, 1]. Its interval belongs to another level and is not compared.
    frame = data(shared / "reference", "fev_data")
    theirs = further["us.predict_conditional"]
    close(fit.predict(frame), theirs["fit"], 1e-10)
    rows = fit.design.rows_for(frame)
    error = fit.contrast(rows)["standard_error"]
    close(error**2, theirs["se"], 1e-8)


def test_proportional_weights_and_averages(unstructured):
    fit, further = unstructured
    for name, means in (
        (
            "us.emmeans_proportional",
            fit.ls_means(["ARMCD", "AVISIT"], weights="proportional"),
        ),
        ("us.emmeans_ARMCD", fit.ls_means("ARMCD")),
    ):
        if "AVISIT" in means:
            means = means.sort_values(["AVISIT", "ARMCD"])
        theirs = further[name]
        close(means["estimate"], theirs["emmean"], ESTIMATE)
        close(means["standard_error"], theirs["SE"], ESTIMATE)
        close(means["df"], theirs["df"], DEGREES)
        close(means["ci_lower"], theirs["lower.CL"], ESTIMATE)
        close(means["ci_upper"], theirs["upper.CL"], ESTIMATE)


def test_likelihood_ratio(shared, unstructured):
    """mmrm's own optimiser gave these two fits: good to about 1e-6."""
    _, further = unstructured
    theirs = further["us.lrt_ML_cs_vs_us"]
    frame = data(shared / "reference", "fev_data")
    smaller, larger = (
        fit_mmrm(
            "FEV1 ~ RACE + SEX + ARMCD * AVISIT",
            frame,
            subject="USUBJID",
            visit="AVISIT",
            covariance=covariance,
            method="ml",
            df="satterthwaite",
        )
        for covariance in ("compound_symmetry", "unstructured")
    )
    found = likelihood_ratio_test(smaller, larger)
    assert found.df == 8
    # mmrm reports the difference of the log-likelihoods, and p of twice that.
    difference = theirs["log_likelihood_ratio"][1]
    assert found.statistic == pytest.approx(2 * difference, rel=1e-6)
    assert found.p_value == pytest.approx(theirs["p_value"][1], rel=1e-4)
