"""Shapes of trials: SDTM domains, ADaM datasets, crossovers, joined tables."""

import pytest

from tests.library.small_trial import clean, column, configuration, with_variables
from trialstats.errors import DataError

PERIODS = {
    "Active first": ["Active", "Placebo"],
    "Placebo first": ["Placebo", "Active"],
}


def parameter(**settings):
    return {
        "label": "Score",
        "unit": "points",
        "from": "scores",
        "value": {"column": "score", "type": "number"},
        **settings,
    }


def crossover(**settings):
    config = configuration(
        design="crossover",
        sequences=PERIODS,
        sources={
            "people": {"file": "people.csv", "key": ["id"]},
            "scores": {"file": "scores.csv", "key": ["id"]},
        },
        bds={"SCORE": parameter(**settings)},
        analysis_sets={"ITT": "present(TRTSEQP)"},
    )
    config["adsl"]["variables"] = {
        "TRTSEQP": {
            "column": "arm",
            "label": "Sequence",
            "recode": {"A": "Active first", "B": "Placebo first"},
        }
    }
    return config


def test_a_crossover_with_a_column_for_each_treatment(tmp_path):
    columns = {
        "active": {"visit": "End", "number": 1, "treatment": "Active"},
        "placebo": {"visit": "End", "number": 1, "treatment": "Placebo"},
    }
    config = crossover(visits={"columns": columns})
    del config["bds"]["SCORE"]["value"]
    scores = "id,active,placebo\n1,10,11\n2,20,21\n3,,31\n"
    bds = clean(tmp_path, config, {"scores.csv": scores}).bds
    assert column(bds, "TRTP", USUBJID="1") == ["Active", "Placebo"]
    assert column(bds, "AVAL", USUBJID="1", APERIOD=1) == [10]
    assert column(bds, "AVAL", USUBJID="2", APERIOD=1) == [21]
    assert column(bds, "APERIOD", USUBJID="3") == [2]


def test_a_crossover_with_a_column_of_periods(tmp_path):
    config = crossover(
        visits={"visit": "End", "period": "period"},
        treatment={"column": "drug", "recode": {"a": "Active", "p": "Placebo"}},
    )
    config["sources"]["scores"]["key"] = ["id", "period"]
    scores = "id,period,drug,score\n1,1,a,10\n1,2,p,11\n2,1,p,20\n2,2,a,21\n"
    bds = clean(tmp_path, config, {"scores.csv": scores}).bds
    assert column(bds, "TRTP") == ["Active", "Placebo", "Placebo", "Active"]
    wrong = scores.replace("2,1,p", "2,1,a")
    with pytest.raises(DataError) as caught:
        clean(tmp_path, config, {"scores.csv": wrong})
    assert "scores.csv, row 4, column 'drug', value 'Active'" in str(caught.value)
    assert "the sequence has Placebo in period 1" in str(caught.value)


DM = """\
USUBJID,ARM,AGE,RFSTDTC
01-001,Active,60,2024-01-02T09:30
01-002,Placebo,61,2024-01-03
01-003,Screen Failure,70,
"""
EX = """\
USUBJID,EXSEQ,EXTRT,EXSTDTC,EXDOSE
01-001,1,LDN,2024-01-02,1.5
01-001,2,LDN,2024-02-01,4.5
01-002,1,PLACEBO,2024-01-03,0
"""
VS = """\
USUBJID,VSSEQ,VSTESTCD,VSSTRESN,VSDTC,VISIT
01-001,1,SYSBP,130,2024-01-02,BASELINE
01-001,2,PULSE,70,2024-01-02,BASELINE
01-001,3,SYSBP,120,2024-02-01T08:00:00,WEEK 4
01-002,1,SYSBP,140,2024-01-03,BASELINE
01-003,1,SYSBP,150,2024-01-01,SCREENING
"""
DS = """\
USUBJID,DSSEQ,DSCAT,DSDECOD,DSSTDTC
01-001,1,PROTOCOL MILESTONE,RANDOMIZED,2024-01-01
01-001,2,DISPOSITION EVENT,COMPLETED,2024-02-01
01-002,1,DISPOSITION EVENT,ADVERSE EVENT,2024-01
"""


def sdtm():
    named = {n: {"file": f"{n}.csv", "key": ["USUBJID"]} for n in ("dm",)}
    named |= {
        n: {"file": f"{n}.csv", "key": ["USUBJID", f"{n.upper()}SEQ"]}
        for n in ("ex", "vs", "ds")
    }
    config = configuration(date_formats=["ISO8601"])
    config["sources"] = named
    config["adsl"] = {
        "from": "dm",
        "subject": "USUBJID",
        "where": "ARM != 'Screen Failure'",
        "variables": {
            "TRT01P": {"column": "ARM", "label": "Arm"},
            "AGE": {"column": "AGE", "type": "integer", "label": "Age"},
            "TRTSDT": {
                "source": "ex",
                "column": "EXSTDTC",
                "type": "date",
                "take": "first",
                "by": "EXSEQ",
                "label": "First dose",
            },
            "TRTEDT": {
                "source": "ex",
                "column": "EXSTDTC",
                "type": "date",
                "take": "highest",
                "label": "Last dose",
            },
            "DOSES": {
                "source": "ex",
                "column": "EXDOSE",
                "type": "number",
                "take": "sum",
                "label": "Dose in all",
            },
            "EOSSTT": {
                "source": "ds",
                "column": "DSDECOD",
                "take": "last",
                "by": "DSSEQ",
                "where": "DSCAT == 'DISPOSITION EVENT'",
                "label": "End of study",
            },
            "RANDFL": {
                "source": "ds",
                "take": "any",
                "where": "DSDECOD == 'RANDOMIZED'",
                "label": "Randomised",
            },
            "AGEGR1": {
                "derive": "'<61' if AGE < 61 else '>=61'",
                "label": "Age group",
            },
        },
    }
    config["bds"] = {
        "SYSBP": {
            "label": "Systolic blood pressure",
            "unit": "mmHg",
            "from": "vs",
            "where": "VSTESTCD == 'SYSBP'",
            "value": {"column": "VSSTRESN", "type": "number"},
            "date": {"column": "VSDTC"},
            "visits": {
                "column": "VISIT",
                "names": {
                    "Baseline": {"number": 0, "received": "BASELINE"},
                    "Week 4": {"number": 4, "received": "WEEK 4"},
                },
            },
            "baseline": "Baseline",
        }
    }
    return config


def test_sdtm_domains(tmp_path):
    texts = {"dm.csv": DM, "ex.csv": EX, "vs.csv": VS, "ds.csv": DS}
    found = clean(tmp_path, sdtm(), texts)
    adsl = found.adsl
    assert adsl["USUBJID"].tolist() == ["01-001", "01-002"]
    assert [f"{d:%m-%d}" for d in adsl["TRTSDT"]] == ["01-02", "01-03"]
    assert [f"{d:%m-%d}" for d in adsl["TRTEDT"]] == ["02-01", "01-03"]
    assert adsl["DOSES"].tolist() == [6, 0]
    assert adsl["EOSSTT"].tolist() == ["COMPLETED", "ADVERSE EVENT"]
    assert adsl["RANDFL"].tolist() == ["Y", "N"]
    assert adsl["AGEGR1"].tolist() == ["<61", ">=61"]
    assert column(found.bds, "CHG", AVISIT="Week 4") == [-10]
    aside = found.set_aside[["file", "row", "rule"]].values.tolist()
    assert ["vs.csv", 3, "not used"] in aside
    assert ["vs.csv", 6, "unknown subject"] in aside
    assert ["dm.csv", 4, "not used"] in aside


ADQS = """\
USUBJID,PARAMCD,AVISIT,AVISITN,AVAL,BASE,DTYPE,ANL01FL,ABLFL
1,ACTOT,Baseline,0,20,20,,Y,Y
1,ACTOT,Week 8,8,25,20,,Y,
1,ACTOT,Week 8,8,27,20,,,
1,ACTOT,Week 24,24,25,20,LOCF,Y,
2,ACTOT,Baseline,0,30,30,,Y,Y
2,OTHER,Baseline,0,1,1,,Y,Y
"""


def test_an_analysis_dataset_as_received(tmp_path):
    config = configuration()
    config["sources"]["qs"] = {
        "file": "qs.csv",
        "key": ["USUBJID", "PARAMCD", "AVISIT", "AVAL"],
        "rename": {"USUBJID": "id"},
    }
    config["sources"]["qs"]["key"][0] = "id"
    config["bds"] = {
        "ACTOT": {
            "label": "ADAS-Cog(11)",
            "unit": "points",
            "from": "qs",
            "where": "PARAMCD == 'ACTOT'",
            "value": {"column": "AVAL", "type": "number"},
            "visits": {
                "column": "AVISIT",
                "names": {v: {"number": n} for v, n in _VISITS.items()},
            },
            "baseline": {"column": "BASE", "visit": "Baseline"},
            "as_received": {"ANL01FL": "ANL01FL", "DTYPE": "DTYPE", "ABLFL": "ABLFL"},
        }
    }
    found = clean(tmp_path, config, {"qs.csv": ADQS})
    bds = found.bds
    assert column(bds, "DTYPE", AVISIT="Week 24") == ["LOCF"]
    assert column(bds, "CHG", USUBJID="1", ANL01FL="Y") == [None, 5, 5]
    assert column(bds, "AVAL", AVISIT="Week 8", ANL01FL=None) == [27]
    assert column(found.set_aside, "row") == [7]
    twice = ADQS.replace("27,20,,,", "27,20,,Y,")
    with pytest.raises(DataError, match="a second flagged value at this visit"):
        clean(tmp_path, config, {"qs.csv": twice})


_VISITS = {"Baseline": 0, "Week 8": 8, "Week 24": 24}


SITES = "centre,country\n10,SE\n20,DK\n30,NO\n"
PEOPLE = (
    "id,arm,start,centre\n1,A,2024-01-01,10\n2,B,2024-01-01,20\n3,A,2024-01-01,10\n"
)


def joined(**join):
    config = configuration()
    config["sources"] = {
        "people": {
            "file": "people.csv",
            "key": ["id"],
            "join": [
                {
                    "source": "sites",
                    "on": ["centre"],
                    "columns": ["country"],
                    "cardinality": "many-to-one",
                    **join,
                }
            ],
        },
        "sites": {"file": "sites.csv", "key": ["centre"]},
    }
    return with_variables(config, COUNTRY={"column": "country", "label": "Country"})


def test_a_table_of_sites_is_joined(tmp_path):
    texts = {"people.csv": PEOPLE, "sites.csv": SITES}
    found = clean(tmp_path, joined(), texts)
    assert found.adsl["COUNTRY"].tolist() == ["SE", "DK", "SE"]
    # A site without subjects is not lost in silence.
    assert found.set_aside[["source", "row"]].values.tolist() == [["sites", 4]]


def test_a_join_that_is_not_as_declared_stops_the_run(tmp_path):
    doubled = SITES + "10,FI\n"
    config = joined()
    config["sources"]["sites"]["key"] = ["centre", "country"]
    with pytest.raises(DataError) as caught:
        clean(tmp_path, config, {"people.csv": PEOPLE, "sites.csv": doubled})
    assert "sites.csv, row 5, column 'centre', value '10'" in str(caught.value)
    with pytest.raises(DataError) as caught:
        clean(
            tmp_path,
            joined(cardinality="one-to-one"),
            {"people.csv": PEOPLE, "sites.csv": SITES},
        )
    assert "people.csv, row 4, column 'centre', value '10'" in str(caught.value)


@pytest.mark.parametrize("unmatched", ["error", "keep", "set_aside"])
def test_rows_without_a_partner(tmp_path, unmatched):
    texts = {"people.csv": PEOPLE, "sites.csv": SITES.replace("20,DK\n", "")}
    config = joined(unmatched=unmatched)
    if unmatched == "error":
        with pytest.raises(DataError, match="no row of 'sites' belongs to it"):
            clean(tmp_path, config, texts)
        return
    found = clean(tmp_path, config, texts)
    kept = ["SE", None, "SE"] if unmatched == "keep" else ["SE", "SE"]
    assert column(found.adsl, "COUNTRY") == kept
    assert "not joined" in set(found.queries["kind"])


def test_parameters_are_combined_at_each_visit(tmp_path):
    config = configuration()
    config["sources"]["qs"] = {"file": "qs.csv", "key": ["id", "item", "visit"]}
    base = {
        "unit": "points",
        "from": "qs",
        "value": {"column": "value", "type": "number"},
        "visits": {
            "column": "visit",
            "names": {"Baseline": {"number": 0}, "Week 4": {"number": 4}},
        },
        "baseline": "Baseline",
    }
    config["bds"] = {
        "STOOLS": {"label": "Stools", "where": "item == 's'", **base},
        "WELL": {"label": "Well-being", "where": "item == 'w'", **base},
        "INDEX": {
            "label": "Index",
            "unit": "points",
            "combine": "2 * STOOLS + 7 * WELL",
            "baseline": "Baseline",
        },
    }
    rows = (
        "id,item,visit,value\n"
        "1,s,Baseline,10\n1,w,Baseline,2\n1,s,Week 4,5\n1,w,Week 4,1\n"
    )
    bds = clean(tmp_path, config, {"qs.csv": rows + "2,s,Baseline,4\n"}).bds
    assert column(bds, "AVAL", PARAMCD="INDEX") == [34, 17]
    assert column(bds, "CHG", PARAMCD="INDEX") == [None, -17]
