"""One trial in five shapes gives one result, and the README shows how."""

import numpy as np
import pytest

from tests.library.small_trial import column
from trialstats.analyses.trial import fit_analysis
from trialstats.clean.files import read_sources
from trialstats.clean.trial import clean_trial
from trialstats.config.loading import load_project, require_files

SHAPES = ("wide", "dates", "files", "adam", "sdtm")


@pytest.fixture(scope="module")
def made(root):
    """Return each trial with its cleaned data and its estimates."""
    folder = root / "config/examples/shapes"
    project = load_project(folder)
    require_files(project, folder)
    assert tuple(project.trials) == SHAPES
    results = {}
    for name, trial in project.trials.items():
        clean = clean_trial(trial, read_sources(trial, root=folder))
        datasets = (clean.adsl, clean.bds, clean.adae, clean.adtte)
        rows = fit_analysis(trial, "pain_week_12", *datasets)
        results[name] = (clean, rows[rows["statistic"] == "difference"].iloc[0])
    return results


@pytest.mark.parametrize("name", SHAPES)
def test_each_shape_gives_the_same_values(made, name):
    clean, difference = made[name]
    wide, expected = made["wide"]
    assert len(clean.adsl) == 12
    analysed = clean.bds[(clean.bds["ANL01FL"] == "Y") & clean.bds["DTYPE"].isna()]
    assert len(analysed) == 34  # Three visits of twelve patients, two not made.
    order = ["AVISITN", "USUBJID"]
    values = column(analysed.sort_values(order), "AVAL")
    first = wide.bds[wide.bds["ANL01FL"] == "Y"].sort_values(order)
    assert values == column(first, "AVAL")
    assert difference["estimate"] == pytest.approx(expected["estimate"], abs=1e-12)


def test_the_difference_is_that_of_an_analysis_by_hand(made):
    # Least squares of the change on baseline and arm, from the table itself.
    bds, adsl = made["wide"][0].bds, made["wide"][0].adsl
    last = bds[(bds["AVISIT"] == "Week 12") & bds["CHG"].notna()].merge(
        adsl[["USUBJID", "TRT01P"]], on="USUBJID", suffixes=("", "_"), how="left"
    )
    active = (last["TRT01P"] == "Active").to_numpy(dtype=float)
    design = np.column_stack([np.ones(len(last)), last["BASE"], active])
    found = np.linalg.lstsq(design, last["CHG"].to_numpy(dtype=float), rcond=None)[0]
    assert made["wide"][1]["estimate"] == pytest.approx(found[2], abs=1e-9)


def test_what_each_shape_sets_aside(made):
    aside = {name: len(clean.set_aside) for name, (clean, _) in made.items()}
    assert aside == {"wide": 0, "dates": 0, "files": 0, "adam": 0, "sdtm": 1}
