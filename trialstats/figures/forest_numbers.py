"""How the numbers of a forest plot are printed, by house."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trialstats.formatting import MINUS, format_number, format_p_value, natural
from trialstats.vocabulary import Measure


@dataclass(frozen=True, slots=True)
class House:
    """How a journal or house prints numbers.

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
    plot_last : bool
        Whether weight and estimate stand left of the plot.
    """

    brackets: str
    between: str
    between_signed: str
    p_value: Callable[[float | None], str]
    plot_last: bool = False


def _two_digits(p: float | None) -> str:
    """Print a p-value with two decimals, three between 0.001 and 0.01."""
    if p is None or p < 0.01:
        return format_p_value(p, 3)
    return format_p_value(p, 2)


def _no_leading_zero(p: float | None) -> str:
    return _two_digits(p).replace("0.", ".", 1)


HOUSES = {
    "plain": House("[]", ", ", ", ", format_p_value),
    "cochrane": House("[]", ", ", ", ", _two_digits, plot_last=True),
    "jama": House("()", "\N{EN DASH}", " to ", _no_leading_zero),
    "bmj": House("()", " to ", " to ", _two_digits),
}


@dataclass(frozen=True, slots=True)
class Words:
    """Prints the numbers of one panel in one house's way."""

    measure: Measure
    house: House
    digits: int = 2

    def number(self, value: float | None) -> str:
        """Print a stored value on the natural scale."""
        if value is None:
            return ""
        return format_number(self.shown(value), self.digits, minus=MINUS)

    def shown(self, value: float) -> float:
        """Bring a stored value to the scale on which it is printed."""
        if self.measure.percent:
            return 100 * value
        return natural(value, "log" if self.measure.log else "natural")

    def interval(self, lower: float | None, upper: float | None) -> str:
        """Print an interval in the brackets of the house."""
        if lower is None or upper is None:
            return ""
        ends = [self.number(lower), self.number(upper)]
        signed = any(e.startswith(MINUS) for e in ends)
        between = self.house.between_signed if signed else self.house.between
        return f"{self.house.brackets[0]}{between.join(ends)}{self.house.brackets[1]}"

    def effect(self, estimate: float | None, interval: Sequence[float | None]) -> str:
        """Print an estimate with its interval."""
        return f"{self.number(estimate)} {self.interval(*interval)}".strip()


def shares(weights: Sequence[float | None]) -> list[str]:
    """Print weights in per cent so that the printed numbers add to 100.0.

    Each is cut to one decimal; the tenths that are missing go to the largest
    remainders (Hamilton's method), the earlier row first among equals.

    Parameters
    ----------
    weights : sequence of float
        Weights; None where a trial has none.

    >>> shares([1 / 3, 1 / 3, None, 1 / 3])
    ['33.4', '33.3', '', '33.3']
    """
    given = [w for w in weights if w is not None]
    total = math.fsum(given)
    if not given or total <= 0:
        return ["" for _ in weights]
    exact = [1000 * w / total if w is not None else 0.0 for w in weights]
    # A hair is added so that 99.99999999 counts as 100.
    tenths = [math.floor(e + 1e-9) for e in exact]
    order = sorted(range(len(exact)), key=lambda i: (tenths[i] - exact[i], i))
    for i in [i for i in order if weights[i] is not None][: 1000 - sum(tenths)]:
        tenths[i] += 1
    return [
        "" if w is None else f"{t // 10}.{t % 10}"
        for w, t in zip(weights, tenths, strict=True)
    ]
