"""Events flagged as treatment-emergent in the data, and further variables of ADAE."""

import pytest

from tests.library.config.example_trials import checked, cleaned, configuration
from trialstats.clean.files import dataset_schemas
from trialstats.errors import DataError


@pytest.fixture
def config():
    made = configuration("dated")
    made["adae"]["variables"]["TRTEMFL"] = {
        "column": "related",
        "label": "Emergent",
        "recode": {"yes": "Y", "no": "N"},
    }
    return made


def test_a_flag_goes_before_the_day_of_onset(config, tmp_path):
    usual = configuration("dated")
    by_day = cleaned("dated", checked("dated", usual), tmp_path).adae
    made = checked("dated", config)
    received = cleaned("dated", made, tmp_path).adae
    # All events begin on day 11 or 21; those related are taken for emergent.
    assert set(by_day["TRTEMFL"]) == {"Y"}
    assert set(received["TRTEMFL"]) == {"Y", "N"}
    flagged = received["AEREL"].eq("RELATED").map({True: "Y", False: "N"})
    assert received["TRTEMFL"].tolist() == flagged.tolist()
    told = dataset_schemas(made)["adae"].field("TRTEMFL").metadata
    assert told[b"source"] == b"events.related"


def test_an_unknown_flag_is_refused(config, tmp_path):
    config["adae"]["variables"]["TRTEMFL"]["recode"] = {"yes": "Y", "no": "never"}
    made = checked("dated", config)
    with pytest.raises(DataError, match="unknown label of TRTEMFL"):
        cleaned("dated", made, tmp_path)


def test_levels_of_the_dictionary_are_there_where_configured(tmp_path):
    usual = checked("dated", configuration("dated"))
    clean = cleaned("dated", usual, tmp_path)
    known = {"Gastrointestinal disorders", "Ear and labyrinth disorders"}
    assert set(clean.adae["AESOC"]) == {*known, "Cardiac disorders"}
    config = configuration("dated")
    del config["adae"]["variables"]["AESOC"]
    del config["analyses"]["events_by_class"]
    made = checked("dated", config)
    assert "AESOC" not in cleaned("dated", made, tmp_path).adae
    assert "AESOC" not in dataset_schemas(made)["adae"].names
