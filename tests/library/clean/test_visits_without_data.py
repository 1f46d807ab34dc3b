"""A configured visit that nobody has is said, from the findings to the estimates."""

import copy

import pandas as pd
import pytest

from trialstats.analyses.trial import fit_analysis
from trialstats.analyses.trial_agreement import check_trial
from trialstats.clean.files import read_sources
from trialstats.clean.trial import clean_trial
from trialstats.config.loading import load_project
from trialstats.errors import ConfigError
from trialstats.tables import efficacy_table

KIND, NAME = "visit without data", "impact_week12"
REASON = "Nobody in ITT has CHG at Week 26."


def test_a_window_without_values_is_a_finding(clean, config):
    windows = config["bds"]["SCORE"]["visits"]["windows"]
    assert KIND not in set(clean().queries["kind"])
    windows["Week 26"] = {"number": 26, "days": [170, 190]}
    found = clean().queries.query("kind == @KIND")
    assert found["finding"].tolist() == [
        "nobody has a value of SCORE at Week 26, days 170 to 190"
    ]
    assert found["file"].tolist() == ["scores.csv"]
    assert found["resolution"].tolist() == ["nothing can be estimated at this visit"]


def test_nobody_is_a_non_responder_at_a_visit_that_nobody_has(clean, config):
    windows = config["bds"]["SCORE"]["visits"]["windows"]
    windows["Week 26"] = {"number": 26, "days": [170, 190]}
    responses = clean().bds.query("PARAMCD == 'RESP'")
    assert set(responses["AVISIT"]) == {"Week 1", "Week 2"}
    assert "NRI" in set(responses["DTYPE"])


@pytest.fixture(scope="module")
def cleaned(root):
    """Return configuration and datasets of a trial that waits for its last visit."""
    config = copy.deepcopy(load_project(root).trials["fm_parallel_synthetic"])
    for code in [code for code in config["bds"] if code != "FIQR"]:
        del config["bds"][code]
    del config["responders"]
    windows = config["bds"]["FIQR"]["visits"]["windows"]
    windows["Week 26"] = {"number": 26, "days": [170, 190]}
    config["analyses"] = {NAME: config["analyses"][NAME] | {"role": "primary"}}
    return config, clean_trial(config, read_sources(config, root=root))


def changed(config, **settings):
    config = copy.deepcopy(config)
    config["analyses"][NAME] |= settings
    return config


def estimates(config, clean):
    rows = fit_analysis(config, NAME, clean.adsl, clean.bds, clean.adae)
    agreement = check_trial(config, clean.adsl, clean.bds, rows)
    assert agreement["agrees"].all()
    return rows


def differences(rows, visit):
    return rows[(rows["statistic"] == "difference") & (rows["visit"] == visit)]


def test_the_primary_visit_that_nobody_has_is_not_estimable(cleaned):
    config, clean = cleaned
    config = changed(config, at="Week 26")
    rows = estimates(config, clean)
    primary = rows[rows["role"] == "primary"]
    assert primary["visit"].tolist() == ["Week 26"]
    assert primary["not_estimable"].tolist() == [REASON]
    assert primary["estimate"].isna().all()
    assert rows["row_id"].is_unique
    # The other visits keep their estimates.
    assert differences(rows, "Week 12")["estimate"].notna().all()
    table = efficacy_table(rows, trial=config, analysis=NAME)
    (line,) = (row for row in table.rows if row.cells[0].text == "Week 26")
    assert [cell.text for cell in line.cells[1:5]] == ["0 (0)", "", "0 (0)", ""]
    assert line.cells[5].text == "NE"
    assert REASON.rstrip(".") in str(table.footnotes)


def test_another_visit_that_nobody_has_is_not_estimable_either(cleaned):
    rows = estimates(*cleaned)
    unseen = differences(rows, "Week 26")
    assert unseen[["role", "not_estimable"]].values.tolist() == [
        ["descriptive", REASON]
    ]
    assert differences(rows, "Week 12")["role"].tolist() == ["primary"]


def test_where_no_visit_is_named_each_has_the_role(cleaned):
    config, clean = copy.deepcopy(cleaned[0]), cleaned[1]
    del config["analyses"][NAME]["at"]
    rows = estimates(config, clean)
    primary = rows[rows["role"] == "primary"].set_index("visit")["not_estimable"]
    assert list(primary.index) == ["Week 4", "Week 8", "Week 12", "Week 26"]
    assert primary.isna().tolist() == [True, True, True, False]


def test_an_average_over_a_visit_that_nobody_has_is_refused(cleaned):
    config, clean = cleaned
    model = {"type": "mmrm", "averaged_over": ["Week 12", "Week 26"]}
    with pytest.raises(ConfigError) as caught:
        estimates(changed(config, model=model), clean)
    assert str(caught.value) == (
        "config/trials/fm_parallel_synthetic.yaml, at "
        f"analyses.{NAME}.model.averaged_over: {REASON.rstrip('.')}; leave it out, or "
        "mend the days of its window"
    )


def test_a_visit_whose_changes_are_all_missing_counts_its_values(cleaned):
    config, clean = cleaned
    bds = clean.bds.copy()
    late = (bds["AVISIT"] == "Week 12") & (bds["PARAMCD"] == "FIQR")
    bds.loc[late, ["CHG", "PCHG"]] = float("nan")
    rows = fit_analysis(config, NAME, clean.adsl, bds, clean.adae)
    assert rows["row_id"].is_unique
    assert isinstance(rows, pd.DataFrame)
    assert differences(rows, "Week 12")["not_estimable"].notna().all()
