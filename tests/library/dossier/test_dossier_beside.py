"""What stands beside the main models of the dossier, beside metafor.

tests/reference/dossier/beside.json is R's (make_beside.R there): the effects of the
trials are those of results.json, so that a difference here is one of the methods.
"""

import json

import pandas as pd
import pytest

from trialstats import io
from trialstats.analyses.synthesis import synthesise
from trialstats.clean.published import build_published
from trialstats.config.loading import load_project

pytestmark = pytest.mark.reference

#: Both sides iterate on effects that are stored with twelve digits.
TOLERANCE = 1e-6

#: R integrates the power of a trial numerically, to about 1e-5.
OWN_TOLERANCE = {"excess_significance": 1e-5}

#: These may be near zero, so their difference is relative to the standard error.
ON_SCALE = ("estimate", "ci_lower", "ci_upper")

#: What metafor has no function for, and where it is checked instead.
ELSEWHERE = {
    # Sums written out in trialstats/second_engine, and against brute force.
    "probability_below_no_effect": "posterior",
    "shrinkage_effect": "posterior",
    # Named tests of counts: beside R's meta in tests/library/meta.
    "harbord_test": "meta",
    "peters_test": "meta",
    # Places of the trials that trim and fill adds: mirrored effects.
    "trim_and_fill_filled": "arithmetic",
    # Points and sums of figures: tests/library/synthesis/test_synthesis_figure_rows.py,
    # radial points beside metafor's `radial`.
    **dict.fromkeys(("risk", "total_events", "total_n", "total_weight"), "arithmetic"),
    **dict.fromkeys(("radial_precision", "radial_effect"), "radial"),
}

#: Written by the main models themselves, compared in test_dossier_reference.
MAIN = {"effect", "weight", "pooled_effect", "prediction_interval", "tau_squared"}
MAIN |= {"i_squared", "h_squared", "q", "published_pool", "published_smd"}
MAIN |= {"n", "events", "mean", "difference", "standard_deviation"}
MAIN |= {"sensitivity_effect"}


@pytest.fixture(scope="module")
def reference(root):
    path = root / "tests/reference/dossier/beside.json"
    return json.loads(path.read_text(encoding="utf-8"))["rows"]


@pytest.fixture(scope="module")
def rows(root):
    """Return the rows of every pooled synthesis of published trials."""
    project = load_project(root)
    named = project.config["published"]
    cells = {kind: io.read_cells(root / path) for kind, path in named.items()}
    tables = build_published(**cells, files=named)
    frames = [
        synthesise(config, *tables)
        for config in project.syntheses.values()
        if config["pooling"] and not config.get("analyses")
    ]
    return pd.concat(frames, ignore_index=True)


def records(rows):
    return {
        (r["synthesis"], r["statistic"], r["trial"], _model(r)): r
        for r in rows.astype(object).where(rows.notna(), None).to_dict("records")
    }


def _model(row):
    """Return the model of a row of the grid; the others belong to the main one."""
    return row["model_id"] if str(row["statistic"]).startswith("grid_") else None


def test_every_number_of_r_is_found_again(reference, rows):
    ours = records(rows)
    here = {key[0] for key in ours}
    wrong, seen = [], 0
    for expected in reference:
        name = expected["synthesis"]
        if name not in here:
            continue
        key = (name, expected["statistic"], expected["trial"], expected["model_id"])
        row = ours[key]
        if "not_estimable" in expected:
            if row["estimate"] is not None or not row["not_estimable"]:
                wrong.append((key, row["estimate"]))
            continue
        for column, theirs in expected.items():
            if column in ("synthesis", "statistic", "trial", "model_id"):
                continue
            seen += 1
            size = abs(theirs)
            if column in ON_SCALE:
                size = max(size, expected.get("standard_error", 0.0))
            mine = row[column]
            tolerance = OWN_TOLERANCE.get(key[1], TOLERANCE) * (size or 1.0)
            near = mine is not None and abs(mine - theirs) <= tolerance
            if not near:
                wrong.append((key, column, mine, theirs))
    assert wrong == []
    assert seen > 500


def test_r_has_every_number(reference, rows):
    known = {
        (r["synthesis"], r["statistic"], r["trial"], r["model_id"]) for r in reference
    }
    without = {
        key
        for key, row in records(rows).items()
        if key not in known
        and key[1] not in MAIN | set(ELSEWHERE)
        and not str(row["model_id"]).startswith("bayesian.")
    }
    # Two trials do not allow a test of asymmetry: rows with their reason.
    assert all(records(rows)[key]["not_estimable"] for key in without), without
