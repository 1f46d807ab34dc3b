"""How the numbers of a table of adverse events are written."""

from dataclasses import dataclass

from trialstats.formatting import format_number, format_p_value


@dataclass(frozen=True, slots=True)
class EventStyle:
    """How a table of adverse events writes its numbers.

    Attributes
    ----------
    together : bool
        Whether a cell holds participants and events, as ``7 (8.3%) [10]``, instead of
        a column for each.
    padded : bool
        Whether numbers and percentages are padded to stand under each other.
    bare_zero : bool
        Whether no participants are ``0`` alone.
    differences : bool
        Whether the risk differences have a column.
    any_event : str
        Label of the line of all events above the terms.
    p_digits : int
        Decimals of a p-value.
    p_above : float, optional
        p-values above are written as above it.
    p_mark : str
        What follows p-values below `p_marked`.
    p_marked : float
        As it says.
    p_exact : bool
        Whether a p-value is written with its decimals even where they are all zero,
        and without its last zeros where it has no mark.
    untested : bool
        Whether a test that cannot be made says so, instead of an empty cell.
    """

    together: bool = False
    padded: bool = False
    bare_zero: bool = False
    differences: bool = True
    any_event: str = "Any adverse event"
    p_digits: int = 3
    p_above: float | None = None
    p_mark: str = ""
    p_marked: float = 0.0
    p_exact: bool = False
    untested: bool = True

    def count(self, number: float, size: int) -> str:
        """Write participants with their percentage.

        >>> [STUDY_REPORT.count(n, 84) for n in (7, 77, 84, 0)]
        [' 7 ( 8.3%)', '77 (91.7%)', '84 (100.0%)', ' 0']
        """
        text = format_number(number, 0)
        if self.padded:
            text = text.rjust(len(str(size)))
        if not size or (self.bare_zero and number == 0):
            return text
        percent = format_number(100 * number / size, 1)
        return f"{text} ({percent.rjust(4) if self.padded else percent}%)"

    def p_value(self, p: float) -> str:
        """Write a p-value, with its mark.

        >>> [STUDY_REPORT.p_value(p) for p in (0.0002, 0.1496, 0.58, 0.994)]
        ['0.000*', '0.150*', '0.58', '>0.99']
        """
        if self.p_above is not None and p > self.p_above:
            return f">{self.p_above:g}"
        mark = self.p_mark if p < self.p_marked else ""
        if not self.p_exact:
            return f"{format_p_value(p, self.p_digits)}{mark}"
        text = format_number(p, self.p_digits)
        return f"{text}{mark}" if mark else text.rstrip("0")


#: As in the report.
REPORT = EventStyle()

#: As in a study report: participants, percentage and events in one column, p-values of
#: Fisher's test with a mark below 0.15.
STUDY_REPORT = EventStyle(
    together=True,
    padded=True,
    bare_zero=True,
    differences=False,
    any_event="ANY BODY SYSTEM",
    p_above=0.99,
    p_mark="*",
    p_marked=0.15,
    p_exact=True,
    untested=False,
)

#: Styles by name.
EVENT_STYLES = {"report": REPORT, "study_report": STUDY_REPORT}
