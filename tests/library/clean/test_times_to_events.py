"""Times to events from rows and from dates, worked out by hand."""

import pytest

from tests.library.small_trial import clean, column, configuration, with_variables
from trialstats.errors import DataError

ROWS = """\
id,start,stop,infection
1,0,10,1
1,10,30,1
1,30,50,0
2,0,44,0
"""


def of_rows(**settings):
    config = configuration()
    config["sources"]["rows"] = {"file": "rows.csv", "key": ["id", "start"]}
    config["adtte"] = {
        "TTI": {
            "label": "First infection",
            "from": "rows",
            "time": {"column": "stop", "type": "number"},
            "event": "infection == '1'",
            **settings,
        }
    }
    return config


def test_the_first_event_counts_and_else_the_last_time(tmp_path):
    found = clean(tmp_path, of_rows(), {"rows.csv": ROWS})
    assert column(found.adtte, "AVAL") == [10, 44]
    assert column(found.adtte, "CNSR") == [0, 1]
    assert column(found.adtte, "EVNTDESC") == ["First infection", "Censored"]
    absent = found.queries[found.queries["kind"] == "no time to event"]
    assert absent["USUBJID"].tolist() == ["3"]


@pytest.mark.parametrize(
    ("value", "what"), [("", "no time"), ("-1", "before the start")]
)
def test_impossible_times_stop_the_run(tmp_path, value, what):
    text = ROWS.replace("2,0,44,0", f"2,0,{value},0")
    with pytest.raises(DataError, match=what):
        clean(tmp_path, of_rows(), {"rows.csv": text})


@pytest.mark.parametrize(
    ("unit", "times"), [("days", [15, 32]), ("weeks", [15 / 7, 32 / 7])]
)
def test_times_from_dates_count_the_first_day_as_day_one(tmp_path, unit, times):
    config = configuration(
        adtte={
            "TTD": {
                "label": "Discontinuation",
                "unit": unit,
                "start": "TRTSDT",
                "event_date": "STOPDT",
                "censor_date": "EOSDT",
            }
        }
    )
    for name, source in (("STOPDT", "stop"), ("EOSDT", "end")):
        with_variables(
            config, **{name: {"column": source, "type": "date", "label": name}}
        )
    people = (
        "id,arm,start,stop,end\n"
        "1,A,2024-01-01,2024-01-15,2024-01-15\n"
        "2,B,2024-01-01,,2024-02-01\n"
        "3,A,2024-01-01,,\n"
    )
    adtte = clean(tmp_path, config, {"people.csv": people}).adtte
    assert column(adtte, "AVAL") == pytest.approx(times)
    assert column(adtte, "CNSR") == [0, 1]
    assert [f"{d:%m-%d}" for d in adtte["ADT"]] == ["01-15", "02-01"]
