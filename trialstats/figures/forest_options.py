"""What a configuration may choose about a forest plot."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

from trialstats.errors import ConfigError, combined
from trialstats.figures.forest_numbers import HOUSES
from trialstats.figures.theme import BASE_SIZE


@dataclass(frozen=True, slots=True)
class ForestOptions:
    """Options of a forest plot.

    Attributes
    ----------
    width : float
        Width in inches; the figure grows wider when its columns need more.
    font_size : float
        Size of the type in points.
    layout : {"plain", "cochrane", "jama", "bmj"}
        How numbers are printed, and whether the plot comes last.
    show_sensitivity : bool
        Whether the sensitivity analyses stand under the main result.
    digits : int, optional
        Decimals of effects; as the intervals need when not given, two in most plots.
    axis_limits : pair of float, optional
        Ends of the axis on the natural scale; chosen from the rows when not given.
    minimal_important_difference : float, optional
        Half the width of a shaded band around no effect, on the natural scale; for a
        ratio r the band runs from 1/r to r.
    """

    width: float = 9.5
    font_size: float = BASE_SIZE
    layout: str = "plain"
    show_sensitivity: bool = True
    digits: int | None = None
    axis_limits: tuple[float, float] | None = None
    minimal_important_difference: float | None = None

    def __post_init__(self) -> None:
        """Refuse values that cannot be drawn."""
        problems = [
            f"{name} = {getattr(self, name)!r}: write {remedy}"
            for name, (fits, remedy) in _CHECKS.items()
            if not fits(getattr(self, name))
        ]
        if problems:
            raise ConfigError(combined(f"forest plot option {p}" for p in problems))

    @classmethod
    def from_mapping(cls, options: Mapping[str, Any] | None) -> Self:
        """Return the options that a configuration gives under ``figure``.

        Raises
        ------
        ConfigError
            When a key is not known or a value cannot be drawn.
        """
        given = dict(options or {})
        known = [f.name for f in fields(cls)]
        problems = [
            f"forest plot option {key!r} is not known; {_instead(key, known)}"
            for key in given
            if key not in known
        ]
        if problems:
            raise ConfigError(combined(problems))
        if isinstance(given.get("axis_limits"), list):
            given["axis_limits"] = tuple(given["axis_limits"])
        return cls(**given)


def _instead(key: object, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(str(key), known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _between(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: _number(value) and low <= value <= high


def _limits(value: Any) -> bool:
    return value is None or (
        isinstance(value, tuple)
        and len(value) == 2
        and all(map(_number, value))
        and value[0] < value[1]
    )


#: Option -> (whether a value fits, what to write instead).
_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "width": (_between(4, 40), "inches between 4 and 40"),
    "font_size": (_between(5, 24), "points between 5 and 24"),
    "layout": (lambda v: v in HOUSES, f"one of {', '.join(HOUSES)}"),
    "show_sensitivity": (lambda v: isinstance(v, bool), "true or false"),
    "digits": (
        lambda v: v is None or v in range(7),
        "a whole number from 0 to 6",
    ),
    "axis_limits": (_limits, "two increasing numbers, for example [-2, 2]"),
    "minimal_important_difference": (
        lambda v: v is None or (_number(v) and v > 0),
        "a number above 0 in the units of the axis",
    ),
}
