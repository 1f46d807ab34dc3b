"""The axis of an effect: its limits, its ticks, and where a value stands on it.

Values are on the scale on which they are stored: the logarithm for ratios. Ticks are
labelled on the natural scale.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from trialstats.errors import ConfigError
from trialstats.figures.canvas import text_width
from trialstats.figures.powers import HUGE, TINY, tick_power
from trialstats.formatting import MINUS, format_number

#: An interval wider than this many median intervals does not set the limits; it is
#: cut with an arrow.
_WIDE = 4.0

#: The main pooled interval may widen the axis up to this many times the span of the
#: trials, any other result so many times; beyond, it is cut with an arrow.
_POOLED_WIDE, _OTHER_WIDE = 5.0, 2.2

#: Share of the axis kept on each side of no effect, and beyond the outermost value.
SIDE, _MARGIN = 0.15, 0.04

_FEWEST_TICKS, _MOST_TICKS = 3, 9

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis between two places of the canvas.

    Attributes
    ----------
    lower, upper : float
        Limits on the scale of storage.
    left, right : float
        Their places on the canvas, in points.
    log : bool
        Whether values are logarithms.
    percent : bool
        Whether values are shares, labelled in percentage points.
    """

    lower: float
    upper: float
    left: float
    right: float
    log: bool = False
    percent: bool = False

    def place(self, value: float) -> float:
        """Return where a value stands, in points; not cut at the limits."""
        share = (value - self.lower) / (self.upper - self.lower)
        return self.left + share * (self.right - self.left)

    def holds(self, value: float) -> bool:
        """Return whether a value lies within the limits."""
        slack = 1e-9 * (self.upper - self.lower)
        return self.lower - slack <= value <= self.upper + slack

    def shown(self, value: float) -> float:
        """Return a stored value as it is labelled."""
        if self.log:
            return math.exp(value)
        return 100 * value if self.percent else value

    def stored(self, value: float) -> float:
        """Return a labelled value on the scale of storage."""
        if self.log:
            return math.log(value)
        return value / 100 if self.percent else value

    def ticks(self, size: float, *, upright: bool = False) -> list[tuple[float, str]]:
        """Return ticks as (place in points, label), spaced so that labels fit.

        Parameters
        ----------
        size : float
            Size of the labels in points.
        upright : bool
            Whether the axis is vertical, with labels one above the other.
        """
        low, high = self.shown(self.lower), self.shown(self.upper)
        candidates = _log_ticks(low, high) if self.log else _even_ticks(low, high)
        fallback: list[tuple[float, str]] = []
        for values in candidates:
            inside = [v for v in values if self.holds(self.stored(v))]
            labels = _tick_labels(inside, even=not self.log)
            placed = [
                (self.place(self.stored(v)), label)
                for v, label in zip(inside, labels, strict=True)
            ]
            if len(placed) > _MOST_TICKS or not _fit(placed, size, upright):
                continue
            if len(placed) >= _FEWEST_TICKS:
                return placed
            fallback = max(fallback, placed, key=len)
        return fallback


def limits(
    trials: Sequence[Interval],
    pooled: Sequence[Interval],
    points: Sequence[float],
    *,
    side: float = SIDE,
) -> Interval:
    """Return limits that show the trials well and pooled results where possible.

    Parameters
    ----------
    trials : sequence of (lower, upper)
        Intervals of the trials.
    pooled : sequence of (lower, upper)
        Intervals of pooled effects, the main one first.
    points : sequence of float
        Values that must be inside: all estimates.
    side : float
        Least share of the axis on each side of no effect, which is 0 on the scale of
        storage.
    """
    base = list(trials) or list(pooled[:1])
    typical = median([high - low for low, high in base]) if base else 1.0
    ends = [0.0, *points]
    for interval in base:
        if interval[1] - interval[0] <= _WIDE * typical:
            ends.extend(interval)
    low, high = min(ends), max(ends)
    span = high - low
    for number, interval in enumerate(pooled):
        most = _OTHER_WIDE if number else _POOLED_WIDE
        wider = max(high, interval[1]) - min(low, interval[0])
        if span == 0 or wider <= most * span:
            low, high = min(low, interval[0]), max(high, interval[1])
    if high == low:
        low, high = low - 1.0, high + 1.0
    # With share s on one side, the other side has 1 - s.
    low, high = min(low, -high * side / (1 - side)), max(high, -low * side / (1 - side))
    margin = _MARGIN * (high - low)
    return low - margin, high + margin


def checked_limits(given: Sequence[float], *, log: bool) -> Interval:
    """Return limits that an option gives, on the scale of storage.

    Raises
    ------
    ConfigError
        When they are not two increasing numbers, positive on a log axis.
    """
    if len(given) != 2 or not given[0] < given[1]:
        raise ConfigError(
            f"axis_limits {list(given)!r}: write two increasing numbers, "
            "for example [-2, 2]"
        )
    if log and given[0] <= 0:
        raise ConfigError(
            f"axis_limits {list(given)!r}: a ratio has a log axis; "
            "write positive numbers, for example [0.1, 10]"
        )
    low, high = (math.log(g) if log else float(g) for g in given)
    return low, high


def _even_ticks(low: float, high: float) -> Iterator[list[float]]:
    """Yield evenly spaced round ticks, dense ones first."""
    step_size = math.floor(math.log10((high - low) / 10)) if high > low else 0
    for power in range(step_size, step_size + 3):
        for factor in (1.0, 2.0, 2.5, 5.0):
            step = factor * 10.0**power
            count = math.floor(high / step) - math.ceil(low / step) + 1
            if count <= _MOST_TICKS:
                first = math.ceil(low / step)
                # Twelve digits, so that 0.1 + 0.2 is 0.3.
                yield [
                    float(f"{(first + i) * step:.12g}") for i in range(max(count, 0))
                ]


def _log_ticks(low: float, high: float) -> Iterator[list[float]]:
    """Yield ticks for a log axis: even ones when it is short, else by decades."""
    if high / low < 3.5:
        # Even steps that miss 1 would hide the line of no effect.
        for ticks in _even_ticks(low, high):
            if any(abs(t - 1) < 1e-9 for t in ticks) and min(ticks) > 0:
                yield ticks
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        yield [_power(f, d) for d in decades for f in factors]
    for stride in (2, 3, 4, 6, 8, 12, 20, 50, 100, 200):
        yield [_power(1, d) for d in decades if d % stride == 0]


def _power(factor: float, decade: int) -> float:
    return factor * 10.0**decade if decade >= 0 else factor / 10.0**-decade


def _tick_labels(values: Iterable[float], *, even: bool) -> list[str]:
    """Return labels; evenly spaced ticks share their digits."""
    listed = list(values)
    even = even or (len(listed) > 2 and _evenly_spaced(listed))
    if _needs_powers(listed):
        extreme = [v and (even or not TINY <= abs(v) < HUGE) for v in listed]
        return [
            tick_power(v) if power else format_number(v, _digits(v), minus=MINUS)
            for v, power in zip(listed, extreme, strict=True)
        ]
    digits = max((_digits(v) for v in listed), default=0)
    # Ratios from 0.01 to 100 need different digits.
    return [
        format_number(v, digits if even else _digits(v), minus=MINUS) for v in listed
    ]


def _needs_powers(values: Sequence[float]) -> bool:
    sizes = [abs(v) for v in values if v]
    return bool(sizes) and (max(sizes) >= HUGE or min(sizes) < TINY)


def _digits(value: float) -> int:
    return next((d for d in range(12) if abs(round(value, d) - value) < 1e-12), 12)


def _evenly_spaced(values: Sequence[float]) -> bool:
    steps = [b - a for a, b in pairwise(values)]
    return max(steps) - min(steps) < 1e-9 * max(steps)


def _fit(placed: Sequence[tuple[float, str]], size: float, upright: bool) -> bool:
    """Return whether labels centred at their places leave a gap between them."""
    if upright:
        return all(abs(b - a) >= 1.9 * size for (a, _), (b, _) in pairwise(placed))
    gap = 0.9 * size
    pairs = pairwise(placed)
    return all(
        b - a >= (text_width(s, size) + text_width(t, size)) / 2 + gap
        for (a, s), (b, t) in pairs
    )
