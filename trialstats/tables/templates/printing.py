"""From rows to the text of one cell: what a declared table may print."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from trialstats.formatting import NOT_ESTIMABLE, natural
from trialstats.records import Record, find, one
from trialstats.tables import cells
from trialstats.tables.houses import Counts, House
from trialstats.tables.table import EMPTY, Cell, Footnotes
from trialstats.vocabulary import PROPORTION

#: Name of a moment in a configuration -> its statistic, where that differs.
_STATISTICS = {"sd": "standard_deviation", "missing": "n_missing"}


@dataclass(frozen=True, slots=True)
class Ask:
    """What one cell is to print.

    Attributes
    ----------
    print : str
        A name of `PRINTERS`.
    where : mapping
        Columns of the estimates and their values; None means null.
    of : str
        What moments are of: ``baseline``, ``value`` or ``change``; empty where the
        statistics carry no such word.
    form : str
        ``natural``; ``stored``, as it is stored, a ratio as its logarithm; or
        ``percent``, a hundred times the natural value.
    turned : bool
        Whether the comparison is printed the other way round.
    suffix : str
        What follows each number.
    decimals : mapping
        Decimals by quantity, before those of the table and of the house.
    """

    print: str
    where: Mapping[str, Any] = field(default_factory=dict)
    of: str = ""
    form: str = "natural"
    turned: bool = False
    suffix: str = ""
    decimals: Mapping[str, int] = field(default_factory=dict)

    def at(self, **conditions: Any) -> "Ask":
        """Return the same with more conditions."""
        return replace(self, where={**self.where, **conditions})


@dataclass(slots=True)
class Printer:
    """Answers what cells ask, in the way of one house."""

    rows: Sequence[Record]
    house: House
    notes: Footnotes
    counts: Counts
    p_values: str | None = None
    decimals: Mapping[str, int] = field(default_factory=dict)

    def cell(self, ask: Ask) -> Cell:
        """Return the cell; empty where there is no row, NE where it has no answer."""
        return PRINTERS[ask.print](self, ask)

    def find(self, ask: Ask) -> list[Record]:
        """Return the rows that an ask may print."""
        return find(self.rows, **ask.where)

    def row(self, ask: Ask, statistic: str | None = None) -> Record | None:
        """Return the one row of a statistic."""
        if statistic is None:
            return one(self.rows, **ask.where)
        name = _STATISTICS.get(statistic, statistic)
        prefix = f"{ask.of}_" if ask.of else ""
        return one(self.rows, **{**ask.where, "statistic": f"{prefix}{name}"})

    def number(
        self, value: float | None, quantity: str, ask: Ask, row: Record | None = None
    ) -> str:
        """Write one number of a cell.

        In any house a ratio has two decimals and a percentage point one, unless the
        configuration says otherwise.
        """
        digits = self.digits(quantity, ask)
        if row is not None and self.chosen(quantity, ask) is None:
            usual = 2 if _is_ratio(row, ask) else digits
            digits = 1 if _in_points(row) and ask.form == "natural" else usual
        text = self.house.number(value, digits)
        return text if text == NOT_ESTIMABLE else f"{text}{ask.suffix}"

    def digits(self, quantity: str, ask: Ask) -> int:
        """Return the decimals of a quantity."""
        for known in (ask.decimals, self.decimals, self.house.decimals):
            if quantity in known:
                return known[quantity]
        return 0

    def chosen(self, quantity: str, ask: Ask) -> int | None:
        """Return the decimals that the configuration names, None where it does not."""
        chosen: int | None = {**self.decimals, **ask.decimals}.get(quantity)
        return chosen

    def lacking(self, record: Record) -> Cell:
        """Return the cell of a row without an answer."""
        return cells.not_estimable(record, self.notes)


def stated(record: Record, column: str, ask: Ask) -> float | None:
    """Return a number of a row on the scale and in the direction of print.

    Only what compares has a direction: a mean is printed as it is.
    """
    turned = ask.turned and record["contrast"] is not None
    value = record[_OPPOSITE.get(column, column) if turned else column]
    if value is None:
        return None
    if turned and column != "standard_error":
        value = -value
    if ask.form == "stored":
        return float(value)
    if column != "standard_error":
        value = natural(value, record["scale"])
    hundredfold = _in_points(record) or ask.form == "percent"
    return 100 * float(value) if hundredfold else float(value)


def _in_points(record: Record) -> bool:
    known = record["statistic"] in cells.PERCENTAGE_POINTS
    return known or record["unit"] == PROPORTION


_OPPOSITE = {"ci_lower": "ci_upper", "ci_upper": "ci_lower"}


def _moment(printer: Printer, ask: Ask, name: str, quantity: str) -> Cell:
    record = printer.row(ask, name)
    if record is None:
        return EMPTY
    if record["estimate"] is None:
        return printer.lacking(record)
    text = printer.number(stated(record, "estimate", ask), quantity, ask)
    return Cell(text, (str(record["row_id"]),))


def _of_moment(name: str) -> Callable[[Printer, Ask], Cell]:
    return lambda printer, ask: _moment(printer, ask, name, name)


def _joined(
    printer: Printer, ask: Ask, names: Sequence[str], write: Callable[..., str]
) -> Cell:
    """Join moments; the first stands for all where one has no answer."""
    made = [_moment(printer, ask, name, name) for name in names]
    if any(not cell.text or cell.text == NOT_ESTIMABLE for cell in made):
        known = made[0].text not in ("", NOT_ESTIMABLE)
        text = write(*(cell.text or NOT_ESTIMABLE for cell in made)) if known else ""
        rows = tuple(i for cell in made for i in cell.rows)
        marks = "".join(dict.fromkeys(cell.marks for cell in made))
        return Cell(text, rows, marks) if known else made[0]
    return Cell(
        write(*(cell.text for cell in made)), tuple(i for c in made for i in c.rows)
    )


def _mean_sd(printer: Printer, ask: Ask) -> Cell:
    return _joined(printer, ask, ("mean", "sd"), lambda m, s: f"{m} ({s})")


def _range(printer: Printer, ask: Ask) -> Cell:
    return _joined(printer, ask, ("minimum", "maximum"), printer.house.range)


def _median_range(printer: Printer, ask: Ask) -> Cell:
    names = ("median", "minimum", "maximum")
    return _joined(
        printer, ask, names, lambda m, a, b: f"{m} {printer.house.range(a, b)}"
    )


def _single(
    write: Callable[[Printer, Ask, Record], str | None],
) -> Callable[[Printer, Ask], Cell]:
    """Return a printer of one row; NE with its reason where it has no estimate."""

    def make(printer: Printer, ask: Ask) -> Cell:
        record = printer.row(ask)
        if record is None:
            return EMPTY
        if record["not_estimable"]:
            return printer.lacking(record)
        text = write(printer, ask, record)
        return EMPTY if text is None else Cell(text, (str(record["row_id"]),))

    return make


def _estimate(printer: Printer, ask: Ask, record: Record) -> str | None:
    value = stated(record, "estimate", ask)
    return None if value is None else printer.number(value, "estimate", ask, record)


def _is_ratio(record: Record, ask: Ask) -> bool:
    return record["scale"] == "log" and ask.form == "natural"


def _error(printer: Printer, ask: Ask, record: Record) -> str | None:
    value = stated(record, "standard_error", ask)
    return None if value is None else printer.number(value, "se", ask)


def _estimate_error(printer: Printer, ask: Ask, record: Record) -> str | None:
    estimate, error = _estimate(printer, ask, record), _error(printer, ask, record)
    return estimate if error is None else f"{estimate} ({error})"


def _ends(printer: Printer, ask: Ask, record: Record) -> list[str] | None:
    ends = [stated(record, name, ask) for name in ("ci_lower", "ci_upper")]
    if ends == [None, None]:
        return None
    return [
        printer.house.not_reached
        if end is None
        else printer.number(end, "limits", ask, record)
        for end in ends
    ]


def _interval(printer: Printer, ask: Ask, record: Record) -> str | None:
    ends = _ends(printer, ask, record)
    return None if ends is None else printer.house.interval(*ends)


def _limits(printer: Printer, ask: Ask, record: Record) -> str | None:
    ends = _ends(printer, ask, record)
    return None if ends is None else printer.house.limits(*ends)


def _end(column: str) -> Callable[[Printer, Ask, Record], str | None]:
    def write(printer: Printer, ask: Ask, record: Record) -> str | None:
        value = stated(record, column, ask)
        return None if value is None else printer.number(value, "limits", ask)

    return write


def _estimate_interval(printer: Printer, ask: Ask, record: Record) -> str | None:
    estimate = _estimate(printer, ask, record)
    interval = _interval(printer, ask, record)
    return estimate if interval is None else f"{estimate} {interval}"


def _degrees(column: str) -> Callable[[Printer, Ask, Record], str | None]:
    def write(printer: Printer, ask: Ask, record: Record) -> str | None:
        value = record[column]
        if value is None:
            return None
        digits = printer.chosen(column.removesuffix("_df") or column, ask)
        digits = printer.chosen("df", ask) if digits is None else digits
        whole = float(value).is_integer()
        if column == "numerator_df" or (digits is None and whole):
            digits = 0
        return printer.house.number(value, 1 if digits is None else digits)

    return write


def _test(printer: Printer, ask: Ask, record: Record) -> str | None:
    value = record["test_statistic"]
    if value is None:
        return None
    turned = ask.turned and record["contrast"] is not None
    return printer.house.number(
        -value if turned else value, printer.digits("test", ask)
    )


def _p_value(printer: Printer, ask: Ask, record: Record) -> str | None:
    if record["p_value"] is None:
        return None
    digits = printer.chosen("p_value", ask)
    return printer.house.p_value(record["p_value"], printer.p_values, digits)


def _participants(printer: Printer, ask: Ask, record: Record) -> str | None:
    size = record["n_subjects"]
    return None if size is None else printer.house.number(size, 0)


def _count(printer: Printer, ask: Ask, record: Record) -> str | None:
    return printer.house.number(record["estimate"], 0)


def _count_percent(printer: Printer, ask: Ask, record: Record) -> str | None:
    return printer.house.count_percent(
        record["estimate"],
        record["n_subjects"] or 0,
        printer.digits("percent", ask),
        printer.counts,
    )


def _percent_count(printer: Printer, ask: Ask, record: Record) -> str | None:
    count = printer.house.number(record["estimate"], 0)
    percent = _percent(printer, ask, record)
    return count if percent is None else f"{percent.strip()} ({count})"


def _percent(printer: Printer, ask: Ask, record: Record) -> str | None:
    if not record["n_subjects"]:
        return None
    return printer.counts.percent(
        record["estimate"],
        record["n_subjects"],
        printer.digits("percent", ask),
        printer.house,
    )


PRINTERS: Mapping[str, Callable[[Printer, Ask], Cell]] = {
    **{
        name: _of_moment(name)
        for name in ("n", "missing", "mean", "sd", "median", "minimum", "maximum")
    },
    "mean_sd": _mean_sd,
    "range": _range,
    "median_range": _median_range,
    "count": _single(_count),
    "percent": _single(_percent),
    "count_percent": _single(_count_percent),
    "percent_count": _single(_percent_count),
    "estimate": _single(_estimate),
    "se": _single(_error),
    "estimate_se": _single(_estimate_error),
    "lower": _single(_end("ci_lower")),
    "upper": _single(_end("ci_upper")),
    "ci": _single(_interval),
    "limits": _single(_limits),
    "estimate_ci": _single(_estimate_interval),
    "df": _single(_degrees("df")),
    "numerator_df": _single(_degrees("numerator_df")),
    "test": _single(_test),
    "p_value": _single(_p_value),
    "participants": _single(_participants),
}
