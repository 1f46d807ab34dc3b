"""Numbers with a power of ten, for what is huge or tiny."""

from trialstats.formatting import MINUS

#: From here on, and below, a number is printed with a power of ten.
HUGE, TINY = 1e6, 1e-4

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def power_of_ten(value: float, digits: int = 1) -> str:
    """Print a number as a mantissa with `digits` decimals and a power of ten.

    >>> power_of_ten(-0.000123)
    '−1.2×10⁻⁴'
    """
    mantissa, exponent = f"{abs(value):.{digits}e}".split("e")
    sign = MINUS if value < 0 else ""
    return f"{sign}{mantissa}×{_ten_to(int(exponent))}"


def tick_power(value: float) -> str:
    """Print the value of a tick with as many digits as it has, one alone as the power.

    >>> tick_power(2.5e7), tick_power(1e-9)
    ('2.5×10⁷', '10⁻⁹')
    """
    mantissa, _, exponent = f"{abs(value):.11e}".partition("e")
    short = mantissa.rstrip("0").rstrip(".")
    sign = MINUS if value < 0 else ""
    power = _ten_to(int(exponent))
    return f"{sign}{power}" if short == "1" else f"{sign}{short}×{power}"


def _ten_to(exponent: int) -> str:
    return f"10{str(exponent).translate(_SUPERSCRIPTS)}"
