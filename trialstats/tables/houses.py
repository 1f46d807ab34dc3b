"""How the numbers of a table are written, by house."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from trialstats.formatting import (
    MINUS,
    NOT_ESTIMABLE,
    format_journal_p_value,
    format_number,
    format_p_value,
    is_missing,
)

EN_DASH = "\N{EN DASH}"


def sas_p_value(p: float | None) -> str:
    """Write a p-value as SAS does: four decimals, none below 0.0001.

    >>> [sas_p_value(p) for p in (0.32807, 0.00004, 1.0)]
    ['0.3281', '<.0001', '1.0000']
    """
    if p is not None and not is_missing(p) and p < 0.0001:
        return "<.0001"
    return format_number(p, 4)


def one_figure_p_value(p: float | None) -> str:
    """Write a p-value to three decimals, to four where three would print none.

    >>> [one_figure_p_value(p) for p in (0.0042, 0.00012, 0.00001)]
    ['0.004', '0.0001', '<0.0001']
    """
    small = p is not None and not is_missing(p) and p < 0.0005
    return format_p_value(p, 4 if small else 3)


def scientific_p_value(p: float | None) -> str:
    """Write a p-value to four decimals, below 0.0001 as a power of ten.

    >>> [scientific_p_value(p) for p in (0.00768, 4.12e-8)]
    ['0.0077', '4.1e-08']
    """
    if p is not None and 0 < p < 0.0001:
        return f"{p:.1e}"
    return format_p_value(p, 4)


def jama_p_value(p: float | None) -> str:
    """Write a p-value without its leading zero.

    >>> [jama_p_value(p) for p in (0.0042, 0.042, 0.0004, 0.999)]
    ['.004', '.04', '<.001', '>.99']
    """
    return format_journal_p_value(p).replace("0.", ".", 1)


#: Ways to write a p-value, by the names that a configuration uses.
P_VALUES: Mapping[str, Callable[[float | None], str]] = {
    "sas": sas_p_value,
    "three": format_p_value,
    "journal": format_journal_p_value,
    "jama": jama_p_value,
    "one_figure": one_figure_p_value,
    "scientific": scientific_p_value,
}


@dataclass(frozen=True, slots=True)
class Counts:
    """How a count with its percentage is written.

    Attributes
    ----------
    percent_sign : bool
        Whether the percentage carries its sign.
    padded : bool
        Whether a percentage of less than three places is padded with a space.
    bare_zero : bool
        Whether a count of none stands without its percentage.
    below_one : bool
        Whether a percentage that would round to none is written ``<1``.
    """

    percent_sign: bool = True
    padded: bool = False
    bare_zero: bool = False
    below_one: bool = False

    def percent(self, count: float, size: float, digits: int, house: "House") -> str:
        """Write a percentage."""
        share = 100 * count / size
        text = house.number(share, digits)
        if self.below_one and 0 < share < 0.5 and not digits:
            text = "<1"
        if self.padded and len(text) < 3:
            text = f" {text}"
        return f"{text}%" if self.percent_sign else text


#: Decimals of a study report: one for a mean, two for what says how sure it is.
_OF_A_REPORT = {
    **dict.fromkeys(("mean", "median", "estimate", "limits", "value"), 1),
    **dict.fromkeys(("minimum", "maximum", "percent"), 0),
    **dict.fromkeys(("sd", "se", "test"), 2),
}

#: Decimals of a journal.
_OF_A_JOURNAL = {
    **dict.fromkeys(("mean", "median", "minimum", "maximum", "percent", "sd"), 1),
    **dict.fromkeys(("estimate", "limits", "se", "test", "value"), 2),
}


@dataclass(frozen=True, slots=True)
class House:
    """How a house writes the cells of a table.

    Attributes
    ----------
    name : str
        Its name in a configuration.
    brackets, between, between_signed : str
        Around an interval; between its limits; between limits that may be negative.
    range_between : str
        Between the smallest and the largest value.
    p_values : str
        Name of the way to write p-values, in `P_VALUES`.
    minus : str
        The minus sign.
    counts : Counts
        How a count with its percentage is written.
    size : str
        Number of a group, in the head of its column.
    marks_in_text : bool
        Whether footnotes are marked ``[1]`` in the line, instead of by raised letters.
    not_reached : str
        What stands for a median that was not reached.
    decimals : mapping
        Decimals by quantity.
    """

    name: str
    brackets: str = "()"
    between: str = ", "
    between_signed: str = ", "
    range_between: str = ", "
    p_values: str = "three"
    minus: str = MINUS
    counts: Counts = Counts()
    size: str = "(N = {})"
    marks_in_text: bool = False
    not_reached: str = "not reached"
    decimals: Mapping[str, int] = field(default_factory=lambda: dict(_OF_A_JOURNAL))

    def number(self, value: float | None, digits: int) -> str:
        """Write a number."""
        return format_number(value, digits, minus=self.minus)

    def limits(self, lower: str, upper: str) -> str:
        """Join the written limits of an interval, without brackets."""
        signed = any(end.startswith(self.minus) for end in (lower, upper))
        between = self.between_signed if signed else self.between
        return f"{lower}{between}{upper}"

    def interval(self, lower: str, upper: str) -> str:
        """Join the written limits of an interval, in the brackets of the house."""
        return f"{self.brackets[0]}{self.limits(lower, upper)}{self.brackets[1]}"

    def range(self, lowest: str, highest: str) -> str:
        """Join the smallest and the largest value, in brackets."""
        return f"({lowest}{self.range_between}{highest})"

    def count_percent(
        self, count: float, size: float, digits: int, counts: Counts
    ) -> str:
        """Write a count with its percentage.

        >>> csr = HOUSES["csr"]
        >>> [csr.count_percent(n, 84, 0, csr.counts) for n in (84, 8, 0)]
        ['84 (100%)', '8 ( 10%)', '0 ( 0%)']
        >>> bare = Counts(padded=True, bare_zero=True, below_one=True)
        >>> [csr.count_percent(n, 254, 0, bare) for n in (1, 0)]
        ['1 ( <1%)', '0']
        """
        text = self.number(count, 0)
        if not size or (counts.bare_zero and count == 0):
            return text
        return f"{text} ({counts.percent(count, size, digits, self)})"

    def p_value(self, p: float | None, how: str | None, digits: int | None) -> str:
        """Write a p-value: with so many decimals, or in a named way."""
        if is_missing(p):
            return NOT_ESTIMABLE
        if digits is not None:
            return format_p_value(p, digits)
        return P_VALUES[how or self.p_values](p)


HOUSES = {
    house.name: house
    for house in (
        House("plain"),
        House(
            "csr",
            between=";",
            between_signed=";",
            range_between=";",
            p_values="sas",
            minus="-",
            counts=Counts(padded=True),
            size="(N={})",
            marks_in_text=True,
            not_reached="NA",
            decimals=_OF_A_REPORT,
        ),
        House(
            "jama",
            between=EN_DASH,
            between_signed=" to ",
            range_between=EN_DASH,
            p_values="jama",
            counts=Counts(percent_sign=False),
            size="(n = {})",
        ),
        House(
            "bmj",
            between=" to ",
            between_signed=" to ",
            range_between=" to ",
            p_values="journal",
            counts=Counts(percent_sign=False),
            size="(n={})",
        ),
        House("cochrane", brackets="[]", p_values="journal"),
    )
}
