"""Read back what a figure says: each text, and the rows that it names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

_SVG = "{http://www.w3.org/2000/svg}"

#: Groups into which matplotlib puts a tick of an axis.
_TICK = re.compile(r"[xyz]tick_\d+")


@dataclass(frozen=True, slots=True)
class Written:
    """One text of a figure.

    Attributes
    ----------
    text : str
        The text.
    rows : tuple of str
        The ``row_id`` of each row that it names.
    of_axis : bool
        Whether it labels a tick.
    """

    text: str
    rows: tuple[str, ...]
    of_axis: bool


def texts_of(svg: bytes) -> list[Written]:
    """Return the texts of an SVG document in the order of the document.

    Parameters
    ----------
    svg : bytes
        A figure as `trialstats.figures.render.render` writes it.

    Returns
    -------
    list of Written
        Without title and description, which are for assistive software.
    """
    return list(_texts(ElementTree.fromstring(svg), (), False))


def _texts(
    element: ElementTree.Element, rows: tuple[str, ...], of_axis: bool
) -> Iterator[Written]:
    rows = tuple(element.get("data-row", "").split()) or rows
    ticked = bool(_TICK.fullmatch(element.get("id", "")))
    of_axis = of_axis or ticked or element.get("class") == "axis"
    if element.tag == f"{_SVG}text":
        text = "".join(_pieces(element))
        if text:
            yield Written(text, rows, of_axis and not rows)
        return
    for child in element:
        yield from _texts(child, rows, of_axis)


def _pieces(element: ElementTree.Element) -> Iterator[str]:
    """Yield the text of an element; white space between its parts is layout."""
    parts = list(element)
    if not parts:
        yield element.text or ""
    for part in parts:
        yield from _pieces(part)
