"""Values that could change in silence: codes, blanks, periods, undefined responses."""

import pytest

from tests.library.small_trial import clean, column, configuration, with_variables
from trialstats.errors import ConfigError, DataError


def scores(text, **parameter):
    config = configuration(missing_codes={"-9": "not done"})
    config["sources"]["scores"] = {"file": "scores.csv", "key": ["id", "visit"]}
    config["bds"] = {
        "SCORE": {
            "label": "Score",
            "unit": "points",
            "from": "scores",
            "value": {"column": "score", "type": "number"},
            "visits": {
                "column": "visit",
                "names": {"Baseline": {"number": 0}, "Week 4": {"number": 4}},
            },
            "baseline": "Baseline",
            **parameter,
        }
    }
    return config, {"scores.csv": text}


CODED = "id,visit,a,b\n1,Baseline,-9,3\n1,Week 4,2,3\n"


def test_a_code_is_missing_in_a_derived_value(tmp_path):
    derived = {"derive": "number(a) + number(b)", "type": "number"}
    found = clean(tmp_path, *scores(CODED, value=derived))
    assert column(found.bds, "AVAL") == [None, 5]
    assert "missing code" in set(found.account["rule"].dropna())


def test_a_code_is_missing_in_a_condition(tmp_path):
    chosen = {"value": {"column": "b", "type": "number"}, "where": "number(a) < 1"}
    found = clean(tmp_path, *scores(CODED, **chosen))
    assert column(found.bds, "AVAL") == []
    compared = {**chosen, "where": "a == '-9'"}
    with pytest.raises(ConfigError, match="which is a code for a missing value"):
        clean(tmp_path, *scores(CODED, **compared))


def test_a_difference_may_equal_a_code(tmp_path):
    config, texts = scores("id,visit,a,b\n1,Week 4,3,12\n")
    config["sources"]["scores"]["derive"] = {"score": "number(a) - number(b)"}
    assert column(clean(tmp_path, config, texts).bds, "AVAL") == [-9]


@pytest.mark.parametrize(("cell", "fails"), [("-9", True), ("", True), ("3", False)])
def test_rows_are_ordered_by_what_is_known(tmp_path, cell, fails):
    config = configuration(missing_codes={"-9": "not done"})
    config["sources"]["doses"] = {"file": "doses.csv", "key": ["id", "dose"]}
    with_variables(
        config,
        DOSE1={
            "source": "doses",
            "column": "dose",
            "type": "number",
            "take": "first",
            "by": "seq",
            "label": "First dose",
        },
    )
    texts = {"doses.csv": f"id,seq,dose\n1,10,5\n1,9,4\n1,{cell},7\n"}
    if fails:
        with pytest.raises(DataError, match="nothing to order the row by"):
            clean(tmp_path, config, texts)
        return
    # 3 comes before 9 and 10, as numbers do.
    assert column(clean(tmp_path, config, texts).adsl, "DOSE1")[0] == 7


def test_a_blank_key_joins_nothing(tmp_path):
    config = configuration()
    config["sources"] = {
        "people": {
            "file": "people.csv",
            "key": ["id"],
            "join": [
                {
                    "source": "sites",
                    "on": ["site"],
                    "columns": ["country"],
                    "cardinality": "many-to-one",
                    "unmatched": "keep",
                }
            ],
        },
        "sites": {"file": "sites.csv", "key": ["site", "country"]},
    }
    with_variables(config, COUNTRY={"column": "country", "label": "Country"})
    people = "id,arm,start,site\n1,A,2024-01-01,\n2,B,2024-01-01,7\n3,A,2024-01-01,7\n"
    texts = {"people.csv": people, "sites.csv": "site,country\n7,SE\n,XX\n"}
    assert column(clean(tmp_path, config, texts).adsl, "COUNTRY") == [None, "SE", "SE"]


def test_a_response_that_rests_on_an_undefined_change(tmp_path):
    text = "id,visit,score\n1,Baseline,0\n1,Week 4,5\n2,Baseline,4\n2,Week 4,1\n"
    for missing, rows in (("absent", []), ("non_responder", [0])):
        config, texts = scores(text)
        config["responders"] = {
            "R50": {"label": "R", "of": "SCORE", "when": "not PCHG > -50"}
        }
        config["responders"]["R50"]["missing"] = missing
        bds = clean(tmp_path, config, texts).bds
        assert column(bds, "AVAL", PARAMCD="R50", USUBJID="1") == rows
        assert column(bds, "AVAL", PARAMCD="R50", USUBJID="2") == [1]


def test_the_baseline_of_each_period(tmp_path):
    rows = (
        "id,visit,period,score\n"
        "1,Baseline,2,30\n1,Baseline,1,12\n1,Week 4,1,11\n1,Week 4,2,25\n"
    )
    config, texts = scores(rows)
    config["sources"]["scores"]["key"] = ["id", "visit", "period"]
    config["bds"]["SCORE"]["visits"]["period"] = "period"
    config |= {"design": "crossover", "sequences": {"AP": ["Active", "Placebo"]}}
    config["adsl"]["variables"] = {
        "TRTSEQP": {"derive": "'AP'", "label": "Sequence"},
    }
    config["analysis_sets"] = {"ALL": "present(TRTSEQP)"}
    bds = clean(tmp_path, config, texts).bds
    week = {"AVISIT": "Week 4"}
    assert column(bds, "BASE", APERIOD=1, **week) == [12]
    assert column(bds, "CHG", APERIOD=1, **week) == [-1]
    assert column(bds, "CHG", APERIOD=2, **week) == [-5]


def test_a_carried_record_keeps_its_own_date(tmp_path):
    rows = (
        "id,visit,day,score\n"
        "1,Baseline,2024-01-01,9\n1,Week 4,2024-02-01,8\n1,Week 8,,6\n"
        "2,Week 12,2024-04-01,1\n"
    )
    config, texts = scores(rows, date={"column": "day"}, records=[{"dtype": "LOCF"}])
    names = config["bds"]["SCORE"]["visits"]["names"]
    names |= {"Week 8": {"number": 8}, "Week 12": {"number": 12}}
    bds = clean(tmp_path, config, texts).bds
    assert column(bds, "AVAL", DTYPE="LOCF", USUBJID="1") == [6]
    assert column(bds, "ADT", DTYPE="LOCF", USUBJID="1") == [None]


@pytest.mark.parametrize(
    ("people", "kind"),
    [
        (
            "id,arm,start\n1,A,2024-01-01\n01,B,2024-01-01\n",
            "subjects that are written",
        ),
        (
            "id,arm,start\n1,A,03/04/2024\n2,B,25/04/2024\n3,B,04/25/2024\n",
            "date that two formats read differently",
        ),
    ],
)
def test_what_can_be_read_in_two_ways_is_named(tmp_path, people, kind):
    config = configuration(date_formats=["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y"])
    found = clean(tmp_path, config, {"people.csv": people})
    assert [k for k in found.queries["kind"] if k.startswith(kind)] == [
        k for k in found.queries["kind"]
    ]
    assert len(found.queries) == 1


@pytest.mark.parametrize("date", ["0024-01-01", "9999-12-31"])
def test_years_of_no_trial_are_refused(tmp_path, date):
    people = f"id,arm,start\n1,A,{date}\n"
    with pytest.raises(DataError, match="is not one of a trial"):
        clean(tmp_path, configuration(), {"people.csv": people})


@pytest.mark.parametrize("other", ["０１", "Jose\N{COMBINING ACUTE ACCENT}"])
def test_a_subject_in_other_letters_is_not_lost(tmp_path, other):
    usual = "01" if other == "０１" else "José"
    config, texts = scores(f"id,visit,score\n{other},Week 4,1\n")
    people = f"id,arm,start\n{usual},A,2024-01-01\n"
    with pytest.raises(DataError, match="written in another way"):
        clean(tmp_path, config, {**texts, "people.csv": people})


def times(**settings):
    config = configuration(
        adtte={
            "TTE": {
                "label": "Relapse",
                "start": "TRTSDT",
                "event_date": "EVDT",
                "censor_date": "EOSDT",
                "event": "REL == 'Y'",
                **settings,
            }
        }
    )
    return with_variables(
        config,
        EVDT={"column": "event", "type": "date", "label": "Relapse"},
        EOSDT={"column": "end", "type": "date", "label": "End"},
        REL={"column": "rel", "label": "Relapsed"},
    )


def test_an_event_needs_its_date(tmp_path):
    people = "id,arm,start,event,end,rel\n7,A,2024-01-01,,2024-03-01,Y\n"
    with pytest.raises(DataError, match="subject 7 has the event"):
        clean(tmp_path, times(), {"people.csv": people})


def test_odd_dates_of_events_are_named(tmp_path):
    people = (
        "id,arm,start,event,end,rel\n"
        "1,A,2024-01-01,2024-02-01,2024-03-01,N\n"
        "2,B,2024-01-01,2024-04-01,2024-03-01,Y\n"
    )
    found = clean(tmp_path, times(), {"people.csv": people})
    assert column(found.adtte, "CNSR") == [1, 0]
    assert set(found.queries["kind"]) == {
        "date of an event that did not happen",
        "event after its censoring date",
    }


def test_a_row_that_does_not_tell_of_the_event(tmp_path):
    config = configuration()
    config["sources"]["rows"] = {"file": "rows.csv", "key": ["id", "stop"]}
    config["adtte"] = {
        "TTE": {
            "label": "Relapse",
            "from": "rows",
            "time": {"column": "stop", "type": "number"},
            "event": "status == '1'",
        }
    }
    with pytest.raises(DataError) as caught:
        clean(tmp_path, config, {"rows.csv": "id,stop,status\n1,10,\n2,9,1\n"})
    assert "rows.csv, row 2, column 'status'" in str(caught.value)


@pytest.mark.parametrize("statistic", ["mean", "median", "sum", "lowest", "highest"])
def test_every_summary_is_what_later_steps_start_from(tmp_path, statistic):
    rows = (
        "id,visit,day,score\n"
        "1,Baseline,2024-01-01,9\n1,Baseline,2024-01-02,9\n"
        "1,Week 4,2024-02-01,4\n1,Week 4,2024-02-02,4\n2,Week 8,2024-03-01,1\n"
        "2,Week 8,2024-03-02,1\n"
    )
    config, texts = scores(
        rows,
        date={"column": "day"},
        summarise={"statistic": statistic, "at_least": 2, "of": 2},
        records=[{"dtype": "LOCF"}],
    )
    config["sources"]["scores"]["key"] = ["id", "day"]
    config["bds"]["SCORE"]["visits"]["names"] |= {"Week 8": {"number": 8}}
    config["bds"]["TWICE"] = {
        "label": "Twice",
        "unit": "points",
        "combine": "2 * SCORE",
        "baseline": "Baseline",
    }
    config["responders"] = {
        "LOWER": {"label": "L", "of": "SCORE", "when": "CHG < 0", "missing": "absent"}
    }
    bds = clean(tmp_path, config, texts).bds
    value = 8 if statistic == "sum" else 4
    week = {"USUBJID": "1", "AVISIT": "Week 4"}
    assert column(bds, "AVAL", PARAMCD="LOWER", **week) == [1]
    assert column(bds, "AVAL", PARAMCD="TWICE", **week) == [2 * value]
    carried = {"PARAMCD": "SCORE", "USUBJID": "1", "DTYPE": "LOCF"}
    assert column(bds, "AVAL", **carried) == [value]


def test_an_empty_cell_answers_whether_there_is_a_date(tmp_path):
    config = configuration()
    config["sources"]["rows"] = {"file": "rows.csv", "key": ["id"]}
    config["adtte"] = {
        "TTE": {
            "label": "Relapse",
            "from": "rows",
            "time": {"column": "stop", "type": "number"},
            "event": "present(relapse) and status == '1'",
        }
    }
    texts = {"rows.csv": "id,stop,relapse,status\n1,10,,1\n2,9,yes,1\n"}
    assert column(clean(tmp_path, config, texts).adtte, "CNSR") == [1, 0]
    texts = {"rows.csv": "id,stop,relapse,status\n1,10,yes,\n2,9,yes,1\n"}
    with pytest.raises(DataError, match="does not tell whether the event happened"):
        clean(tmp_path, config, texts)
