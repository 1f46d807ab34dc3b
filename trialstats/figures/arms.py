"""How each arm looks in a figure: colour, marker and line, the same everywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialstats.figures.canvas import Canvas, shortened, text_width
from trialstats.figures.pages import MARGIN, TEXT_LINE, Block, flowed
from trialstats.figures.theme import BASE_SIZE, CONTROL_COLOUR, TREATMENT_COLOURS

_SHAPES = ("o", "D", "^", "s", "v", "P")

#: Lines of the treatments, one for each round of the colours; the control's is its own.
_DASHES = (None, (4.0, 1.2), (1.2, 1.2))
_CONTROL_DASHES = (5.0, 2.0)


@dataclass(frozen=True, slots=True)
class Look:
    """Colour, marker and dashes of one arm; None is a solid line."""

    colour: str
    shape: str
    dashes: tuple[float, float] | None

    @property
    def pale(self) -> str:
        """The colour as a band that lets others through."""
        return f"{self.colour}2b"


def arms_of(trial: Mapping[str, Any]) -> list[str]:
    """Return the arms of a trial, the control last."""
    return [*trial["arms"]["treatments"], trial["arms"]["control"]]


def looks_of(trial: Mapping[str, Any]) -> dict[str, Look]:
    """Return the look of each arm of a trial.

    >>> looks = looks_of({"arms": {"control": "Placebo", "treatments": ["A", "B"]}})
    >>> looks["Placebo"].colour == CONTROL_COLOUR, looks["A"].shape
    (True, 'o')
    """
    treatments, control = trial["arms"]["treatments"], trial["arms"]["control"]
    found = {
        arm: Look(
            TREATMENT_COLOURS[i % len(TREATMENT_COLOURS)],
            _SHAPES[i % len(_SHAPES)],
            _DASHES[i // len(TREATMENT_COLOURS) % len(_DASHES)],
        )
        for i, arm in enumerate(treatments)
    }
    shape = _SHAPES[len(treatments) % len(_SHAPES)]
    return found | {control: Look(CONTROL_COLOUR, shape, _CONTROL_DASHES)}


def legend(
    looks: Mapping[str, Look], arms: Sequence[str], width: float, *, filled: bool
) -> Block:
    """Return the names of the arms behind a square (filled) or a line of their look."""
    size, sample, gap = BASE_SIZE, 10.0 if filled else 18.0, 14.0
    step = TEXT_LINE * size + 1
    room = width - 2 * MARGIN - sample - 4
    names = [shortened(arm, size, room) for arm in arms]
    widths = [sample + 4 + text_width(name, size) for name in names]
    places = flowed(widths, width, left=MARGIN, gap=gap)

    def draw(canvas: Canvas, top: float) -> None:
        for arm, name, (left, number) in zip(arms, names, places, strict=True):
            y = top + (number + 0.5) * step
            if filled:
                canvas.rectangle(left, y - 4, sample, 8, colour=looks[arm].colour)
            else:
                draw_sample(canvas, looks[arm], left, y, sample)
            canvas.text(left + sample + 4, y, name, size=size)

    return Block((max(n for _, n in places) + 1) * step + 4, draw)


def draw_sample(
    canvas: Canvas, look: Look, left: float, y: float, width: float
) -> None:
    """Draw a piece of an arm's line."""
    ends = [(left, y), (left + width, y)]
    canvas.line(ends, colour=look.colour, width=1.6, dashes=look.dashes)
