"""Dates in many notations, partial dates, and units, worked out by hand."""

import datetime as dt

import pytest

from tests.library.small_trial import clean, column, configuration, with_variables
from trialstats.clean.dates import complete
from trialstats.errors import DataError


def with_birth(**settings):
    config = configuration(date_formats=["%Y-%m-%d", "%d.%m.%Y", "%d%b%Y"])
    return with_variables(
        config,
        BRTHDT={"column": "birth", "type": "date", "label": "Birth", **settings},
    )


def births(*cells):
    rows = [f"{n},A,2024-01-01,{cell}" for n, cell in enumerate(cells, start=1)]
    return {"people.csv": "\n".join(["id,arm,start,birth", *rows]) + "\n"}


def test_formats_are_tried_in_their_order_and_the_account_tells(tmp_path):
    found = clean(
        tmp_path, with_birth(), births("1950-02-28", "28.02.1950", "28FEB1950")
    )
    assert [f"{d:%Y-%m-%d}" for d in found.adsl["BRTHDT"]] == ["1950-02-28"] * 3
    changes = found.account[found.account["rule"] == "date format"]
    assert changes["reason"].tolist() == ["read as %d.%m.%Y", "read as %d%b%Y"]
    assert changes["old_value"].tolist() == ["28.02.1950", "28FEB1950"]


@pytest.mark.parametrize("cell", ["1950-02-30", "1950", "1950-13-01", "soon", "1950-2"])
def test_what_is_no_date_is_named(tmp_path, cell):
    with pytest.raises(DataError) as caught:
        clean(tmp_path, with_birth(), births("1950-02-28", cell))
    where = f"people.csv, row 3, column 'birth', value {cell!r}: not a date"
    assert where in str(caught.value)


def test_partial_dates_are_completed_by_rule_with_a_flag(tmp_path):
    config = with_birth(partial={"month": "middle", "day": "last"})
    found = clean(
        tmp_path, config, births("1950-02", "1951", "UN FEB 1952", "1953-03-04")
    )
    dates = [f"{d:%Y-%m-%d}" for d in found.adsl["BRTHDT"]]
    assert dates == ["1950-02-28", "1951-07-31", "1952-02-29", "1953-03-04"]
    assert column(found.adsl, "BRTHDTF") == ["D", "M", "D", None]
    changes = found.account[found.account["rule"] == "partial date"]
    assert changes["old_value"].tolist() == ["1950-02", "1951", "UN FEB 1952"]
    assert set(found.queries["kind"]) == {"partial date"}


@pytest.mark.parametrize(
    ("text", "day", "date"),
    [
        ("2024-02", "first", dt.date(2024, 2, 1)),
        ("2024-02", "middle", dt.date(2024, 2, 15)),
        ("2023-02", "last", dt.date(2023, 2, 28)),
        ("12/2024", "last", dt.date(2024, 12, 31)),
        ("UNK/UNK/2024", "first", dt.date(2024, 1, 1)),
        ("2024-13", "first", None),
        ("2024-02-30", "first", None),
        ("0000", "first", None),
    ],
)
def test_completing(text, day, date):
    assert complete(text, {"month": "first", "day": day}) == date


def weights(**units):
    config = configuration()
    return with_variables(
        config,
        WEIGHTBL={
            "column": "weight",
            "type": "number",
            "label": "Weight",
            "unit": "kg",
            "units": units,
        },
    )


def people(*pairs):
    rows = [f"{n},A,2024-01-01,{w},{u}" for n, (w, u) in enumerate(pairs, start=1)]
    return {"people.csv": "\n".join(["id,arm,start,weight,unit", *rows]) + "\n"}


def test_units_of_measurement_are_converted_by_their_definition(tmp_path):
    cells = people(("70", "kg"), ("154", "lb"), ("70000", "g"), ("", "lb"))
    found = clean(tmp_path, weights(column="unit"), cells)
    # A pound is 0.45359237 kg by definition.
    *known, missing = column(found.adsl, "WEIGHTBL")
    assert known == pytest.approx([70, 154 * 0.45359237, 70], rel=1e-12)
    assert missing is None
    changes = found.account[found.account["rule"] == "unit conversion"]
    assert changes["old_value"].tolist() == ["154", "70000"]


def test_one_unit_for_all_rows(tmp_path):
    config = weights(received="degF")
    config["adsl"]["variables"]["WEIGHTBL"] |= {"unit": "degC"}
    found = clean(tmp_path, config, people(("212", ""), ("32", "")))
    # Water boils at 212 F and freezes at 32 F.
    assert column(found.adsl, "WEIGHTBL") == pytest.approx([100, 0], abs=1e-9)


def test_a_factor_of_the_configuration_comes_before_the_definition(tmp_path):
    found = clean(
        tmp_path, weights(column="unit", factors={"lb": 0.5}), people(("10", "lb"))
    )
    assert column(found.adsl, "WEIGHTBL") == [5]


@pytest.mark.parametrize(("unit", "what"), [("cm", "unknown unit"), ("", "no unit")])
def test_a_unit_without_a_conversion_is_named(tmp_path, unit, what):
    with pytest.raises(DataError, match=what):
        clean(tmp_path, weights(column="unit"), people(("70", "kg"), ("71", unit)))


def test_decimal_commas(tmp_path):
    config = weights(received="kg")
    config["sources"]["people"] |= {"delimiter": ";", "decimal": ","}
    text = "id;arm;start;weight\n1;A;2024-01-01;70,5\n2;B;2024-01-01;1e1\n"
    found = clean(tmp_path, config, {"people.csv": text})
    assert column(found.adsl, "WEIGHTBL") == [70.5, 10]
    with pytest.raises(DataError) as caught:
        clean(tmp_path, config, {"people.csv": text.replace("70,5", "70.5")})
    assert "write a number with a decimal comma" in str(caught.value)
