"""Conversions between units of measurement, by their definition."""

import math
import re
from functools import lru_cache
from typing import Any

#: Factor, offset and the conversion in words: new = old * factor + offset.
Conversion = tuple[float, float, str]

#: What a unit may look like. It may stand in a cell of a raw file, and a tower of
#: powers would keep the parser busy for ever.
_FACTOR = r"(?:[^\W\d_]\w*|%|°[A-Za-z]?|1)(?:(?:\^|\*\*)[-+]?\d{1,2})?"
_UNIT = re.compile(rf"{_FACTOR}(?:(?:\s?[/*·.]\s?|\s){_FACTOR}){{0,6}}")
_LONGEST = 60

#: What the parser raises on text that is no unit, beside errors of its own.
_NO_UNIT = (ValueError, TypeError, AttributeError, AssertionError, ArithmeticError)


@lru_cache(maxsize=1000)
def defined(unit: str, target: str | None) -> Conversion | None:
    """Return the conversion that the definitions of two units give, None without one.

    >>> defined("lb", "kg")[0]
    0.45359237
    >>> defined("degF", "degC")[:2]
    (0.555555555556, -17.7777777778)
    >>> defined("kg", "cm")
    """
    if target is None:
        return None
    if unit == target:
        return 1.0, 0.0, unit
    if not (_looks_like_one(unit) and _looks_like_one(target)):
        return None
    # Loaded where units are converted: it reads a large file of definitions.
    import pint

    registry = _registry()
    try:
        zero = registry.Quantity(0.0, unit).to(target).magnitude
        one = registry.Quantity(1.0, unit).to(target).magnitude
    except (pint.PintError, *_NO_UNIT):
        return None
    except Exception as reason:  # The parser of pint raises errors of its tokenizer.
        if type(reason).__module__.split(".")[0] in {"tokenize", "token", "pint"}:
            return None
        raise
    factor, offset = float(f"{one - zero:.12g}"), float(f"{zero:.12g}")
    if not (math.isfinite(factor) and math.isfinite(offset)) or factor == 0:
        return None
    return factor, offset, f"{unit} converted to {target}"


def _looks_like_one(unit: str) -> bool:
    return len(unit) <= _LONGEST and _UNIT.fullmatch(unit) is not None


@lru_cache(maxsize=1)
def _registry() -> Any:
    import pint

    return pint.UnitRegistry(cache_folder=None)
