"""Fits of R's mmrm on made-up visits, committed: README in tests/reference/mmrm.

Weights, irregular visit times and groups beside what the shared references hold. R
writes 13 digits after polishing to a gradient below 1e-11.
"""

import json

import pandas as pd
import pytest

from trialstats.mmrm import fit_mmrm

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
#: 9 for each structure, and by group for 8 of them.
N_CASES = 9 * len(STRUCTURE) + 8


@pytest.fixture(scope="module")
def visits(root):
    frame = pd.read_csv(root / "tests/reference/mmrm/visits.csv")
    return frame.assign(
        ARM=pd.Categorical(frame["ARM"], ["Placebo", "Low", "High"]),
        AWK=frame["ADY"] / 7,
    )


@pytest.fixture(scope="module")
def cases(root):
    found = json.loads((root / "tests/reference/mmrm/results.json").read_text())
    assert max(case["gradient"] for case in found["cases"].values()) < 1e-10
    assert len(found["cases"]) == N_CASES
    return found["cases"]


@pytest.mark.parametrize("kind", STRUCTURE)
def test_fits(visits, cases, kind):
    of_kind = {name: case for name, case in cases.items() if name.split(".")[0] == kind}
    assert len(of_kind) >= 9
    for name, case in of_kind.items():
        _, method, what = name.split(".")
        robust = what.removeprefix("weights_") if "CR" in what else None
        fit = fit_mmrm(
            "CHG ~ BASE + SEX + ARM * AVISIT",
            visits,
            subject="USUBJID",
            visit="AWK" if kind.startswith("sp_") else "AVISIT",
            covariance=STRUCTURE[kind],
            group="SEX" if what == "group" else None,
            weights="WEIGHT" if "weights" in what else None,
            method=method,
            df=what if what == "kenward_roger_linear" else "satterthwaite",
            vcov=robust,
        )
        ours = fit.coefficients
        assert fit.n_observations == case["n_observations"]
        assert fit.log_likelihood == pytest.approx(case["log_likelihood"], rel=1e-10)
        # Estimates beside their errors; 13 digits of R, and the polish, leave 1e-9.
        apart = (ours["estimate"] - case["estimate"]) / ours["standard_error"]
        assert apart.abs().max() < 1e-8, name
        for column in ("standard_error", "df"):
            assert ours[column].tolist() == pytest.approx(case[column], rel=1e-8), name
