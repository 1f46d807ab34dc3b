"""Put an SVG into the page: smaller, with names of its own, and its rows kept.

Text stays text in the font of the page, so that a reader can select it, search it and
follow its numbers.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from xml.etree import ElementTree

from markupsafe import escape

from trialstats.errors import DataError
from trialstats.figures.fonts import without_fonts
from trialstats.report.content import Figure
from trialstats.report.marking import Marker

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"

#: Elements that show nothing, or would run something.
_LEFT_OUT = {"metadata", "title", "desc", "style", "script", "foreignObject"}

#: Pixels of CSS in a unit of an SVG's size.
_PIXELS = {
    "": 1.0,
    "px": 1.0,
    "pt": 4 / 3,
    "in": 96.0,
    "mm": 96 / 25.4,
    "cm": 96 / 2.54,
}

#: Pixels from which a figure holds columns of text, and the width under which a
#: figure scrolls in its box instead of shrinking further.
_BROAD, _WIDE, _NARROW = 800, "44rem", "30rem"

_SIZE = re.compile(r"([\d.]+)(pt|px|in|mm|cm|)")
_LONG = re.compile(r"-?\d+\.\d{3,}")
_ADDRESS = re.compile(r"url\(#([^)]+)\)")
_TICK = re.compile(r"[xyz]tick_\d+")
_ROUNDED = {"d", "x", "y", "points", "transform", "cx", "cy", "r"}

_OF_AXIS = "Scale of an axis of the figure; no result"
_OF_FIGURE = "Text of the figure, from the configuration or the library; no result"


def inline_svg(figure: Figure, mark: Marker, prefix: str = "") -> str:
    """Return a figure as an ``<svg>`` element for the page.

    Parameters
    ----------
    figure : Figure
        The figure.
    mark : Marker
        Knows where texts of the figure are from that are no results.
    prefix : str
        Begins the identifiers of the element, unique in the page; the name of the
        figure where there is none.

    Returns
    -------
    str
        The element, escaped. An element that shows rows keeps them as ``data-row``;
        any other text with a digit has ``data-given``.

    Raises
    ------
    DataError
        When the text is not an SVG with a width and a height.
    """
    try:
        root = ElementTree.fromstring(without_fonts(figure.svg).encode("utf-8"))
    except ElementTree.ParseError as reason:
        raise _no_svg(figure) from reason
    sizes = [_SIZE.fullmatch(root.get(name, "")) for name in ("width", "height")]
    if root.tag != f"{_SVG}svg" or not all(sizes):
        raise _no_svg(figure)
    width, height = (round(float(s[1]) * _PIXELS[s[2]]) for s in sizes if s)
    names = _names(root, prefix or figure.id)
    shape = root.get("viewBox") or f"0 0 {width} {height}"
    narrowest = _WIDE if width > _BROAD else _NARROW
    inside = _content(root, names, mark, followed=False)
    return (
        f'<svg role="group" aria-label="{escape(figure.alt)}" viewBox="{shape}" '
        f'width="{width}" height="{height}" '
        f'style="min-width:min({width}px,{narrowest})">{inside}</svg>'
    )


def _no_svg(figure: Figure) -> DataError:
    return DataError(f"figure {figure.id!r} is not an SVG with a width and a height")


def _names(root: ElementTree.Element, prefix: str) -> dict[str, str]:
    """Return new names for the identifiers that the drawing refers to."""
    used: dict[str, None] = {}
    for element in root.iter():
        for name, value in element.attrib.items():
            if name in ("href", _LINK):
                used[value.removeprefix("#")] = None
            used |= dict.fromkeys(_ADDRESS.findall(value))
    return {old: f"{prefix}-{number}" for number, old in enumerate(used)}


def _written(
    element: ElementTree.Element,
    names: Mapping[str, str],
    mark: Marker,
    *,
    followed: bool,
) -> str:
    """Return an element as text, without names that nothing refers to."""
    tag = str(element.tag).removeprefix(_SVG)
    if tag in _LEFT_OUT or "{" in tag:
        return ""
    kept = dict(_attributes(element, names))
    inside = element.get("data-row") or element.get("data-given") or followed
    of_axis = element.get("class") == "axis" or _TICK.fullmatch(element.get("id", ""))
    if of_axis and not inside:
        kept["data-given"], inside = _OF_AXIS, True
    if tag == "text" and not inside:
        text = "".join(element.itertext())
        if any(character.isdigit() for character in text):
            kept["data-given"], inside = mark.source(text) or _OF_FIGURE, True
    children = _content(element, names, mark, followed=bool(inside))
    own = element.text or ""
    content = (str(escape(own)) if own.strip() or tag == "tspan" else "") + children
    if tag in ("g", "defs") and not content:
        return ""
    if tag == "g" and not kept:
        return content
    attributes = "".join(f' {k}="{escape(v)}"' for k, v in kept.items())
    end = f">{content}</{tag}>" if content else "/>"
    return f"<{tag}{attributes}{end}"


def _content(
    element: ElementTree.Element,
    names: Mapping[str, str],
    mark: Marker,
    *,
    followed: bool,
) -> str:
    """Return what is in an element; marks of one style in a row state it once."""
    made = []
    for style, parts in groupby(element, _style_of_mark):
        run = list(parts)
        shared = style is not None and len(run) > 1
        for part in run:
            if shared:
                part.attrib.pop("style")
            made.append(_written(part, names, mark, followed=followed))
            made.append(str(escape(part.tail)) if (part.tail or "").strip() else "")
        if shared:
            made[-2 * len(run) :] = [
                f'<g style="{escape(_short(str(style)))}">',
                *made[-2 * len(run) :],
                "</g>",
            ]
    return "".join(made)


def _style_of_mark(element: ElementTree.Element) -> str | None:
    return element.get("style") if element.tag == f"{_SVG}use" else None


def _short(style: str) -> str:
    return style.replace("; ", ";").replace(": ", ":")


def _attributes(
    element: ElementTree.Element, names: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    for name, value in element.attrib.items():
        if name == "id":
            if value in names:
                yield name, names[value]
        elif name in ("href", _LINK):
            yield "href", f"#{names[value.removeprefix('#')]}"
        elif "{" not in name and not name.startswith("on"):
            text = _ADDRESS.sub(lambda m: f"url(#{names[m[1]]})", value)
            if name in ("x", "y") and element.tag == f"{_SVG}use":
                text = f"{float(text):.1f}".removesuffix(".0")
            elif name in _ROUNDED:
                text = _LONG.sub(_hundredth, " ".join(text.split()))
            elif name == "style":
                text = _short(text)
            yield name, text


def _hundredth(found: re.Match[str]) -> str:
    text = f"{float(found[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
