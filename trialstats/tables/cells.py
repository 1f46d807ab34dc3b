"""Cells made from rows: the only place where tables turn numbers into text."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from trialstats.formatting import (
    MINUS,
    NOT_ESTIMABLE,
    format_interval,
    format_level,
    format_number,
    format_p_value,
    format_percent,
    natural,
)
from trialstats.records import Record
from trialstats.tables.houses import HOUSES, P_VALUES, House
from trialstats.tables.table import EMPTY, Cell, Footnotes
from trialstats.vocabulary import PROPORTION

#: Statistics stored as proportions and printed as percentage points.
PERCENTAGE_POINTS = frozenset({"risk_difference", "risk"})

#: From this size on, one decimal says enough.
LARGE = 20.0

#: Below this size, in estimate and limits alike, two decimals say too little.
SMALL = 0.1


#: The house in whose way intervals and p-values are written; none writes our own.
_HOUSE: ContextVar[House | None] = ContextVar("house", default=None)


@contextmanager
def written_as(style: str | None) -> Iterator[None]:
    """Write intervals and p-values in the way of a house while the block runs.

    Parameters
    ----------
    style : str or None
        Name of a house of `HOUSES`; None for our own way.

    >>> row = {"p_value": 0.0421, "row_id": "a.p"}
    >>> with written_as("jama"):
    ...     p_value(row).text
    '.04'
    >>> p_value(row).text
    '0.042'
    """
    token = _HOUSE.set(HOUSES[style] if style else None)
    try:
        yield
    finally:
        _HOUSE.reset(token)


def number_text(value: float | None, digits: int = 2) -> str:
    """Return a number as the tables print it."""
    return format_number(value, digits, minus=MINUS)


def interval_text(lower: float | None, upper: float | None, digits: int = 2) -> str:
    """Return an interval as the tables print it, without brackets."""
    text = format_interval(lower, upper, digits, separator=" to ", minus=MINUS)
    return text.strip("()")


def significant_text(value: float | None, digits: int) -> str:
    """Return a number to `digits` significant digits.

    >>> [significant_text(x, 3) for x in (0.0312412, -2.5, 0.0)]
    ['0.0312', '−2.50', '0']
    """
    if value is None:
        return NOT_ESTIMABLE
    text = f"{value:#.{digits}g}".rstrip(".") if value else "0"
    return text.replace("-", MINUS)


def scientific_text(value: float | None) -> str:
    """Return a small number as one digit and a power.

    >>> [scientific_text(x) for x in (0.0, 1e-6, 2.34e-12)]
    ['0', '1e−6', '2e−12']
    """
    if value is None:
        return NOT_ESTIMABLE
    if value == 0:
        return "0"
    mantissa, power = f"{value:.0e}".split("e")
    return f"{mantissa}e{power[0]}{power[1:].lstrip('0') or '0'}".replace("-", MINUS)


def decimals(rows: Iterable[Record | None]) -> int:
    """Return how many decimals rows of one unit share: 1 for large numbers, else 2."""
    values = [r["estimate"] for r in rows if r and r["estimate"] is not None]
    return 1 if values and max(abs(v) for v in values) >= LARGE else 2


def effect_digits(record: Record | None) -> int:
    """Return how many decimals an effect is printed with: 3 for very small ones."""
    if record is None:
        return 2
    values = [printed_value(record, c) for c in ("estimate", "ci_lower", "ci_upper")]
    known = [abs(v) for v in values if v is not None]
    return 3 if known and max(known) < SMALL else 2


def printed_value(record: Record, column: str) -> float | None:
    """Return a stored value on the scale on which it is printed, or None."""
    value = record[column]
    if value is None:
        return None
    if record["statistic"] in PERCENTAGE_POINTS or record["unit"] == PROPORTION:
        return 100 * float(value)
    return natural(value, record["scale"])


def value(record: Record | None, notes: Footnotes, digits: int = 2) -> Cell:
    """Print an estimate."""
    if record is None:
        return EMPTY
    if record["estimate"] is None:
        return not_estimable(record, notes)
    return Cell(number_text(printed_value(record, "estimate"), digits), _rows(record))


def value_error(record: Record | None, notes: Footnotes, digits: int = 2) -> Cell:
    """Print an estimate with its standard error in brackets."""
    cell = value(record, notes, digits)
    if record is None or record["estimate"] is None or record["standard_error"] is None:
        return cell
    return Cell(
        f"{cell.text} ({number_text(record['standard_error'], digits)})", cell.rows
    )


def value_interval(
    record: Record | None,
    notes: Footnotes,
    digits: int = 2,
    *,
    level: float | None = None,
) -> Cell:
    """Print an estimate with its interval in brackets.

    An interval says its own confidence level where that is not the `level` that the
    head of the column states.
    """
    cell = value(record, notes, digits)
    if record is None or record["estimate"] is None or record["ci_lower"] is None:
        return cell
    other = _other(record, level)
    own = f"{format_level(other)} " if other else ""
    house = _HOUSE.get()
    brackets = house.brackets if house else "()"
    shown = f"{brackets[0]}{own}{_limits(record, digits)}{brackets[1]}"
    return Cell(f"{cell.text} {shown}", cell.rows)


def interval(
    record: Record | None,
    notes: Footnotes,
    digits: int = 2,
    *,
    level: float | None = None,
) -> Cell:
    """Print an interval alone, with its own confidence level as `value_interval`."""
    if record is None:
        return EMPTY
    if record["ci_lower"] is None or record["ci_upper"] is None:
        return not_estimable(record, notes) if record["not_estimable"] else EMPTY
    other = _other(record, level)
    own = f" ({format_level(other, 'interval')})" if other else ""
    return Cell(f"{_limits(record, digits)}{own}", _rows(record))


def _other(record: Record, level: float | None) -> float | None:
    """Return the level of an interval when it is not the one of its column."""
    own: float | None = record["confidence_level"]
    return None if level is None or own == level else own


def p_value(record: Record | None) -> Cell:
    """Print a p-value; nothing where no test was made."""
    if record is None or record["p_value"] is None:
        return EMPTY
    house = _HOUSE.get()
    write = P_VALUES[house.p_values] if house else format_p_value
    return Cell(write(record["p_value"]), _rows(record))


def degrees_of_freedom(record: Record | None) -> Cell:
    """Print degrees of freedom, whole where they are whole."""
    if record is None or record["df"] is None:
        return EMPTY
    whole = float(record["df"]).is_integer()
    return Cell(number_text(record["df"], 0 if whole else 1), _rows(record))


def share(record: Record | None, notes: Footnotes, digits: int = 0) -> Cell:
    """Print a share in [0, 1] as a percentage."""
    if record is None or record["estimate"] is None:
        return value(record, notes)
    percent = number_text(100 * record["estimate"], digits)
    return Cell(f"{percent}%", _rows(record))


def test(record: Record | None, notes: Footnotes) -> Cell:
    """Print a test statistic with its degrees of freedom, or why there is none."""
    if record is None:
        return EMPTY
    if record["test_statistic"] is None:
        return not_estimable(record, notes) if record["not_estimable"] else EMPTY
    known = [record[n] for n in ("numerator_df", "df") if record[n] is not None]
    words = ", ".join(number_text(d, 0 if d == int(d) else 1) for d in known)
    text = number_text(record["test_statistic"], 2)
    return Cell(f"{text} (df {words})" if words else text, _rows(record))


def coefficient(record: Record, notes: Footnotes) -> Cell:
    """Print a coefficient as stored, with its interval, to four significant digits."""
    if record["estimate"] is None:
        return not_estimable(record, notes)
    numbers = [record[n] for n in ("estimate", "ci_lower", "ci_upper")]
    estimate, lower, upper = (significant_text(number, 4) for number in numbers)
    return Cell(f"{estimate} ({lower} to {upper})", _rows(record))


def f_statistic(record: Record) -> Cell:
    """Print an F statistic with its numerator degrees of freedom."""
    text = f"F({record['numerator_df']:g}) = {number_text(record['estimate'], 2)}"
    return Cell(text, _rows(record))


def count(record: Record | None, notes: Footnotes) -> Cell:
    """Print a count."""
    return value(record, notes, 0)


def count_percent(
    record: Record | None, notes: Footnotes, *, fraction: bool = False
) -> Cell:
    """Print a count with its percentage; as ``n/N (%)`` when `fraction`."""
    cell = count(record, notes)
    if record is None or record["estimate"] is None or not record["n_subjects"]:
        return cell
    share = format_percent(record["estimate"] / record["n_subjects"], 1)
    denominator = f"/{record['n_subjects']}" if fraction else ""
    return Cell(f"{cell.text}{denominator} ({share})", cell.rows)


def pair(
    first: Record | None, second: Record | None, notes: Footnotes, digits: int = 2
) -> Cell:
    """Print one number and another in brackets: mean (SD)."""
    left, right = value(first, notes, digits), value(second, notes, digits)
    if not left.text or not right.text or left.text == right.text == NOT_ESTIMABLE:
        return left
    text = f"{left.text} ({right.text})"
    return Cell(text, left.rows + right.rows, left.marks or right.marks)


def middle_and_range(
    median: Record | None,
    lowest: Record | None,
    highest: Record | None,
    notes: Footnotes,
    digits: int = 2,
) -> Cell:
    """Print a median with the smallest and the largest value."""
    cells = [value(r, notes, digits) for r in (median, lowest, highest)]
    if not all(c.text for c in cells) or cells[0].text == NOT_ESTIMABLE:
        return cells[0]
    text = f"{cells[0].text} ({cells[1].text}, {cells[2].text})"
    return Cell(text, tuple(i for c in cells for i in c.rows))


def not_estimable(record: Record, notes: Footnotes) -> Cell:
    """Print NE, with the reason as a footnote."""
    reason = record["not_estimable"] or "No value was computed."
    text = f"NE, not estimable: {reason.rstrip('.')}."
    return Cell(NOT_ESTIMABLE, _rows(record), notes.letter(text))


def text_cell(text: object) -> Cell:
    """Print text; nothing for None."""
    return EMPTY if text is None else Cell(str(text))


def _limits(record: Record, digits: int) -> str:
    lower, upper = (printed_value(record, n) for n in ("ci_lower", "ci_upper"))
    house = _HOUSE.get()
    if house is None or lower is None or upper is None:
        return interval_text(lower, upper, digits)
    return house.limits(number_text(lower, digits), number_text(upper, digits))


def _rows(record: Record) -> tuple[str, ...]:
    return (str(record["row_id"]),)
