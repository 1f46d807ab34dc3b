"""From a printed number back to its row: what is found, and what must not be."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialstats.formatting import format_number, format_p_value
from trialstats.tables.cells import scientific_text
from trialstats.tracing import numbers_in, trace, unresolved
from trialstats.tracing.pages import blocks_of_page, texts_of_page

RATIO = {
    "row_id": "a.odds-ratio",
    "scale": "log",
    "estimate": math.log(1.8437),
    "ci_lower": math.log(0.912),
    "ci_upper": math.log(3.7261),
    "p_value": 0.0871,
    "confidence_level": 0.95,
    "n_subjects": 62,
    "visit": "Week 12",
    "method": "logistic regression, 95% Wald interval",
}
COUNT = {
    "row_id": "a.count",
    "scale": "natural",
    "estimate": 9.0,
    "n_subjects": 49,
    "confidence_level": None,
}


def found(text, *rows, **options):
    """Return text, column and printing of every number of a text."""
    pieces = trace(text, rows, **options)
    assert "".join(p.text for p in pieces) == text
    return [(p.text, p.column, p.printing) for p in pieces if p.number]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("−0.34 (95% CI −0.95 to 0.27; p = 0.271)", "−0.34 95 −0.95 0.27 0.271"),
        ("9/49 (18.4%)", "9 49 18.4"),
        ("0-10, 12-week, Week 12", "0 10 12 12"),
        ("(-2.1;1.1) [-0.4,-0.2]", "-2.1 1.1 -0.4 -0.2"),
        ("p <0.001, >0.99, .012, <.0001", "<0.001 >0.99 .012 <.0001"),
        ("1,250 of 12,345.5 and 1,25", "1,250 12,345.5 1 25"),
        ("2e−12 and 3.5e+4", "2e−12 3.5e+4"),
        # Names, superscripts and versions are no numbers.
        ("HAMD17 COMP8FL x² p0.05 AR(1) trialstats 0.1.0", "1"),
        ("no number", ""),
    ],
)
def test_the_numbers_of_a_text(text, numbers):
    assert [n.text for n in numbers_in(text)] == numbers.split()


def test_each_number_is_found_in_the_column_that_holds_it():
    assert found("1.84 (95% CI 0.91 to 3.73; p = 0.087)", RATIO) == [
        ("1.84", "estimate", "exponential"),
        ("95", "confidence_level", "percent"),
        ("0.91", "ci_lower", "exponential"),
        ("3.73", "ci_upper", "exponential"),
        ("0.087", "p_value", "as stored"),
    ]
    assert found("9/49 (18.4%)", COUNT) == [
        ("9", "estimate", "as stored"),
        ("49", "n_subjects", "as stored"),
        ("18.4", "estimate", "percent of n_subjects"),
    ]
    assert found("at week 12", RATIO) == [("12", "visit", "text")]


@pytest.mark.parametrize(
    "text", ["1.85", "1.843", "0.088", "0.92", "−1.84", "61", "61%", "13"]
)
def test_a_number_that_is_off_in_its_last_digit_is_not_found(text):
    assert found(text, RATIO) == [(text.rstrip("%"), "", "")]
    assert unresolved(text, [RATIO]) == [text.rstrip("%")]


def test_a_bound_needs_a_value_beyond_it():
    small, large = {"row_id": "s", "p_value": 4e-5}, {"row_id": "l", "p_value": 0.9996}
    assert found("p <0.001", small) == [("<0.001", "p_value", "as stored")]
    assert found("p <0.00001", small) == [("<0.00001", "", "")]
    assert found("p <0.001", large) == [("<0.001", "", "")]
    assert found("p >0.999", large) == [(">0.999", "p_value", "as stored")]


def test_a_label_names_visits_and_levels_and_no_values():
    assert found("Week 12, 95% CI", RATIO, label=True) == [
        ("12", "visit", "text"),
        ("95", "confidence_level", "percent"),
    ]
    assert found("N = 62", RATIO, label=True) == [("62", "", "")]


def test_given_texts_are_whole_words_of_the_text():
    text = "Pain (NRS 0-10) at week 24"
    assert unresolved(text, []) == ["0", "10", "24"]
    assert unresolved(text, [], ["Pain (NRS 0-10)"]) == ["24"]
    assert unresolved(text, [], ["week 2", "0-1", "24"]) == ["0", "10"]


def test_a_listing_is_counted():
    listing = [{"row_id": f"agreement:{n}", "agrees": n != 2} for n in (1, 2, 3)]
    assert unresolved("2 of 3", listing) == []
    assert unresolved("1 of 4", listing) == ["1", "4"]
    # Rows of the estimates are not counted: a count has a row of its own.
    assert unresolved("2", [COUNT, COUNT | {"row_id": "b.count"}]) == ["2"]


numbers = st.floats(-1e6, 1e6, allow_nan=False)


@given(value=numbers, digits=st.integers(0, 6))
def test_whatever_is_rounded_is_found_and_its_neighbour_is_not(value, digits):
    row = {"row_id": "r", "scale": "natural", "estimate": value}
    text = format_number(value, digits, minus="−")
    assert [p for _, _, p in found(text, row)] == ["as stored"]
    step = 10.0**-digits
    beside = format_number(float(text.replace("−", "-")) + 3 * step, digits)
    printed = {format_number(v, digits) for v in (value, abs(value))}
    assert (unresolved(beside, [row]) == []) == (beside in printed)


@given(p=st.floats(0, 1), digits=st.sampled_from([2, 3, 4]))
def test_every_printed_p_value_is_found(p, digits):
    row = {"row_id": "r", "scale": "natural", "p_value": p}
    assert unresolved(format_p_value(p, digits), [row]) == []


@given(value=st.floats(1e-300, 1e300))
def test_every_scientific_number_is_found(value):
    row = {"row_id": "r", "scale": "natural", "estimate": value}
    assert unresolved(scientific_text(value), [row]) == []


def test_texts_of_a_page_know_the_rows_around_them():
    page = """<html><head><style>p{width:5px}</style></head><body><p>In <span
      data-row="a">5</span> of <b data-given="x">6</b><br> weeks &amp; <i>7</i></p>
      <svg><desc>8</desc><g data-row="b c"><path d="M 1 2"/><text>9</text></g>
      <text>10</text></svg><script>11</script></body></html>"""
    said = [(s.text.strip(), s.rows, s.given) for s in texts_of_page(page)]
    assert said == [
        ("In", (), ""),
        ("5", ("a",), ""),
        ("of", (), ""),
        ("6", (), "x"),
        ("weeks &", (), ""),
        ("7", (), ""),
        ("9", ("b", "c"), ""),
        ("10", (), ""),
    ]
    blocks = ["".join(s.text for s in b).split() for b in blocks_of_page(page)]
    assert blocks == [["In", "5", "of", "6", "weeks", "&", "7"], ["9", "10"]]


def test_weights_may_be_rounded_together():
    weight = {"row_id": "w", "statistic": "weight", "scale": "natural"}
    row = weight | {"estimate": 0.0664}
    assert found("6.7", row) == [
        ("6.7", "estimate", "percent, rounded with the other weights")
    ]
    # The next tenth on either side, and no further.
    assert [unresolved(text, [row]) for text in ("6.6", "6.5", "6.8")] == [
        [],
        ["6.5"],
        ["6.8"],
    ]
    # Nothing else is.
    assert unresolved("6.7", [row | {"statistic": "risk"}]) == ["6.7"]
