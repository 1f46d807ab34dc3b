"""Print numbers: the one place where rounding happens.

Rounding is half away from zero on the shortest decimal that names the number, as
statistical reports do it, and a rounded zero never carries a minus sign.
"""

import math
import re
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

NOT_ESTIMABLE = "NE"
MINUS = "\N{MINUS SIGN}"

#: Holds every digit that a float may have before its point, and those printed after.
_EXACT = Context(prec=400, rounding=ROUND_HALF_UP)


def is_missing(value: float | None) -> bool:
    """Return whether a number is absent: None or not a number."""
    return value is None or math.isnan(value)


def format_number(value: float | None, digits: int = 2, *, minus: str = "-") -> str:
    """Write a number with a fixed count of decimals.

    >>> [format_number(x, 1) for x in (0.25, -0.04, -2.35, float("nan"))]
    ['0.3', '0.0', '-2.4', 'NE']
    """
    if is_missing(value):
        return NOT_ESTIMABLE
    number = float(value)  # type: ignore[arg-type]
    if math.isinf(number):
        return "Inf" if number > 0 else f"{minus}Inf"
    step = Decimal(1).scaleb(-digits)
    rounded = Decimal(repr(number)).quantize(step, context=_EXACT)
    text = f"{rounded.copy_abs():f}"
    return f"{minus}{text}" if rounded < 0 else text


def format_p_value(p: float | None, digits: int = 3) -> str:
    """Write a p-value to `digits` decimals, never as 0 or 1.

    >>> [format_p_value(p) for p in (0.0304, 0.00004, 0.99996, float("nan"))]
    ['0.030', '<0.001', '>0.999', 'NE']
    """
    if is_missing(p):
        return NOT_ESTIMABLE
    value, smallest = float(p), 10.0**-digits  # type: ignore[arg-type]
    if value < smallest:
        return f"<{smallest:.{digits}f}"
    if value > 1 - smallest:
        return f">{1 - smallest:.{digits}f}"
    return format_number(value, digits)


def format_journal_p_value(p: float | None) -> str:
    """Write a p-value as journals do: two decimals, three between 0.001 and 0.01.

    >>> [format_journal_p_value(p) for p in (0.0304, 0.0042, 0.0004, 0.996)]
    ['0.03', '0.004', '<0.001', '>0.99']
    """
    if p is None or p < 0.01:
        return format_p_value(p, 3)
    return format_p_value(p, 2)


def format_interval(
    lower: float | None,
    upper: float | None,
    digits: int = 2,
    *,
    separator: str = ", ",
    brackets: str = "()",
    minus: str = "-",
) -> str:
    """Write an interval.

    >>> format_interval(-0.951, 0.27)
    '(-0.95, 0.27)'
    """
    if is_missing(lower) or is_missing(upper):
        return NOT_ESTIMABLE
    ends = [format_number(end, digits, minus=minus) for end in (lower, upper)]
    return f"{brackets[0]}{separator.join(ends)}{brackets[1]}"


def format_level(level: float | None, words: str = "CI") -> str:
    """Write what an interval is, with its confidence level where that is known.

    >>> format_level(0.975), format_level(0.9, "confidence intervals")
    ('97.5% CI', '90% confidence intervals')
    >>> format_level(None)
    'CI'
    """
    return words if is_missing(level) else f"{100 * float(level):g}% {words}"  # type: ignore[arg-type]


def format_percent(share: float | None, digits: int = 0) -> str:
    """Write a share in [0, 1] as a percentage.

    >>> format_percent(0.4567, 1)
    '45.7%'
    """
    if is_missing(share):
        return NOT_ESTIMABLE
    return f"{format_number(100 * float(share), digits)}%"  # type: ignore[arg-type]


def natural(value: float | None, scale: str) -> float:
    """Bring a stored value back to the natural scale for printing.

    >>> round(natural(0.6931471805599453, "log"), 6)
    2.0
    """
    if is_missing(value):
        return math.nan
    number = float(value)  # type: ignore[arg-type]
    if scale == "log":
        try:
            return math.exp(number)
        except OverflowError:
            return math.inf
    return number


#: Characters that turn the direction of all that follows them on a line.
STEERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

_WITHOUT_STEERING = {ord(c): "\N{REPLACEMENT CHARACTER}" for c in STEERING}


def undirected(text: str) -> str:
    """Return text without marks of direction, so that no number reads backwards.

    Scripts that run from right to left need none of them; a mark that a name ends with
    would turn "12" after it into "21".

    >>> undirected("Placebo\N{RIGHT-TO-LEFT OVERRIDE} 12")
    'Placebo� 12'
    """
    return text.translate(_WITHOUT_STEERING)


#: A number, alone or followed by text that calls nothing, such as "-0.34 (-0.9 to 1)".
_NUMBER = re.compile(r"[+-]?[\d.]+(?:e[+-]?\d+)?%?(?:[ ,;:(\[†‡][^=|!\"'@]*)?")


def inert(value: Any) -> Any:
    """Return text that no spreadsheet runs.

    >>> inert("=1+1"), inert("-0.34 (-0.92 to 0.24)"), inert("-")
    ("'=1+1", '-0.34 (-0.92 to 0.24)', '-')
    """
    if not isinstance(value, str) or value.strip("+-") == "":
        return value
    runs = value[0] in "=@\t\r" or (
        value[0] in "+-" and not _NUMBER.fullmatch(value.rstrip())
    )
    return f"'{value}" if runs else value
