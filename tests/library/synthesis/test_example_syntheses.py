"""The four published meta-analyses of config/examples/, from configuration alone."""

import math
import re

import pandas as pd
import pytest
from test_synthesis_results import one, printed

from trialstats import io
from trialstats.analyses.synthesis import synthesise
from trialstats.analyses.synthesis_agreement import check_synthesis
from trialstats.clean.published import published_frames
from trialstats.clean.studies import build_studies
from trialstats.config.loading import load_project
from trialstats.formatting import format_number, format_p_value, natural
from trialstats.report.paragraph import synthesis_paragraph
from trialstats.tables import synthesis_tables

PLACE = "config/examples/meta_analysis"


@pytest.fixture(scope="module")
def project(root):
    return load_project(root / PLACE)


@pytest.fixture(scope="module")
def rows(root, project):
    """Return the rows of each synthesis by its name."""
    found = {}
    for name, config in project.syntheses.items():
        settings = config["studies"]
        cells = io.read_cells(root / PLACE / settings["file"])
        studies, _ = build_studies(cells, settings)
        empty = published_frames({}, files={})
        found[name] = synthesise(config, *empty, {}, studies)
    return found


def test_bcg_as_viechtbauer_prints_it(rows):
    # Viechtbauer 2010, J Stat Softw 36(3), sections 3 and 4: REML, tau-squared 0.3132,
    # I-squared 92.22 %, H-squared 12.86, Q(12) = 152.2330; latitude -0.0291, residual
    # tau-squared 0.0764, I-squared 68.39 %, QE(11) = 30.7331. (His REML stops at
    # changes of 1e-5; the maximum itself is at 0.07635.)
    bcg = rows["bcg_vaccine"]
    main = {"model_id": "REML.knapp_hartung"}
    assert format_number(one(bcg, "tau_squared", **main)["estimate"], 4) == "0.3132"
    share = one(bcg, "i_squared", **main)["estimate"]
    assert format_number(100 * share, 2) == "92.22"
    assert format_number(one(bcg, "h_squared", **main)["estimate"], 2) == "12.86"
    assert format_number(one(bcg, "q", **main)["test_statistic"], 4) == "152.2330"
    assert printed(one(bcg, "pooled_effect", role="primary")) == "0.49 (0.33, 0.73)"
    wald = one(bcg, "grid_effect", model_id="REML.wald")
    assert format_number(wald["estimate"], 4) == "-0.7145"
    assert format_number(wald["ci_lower"], 4) == "-1.0669"
    assert format_number(wald["ci_upper"], 4) == "-0.3622"
    latitude = one(bcg, "coefficient", group="latitude")
    assert format_number(latitude["estimate"], 4) == "-0.0291"
    residual = one(bcg, "residual_tau_squared")["estimate"]
    assert residual == pytest.approx(0.0764, abs=1e-4)
    assert format_number(one(bcg, "residual_q")["test_statistic"], 4) == "30.7331"
    share = one(bcg, "residual_i_squared")["estimate"]
    assert format_number(100 * share, 2) == "68.39"


def test_magnesium_shows_what_one_large_trial_does(rows):
    # Egger, Davey Smith, Altman 2001: equal effects near 1.01, random effects well
    # below; the small trials ask for others to be missing.
    magnesium = rows["magnesium"]
    for method in ("mantel_haenszel", "peto"):
        pooled = one(magnesium, "pooled_effect", model_id=method)
        assert printed(pooled) == "1.01 (0.95, 1.07)"
    random = one(magnesium, "grid_effect", model_id="DL.wald")
    assert printed(random) == "0.48 (0.33, 0.71)"
    assert one(magnesium, "egger_test")["p_value"] < 0.001
    assert one(magnesium, "trim_and_fill_missing")["estimate"] == 7


def test_passive_smoking_as_the_bmj_prints_it(rows):
    # Hackshaw, Law, Wald, BMJ 1997;315:980: 1.24 (1.13 to 1.36) from 37 studies.
    main = one(rows["passive_smoking"], "pooled_effect", role="primary")
    assert main["n_trials"] == 37
    assert printed(main) == "1.24 (1.13, 1.36)"


def test_school_calendar_as_konstantopoulos_prints_it(rows):
    # Konstantopoulos 2011, Res Synth Methods 2:61, table 4: 0.185 with error 0.085
    # (REML), variances 0.065 between districts and 0.033 between schools.
    calendar = rows["school_calendar"]
    main = one(calendar, "pooled_effect", role="primary")
    assert format_number(main["estimate"], 3) == "0.185"
    assert format_number(main["standard_error"], 3) == "0.085"
    for level, expected in (("district", "0.065"), ("district/school", "0.033")):
        found = one(calendar, "variance_component", group=level)["estimate"]
        assert format_number(found, 3) == expected


def test_both_engines_agree(project, rows):
    for name, config in project.syntheses.items():
        checks = check_synthesis(config, rows[name])
        assert checks["agrees"].all(), checks[~checks["agrees"]]
        pooled = rows[name]["statistic"].eq("pooled_effect")
        assert set(rows[name].loc[pooled, "row_id"]) <= set(checks["row_id"])


def test_keys_are_unique_and_tables_are_made(project, rows):
    for name, config in project.syntheses.items():
        assert not rows[name]["row_id"].duplicated().any()
        made = synthesis_tables(rows[name], synthesis=config, labels={})
        shown = {row_id for table in made.values() for row_id in table.row_ids}
        assert shown <= set(rows[name]["row_id"])
        # Every model of the sensitivity set stands in its table.
        models = rows[name]["statistic"].isin(
            ["pooled_effect", "grid_effect", "leave_one_out_effect"]
        )
        assert set(rows[name].loc[models, "row_id"]) <= shown


NUMBER = re.compile(r"(?<![\w.])[−-]?\d+(?:\.\d+)?")


def printed_forms(row):
    """Return every way in which a sentence may print the numbers of a row."""
    forms = {"95", "1000", "2"}
    forms |= {str(int(row[n])) for n in ("n_trials", "n_subjects") if pd.notna(row[n])}
    names = ("estimate", "ci_lower", "ci_upper", "test_statistic", "df", "p_value")
    for name in names:
        if pd.isna(row[name]):
            continue
        value = float(row[name])
        for scaled in (value, natural(value, row["scale"]), 100 * value, 1000 * value):
            if abs(scaled) < 1e12:
                forms |= {format_number(scaled, digits) for digits in range(5)}
                forms.add(f"{scaled:#.3g}".rstrip("."))
        if name == "p_value":
            forms.add(format_p_value(value).lstrip("<>"))
    return forms | {text.lstrip("-") for text in forms}


@pytest.mark.parametrize("name", ["bcg_vaccine", "passive_smoking", "school_calendar"])
def test_every_number_of_the_paragraph_is_that_of_a_row(project, rows, name):
    own = rows[name].set_index("row_id", drop=False)
    said = synthesis_paragraph(rows[name], synthesis=project.syntheses[name], labels={})
    assert len(said) > 5
    for sentence in said:
        named = own.loc[list(sentence.rows)]
        # Numbers in words that a row holds as text: names of trials, methods, priors.
        words = " ".join(
            str(value)
            for column in ("trial", "method", "group", "subgroup", "model_id")
            for value in named[column].dropna()
        )
        known = {form for _, row in named.iterrows() for form in printed_forms(row)}
        known |= set(NUMBER.findall(words))
        for number in NUMBER.findall(sentence.text):
            plain = number.replace("−", "-")
            assert plain in known or plain.lstrip("-") in known, (number, sentence.text)


def test_the_paragraph_reads_right(project, rows):
    said = synthesis_paragraph(
        rows["bcg_vaccine"], synthesis=project.syntheses["bcg_vaccine"], labels={}
    )
    text = " ".join(sentence.text for sentence in said)
    assert text.startswith(
        "13 trials with 357347 participants compared BCG vaccine with no vaccination."
    )
    assert "was 0.49 (95% CI 0.33 to 0.73; p = 0.002)." in text
    assert "The 95% prediction interval runs from 0.14 to 1.76." in text
    assert "latitude −0.0291 (95% CI −0.0472 to −0.0111; p = 0.005)" in text
    assert "explain 76% of the variance between trials" in text


def test_the_order_of_the_studies_changes_no_number(root, project):
    config = project.syntheses["magnesium"]
    settings = config["studies"]
    cells = io.read_cells(root / PLACE / settings["file"])
    empty = published_frames({}, files={})
    forwards, backwards = (
        synthesise(config, *empty, {}, build_studies(frame, settings)[0])
        for frame in (cells, cells.iloc[::-1])
    )
    pairs = forwards.merge(backwards, on="row_id", suffixes=("", "_back"))
    # The places of trials that trim and fill adds are numbered in the order of rows.
    pairs = pairs[pairs["statistic"] != "trim_and_fill_filled"]
    assert len(pairs) > 300
    for column in ("estimate", "standard_error", "ci_lower", "ci_upper", "p_value"):
        one_way, other = pairs[column], pairs[f"{column}_back"]
        same = (one_way == other) | (one_way.isna() & other.isna())
        near = (one_way - other).abs() <= 1e-12 * one_way.abs()
        assert (same | near).all(), pairs.loc[~(same | near), ["row_id", column]]
    assert math.isfinite(pairs["estimate"].iloc[0])
