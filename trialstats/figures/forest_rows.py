"""Sort the rows of a synthesis into what a forest plot shows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from trialstats.errors import DataError
from trialstats.figures.forest_subgroups import Subgroup, order_of, subgroups_in
from trialstats.records import Record, distinct, find, one, records, usual_level
from trialstats.vocabulary import (
    MEASURES,
    STATUS_MARKS,
    Measure,
    short_review,
    upper_first,
)

#: Rows of one arm that stand beside the effect of a trial.
ARM_STATISTICS = ("events", "n", "mean", "standard_deviation")


#: Rows of the totals of the arms, and the column that they stand in.
TOTALS = {"total_events": "events", "total_n": "n"}

#: Mark of a trial with an imputed number.
IMPUTED_MARK = "\N{SECTION SIGN}"

#: How reviews write a measure -> its code.
_SPELLINGS = {m.name: m.code for m in MEASURES.values()} | {
    "cohen d": "SMD",
    "cohen's d": "SMD",
    "hedges g": "SMD",
}


@dataclass(frozen=True, slots=True)
class Effect:
    """One line of the plot; limits and estimate on the scale of storage."""

    label: str
    estimate: float | None
    lower: float | None
    upper: float | None
    trial: str | None = None
    status: str = "published"
    reason: str | None = None
    heading: str | None = None
    subgroup: str | None = None
    weight: float | None = None
    n_subjects: int | None = None
    method: str = ""
    level: float | None = None
    arms: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    row_id: str | None = None
    weight_row: str | None = None
    arm_rows: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def rows(self) -> tuple[str, ...]:
        """The row of its estimate, as a canvas takes it."""
        return () if self.row_id is None else (self.row_id,)

    @property
    def mark_rows(self) -> tuple[str, ...]:
        """The rows that its mark shows: the estimate, and the weight in its area."""
        return self.rows if self.weight_row is None else (*self.rows, self.weight_row)

    @property
    def estimable(self) -> bool:
        """Whether there is an estimate."""
        return self.estimate is not None

    @property
    def dagger(self) -> str:
        """The marks of its data status and of imputed numbers, if it has any."""
        status = STATUS_MARKS[self.status][0] if self.status in STATUS_MARKS else ""
        return status + (IMPUTED_MARK if self.imputed else "")

    @property
    def imputed(self) -> bool:
        """Whether its method names a number that was imputed."""
        return "imputed" in self.method.lower()

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its limits, or None."""
        if self.lower is None or self.upper is None:
            return None
        return self.lower, self.upper


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines that share one axis.

    Attributes
    ----------
    measure : Measure
        What the axis shows.
    trials : tuple of Effect
        The trials, or the outcomes of one trial.
    pooled : Record or None
        Row of the main pooled effect; None when nothing is pooled or k is 1.
    main : mapping
        Rows of the main model by statistic.
    sensitivities : tuple of (Record, mapping)
        Rows of the other pooled effects, each with what its configuration changes.
    published : tuple of Effect
        Pooled results of published reviews.
    subgroups : tuple of Subgroup
        Groups of trials in the order of the figure; the trials have the same order.
    subgroup_test : Record or None
        Row of the test of differences between them.
    components : tuple of Record
        Variances of the levels of the main model, outermost first.
    totals : tuple of Record
        Totals of the arms, of all trials and of each subgroup.
    """

    measure: Measure
    trials: tuple[Effect, ...] = ()
    pooled: Record | None = None
    main: Mapping[str, Record] = field(default_factory=dict)
    sensitivities: tuple[tuple[Record, Mapping[str, Any]], ...] = ()
    published: tuple[Effect, ...] = ()
    subgroups: tuple[Subgroup, ...] = ()
    subgroup_test: Record | None = None
    components: tuple[Record, ...] = ()
    totals: tuple[Record, ...] = ()

    @property
    def level(self) -> float | None:
        """Confidence level of the intervals of its trials, else of its reviews."""
        lines = self.trials or self.published
        return usual_level({"confidence_level": line.level} for line in lines)

    @property
    def n_estimable(self) -> int:
        """Number of rows of trials that have an estimate."""
        return sum(t.estimable for t in self.trials)

    @property
    def n_trials(self) -> int:
        """Number of trials that have one, those of several treatments once."""
        return len({t.trial or t.label for t in self.trials if t.estimable})


def panels(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> tuple[Panel, ...]:
    """Return the panels of a synthesis: its own, then one per foreign measure.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, with the columns of `rows.ESTIMATES`.
    synthesis : mapping
        Its configuration.
    labels : mapping
        Trial -> author and year.

    Raises
    ------
    DataError
        When there is nothing to draw, or the rows mix scales.
    """
    listed = records(rows, needs=("statistic", "scale", "estimate", "ci_lower", "role"))
    effects = find(listed, statistic="effect")
    reviews = find(listed, statistic="published_pool")
    if not effects and not reviews:
        raise DataError(
            f"synthesis {synthesis.get('synthesis', '')!r} has no row to draw",
            column="statistic",
            remedy="a forest plot needs rows of 'effect' or 'published_pool'",
        )
    own = _measure(synthesis, effects)
    by_measure: dict[Measure, list[Record]] = {own: []} if effects else {}
    for review in reviews:
        by_measure.setdefault(_measure_of_review(review, own), []).append(review)
    found = []
    for measure, pools in by_measure.items():
        published = _published(pools, alone=not effects)
        if effects and measure == own:
            found.append(
                _pooled_panel(listed, effects, synthesis, labels, own, published)
            )
        else:
            found.append(Panel(measure, published=published))
    return tuple(found)


def _measure(synthesis: Mapping[str, Any], effects: Sequence[Record]) -> Measure:
    code = str(synthesis.get("measure", ""))
    scales = distinct(effects, "scale")
    if len(scales) > 1:
        raise DataError(
            "effects on different scales cannot share an axis",
            column="scale",
            value=", ".join(scales),
            remedy="draw one measure",
        )
    measure = MEASURES.get(code) or Measure(code, code, log="log" in scales)
    if scales and measure.log != (scales[0] == "log"):
        raise DataError(
            f"{measure.name} is stored on the wrong scale",
            column="scale",
            value=scales[0],
            remedy="store ratios as logarithms and differences as they are",
        )
    return measure


def _measure_of_review(review: Record, own: Measure) -> Measure:
    """Return the measure of a published pool, from its unit or its method."""
    for text in (review.get("unit"), review.get("method")):
        for part in str(text or "").replace(";", ",").split(","):
            name = part.strip()
            code = _SPELLINGS.get(name.lower(), name)
            if code in MEASURES:
                return MEASURES[code]
    if own.code and own.log == (review["scale"] == "log"):
        return own
    return Measure("Effect", "effect", log=review["scale"] == "log")


def _published(pools: Sequence[Record], *, alone: bool) -> tuple[Effect, ...]:
    """Return published pools: headed by review when alone, else labelled by it."""
    reviews = [short_review(str(p.get("group") or "")) for p in pools]

    def label(pool: Record, review: str) -> str:
        outcome = str(pool.get("parameter") or "")
        if alone:
            return upper_first(outcome) or review
        return f"{review}: {outcome}" if len(set(reviews)) < len(reviews) else review

    return tuple(
        _effect(p, label=label(p, review), heading=review if alone else None)
        for p, review in zip(pools, reviews, strict=True)
    )


def _effect(row: Record, *, label: str, **extra: Any) -> Effect:
    return Effect(
        label=label,
        estimate=row["estimate"],
        lower=row["ci_lower"],
        upper=row["ci_upper"],
        status=str(row.get("data_status") or "published"),
        reason=row.get("not_estimable"),
        n_subjects=row.get("n_subjects"),
        method=str(row.get("method") or ""),
        level=row.get("confidence_level"),
        trial=row.get("trial"),
        subgroup=row.get("subgroup"),
        row_id=row.get("row_id"),
        **extra,
    )


def _pooled_panel(
    listed: Sequence[Record],
    effects: Sequence[Record],
    synthesis: Mapping[str, Any],
    labels: Mapping[str, str],
    measure: Measure,
    published: tuple[Effect, ...],
) -> Panel:
    pools = find(listed, statistic="pooled_effect")
    main_pool = next((p for p in pools if p["role"] == "primary"), None)
    weights, main = {}, {}
    components: list[Record] = []
    if main_pool is not None:
        model = main_pool.get("model_id")
        own = find(listed, model_id=model)
        weights = {
            (w["trial"], w.get("group")): w for w in find(own, statistic="weight")
        }
        main = {str(r["statistic"]): r for r in own if r.get("trial") is None}
        main["pooled_effect"] = main_pool
        components = find(own, statistic="variance_component")
    name = _names(effects, labels, pooled=synthesis.get("pooling", True))
    trials = []
    for row, arms in zip(effects, _arms(listed, effects), strict=True):
        weight = weights.get((row.get("trial"), row.get("group"))) or {}
        trials.append(
            _effect(
                row,
                label=name(row)[0],
                heading=name(row)[1],
                weight=weight.get("estimate"),
                weight_row=weight.get("row_id"),
                arms=_of_arms(arms, "estimate"),
                arm_rows=_of_arms(arms, "row_id"),
            )
        )
    several = sum(t.estimable for t in trials) > 1
    ordered = order_of(effects, synthesis)
    groups = subgroups_in(listed, ordered, synthesis)
    if groups:
        trials.sort(key=lambda t: ordered.index(t.subgroup))
    return Panel(
        measure,
        trials=tuple(trials),
        pooled=main_pool if several else None,
        main=main if several else {},
        sensitivities=tuple(
            (row, variation)
            for row, variation in varied(pools, synthesis, labels)
            if several or (row.get("n_trials") or 0) > 1
        ),
        published=published,
        subgroups=groups,
        subgroup_test=one(listed, statistic="subgroup_test") if groups else None,
        components=tuple(components) if several else (),
        totals=tuple(r for r in listed if r["statistic"] in TOTALS) if several else (),
    )


def varied(
    pools: Sequence[Record], synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> tuple[tuple[Record, Mapping[str, Any]], ...]:
    """Return the models beside the main one, each with what its configuration changes.

    Configured models and their configuration have one order; Bayesian ones, which are
    not configured one by one, change nothing.

    Parameters
    ----------
    pools : sequence of Record
        Rows of ``pooled_effect``.
    synthesis : mapping
        The configuration.
    labels : mapping
        Trial -> author and year, for trials that a model leaves out.
    """
    others = [p for p in pools if p["role"] != "primary"]
    configured = [p for p in others if not is_bayesian(p)]
    variations = list(synthesis.get("sensitivity") or ())
    if len(variations) != len(configured):
        variations = [{}] * len(configured)
    named = iter(
        v | {"exclude": [labels.get(t, t) for t in v["exclude"]]}
        if "exclude" in v
        else v
        for v in variations
    )
    return tuple((p, {} if is_bayesian(p) else next(named)) for p in others)


def is_bayesian(pool: Record) -> bool:
    """Return whether a pooled effect is a posterior mean."""
    return str(pool.get("model_id") or "").startswith("bayesian")


def _names(
    effects: Sequence[Record], labels: Mapping[str, str], *, pooled: bool
) -> Callable[[Record], tuple[str, str | None]]:
    """Return how a row is called and under which heading it stands.

    Rows that are not pooled are outcomes: each trial is a heading over its outcomes.
    A trial of several treatments has a row for each, which names it.
    """
    outcomes = [(r.get("trial"), r.get("parameter")) for r in effects]

    def name(row: Record) -> tuple[str, str | None]:
        trial, outcome = row.get("trial"), row.get("parameter")
        author = labels.get(str(trial), str(trial or ""))
        if pooled or not outcome:
            arm = row.get("group")
            return f"{author}, {arm}" if arm else author, None
        visit = row.get("visit") if outcomes.count((trial, outcome)) > 1 else None
        label = upper_first(str(outcome))
        return f"{label}, {visit}" if visit else label, author

    return name


def _of_arms(
    arms: Mapping[str, Mapping[str, Record]], column: str
) -> dict[str, dict[str, Any]]:
    """Return a column of the rows of each arm, by statistic."""
    return {
        arm: {s: row.get(column) for s, row in rows.items()}
        for arm, rows in arms.items()
    }


def _arms(
    listed: Iterable[Record], effects: Sequence[Record]
) -> list[dict[str, dict[str, Record]]]:
    """Return, for each effect, the rows of each arm that belong to it."""
    of_trial: dict[Any, list[Record]] = {}
    for row in listed:
        known = row["estimate"] is not None and row.get("group")
        if known and row["statistic"] in ARM_STATISTICS:
            of_trial.setdefault(row.get("trial"), []).append(row)
    found = []
    for effect in effects:
        arms: dict[str, dict[str, Record]] = {}
        for row in of_trial.get(effect.get("trial"), ()):
            same = (row.get(c) in (None, effect.get(c)) for c in ("parameter", "visit"))
            if all(same):
                arm = arms.setdefault(str(row["group"]), {})
                arm[str(row["statistic"])] = row
        found.append(arms)
    return found
