"""The columns of a forest plot, in the order of the house."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialstats.figures.forest_bias import Bias, domain_head, domain_key
from trialstats.figures.forest_models import weight_model
from trialstats.figures.forest_notes import level_rows
from trialstats.figures.forest_numbers import HOUSES, House
from trialstats.figures.forest_options import ForestOptions
from trialstats.figures.forest_rows import Effect, Panel
from trialstats.formatting import format_level
from trialstats.records import usual_level

#: Name above the columns of the lights.
_BIAS_TITLE = "Risk of bias"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of text; `left` and `width` in points.

    Attributes
    ----------
    key : str
        Its cell in each line.
    heading : tuple of str
        The lines of its head.
    remark : str
        What stands under the head, small.
    over : str
        Name above it and its neighbours.
    align : str
        ``left``, ``right`` or ``center``.
    data : bool
        Whether it holds numbers of the arms, which labels of results may run across.
    left, width : float
        Its place.
    rows : tuple of str
        The ``row_id`` that a number in its head is of.
    """

    key: str
    heading: tuple[str, ...]
    remark: str = ""
    over: str = ""
    align: str = "right"
    data: bool = False
    left: float = 0.0
    width: float = 0.0
    rows: tuple[str, ...] = ()

    @property
    def right(self) -> float:
        """Its right edge, in points."""
        return self.left + self.width

    @property
    def anchor(self) -> float:
        """Where its text is attached, in points."""
        place = {"left": self.left, "right": self.right}
        return place.get(self.align, (self.left + self.right) / 2)


def columns(
    found: Sequence[Panel],
    synthesis: Mapping[str, Any],
    options: ForestOptions,
    bias: Bias | None = None,
) -> tuple[list[Column], list[Column]]:
    """Return the columns left and right of the plot, without widths.

    Parameters
    ----------
    found : sequence of Panel
        The panels, the synthesis' own first.
    synthesis : mapping
        Its configuration.
    options : ForestOptions
        The layout.
    bias : Bias, optional
        Judgements whose lights have columns.
    """
    house = HOUSES[options.layout]
    trials = [t for p in found for t in p.trials]
    pool = next((p.pooled for p in found if p.pooled is not None), None)
    weights: list[Column] = []
    if pool is not None and any(t.weight is not None for t in trials):
        weights.append(Column("weight", (house.heads["weight"],), weight_model(pool)))
    named = {
        "data": _data_columns(trials, synthesis, house),
        "weight": weights,
        "effect": [
            Column("effect", _effect_head(found, house), rows=level_rows(found))
        ],
        "bias": _bias_columns(bias),
    }
    at = house.order.index("plot")
    before, after = house.order[:at], house.order[at + 1 :]
    return (
        [column for name in before for column in named[name]],
        [column for name in after for column in named[name]],
    )


def _effect_head(found: Sequence[Panel], house: House) -> tuple[str, ...]:
    """Return the head of the effects: the measure and what its interval is."""
    measures = list(dict.fromkeys(p.measure for p in found))
    level = usual_level({"confidence_level": panel.level} for panel in found)
    interval = house.bracketed(format_level(level))
    if len(measures) > 1:
        return (f"Effect {interval}",)
    if not house.measure_in_words:
        return (f"{measures[0].code} {interval}",)
    # A long name has a line of its own, the longest has two.
    title = measures[0].title
    if len(title) <= len("Hazard ratio"):
        return (f"{title} {interval}",)
    if len(title) <= len("Incidence rate ratio"):
        return (title, interval)
    first, _, last = title.rpartition(" ")
    return (first, f"{last} {interval}")


def _bias_columns(bias: Bias | None) -> list[Column]:
    if bias is None:
        return []
    return [
        Column(domain_key(d), (domain_head(d),), over=_BIAS_TITLE, align="center")
        for d in bias.domains
    ]


def _data_columns(
    trials: Sequence[Effect], synthesis: Mapping[str, Any], house: House
) -> list[Column]:
    comparison = synthesis.get("comparison") or {}
    named = [comparison.get("treatment"), comparison.get("control")]
    present = dict.fromkeys(arm for t in trials for arm in t.arms)
    arms = [a for a in named if a in present] or list(present)
    statistics = {s for t in trials for numbers in t.arms.values() for s in numbers}
    found = [
        Column(f"{arm}|{key}", (heading,), over=str(arm), data=True)
        for arm in arms
        for key, heading in _kinds(statistics, house)
        if any(key in t.arms.get(str(arm), {}) for t in trials)
    ]
    if not found and any(t.n_subjects is not None for t in trials):
        return [Column("n", (house.heads["total"],), data=True)]
    return found


def _kinds(statistics: set[str], house: House) -> list[tuple[str, str]]:
    """Return (statistic, head) of the columns of each arm."""
    total = ("n", house.heads["total"])
    if "events" in statistics:
        events = ("events", house.heads["events"])
        return [events, total] if house.split_events else [events]
    if "mean" not in statistics:
        return [total] if "n" in statistics else []
    if house.joined_means:
        return [("mean", house.heads["mean"]), total]
    return [("mean", "Mean"), ("standard_deviation", "SD"), total]
