"""Pages put together from blocks, one under the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from trialstats import vocabulary
from trialstats.figures.canvas import Canvas, wrap
from trialstats.figures.theme import BASE_SIZE, INK, MUTED, SYNTHETIC

#: Points around the page.
MARGIN = 14.0

#: Height of a line of running text as a multiple of the size of the type.
TEXT_LINE = 1.4

#: A sentence, alone or with the ``row_id`` of its numbers.
Note = str | tuple[str, Sequence[str]]

SYNTHETIC_BANNER = (
    f"{vocabulary.SYNTHETIC.upper()}: made up to test the analysis, "
    "not a trial of people"
)


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of the page: its height in points, and what draws it from its top."""

    height: float
    draw: Callable[[Canvas, float], None]


def compose(blocks: Sequence[Block], width: float) -> Figure:
    """Return a figure of the given width, in points, as high as its blocks."""
    canvas = Canvas(width, sum(b.height for b in blocks) + 2 * MARGIN)
    y = MARGIN
    for block in blocks:
        block.draw(canvas, y)
        y += block.height
    return canvas.figure


def text_block(
    texts: Sequence[str],
    size: float,
    *,
    after: float = 0.0,
    colour: str = INK,
    weight: str = "normal",
    rows: Sequence[str] = (),
) -> Block:
    """Return lines of text at the left margin, with space after them.

    `rows` are the ``row_id`` of the numbers in them.
    """
    step = TEXT_LINE * size

    def draw(canvas: Canvas, top: float) -> None:
        for i, text in enumerate(texts):
            middle = top + (i + 0.5) * step
            canvas.text(
                MARGIN,
                middle,
                text,
                size=size,
                colour=colour,
                weight=weight,
                rows=rows,
            )

    return Block(step * len(texts) + (after if texts else 0.0), draw)


def flowed(
    widths: Sequence[float], page: float, *, left: float, gap: float
) -> list[tuple[float, int]]:
    """Return where pieces stand that follow one another in lines: left edge and line.

    Parameters
    ----------
    widths : sequence of float
        Widths of the pieces in points.
    page : float
        Width of the page, whose margin no piece crosses unless it is wider than a line.
    left, gap : float
        Where every line begins, and the room between two pieces.

    Examples
    --------
    >>> flowed([40.0, 60.0, 20.0], 134.0, left=14.0, gap=10.0)
    [(14.0, 0), (14.0, 1), (84.0, 1)]
    """
    places: list[tuple[float, int]] = []
    x, line = left, 0
    for wide in widths:
        if x > left and x + wide > page - MARGIN:
            x, line = left, line + 1
        places.append((x, line))
        x += wide + gap
    return places


def title_blocks(
    title: str,
    subtitle: str,
    width: float,
    *,
    synthetic: bool = False,
    size: float = BASE_SIZE,
) -> list[Block]:
    """Return the title, the banner of synthetic data and what is under them."""
    room = width - 2 * MARGIN
    banner = wrap(SYNTHETIC_BANNER, size + 1, room, weight="bold") if synthetic else ()
    titles = wrap(title, size + 2.5, room, weight="bold")
    below = wrap(subtitle, size, room)
    gap = 1.0 if below else size
    return [
        text_block(titles, size + 2.5, weight="bold", after=3.0 if banner else gap),
        text_block(banner, size + 1, colour=SYNTHETIC, weight="bold", after=gap),
        text_block(below, size, colour=MUTED, after=size),
    ]


def note_blocks(
    notes: Sequence[Note], width: float, *, size: float = BASE_SIZE - 1.5
) -> list[Block]:
    """Return the notes under a figure, each in lines of its own.

    A note that prints numbers of rows stands with their ``row_id``.
    """
    room = width - 2 * MARGIN
    return [
        text_block(wrap(text, size, room), size, colour=MUTED, after=1.0, rows=rows)
        for text, rows in map(with_rows, notes)
    ]


def with_rows(note: Note) -> tuple[str, Sequence[str]]:
    """Return a note and the rows of its numbers."""
    return (note, ()) if isinstance(note, str) else note
