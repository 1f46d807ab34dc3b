"""Lines and columns of a forest plot, with widths taken from their text."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from trialstats.figures.canvas import text_width, widest, wrap
from trialstats.figures.forest_numbers import HOUSES, Words, shares
from trialstats.figures.forest_options import ForestOptions
from trialstats.figures.forest_rows import Effect, Panel
from trialstats.figures.forest_text import (
    model_name,
    prediction_label,
    weight_model,
)
from trialstats.figures.pages import MARGIN
from trialstats.formatting import MINUS, format_level, format_number
from trialstats.records import Record, usual_level
from trialstats.vocabulary import MEASURES

NOT_ESTIMABLE = "Not estimable"

_NO_BREAK = "\N{NO-BREAK SPACE}"

#: Points.
GAP, TIGHT_GAP, INDENT = 16.0, 9.0, 9.0

#: Widths as multiples of the size of the type: the widest label of a trial, the least
#: room for labels that span the columns of data, and the narrowest plot.
_WIDEST_LABEL, _SPANNING, _NARROWEST_PLOT = 24.0, 32.0, 19.0

_SPANNING_KINDS = ("heading", "pooled", "prediction", "sensitivity", "published")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the plot: a label, cells by column, and what is drawn.

    ``kind`` is trial, heading, total, pooled, prediction, sensitivity or published.
    """

    kind: str
    label: str
    cells: Mapping[str, str] = field(default_factory=dict)
    effect: Effect | None = None

    @property
    def bold(self) -> bool:
        """Whether it is set in bold."""
        return self.kind in ("heading", "pooled", "total")

    @property
    def indented(self) -> bool:
        """Whether it stands under a heading."""
        return self.effect is not None and self.effect.heading is not None

    @property
    def spanning(self) -> bool:
        """Whether its label may run across the columns of data."""
        return self.kind in _SPANNING_KINDS


@dataclass(frozen=True, slots=True)
class Column:
    """A column of text; `left` and `width` in points."""

    key: str
    heading: tuple[str, ...]
    over: str = ""
    align: str = "right"
    left: float = 0.0
    width: float = 0.0

    @property
    def right(self) -> float:
        """Its right edge, in points."""
        return self.left + self.width

    @property
    def anchor(self) -> float:
        """Where its text is attached, in points."""
        place = {"left": self.left, "right": self.right}
        return place.get(self.align, (self.left + self.right) / 2)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands across the page, in points."""

    width: float
    columns: tuple[Column, ...]
    plot_left: float
    plot_right: float
    label_width: float
    spanning_width: float


def words_for(panel: Panel, options: ForestOptions) -> Words:
    """Return how the numbers of a panel are printed."""
    return Words(panel.measure, HOUSES[options.layout], options.digits)


def lines(panel: Panel, options: ForestOptions) -> list[Line]:
    """Return the lines of a panel from top to bottom."""
    words = words_for(panel, options)
    found = list(_under_headings(panel.trials, "trial", _trial_cells(panel, words)))
    if panel.pooled is not None:
        found += _pooled_lines(panel, panel.pooled, words)
    if panel.sensitivities and options.show_sensitivity:
        found.append(Line("heading", "Sensitivity analyses"))
        found += [_sensitivity_line(r, v, panel, words) for r, v in panel.sensitivities]
    if panel.published:
        cells = [_published_cell(e, panel, words) for e in panel.published]
        if panel.trials:
            found.append(Line("heading", "Published reviews"))
        found += _under_headings(panel.published, "published", cells)
    return found


def _under_headings(
    effects: Sequence[Effect], kind: str, cells: Sequence[Mapping[str, str]]
) -> Iterator[Line]:
    heading = None
    for effect, texts in zip(effects, cells, strict=True):
        if effect.heading and effect.heading != heading:
            heading = effect.heading
            yield Line("heading", heading)
        yield Line(kind, effect.label + effect.dagger, texts, effect)


def _effect_text(effect: Effect, words: Words) -> str:
    if not effect.estimable:
        return NOT_ESTIMABLE
    return words.effect(effect.estimate, (effect.lower, effect.upper))


def _trial_cells(panel: Panel, words: Words) -> list[dict[str, str]]:
    weights = shares([t.weight if t.estimable else None for t in panel.trials])
    cells = []
    for trial, weight in zip(panel.trials, weights, strict=True):
        texts = {"effect": _effect_text(trial, words), "weight": weight}
        for arm, numbers in trial.arms.items():
            texts |= {f"{arm}|{k}": v for k, v in _arm_texts(numbers).items()}
        if trial.n_subjects is not None:
            texts["n"] = str(trial.n_subjects)
        cells.append(texts)
    return cells


def _arm_texts(numbers: Mapping[str, float]) -> dict[str, str]:
    texts = {}
    if "n" in numbers:
        texts["n"] = format_number(numbers["n"], 0)
    if "events" in numbers:
        events = format_number(numbers["events"], 0)
        texts["events"] = f"{events}/{texts['n']}" if "n" in texts else events
    for name in ("mean", "standard_deviation"):
        if name in numbers:
            digits = 1 if abs(numbers[name]) >= 100 else 2
            texts[name] = format_number(numbers[name], digits, minus=MINUS)
    return texts


def _published_cell(effect: Effect, panel: Panel, words: Words) -> dict[str, str]:
    """Return the text of a published pool; another level than the trials' is said."""
    text = _effect_text(effect, words)
    if effect.level not in {None, panel.level}:
        text += f" ({format_level(effect.level)})"
    return {"effect": text}


def _pooled_lines(panel: Panel, pool: Record, words: Words) -> Iterator[Line]:
    yield Line("total", "Total", _totals(panel))
    yield _pool_line("pooled", pool, model_name(pool), words)
    prediction = panel.main.get("prediction_interval")
    if prediction is not None:
        interval = prediction["ci_lower"], prediction["ci_upper"]
        text = words.interval(*interval) or NOT_ESTIMABLE
        effect = Effect(
            prediction_label(panel), pool["estimate"], *interval, method="prediction"
        )
        yield Line("prediction", effect.label, {"effect": text}, effect)


def _sensitivity_line(
    row: Record, variation: Mapping[str, Any], panel: Panel, words: Words
) -> Line:
    """Return the line of another model; of another measure, in text alone."""
    name = model_name(row, variation)
    other = MEASURES.get(str(variation.get("measure")), panel.measure)
    if other == panel.measure:
        return _pool_line("sensitivity", row, name, words)
    line = _pool_line("sensitivity", row, name, replace(words, measure=other))
    text = f"{other.code} {line.cells['effect']}"
    return Line("sensitivity", line.label, {"effect": text})


def _pool_line(kind: str, row: Record, name: str, words: Words) -> Line:
    interval = format_level(row.get("confidence_level"))
    label = f"{name}, {interval.replace(' ', _NO_BREAK)}"
    effect = Effect(label, row["estimate"], row["ci_lower"], row["ci_upper"])
    return Line(kind, label, {"effect": _effect_text(effect, words)}, effect)


def _totals(panel: Panel) -> dict[str, str]:
    """Return the totals; a sum stands only where every trial has its number."""
    cells: dict[str, str] = {}
    arms = dict.fromkeys(arm for t in panel.trials for arm in t.arms)
    for arm in arms:
        sums = {
            name: sum(t.arms[arm][name] for t in panel.trials)
            for name in ("events", "n")
            if all(name in t.arms.get(arm, {}) for t in panel.trials)
        }
        cells |= {f"{arm}|{k}": v for k, v in _arm_texts(sums).items()}
    if all(t.n_subjects is not None for t in panel.trials):
        cells["n"] = str(sum(t.n_subjects or 0 for t in panel.trials))
    if any(t.weight is not None for t in panel.trials):
        cells["weight"] = "100.0"
    return cells


def columns(
    found: Sequence[Panel], synthesis: Mapping[str, Any], options: ForestOptions
) -> tuple[list[Column], list[Column]]:
    """Return the columns left and right of the plot, without widths."""
    words = words_for(found[0], options)
    data = _data_columns([t for p in found for t in p.trials], synthesis)
    pool = next((p.pooled for p in found if p.pooled is not None), None)
    weights = [Column("weight", ("Weight, %", weight_model(pool)))] if pool else []
    codes = list(dict.fromkeys(p.measure.code for p in found))
    code = codes[0] if len(codes) == 1 else "Effect"
    level = usual_level({"confidence_level": panel.level} for panel in found)
    interval = words.house.brackets[0] + format_level(level) + words.house.brackets[1]
    result = [*weights, Column("effect", (f"{code} {interval}",))]
    return ([*data, *result], []) if words.house.plot_last else (data, result)


def _data_columns(
    trials: Sequence[Effect], synthesis: Mapping[str, Any]
) -> list[Column]:
    comparison = synthesis.get("comparison") or {}
    named = [comparison.get("treatment"), comparison.get("control")]
    present = dict.fromkeys(arm for t in trials for arm in t.arms)
    arms = [a for a in named if a in present] or list(present)
    statistics = {s for t in trials for numbers in t.arms.values() for s in numbers}
    kinds: list[tuple[str, str]] = []
    if "events" in statistics:
        kinds = [("events", "Events/Total")]
    elif "mean" in statistics:
        kinds = [("mean", "Mean"), ("standard_deviation", "SD"), ("n", "n")]
    elif "n" in statistics:
        kinds = [("n", "n")]
    found = [
        Column(f"{arm}|{key}", (heading,), over=str(arm))
        for arm in arms
        for key, heading in kinds
        if any(key in t.arms.get(str(arm), {}) for t in trials)
    ]
    if not found and any(t.n_subjects is not None for t in trials):
        return [Column("n", ("n",))]
    return found


def layout(
    groups: Sequence[Sequence[Line]],
    before: Sequence[Column],
    after: Sequence[Column],
    options: ForestOptions,
    *,
    least_plot: float,
) -> Layout:
    """Place the columns so that every text fits.

    Parameters
    ----------
    groups : sequence of sequences of Line
        The lines of each panel.
    before, after : sequence of Column
        Columns left and right of the plot.
    options : ForestOptions
        Width and size of the type.
    least_plot : float
        Width that the text under the axis needs, in points.
    """
    size = options.font_size
    all_lines = [line for group in groups for line in group]
    sized_before = _sized(before, all_lines, size)
    sized_after = _sized(after, all_lines, size)
    label = _label_width(all_lines, sized_before, size)
    x = MARGIN + label + GAP
    placed, x = _placed(sized_before, x)
    plot_left = x
    right = sum(c.width + GAP for c in sized_after) + MARGIN
    plot = max(
        72 * options.width - plot_left - right, _NARROWEST_PLOT * size, least_plot
    )
    placed_after, _ = _placed(sized_after, plot_left + plot + GAP)
    data = [c for c in placed if c.key not in ("weight", "effect")]
    spanning_end = data[-1].right if data else MARGIN + label
    return Layout(
        width=plot_left + plot + right,
        columns=(*placed, *placed_after),
        plot_left=plot_left,
        plot_right=plot_left + plot,
        label_width=label,
        spanning_width=spanning_end - MARGIN,
    )


def _label_width(
    all_lines: Sequence[Line], before: Sequence[Column], size: float
) -> float:
    """Return the width of the labels: that of the trials, within reason."""
    own = _label_room((n for n in all_lines if not n.spanning), size)
    spanning = _label_room((n for n in all_lines if n.spanning), size)
    data = sum(c.width + GAP for c in before if c.key not in ("weight", "effect"))
    least = min(spanning, _SPANNING * size) - data
    return max(min(own, _WIDEST_LABEL * size), least, 8 * size)


def _label_room(found: Iterable[Line], size: float) -> float:
    """Return the width of the widest label, with its indent."""
    widths = (
        text_width(n.label, size, weight="bold" if n.bold else "normal")
        + (INDENT if n.indented else 0.0)
        for n in found
    )
    return max(widths, default=0.0)


def _sized(
    wanted: Sequence[Column], all_lines: Sequence[Line], size: float
) -> list[Column]:
    sized = []
    for column in wanted:
        cells = widest(
            (n.cells.get(column.key, "") for n in all_lines), size, weight="bold"
        )
        head = widest(column.heading, size, weight="bold")
        sized.append(replace(column, width=max(cells, head)))
    return _room_for_arms(sized, size)


def _room_for_arms(sized: list[Column], size: float) -> list[Column]:
    """Widen the first column of an arm until the arm's name fits in two lines."""
    for arm in dict.fromkeys(c.over for c in sized if c.over):
        group = [c for c in sized if c.over == arm]
        room = sum(c.width for c in group) + TIGHT_GAP * (len(group) - 1)
        full = text_width(arm, size, weight="bold")
        longest_word = widest(arm.split(), size, weight="bold")
        needed = max(longest_word, min(full, 0.62 * full + size))
        if needed > room:
            first = sized.index(group[0])
            sized[first] = replace(group[0], width=group[0].width + needed - room)
    return sized


def _placed(sized: Sequence[Column], x: float) -> tuple[list[Column], float]:
    """Return columns with their left edges, and where the next thing may start."""
    placed: list[Column] = []
    for i, column in enumerate(sized):
        placed.append(replace(column, left=x))
        following = sized[i + 1] if i + 1 < len(sized) else None
        same_arm = (
            following is not None and column.over and following.over == column.over
        )
        x += column.width + (TIGHT_GAP if same_arm else GAP)
    return placed, x


def label_lines(line: Line, place: Layout, size: float) -> tuple[str, ...]:
    """Return the label of a line, broken to the room it has."""
    room = place.spanning_width if line.spanning else place.label_width
    # Half a point lets a label as wide as its column stay on one line.
    width = room - (INDENT if line.indented else 0.0) + 0.5
    weight = "bold" if line.bold else "normal"
    return wrap(line.label, size, width, weight=weight) or ("",)
