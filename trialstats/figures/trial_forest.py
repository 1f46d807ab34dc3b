"""Forests of one trial: a line a level or an analysis, in sections with one axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from trialstats.figures.canvas import wrap
from trialstats.figures.forest_axis import effect_axis
from trialstats.figures.forest_blocks import (
    Sentence,
    axis_block,
    header_block,
    least_plot,
    side_texts,
    sides_at,
)
from trialstats.figures.forest_body import Backdrop, body_block
from trialstats.figures.forest_columns import Column
from trialstats.figures.forest_layout import layout
from trialstats.figures.forest_lines import Line, effect_text, row_ids
from trialstats.figures.forest_numbers import HOUSES, Words, digits_for
from trialstats.figures.forest_options import ForestOptions
from trialstats.figures.forest_rows import Effect
from trialstats.figures.pages import MARGIN, compose, text_block, title_blocks
from trialstats.figures.theme import MUTED
from trialstats.formatting import format_level
from trialstats.records import Record, find, one, usual_level
from trialstats.vocabulary import MEASURES, Measure, lower_first

#: The measure of each effect of a trial.
MEASURE_OF = {
    "difference": MEASURES["MD"],
    "risk_difference": MEASURES["RD"],
    "risk_ratio": MEASURES["RR"],
    "odds_ratio": MEASURES["OR"],
    "hazard_ratio": MEASURES["HR"],
}

#: Inches.
_OPTIONS = ForestOptions(width=8.2)

_HOUSE = HOUSES["plain"]


@dataclass(frozen=True, slots=True)
class Section:
    """Lines that share one axis.

    Attributes
    ----------
    lines : sequence of Line
        From top to bottom.
    statistic : str
        The effect that they show.
    titles : sequence of str
        What stands under the axis.
    sides : pair of str or None
        What each side of no effect means.
    guide : Record or None
        Row at whose estimate a dashed line stands.
    """

    lines: Sequence[Line]
    statistic: str
    titles: Sequence[str]
    sides: tuple[str, str] | None = None
    guide: Record | None = None


def words_of(statistic: str, effects: Sequence[Record]) -> Words:
    """Return how effects are printed: with the decimals that their intervals need."""
    measure = MEASURE_OF[statistic]
    factor = 100.0 if measure.percent else 1.0
    limits = [(r["ci_lower"], r["ci_upper"]) for r in effects]
    halves = [
        factor * (high - low) / 2
        for low, high in limits
        if low is not None and high is not None
    ]
    return Words(measure, _HOUSE, digits_for(halves, log=measure.log))


def effect_line(
    label: str,
    row: Record,
    words: Words,
    *,
    cells: Mapping[str, str],
    rows: Mapping[str, tuple[str, ...]],
    kind: str = "trial",
    indented: bool = False,
) -> Line:
    """Return the line of one effect.

    Parameters
    ----------
    label : str
        What it is of.
    row : Record
        The effect; the area of its square goes by its number of subjects.
    words : Words
        How it is printed.
    cells, rows : mapping
        Further cells, and the rows of their numbers.
    kind : str
        ``trial`` for a square, ``subtotal`` for a diamond.
    indented : bool
        Whether it stands under a heading.
    """
    effect = Effect(
        label,
        row["estimate"],
        row["ci_lower"],
        row["ci_upper"],
        weight=row["n_subjects"],
        row_id=str(row["row_id"]),
    )
    own = row_ids(row)
    named = {"label": own, "effect": own, "mark": own} | dict(rows)
    texts = dict(cells) | {"effect": _effect_text(row, effect, words)}
    return Line(kind, label, texts, effect, indented=indented, rows=named)


def _effect_text(row: Record, effect: Effect, words: Words) -> str:
    """Print an effect; an infinite one by the limit that it has."""
    low, high = row["ci_lower"], row["ci_upper"]
    if row["estimate"] is None and high is not None:
        return f"below {words.number(high)}"
    if row["estimate"] is None and low is not None:
        return f"above {words.number(low)}"
    return effect_text(effect, words)


def analysis_sides(
    trial: Mapping[str, Any], analysis: Mapping[str, Any], statistic: str
) -> tuple[str, str] | None:
    """Return what each side of no effect means.

    Which arm it favours, where the configuration says which direction is better;
    otherwise where the values or events are more.
    """
    parameter = analysis.get("parameter")
    better = trial.get("bds", {}).get(parameter, {}).get("better")
    arms = trial["arms"]
    several = len(arms["treatments"]) > 1
    treatment = "treatment" if several else str(arms["treatments"][0])
    if better not in ("lower", "higher"):
        words = ("Lower", "Higher")
        if statistic != "difference":
            words = ("Less often", "More often")
        low, high = (f"{word} on {treatment}" for word in words)
        return side_texts({"favours": {"lower": low, "higher": high}}, _HOUSE)
    sides = {"lower": treatment, "higher": str(arms["control"])}
    if better == "higher":
        sides = {"lower": sides["higher"], "higher": sides["lower"]}
    comparison = {"treatment": treatment, "control": str(arms["control"])}
    return side_texts({"favours": sides, "comparison": comparison}, _HOUSE)


def axis_words(
    trial: Mapping[str, Any], analysis: Mapping[str, Any], statistic: str
) -> list[str]:
    """Return what the axis of an effect shows: measure, parameter and its unit."""
    measure, code = MEASURE_OF[statistic], analysis.get("parameter")
    known = {**trial.get("adtte", {}), **trial.get("responders", {}), **trial["bds"]}
    spec = known.get(code, {})
    about = lower_first(str(spec.get("label") or code or ""))
    unit = "%" if analysis.get("response") == "PCHG" else spec.get("unit")
    extra = ["log axis"] if measure.log else []
    if measure.percent:
        extra.append("percentage points")
    if statistic == "difference" and unit:
        extra.append(str(unit))
    remark = f" ({', '.join(extra)})" if extra else ""
    return [
        f"{measure.title}, {about}{remark}" if about else f"{measure.title}{remark}"
    ]


def shown_effect(trial: Mapping[str, Any], analysis: Mapping[str, Any]) -> str:
    """Return the effect that a forest shows: the one that the estimand names.

    >>> model = {"model": {"type": "proportions"}}
    >>> shown_effect({}, model | {"estimand": {"summary": "odds ratio"}})
    'odds_ratio'
    >>> shown_effect({}, model)
    'risk_difference'
    """
    kind = analysis["model"]["type"]
    if kind != "proportions":
        return {"logistic": "odds_ratio", "survival": "hazard_ratio"}.get(
            kind, "difference"
        )
    estimand = analysis.get("estimand") or {}
    if isinstance(estimand, str):
        estimand = trial.get("estimands", {}).get(estimand, {})
    summary = str(estimand.get("summary", "")).lower()
    if "odds" in summary:
        return "odds_ratio"
    return "risk_ratio" if "ratio" in summary else "risk_difference"


def trial_forest(
    sections: Sequence[Section],
    *,
    title: str,
    subtitle: Sentence,
    synthetic: bool,
    before: Sequence[Column],
    after: Sequence[Column],
    head: str,
    notes: Sequence[Sentence],
) -> Figure:
    """Draw sections under one another, their columns aligned.

    Parameters
    ----------
    sections : sequence of Section
        At least one.
    title : str
        Title of the figure.
    subtitle : (str, rows)
        What stands under it, with the ``row_id`` of its numbers.
    synthetic : bool
        Whether the data were made up.
    before, after : sequence of Column
        Columns left and right of the plot.
    head : str
        Head of the labels.
    notes : sequence of (str, rows)
        Sentences under the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    size = _OPTIONS.font_size
    place = layout(
        [section.lines for section in sections],
        before,
        after,
        _OPTIONS,
        least_plot=max(least_plot(s.sides, size) for s in sections),
        label_head=head,
    )
    room = place.width - 2 * MARGIN
    blocks = [
        *title_blocks(title, "", place.width, synthetic=synthetic, size=size),
        text_block(
            wrap(subtitle[0], size, room),
            size,
            colour=MUTED,
            after=size,
            rows=subtitle[1],
        ),
    ]
    ends = (place.plot_left, place.plot_right)
    for section in sections:
        measure = MEASURE_OF[section.statistic]
        axis = effect_axis(measure, section.lines, ends, _OPTIONS, section.sides)
        under = sides_at(section.sides, axis, size - 0.5, place.width - MARGIN)
        guide = None if section.guide is None else section.guide["estimate"]
        behind = Backdrop(None, guide, guide_rows=row_ids(section.guide))
        blocks += [
            header_block(place, size),
            body_block(section.lines, axis, place, size, backdrop=behind),
            axis_block(place, axis, size, titles=section.titles, sides=under),
        ]
    small = size - 1.5
    blocks += [
        text_block(wrap(text, small, room), small, colour=MUTED, after=1.0, rows=rows)
        for text, rows in notes
    ]
    return compose(blocks, place.width)


def effect_column(measures: Sequence[Measure], effects: Sequence[Record]) -> Column:
    """Return the column of the effects, its head the measure where it is one."""
    codes = list(dict.fromkeys(measure.code for measure in measures))
    name = codes[0] if len(codes) == 1 else "Effect"
    level = usual_level(effects)
    head = f"{name} {_HOUSE.bracketed(format_level(level))}"
    with_level = find(effects, confidence_level=level)
    return Column("effect", (head,), rows=row_ids(*with_level[:1]))


def arm_count(rows: Sequence[Record], arm: str, **where: object) -> Sentence:
    """Return how many of an arm an effect rests on, with the rows that say so.

    Events and subjects where events are counted; those analysed, else those with data.
    """
    own = find(rows, group=arm, **where)
    n = one(own, statistic="n_analysed") or one(own, statistic="n_with_data")
    if n is None or n["estimate"] is None:
        return "", ()
    text, events = f"{n['estimate']:.0f}", one(own, statistic="events")
    if events is None or events["estimate"] is None:
        return text, row_ids(n)
    return f"{events['estimate']:.0f}/{text}", row_ids(events, n)


def reasons(found: Sequence[tuple[str, Record]]) -> list[Sentence]:
    """Return why some have no estimate, those with one reason in one sentence."""
    by_reason: dict[str, list[tuple[str, Record]]] = {}
    for name, row in found:
        if row["not_estimable"]:
            by_reason.setdefault(str(row["not_estimable"]), []).append((name, row))
    return [
        (
            f"{'; '.join(dict.fromkeys(name for name, _ in listed))}: {reason}",
            row_ids(*(row for _, row in listed)),
        )
        for reason, listed in by_reason.items()
    ]
