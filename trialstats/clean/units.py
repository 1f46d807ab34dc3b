"""Conversions between units, by the configuration or by their definitions."""

from collections.abc import Iterable, Mapping
from typing import Any

from trialstats.units import Conversion, defined


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
