"""Conversions between units of measurement, by their definition."""

from functools import lru_cache
from typing import Any

#: Factor, offset and the conversion in words: new = old * factor + offset.
Conversion = tuple[float, float, str]


@lru_cache(maxsize=None)
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
    # Loaded where units are converted: it reads a large file of definitions.
    import pint

    registry = _registry()
    try:
        zero = registry.Quantity(0.0, unit).to(target).magnitude
        one = registry.Quantity(1.0, unit).to(target).magnitude
    except (pint.PintError, ValueError, TypeError, AttributeError, AssertionError):
        return None
    except Exception as reason:  # The parser of pint raises errors of its tokenizer.
        if type(reason).__module__.split(".")[0] in {"tokenize", "token", "pint"}:
            return None
        raise
    factor, offset = float(f"{one - zero:.12g}"), float(f"{zero:.12g}")
    return factor, offset, f"{unit} converted to {target}"


@lru_cache(maxsize=1)
def _registry() -> Any:
    import pint

    return pint.UnitRegistry(cache_folder=None)
