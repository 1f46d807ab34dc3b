"""Risk of bias beside a forest plot: a light for each trial and domain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from trialstats.figures.canvas import Canvas, Point, font_of, text_width
from trialstats.figures.pages import MARGIN, TEXT_LINE, Block, note_blocks
from trialstats.figures.theme import INK, MUTED, PAPER, RULE
from trialstats.judgements import NOT_JUDGED, ROB_DOMAINS, ROB_JUDGEMENTS, ROB_TOOL
from trialstats.records import Record, records
from trialstats.vocabulary import upper_first

#: Domains that have a column whenever anything is judged; S only where it is judged.
_ALWAYS = tuple(domain for domain in ROB_DOMAINS if domain != "DS")

#: Width of a light as a multiple of the size of the type.
_LIGHT = 1.25


@dataclass(frozen=True, slots=True)
class Light:
    """How a judgement looks; the sign says what the colour says."""

    colour: str
    outline: str
    sign: str


#: Judgement -> its light. Lightness differs as well as hue.
LIGHTS: Mapping[str, Light] = {
    "low": Light("#8fd19e", INK, "+"),
    "some concerns": Light("#ffe08a", INK, "?"),
    "high": Light("#d9634e", INK, "\N{MINUS SIGN}"),
    NOT_JUDGED: Light(PAPER, RULE, "\N{EN DASH}"),
}


@dataclass(frozen=True, slots=True)
class Bias:
    """The judgements of the trials of a plot.

    Attributes
    ----------
    domains : tuple of str
        Domains that have a column, in order.
    judgements : mapping
        (trial, domain) -> judgement; what is absent is not judged.
    """

    domains: tuple[str, ...]
    judgements: Mapping[tuple[str, str], str]

    def light(self, trial: str | None, domain: str) -> str:
        """Return the judgement of a trial in a domain, or that there is none."""
        return self.judgements.get((str(trial), domain), NOT_JUDGED)


def bias_of(
    rows: pd.DataFrame | None, trials: Sequence[str], synthesis: Mapping[str, Any]
) -> Bias | None:
    """Return the judgements of some trials, None where nobody has judged any.

    Parameters
    ----------
    rows : DataFrame, optional
        Schema `evidence_rows.RISK_OF_BIAS`.
    trials : sequence of str
        The trials of the plot.
    synthesis : mapping
        Its configuration: a judgement of its outcome goes before one of every outcome,
        and one of another outcome is left out.
    """
    if rows is None:
        return None
    outcomes = _outcomes(synthesis)
    fitting = [
        row
        for row in records(rows, needs=("trial", "outcome", "domain", "judgement"))
        if row["trial"] in trials and _fits(row, outcomes)
    ]
    if not fitting:
        return None
    # Later entries win, so those of the outcome itself come last.
    fitting.sort(key=lambda row: row["outcome"] is not None)
    judged = {(r["trial"], r["domain"]): str(r["judgement"]) for r in fitting}
    present = {domain for _, domain in judged}
    domains = tuple(d for d in ROB_DOMAINS if d in _ALWAYS or d in present)
    return Bias(domains, judged)


def _outcomes(synthesis: Mapping[str, Any]) -> set[str]:
    """Return the names under which the outcome of a synthesis may be judged."""
    endpoint = (synthesis.get("published") or {}).get("endpoint")
    name = (synthesis.get("outcome") or {}).get("name")
    return {str(n).lower() for n in (endpoint, name) if n}


def _fits(row: Record, outcomes: set[str]) -> bool:
    return row["outcome"] is None or str(row["outcome"]).lower() in outcomes


def domain_key(domain: str) -> str:
    """Return the key of the column of a domain."""
    return f"bias {domain}"


def domain_head(domain: str) -> str:
    """Return the head of the column of a domain.

    >>> domain_head("D1"), domain_head("overall")
    ('D1', 'All')
    """
    return "All" if domain == "overall" else domain


def draw_lights(canvas: Canvas, places: Mapping[str, list[Point]], size: float) -> None:
    """Draw lights, judgement by judgement, so that many cost little.

    Parameters
    ----------
    canvas : Canvas
        Where to draw.
    places : mapping of str to list of (x, y)
        Middles of the lights of each judgement, in points.
    size : float
        Size of the type.
    """
    for judgement in LIGHTS:
        points = places.get(judgement)
        if not points:
            continue
        light = LIGHTS[judgement]
        canvas.markers(
            points,
            "o",
            size=_LIGHT * size,
            colour=light.colour,
            outline=light.outline,
            line_width=0.6,
        )
        sign, share = _sign(light.sign)
        canvas.markers(
            points,
            sign,
            size=0.95 * size * share,
            colour=MUTED if judgement == NOT_JUDGED else INK,
            outline="none",
            layer=6.0,
        )


@cache
def _sign(text: str) -> tuple[Path, float]:
    """Return a character as a marker, and its greatest extent as a share of the type.

    matplotlib scales a marker so that its greatest extent is its size.
    """
    path = TextPath((0, 0), text, size=10.0, prop=font_of(10.0, weight="bold"))
    box = path.get_extents()
    centred = path.vertices - (box.p0 + box.p1) / 2
    # The end of an outline is no point of it, and must not count for its extent.
    centred[path.codes == Path.CLOSEPOLY] = 0.0
    return Path(centred, path.codes), max(box.width, box.height) / 10.0


def bias_legend(bias: Bias, width: float, size: float) -> list[Block]:
    """Return the legend of the lights: tool and version, signs, domains."""
    small = size - 1.0
    title = f"Risk of bias, {ROB_TOOL}:"
    step = 1.9 * small

    def draw(canvas: Canvas, top: float) -> None:
        middle = top + step / 2
        canvas.text(MARGIN, middle, title, size=small, weight="bold")
        x = MARGIN + text_width(title, small, weight="bold") + 10.0
        places: dict[str, list[Point]] = {}
        for judgement in (*ROB_JUDGEMENTS, NOT_JUDGED):
            places[judgement] = [(x + size / 2, middle)]
            text = _LEGEND.get(judgement, upper_first(judgement))
            canvas.text(x + 1.4 * size, middle, text, size=small)
            x += 1.4 * size + text_width(text, small) + 14.0
        draw_lights(canvas, places, small)

    named = "; ".join(f"{domain_head(d)}: {ROB_DOMAINS[d]}" for d in bias.domains)
    notes = note_blocks([f"{named}."], width, size=size - 1.5)
    return [Block(step, draw), *notes, Block(0.5 * TEXT_LINE * size, lambda *_: None)]


_LEGEND = {"low": "Low risk", "high": "High risk"}
