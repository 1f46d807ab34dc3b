"""What the figures of least-squares means share: texts, themes, scales, ticks."""

from collections.abc import Sequence
from typing import Any

from matplotlib.ticker import MaxNLocator

from trialstats.figures.canvas import shortened, text_width, wrap
from trialstats.figures.pages import SYNTHETIC_BANNER
from trialstats.figures.theme import (
    BASE_SIZE,
    CONTROL_COLOUR,
    INK,
    SYNTHETIC,
    TREATMENT_COLOURS,
    printable,
)
from trialstats.figures.visits_text import control_of
from trialstats.formatting import MINUS, format_number
from trialstats.records import Record, is_synthetic

#: Room for text in points: across the figure, and along the axis of the means.
_ROOM, HEIGHT = 6.8 * 72 * 0.95, 175.0

#: Points: the sample of a line before a name in the legend with the room around it, and
#: the height of a line of the legend.
_SAMPLE, _KEY = 36.0, 20.0

_SHAPES = ("o", "D", "^", "s")


def texts_of_plot(
    title: str, subtitle: str, means: Sequence[Record], note: str
) -> dict[str, str]:
    """Return title, subtitle and caption, broken into lines that fit the figure.

    The banner of synthetic data is the subtitle; what stood there goes below.
    """
    synthetic = is_synthetic(means)
    below = [subtitle, note] if synthetic else [note]
    size = BASE_SIZE - 1.5
    return {
        "title": broken(title, BASE_SIZE + 2, _ROOM, weight="bold"),
        "subtitle": SYNTHETIC_BANNER
        if synthetic
        else broken(subtitle, BASE_SIZE, _ROOM),
        "caption": "\n".join(broken(b, size, _ROOM) for b in below if b),
    }


def broken(text: str, size: float, width: float, *, weight: str = "normal") -> str:
    """Return a text on lines that fit a width."""
    return "\n".join(printable(w) for w in wrap(text, size, width, weight=weight))


def banner_theme(p9: Any, means: Sequence[Record]) -> Any:
    """Return the theme of the line under the title, which warns of synthetic data."""
    if not is_synthetic(means):
        return p9.theme()
    banner = p9.element_text(
        size=BASE_SIZE,
        weight="bold",
        colour=SYNTHETIC,
        ha="left",
        margin={"b": 8, "unit": "pt"},
    )
    return p9.theme(plot_subtitle=banner)


def arm_scales(p9: Any, arms: Sequence[str], listed: Sequence[Record]) -> list[Any]:
    """Return colour, shape and line of each arm; the same in every figure."""
    control = control_of(listed)
    colours, lines = [], []
    treatments = iter([*TREATMENT_COLOURS] * len(arms))
    for arm in arms:
        colours.append(
            INK if not arm else CONTROL_COLOUR if arm == control else next(treatments)
        )
        lines.append("dashed" if arm == control else "solid")
    shapes = [_SHAPES[i % len(_SHAPES)] for i in range(len(arms))]
    about = {
        "limits": arms,
        "labels": [shortened(printable(a), BASE_SIZE, _ROOM - _SAMPLE) for a in arms],
    }
    return [
        p9.scale_colour_manual(values=dict(zip(arms, colours, strict=True)), **about),
        p9.scale_shape_manual(values=dict(zip(arms, shapes, strict=True)), **about),
        p9.scale_linetype_manual(values=dict(zip(arms, lines, strict=True)), **about),
    ]


def legend_theme(p9: Any, arms: Sequence[str], room: float) -> tuple[Any, float]:
    """Return the theme of the legend, and the points by which it makes a figure higher.

    Arms stand side by side where there is room, else one below the other.
    """
    names = (shortened(printable(arm), BASE_SIZE, _ROOM - _SAMPLE) for arm in arms)
    if sum(_SAMPLE + text_width(name, BASE_SIZE) for name in names) <= room:
        return p9.theme(), 0.0
    return p9.theme(legend_direction="vertical"), (len(arms) - 1) * _KEY


def ticks_between(low: float, high: float) -> list[float]:
    """Return round numbers from low to high."""
    places = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(t) for t in places if low - 1e-9 <= t <= high + 1e-9]


def tick_labels(ticks: Sequence[float]) -> list[str]:
    """Return ticks as texts, with the decimals that name them all."""
    digits = _digits(ticks)
    return [format_number(float(t), digits, minus=MINUS) for t in ticks]


def _digits(ticks: Sequence[float]) -> int:
    """Return how many decimals name every tick."""
    exact = (d for d in range(9) if all(abs(round(t, d) - t) < 1e-9 for t in ticks))
    return next(exact, 9)
