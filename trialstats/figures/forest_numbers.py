"""How the numbers of a forest plot are printed, by house."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from trialstats.figures.powers import HUGE, TINY, power_of_ten
from trialstats.formatting import (
    MINUS,
    format_journal_p_value,
    format_number,
    format_p_value,
    is_missing,
    natural,
)
from trialstats.vocabulary import Measure

#: Decimals that an interval of ordinary width needs, and the most that are printed.
USUAL_DIGITS, _MOST_DIGITS = 2, 6


@dataclass(frozen=True, slots=True)
class House:
    """How a journal or house prints a forest plot.

    Attributes
    ----------
    brackets : str
        Around an interval.
    between : str
        Between the limits of an interval on a log scale, and where neither limit
        is negative.
    between_signed : str
        Between limits that may carry a minus sign.
    p_value : callable
        Prints a p-value.
    p_symbol : str
        What a p-value is called.
    tight : bool
        Whether equations have no spaces.
    order : tuple of str
        What stands side by side, from left to right.
    heads : mapping
        Heads of columns: ``study``, ``events``, ``total``, ``mean``, ``weight``.
    split_events : bool
        Whether events and totals have columns of their own.
    joined_means : bool
        Whether mean and standard deviation share a column.
    measure_in_words : bool
        Whether the head of the effects spells the measure out.
    percent_signs : bool
        Whether each weight carries a per cent sign.
    favours : str
        How the word is spelt.
    favours_above : bool
        Whether the sides stand above the plot instead of under its axis.
    """

    brackets: str
    between: str
    between_signed: str
    p_value: Callable[[float | None], str]
    p_symbol: str = "P"
    tight: bool = False
    order: tuple[str, ...] = ("data", "plot", "weight", "effect", "bias")
    heads: Mapping[str, str] = field(default_factory=dict)
    split_events: bool = False
    joined_means: bool = False
    measure_in_words: bool = False
    percent_signs: bool = False
    favours: str = "Favours"
    favours_above: bool = False

    def interval(self, ends: Sequence[str]) -> str:
        """Join the printed limits of an interval."""
        signed = any(end.startswith(MINUS) for end in ends)
        between = self.between_signed if signed else self.between
        return f"{self.brackets[0]}{between.join(ends)}{self.brackets[1]}"

    def bracketed(self, text: str) -> str:
        """Put text into the brackets of an interval."""
        return f"{self.brackets[0]}{text}{self.brackets[1]}"

    def equation(self, symbol: str, text: str) -> str:
        """Print what a symbol equals; text may begin with < or >."""
        space = "" if self.tight else " "
        if text[:1] in "<>":
            return f"{symbol}{space}{text[0]}{space}{text[1:]}"
        return f"{symbol}{space}={space}{text}"

    def p(self, value: float | None) -> str:
        """Print a p-value with its symbol."""
        return self.equation(self.p_symbol, self.p_value(value))

    def spelt(self, text: str) -> str:
        """Spell "favours" as the house does."""
        american = "Favors" if self.favours == "Favors" else "Favours"
        small = american.lower()
        return text.replace("Favours", american).replace("favours", small)


def _no_leading_zero(p: float | None) -> str:
    return format_journal_p_value(p).replace("0.", ".", 1)


HOUSES = {
    "plain": House(
        "[]",
        ", ",
        ", ",
        format_p_value,
        p_symbol="p",
        heads={
            "study": "Study",
            "events": "Events/Total",
            "total": "n",
            "weight": "Weight, %",
        },
    ),
    "cochrane": House(
        "[]",
        ", ",
        ", ",
        format_journal_p_value,
        order=("data", "weight", "effect", "plot", "bias"),
        heads={
            "study": "Study or subgroup",
            "events": "Events",
            "total": "Total",
            "weight": "Weight",
        },
        split_events=True,
        measure_in_words=True,
        percent_signs=True,
    ),
    "jama": House(
        "()",
        "\N{EN DASH}",
        " to ",
        _no_leading_zero,
        order=("data", "effect", "plot", "weight", "bias"),
        heads={
            "study": "Source",
            "events": "No./total No.",
            "total": "No.",
            "mean": "Mean (SD)",
            "weight": "Weight, %",
        },
        joined_means=True,
        measure_in_words=True,
        favours="Favors",
        favours_above=True,
    ),
    "bmj": House(
        "()",
        " to ",
        " to ",
        format_journal_p_value,
        tight=True,
        heads={
            "study": "Study",
            "events": "No of events/total",
            "total": "No",
            "mean": "Mean (SD)",
            "weight": "Weight (%)",
        },
        joined_means=True,
        measure_in_words=True,
    ),
}


@dataclass(frozen=True, slots=True)
class Words:
    """Prints the numbers of one panel in one house's way."""

    measure: Measure
    house: House
    digits: int = USUAL_DIGITS

    def number(self, value: float | None) -> str:
        """Print a stored value on the natural scale."""
        if value is None:
            return ""
        return printed(self.shown(value), self.digits, ratio=self.measure.log)

    def shown(self, value: float) -> float:
        """Bring a stored value to the scale on which it is printed."""
        if self.measure.percent:
            return 100 * value
        return natural(value, "log" if self.measure.log else "natural")

    def interval(self, lower: float | None, upper: float | None) -> str:
        """Print an interval in the brackets of the house."""
        if lower is None or upper is None:
            return ""
        return self.house.interval([self.number(lower), self.number(upper)])

    def effect(self, estimate: float | None, interval: Sequence[float | None]) -> str:
        """Print an estimate with its interval."""
        return f"{self.number(estimate)} {self.interval(*interval)}".strip()


def printed(value: float, digits: int, *, ratio: bool = False) -> str:
    """Print a number; one that is huge, or a ratio close to 0, with a power of ten.

    >>> printed(-0.345, 2), printed(2.5e7, 2), printed(0.0021, 2, ratio=True)
    ('−0.35', '2.5×10⁷', '0.002')
    >>> printed(3.2e-9, 2, ratio=True), printed(3.2e-9, 2)
    ('3.2×10⁻⁹', '0.00')
    """
    size = abs(value)
    if is_missing(value) or math.isinf(value):
        return format_number(value, digits, minus=MINUS)
    if size >= HUGE or (ratio and 0 < size < TINY):
        return power_of_ten(value)
    if digits > _MOST_DIGITS:
        return power_of_ten(value) if size else "0"
    if ratio and 0 < size < 0.5 * 10.0**-digits:
        digits = -math.floor(math.log10(size))
    return format_number(value, digits, minus=MINUS)


def digits_for(halves: Iterable[float], *, log: bool) -> int:
    """Return the decimals with which effects are printed.

    Two, unless half the width of the median interval would show no digit that counts,
    or only digits that do not.

    Parameters
    ----------
    halves : iterable of float
        Halves of the widths of the intervals, on the scale of print; of ratios on the
        log scale.
    log : bool
        Whether the effects are ratios.

    >>> digits_for([0.4], log=False), digits_for([0.0031], log=False)
    (2, 4)
    >>> digits_for([812.0], log=False), digits_for([2.0], log=True)
    (0, 2)
    """
    known = [half for half in halves if 0 < half < math.inf]
    typical = median(known) if known else 1.0
    if typical < 0.02:
        return min(1 - math.floor(math.log10(typical)), _MOST_DIGITS + 1)
    if log or typical < 50:
        return USUAL_DIGITS
    return 1 if typical < 500 else 0


def tenths(weights: Sequence[float | None]) -> list[int | None]:
    """Return weights in tenths of a per cent that add to 1000.

    Each is cut; the tenths that are missing go to the largest remainders (Hamilton's
    method), the earlier row first among equals.

    Parameters
    ----------
    weights : sequence of float
        Weights; None where a trial has none.

    >>> tenths([1 / 3, 1 / 3, None, 1 / 3])
    [334, 333, None, 333]
    """
    given = [w for w in weights if w is not None]
    total = math.fsum(given)
    if not given or total <= 0:
        return [None for _ in weights]
    exact = [1000 * w / total if w is not None else 0.0 for w in weights]
    # A hair is added so that 99.99999999 counts as 100.
    cut = [math.floor(e + 1e-9) for e in exact]
    order = sorted(range(len(exact)), key=lambda i: (cut[i] - exact[i], i))
    for i in [i for i in order if weights[i] is not None][: 1000 - sum(cut)]:
        cut[i] += 1
    return [None if w is None else t for w, t in zip(weights, cut, strict=True)]


def tenth_text(value: int | None, house: House) -> str:
    """Print tenths of a per cent.

    >>> tenth_text(55, HOUSES["plain"]), tenth_text(1000, HOUSES["cochrane"])
    ('5.5', '100.0%')
    """
    if value is None:
        return ""
    sign = "%" if house.percent_signs else ""
    return f"{value // 10}.{value % 10}{sign}"
