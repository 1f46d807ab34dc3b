"""The dossier's own numbers beside those of R, from data/ and config/ alone.

Every estimate of the three trials and of the syntheses is computed in this process
(clean, analyse, synthesise) and compared with tests/reference/dossier/results.json,
which R made (README there: versions, calls, what is R's and what was decided here).
"""

import json
import math
import re
from typing import Any

import pandas as pd
import pytest
from scipy import stats
from test_dossier_beside import MAIN

from trialstats import io
from trialstats.analyses.estimand_account import COUNTED
from trialstats.analyses.synthesis import synthesise
from trialstats.analyses.trial import analyse_trial
from trialstats.analyses.trial_flow import FLOW_STATISTICS
from trialstats.analyses.trial_periods import PERIOD_STATISTICS
from trialstats.clean.files import read_sources
from trialstats.clean.published import build_published
from trialstats.clean.trial import clean_trial
from trialstats.config.loading import load_project
from trialstats.meta import effect_sizes, pool, standardise_difference

pytestmark = pytest.mark.reference

#: R iterates (lmer to 1e-8 in the ratio of standard deviations, rma to 1e-14) and the
#: file holds twelve digits; the largest difference seen is 2e-7 (a p-value of 6e-9).
TOLERANCE = 1e-6

#: These may be near zero, so their difference is relative to the standard error.
ON_SCALE = ("estimate", "ci_lower", "ci_upper")

#: Rows that R cannot have: numbers as entered, rows of other reviews, and what this
#: project decides not to derive (printed means that differ by their rounding only).
COPIED = {"published_pool", "published_smd", "n", "events", "mean", "difference"}
COPIED |= {"standard_deviation"}
NOT_DERIVED = {
    "arthritis.beaudette2023-arthritis.pain-interference-primary.8-weeks.effect",
    "arthritis.beaudette2023-arthritis.fatigue.8-weeks.effect",
    "arthritis.beaudette2023-arthritis.global-severity.8-weeks.effect",
    "arthritis.beaudette2023-arthritis.global-improvement.8-weeks.effect",
    "multiple-sclerosis-quality-of-life.cree2010-ms.mental-health-inventory."
    "8-weeks.effect",
    "serious-adverse-events.reml-knapp-hartung.smith2013-cd-ped.weight",
    "serious-adverse-events.reml-knapp-hartung.innova-fm.weight",
}

Records = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def reference(root) -> Records:
    path = root / "tests/reference/dossier/results.json"
    rows: Records = json.loads(path.read_text(encoding="utf-8"))["rows"]
    return rows


@pytest.fixture(scope="module")
def project(root):
    return load_project(root)


@pytest.fixture(scope="module")
def fitted(root, project) -> dict[str, pd.DataFrame]:
    """Return the rows of each analysis of each trial, by ``trial.analysis``."""
    found = {}
    for name, config in project.trials.items():
        clean = clean_trial(config, read_sources(config, root=root))
        rows = analyse_trial(config, clean.adsl, clean.bds, clean.adae)
        found |= {f"{name}.{analysis}": frame for analysis, frame in rows.items()}
    return found


@pytest.fixture(scope="module")
def published(root, project):
    named = project.config["published"]
    files = {kind: named[kind] for kind in ("trials", "continuous", "binary", "pools")}
    cells = {kind: io.read_cells(root / path) for kind, path in files.items()}
    return build_published(**cells, files=files)


@pytest.fixture(scope="module")
def dossier(project, fitted, published) -> Records:
    """Return every row of the estimates by its row_id."""
    frames = list(fitted.values())
    for config in project.syntheses.values():
        wanted = {name: fitted[name] for name in config.get("analyses") or ()}
        frames.append(synthesise(config, *published, wanted))
    records: Records = {}
    for frame in frames:
        for record in frame.astype(object).to_dict("records"):
            records[record["row_id"]] = {
                str(k): None if pd.isna(v) else v for k, v in record.items()
            }
    return records


def test_every_number_of_r_is_found_again(reference, dossier):
    assert len(reference) > 800
    wrong = []
    for row_id, expected in reference.items():
        row = dossier[row_id]
        for column, theirs in expected.items():
            if column == "not_estimable":
                # R gives NA or nothing: no number here either, and a reason.
                if row["estimate"] is not None or not row["not_estimable"]:
                    wrong.append((row_id, row))
                continue
            ours = row[column]
            size = abs(theirs)
            if column in ON_SCALE:
                size = max(size, expected.get("standard_error", 0.0))
            if ours is None or not math.isclose(
                ours, theirs, rel_tol=0, abs_tol=TOLERANCE * (size or 1.0)
            ):
                wrong.append((row_id, column, ours, theirs))
    assert wrong == []


def test_r_has_every_estimate(reference, dossier):
    # A new analysis or synthesis needs its numbers from R too.
    without = {
        row_id
        for row_id, row in dossier.items()
        if row_id not in reference
        and ".baseline." not in row_id
        and ".disposition." not in row_id
        and not (row["kind"] == "synthesis" and row["statistic"] in COPIED)
        # How many records an estimand left out, who is analysed, the observed means of
        # periods: their own tests count and add them by hand.
        and row["statistic"] not in (*COUNTED, *FLOW_STATISTICS, *PERIOD_STATISTICS)
        and not _stands_beside(row)
    }
    assert without == NOT_DERIVED
    assert all(dossier[row_id]["not_estimable"] for row_id in NOT_DERIVED)


def _stands_beside(row):
    """Return whether a row is compared in test_dossier_beside, or not in R at all."""
    if row["kind"] != "synthesis":
        return False
    bayesian = str(row["model_id"]).startswith("bayesian.")
    return bayesian or row["statistic"] not in MAIN


def test_no_effect_is_stated_without_its_interval(dossier):
    # Every effect of the dossier is treatment minus (or over) control, with both
    # limits around it, or says why not.
    effects = ("difference", "risk_difference", "risk_ratio", "odds_ratio", "effect")
    seen = 0
    for row in dossier.values():
        if row["statistic"] not in (*effects, "pooled_effect"):
            continue
        if row["kind"] == "synthesis" and row["statistic"] == "difference":
            continue
        seen += 1
        assert str(row["contrast"]).startswith("LDN"), row["row_id"]
        if row["not_estimable"] is None:
            limits = (row["ci_lower"], row["estimate"], row["ci_upper"])
            assert None not in limits, row["row_id"]
            assert list(limits) == sorted(limits), row["row_id"]
    assert seen > 80


def test_the_method_names_the_interval_that_stands_beside_it(dossier):
    # Limits worked out again from estimate and error, by the last interval named.
    seen = {"t": 0, "normal": 0}
    for row in dossier.values():
        named = re.findall(r"95% (t|normal) interval", str(row["method"]))
        if not named or row["standard_error"] is None or row["ci_lower"] is None:
            # A variance, or a number as entered, names no interval that it has not.
            assert "variance_" not in row["statistic"] or not named, row["row_id"]
            continue
        seen[named[-1]] += 1
        df = row["df"] if named[-1] == "t" else math.inf
        half = stats.t.ppf(0.975, df) * row["standard_error"]
        assert row["ci_upper"] - row["ci_lower"] == pytest.approx(2 * half, rel=1e-9)
    assert min(seen.values()) > 30


def test_what_the_note_says_about_standardising_the_adjusted_differences(
    project, dossier
):
    # Numbers of the note in config/syntheses/pain_across_conditions.yaml.
    other = standardise_difference(
        difference=[-0.34, 0.49],
        standard_error=[0.3112, 0.4135],
        n1=[49, 48],
        n2=[50, 50],
    )
    rows = [
        dossier[f"pain-across-conditions.{trial}.effect"]
        for trial in ("younger2013-fm", "cree2010-ms", "beaudette2023-arthritis")
    ]
    pooled = pool(
        [*other["effect"], *(row["estimate"] for row in rows)],
        [*other["variance"], *(row["standard_error"] ** 2 for row in rows)],
    )
    said = " ".join(project.syntheses["pain_across_conditions"]["notes"])
    each = f"{other['effect'][0]:.2f} and {other['effect'][1]:.2f}"
    together = f"{pooled.estimate:.2f} ({pooled.ci_lower:.2f}, {pooled.ci_upper:.2f})"
    assert each in said
    assert together in said
    # FINAL's arms: -1.3 (1.57) of 49 and -0.9 (1.58) of 50.
    arms = effect_sizes(
        "SMD", m1i=[-1.3], sd1i=[1.57], n1i=[49], m2i=[-0.9], sd2i=[1.58], n2i=[50]
    )
    assert f"FINAL alone would have {arms['effect'][0]:.2f}" in said


def test_what_the_note_says_about_the_weight_of_a_trial_without_events(
    project, dossier
):
    # Number of the note in config/syntheses/serious_adverse_events.yaml.
    weight = dossier["serious-adverse-events.risk-difference.innova-fm.weight"]
    said = " ".join(project.syntheses["serious_adverse_events"]["notes"])
    assert f"{100 * weight['estimate']:.0f}% of the weight" in said
