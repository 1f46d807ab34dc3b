"""Names beside points, where they touch nothing."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from trialstats.figures.canvas import Point, text_width

#: Left, top, right and bottom, in points.
Box = tuple[float, float, float, float]

#: Width of the mark of a point, in points.
MARK = 6.0


def placed(
    texts: Mapping[str, str],
    places: Mapping[str, Point],
    frame: Box,
    size: float,
    *,
    widths: Mapping[str, float] | None = None,
    taken: Sequence[Box] = (),
) -> dict[str, Point]:
    """Return where names stand beside their points: left edge and middle, in points.

    Each takes the first place, right, left, above, below, that touches no name, no
    point and no edge; one that finds none is left out.

    Parameters
    ----------
    texts : mapping
        Trial -> name, the most important first.
    places : mapping
        Trial -> where its point stands.
    frame : tuple
        Left, top, right and bottom of the plane.
    size : float
        Size of the type.
    widths : mapping, optional
        Trial -> width of its mark, where it is not the usual one.
    taken : sequence of tuple
        What no name may touch either, such as pieces of a line.
    """
    halves = {t: (widths or {}).get(t, MARK) / 2 + 0.5 for t in places}
    occupied: list[Box] = [
        *taken,
        *(
            (x - halves[t], y - halves[t], x + halves[t], y + halves[t])
            for t, (x, y) in places.items()
        ),
    ]
    found: dict[str, Point] = {}
    for trial, text in texts.items():
        x, y = places[trial]
        width = text_width(text, size)
        mark = (widths or {}).get(trial, MARK)
        for left, middle in _candidates(x, y, width, size, mark):
            box = (left, middle - 0.72 * size, left + width, middle + 0.72 * size)
            if _inside(box, frame) and not any(_touch(box, t) for t in occupied):
                occupied.append(box)
                found[trial] = (left, middle)
                break
    return found


def _candidates(
    x: float, y: float, width: float, size: float, mark: float
) -> Sequence[Point]:
    away, up = mark / 2 + 2.5, mark / 2 + 0.8 * size
    return (
        (x + away, y),
        (x - away - width, y),
        (x - width / 2, y - up),
        (x - width / 2, y + up),
        (x + 1.0, y - up),
        (x + 1.0, y + up),
        (x - width - 1.0, y - up),
        (x - width - 1.0, y + up),
    )


def _inside(box: Box, frame: Box) -> bool:
    return (
        box[0] > frame[0] + 2
        and box[1] > frame[1]
        and box[2] < frame[2] + 8
        and box[3] < frame[3] - 2
    )


def _touch(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def along(points: Sequence[Point], *, step: float = 4.0) -> list[Box]:
    """Return small boxes along a line through points, which names then avoid."""
    boxes = []
    for (x, y), (u, v) in pairwise(points):
        n = max(1, math.ceil(max(abs(u - x), abs(v - y)) / step))
        for i in range(n + 1):
            a, b = x + (u - x) * i / n, y + (v - y) * i / n
            boxes.append((a - 1.0, b - 1.0, a + 1.0, b + 1.0))
    return boxes
