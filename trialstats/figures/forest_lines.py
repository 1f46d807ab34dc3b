"""The lines of a forest plot from top to bottom, with the text of every cell."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from trialstats.figures.forest_models import interval_name, model_name
from trialstats.figures.forest_numbers import (
    HOUSES,
    House,
    Words,
    digits_for,
    tenth_text,
    tenths,
)
from trialstats.figures.forest_options import ForestOptions
from trialstats.figures.forest_rows import TOTALS, Effect, Panel
from trialstats.figures.forest_subgroups import Subgroup
from trialstats.figures.forest_text import heterogeneity, prediction_label
from trialstats.figures.powers import power_of_ten
from trialstats.formatting import MINUS, format_level, format_number
from trialstats.records import Record
from trialstats.vocabulary import MEASURES

NOT_ESTIMABLE = "Not estimable"

_SPANNING_KINDS = (
    *("heading", "note", "subtotal", "pooled", "prediction"),
    *("sensitivity", "published"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the plot: a label, cells by column, and what is drawn.

    ``kind`` is trial, model, heading, subtotal, note, total, pooled, prediction,
    sensitivity or published; a rule may stand above. `rows` has the ``row_id`` of the
    numbers of each cell, those of its label under ``label`` and of its mark under
    ``mark``.
    """

    kind: str
    label: str
    cells: Mapping[str, str] = field(default_factory=dict)
    effect: Effect | None = None
    indented: bool = False
    ruled: bool = False
    rows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def bold(self) -> bool:
        """Whether it is set in bold."""
        return self.kind in ("heading", "subtotal", "pooled", "total")

    @property
    def spanning(self) -> bool:
        """Whether its label may run across the columns of data."""
        return self.kind in _SPANNING_KINDS and not self.filled

    @property
    def filled(self) -> bool:
        """Whether columns of data hold text beside its label."""
        return any("|" in key or key == "n" for key in self.cells)


def words_for(panel: Panel, options: ForestOptions) -> Words:
    """Return how the numbers of a panel are printed."""
    words = Words(panel.measure, HOUSES[options.layout])
    if options.digits is not None:
        return replace(words, digits=options.digits)
    factor = 100.0 if panel.measure.percent else 1.0
    intervals = [e.interval for e in panel.trials or panel.published]
    halves = [factor * (i[1] - i[0]) / 2 for i in intervals if i is not None]
    return replace(words, digits=digits_for(halves, log=panel.measure.log))


def lines(panel: Panel, options: ForestOptions) -> list[Line]:
    """Return the lines of a panel from top to bottom."""
    words = words_for(panel, options)
    found = list(_trial_lines(panel, words))
    if panel.pooled is not None:
        found += _pooled_lines(panel, panel.pooled, words)
    if panel.sensitivities and options.show_sensitivity:
        found.append(Line("heading", "Sensitivity analyses"))
        found += [sensitivity_line(r, v, words) for r, v in panel.sensitivities]
    if panel.published:
        cells = [_published_cell(e, panel, words) for e in panel.published]
        if panel.trials:
            found.append(Line("heading", "Published reviews"))
        found += _under_headings(panel.published, "published", cells)
    return found


def _trial_lines(panel: Panel, words: Words) -> Iterator[Line]:
    """Yield the trials, each group with its heading and its own result."""
    shares = tenths([t.weight if t.estimable else None for t in panel.trials])
    cells = [
        _trial_cells(t, s, words) for t, s in zip(panel.trials, shares, strict=True)
    ]
    if not panel.subgroups:
        yield from _under_headings(panel.trials, "trial", cells)
        return
    of_name = {group.name: group for group in panel.subgroups}
    numbered = zip(panel.trials, cells, shares, strict=True)
    for name, members in groupby(numbered, key=lambda member: member[0].subgroup):
        group, listed = of_name[name], list(members)
        yield Line("heading", group.heading)
        for trial, texts, _ in listed:
            yield _effect_line("trial", trial, texts, indented=True)
        own = [share for _, _, share in listed if share is not None]
        trials = [trial for trial, _, _ in listed]
        cells_of_group, rows = _totals(panel, name, words.house)
        if own:
            cells_of_group["weight"] = tenth_text(sum(own), words.house)
            rows["weight"] = row_ids(group.weight) or _weight_rows(trials)
        if group.pooled is not None:
            yield _subtotal_line(group, group.pooled, cells_of_group, rows, words)
            about = heterogeneity(group.main, words.house)
            if about and len(trials) > 1:
                named = {"label": row_ids(*group.main.values())}
                yield Line("note", about, indented=True, rows=named)


def _subtotal_line(
    group: Subgroup,
    pool: Record,
    cells: Mapping[str, str],
    rows: Mapping[str, tuple[str, ...]],
    words: Words,
) -> Line:
    own = row_ids(pool)
    effect = Effect(
        group.heading,
        pool["estimate"],
        pool["ci_lower"],
        pool["ci_upper"],
        row_id=pool.get("row_id"),
    )
    label = f"Subtotal, {interval_name(pool)}" if effect.interval else "Subtotal"
    return Line(
        "subtotal",
        label,
        {**cells, "effect": effect_text(effect, words)},
        effect,
        indented=True,
        rows={**rows, "effect": own, "label": own, "mark": own},
    )


def row_ids(*found: Record | None) -> tuple[str, ...]:
    """Return the ``row_id`` of rows, of those that are there and have one."""
    return tuple(str(r["row_id"]) for r in found if r is not None and r.get("row_id"))


def _weight_rows(trials: Iterable[Effect]) -> tuple[str, ...]:
    return tuple(t.weight_row for t in trials if t.weight_row is not None)


def _under_headings(
    effects: Sequence[Effect], kind: str, cells: Sequence[Mapping[str, str]]
) -> Iterator[Line]:
    heading = None
    for effect, texts in zip(effects, cells, strict=True):
        if effect.heading and effect.heading != heading:
            heading = effect.heading
            yield Line("heading", heading)
        yield _effect_line(kind, effect, texts, indented=effect.heading is not None)


def _effect_line(
    kind: str, effect: Effect, texts: Mapping[str, str], *, indented: bool
) -> Line:
    label, rows = effect.label + effect.dagger, _cell_rows(effect)
    return Line(kind, label, texts, effect, indented=indented, rows=rows)


def _cell_rows(effect: Effect) -> dict[str, tuple[str, ...]]:
    """Return the rows of each cell of a trial and of its mark."""
    rows = {"effect": effect.rows, "n": effect.rows, "mark": effect.mark_rows}
    if effect.weight_row is not None:
        rows["weight"] = (effect.weight_row,)
    return rows | _arm_cell_rows(effect.arm_rows)


def _arm_cell_rows(
    arms: Mapping[str, Mapping[str, str]],
) -> dict[str, tuple[str, ...]]:
    """Return the rows of each cell of the arms; a cell may hold two numbers."""
    found = {}
    for arm, ids in arms.items():
        for name, row_id in ids.items():
            beside = _BESIDE.get(name, "")
            shared = (ids[beside],) if beside in ids else ()
            found[f"{arm}|{name}"] = (row_id, *shared)
    return found


#: Numbers that some houses print in the cell of another.
_BESIDE = {"events": "n", "mean": "standard_deviation"}


def effect_text(effect: Effect, words: Words) -> str:
    """Return an estimate with its interval, or that there is none."""
    if not effect.estimable:
        return NOT_ESTIMABLE
    return words.effect(effect.estimate, (effect.lower, effect.upper))


def _trial_cells(trial: Effect, share: int | None, words: Words) -> dict[str, str]:
    house = words.house
    texts = {"effect": effect_text(trial, words), "weight": tenth_text(share, house)}
    for arm, numbers in trial.arms.items():
        texts |= {f"{arm}|{k}": v for k, v in _arm_texts(numbers, house).items()}
    if trial.n_subjects is not None:
        texts["n"] = str(trial.n_subjects)
    return texts


def _arm_texts(numbers: Mapping[str, float], house: House) -> dict[str, str]:
    """Return what stands in the columns of one arm."""
    texts = {}
    if "n" in numbers:
        texts["n"] = format_number(numbers["n"], 0)
    if "events" in numbers:
        events = format_number(numbers["events"], 0)
        joined = "n" in texts and not house.split_events
        texts["events"] = f"{events}/{texts['n']}" if joined else events
    for name in ("mean", "standard_deviation"):
        if name in numbers:
            texts[name] = _of_people(numbers[name])
    if house.joined_means and "mean" in texts and "standard_deviation" in texts:
        texts["mean"] += f" ({texts.pop('standard_deviation')})"
    return texts


def _of_people(value: float) -> str:
    """Print a mean or a standard deviation.

    >>> [_of_people(value) for value in (-1.304, 123.45, 0.0021, 4.2e-7)]
    ['−1.30', '123.5', '0.0021', '4.2×10⁻⁷']
    """
    size = abs(value)
    if size >= 1e6 or 0 < size < 1e-4:
        return power_of_ten(value)
    digits = 1 if size >= 100 else 4 if 0 < size < 0.01 else 2
    return format_number(value, digits, minus=MINUS)


def _published_cell(effect: Effect, panel: Panel, words: Words) -> dict[str, str]:
    """Return the text of a published pool; another level than the trials' is said."""
    text = effect_text(effect, words)
    if effect.level not in {None, panel.level}:
        text += f" ({format_level(effect.level)})"
    return {"effect": text}


def _pooled_lines(panel: Panel, pool: Record, words: Words) -> Iterator[Line]:
    cells, rows = _totals(panel, None, words.house)
    if panel.n_trials < panel.n_estimable and pool.get("n_subjects") is not None:
        # Treatments of one trial share its control arm, whose people count once.
        cells["n"], rows["n"] = str(pool["n_subjects"]), row_ids(pool)
    if any(t.weight is not None for t in panel.trials):
        cells["weight"] = tenth_text(1000, words.house)
        total = panel.main.get("total_weight")
        rows["weight"] = row_ids(total) or _weight_rows(panel.trials)
    if cells:
        yield Line("total", "Total", cells, ruled=True, rows=rows)
    line = pool_line("pooled", pool, model_name(pool), words)
    yield replace(line, ruled=not cells)
    prediction = panel.main.get("prediction_interval")
    if prediction is not None:
        interval = prediction["ci_lower"], prediction["ci_upper"]
        text = words.interval(*interval) or NOT_ESTIMABLE
        effect = Effect(prediction_label(prediction), pool["estimate"], *interval)
        yield Line(
            "prediction",
            effect.label,
            {"effect": text},
            effect,
            rows=dict.fromkeys(("label", "effect", "mark"), row_ids(prediction)),
        )


def sensitivity_line(row: Record, variation: Mapping[str, Any], words: Words) -> Line:
    """Return the line of another model; of another measure, in text alone."""
    name = model_name(row, variation)
    other = MEASURES.get(str(variation.get("measure")), words.measure)
    if other == words.measure:
        return pool_line("sensitivity", row, name, words)
    line = pool_line("sensitivity", row, name, replace(words, measure=other, digits=2))
    text = f"{other.code} {line.cells['effect']}"
    return Line("sensitivity", line.label, {"effect": text}, rows=line.rows)


def pool_line(kind: str, row: Record, name: str, words: Words) -> Line:
    """Return the line of a pooled effect, its label with the kind of interval."""
    label = f"{name}, {interval_name(row)}"
    effect = Effect(label, row["estimate"], row["ci_lower"], row["ci_upper"])
    return Line(
        kind,
        label,
        {"effect": effect_text(effect, words)},
        effect,
        rows=dict.fromkeys(("label", "effect", "mark"), row_ids(row)),
    )


def _totals(
    panel: Panel, subgroup: str | None, house: House
) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """Return the totals of the arms as the rows have them, and the rows by cell."""
    numbers: dict[str, dict[str, float]] = {}
    ids: dict[str, dict[str, str]] = {}
    cells: dict[str, str] = {}
    rows: dict[str, tuple[str, ...]] = {}
    for row in panel.totals:
        if row.get("subgroup") != subgroup or row["estimate"] is None:
            continue
        arm, name = row.get("group"), TOTALS[str(row["statistic"])]
        if arm is None:
            cells["n"], rows["n"] = format_number(row["estimate"], 0), row_ids(row)
        else:
            numbers.setdefault(str(arm), {})[name] = float(row["estimate"])
            ids.setdefault(str(arm), {})[name] = str(row["row_id"])
    for arm, sums in numbers.items():
        cells |= {f"{arm}|{k}": v for k, v in _arm_texts(sums, house).items()}
    return cells, rows | _arm_cell_rows(ids)
