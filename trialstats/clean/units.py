"""Conversions between units, by the configuration or by their definition."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from trialstats.errors import ConfigError

#: Factor, offset and the conversion in words: new = old * factor + offset.
Conversion = tuple[float, float, str]


def conversions(
    spec: Mapping[str, Any], target: str | None, received: Iterable[str]
) -> dict[str, Conversion]:
    """Return how values in each unit become values in the unit of the variable.

    Parameters
    ----------
    spec : mapping
        ``units`` of the configuration, with ``factors`` where they are given.
    target : str or None
        Unit of the variable.
    received : iterable of str
        Units in the file.

    Returns
    -------
    dict of str to (float, float, str)
        Units that have no conversion are left out.
    """
    found: dict[str, Conversion] = {
        unit: (float(factor), 0.0, f"{unit} multiplied by {factor}")
        for unit, factor in spec.get("factors", {}).items()
    }
    for unit in received:
        if unit not in found and (known := defined(unit, target)) is not None:
            found[unit] = known
    return found


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


def require_conversion(unit: str, target: str | None) -> None:
    """Raise when a unit that the configuration names has no conversion."""
    if defined(unit, target) is None:
        raise ConfigError(
            f"no conversion from {unit!r} to {target!r}; give its factor under `factors`"
        )


@lru_cache(maxsize=1)
def _registry() -> Any:
    import pint

    return pint.UnitRegistry(cache_folder=None)
