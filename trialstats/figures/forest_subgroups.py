"""Groups of trials: their order, their own pooled effects, the test between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialstats.records import Record, find, one
from trialstats.vocabulary import upper_first

#: Heading of trials that belong to none of the groups.
UNGROUPED = "In none of the groups"


@dataclass(frozen=True, slots=True)
class Subgroup:
    """A group of trials.

    Attributes
    ----------
    name : str or None
        Its name in the rows; None for trials in none of the groups.
    heading : str
        What stands above its trials.
    pooled : Record or None
        Row of its own pooled effect.
    main : mapping
        Rows of its heterogeneity, under the names of those of the main model:
        ``tau_squared``, ``i_squared``, ``q``.
    weight : Record or None
        Row of its share of the weight.
    """

    name: str | None
    heading: str
    pooled: Record | None
    main: Mapping[str, Record]
    weight: Record | None = None


def order_of(
    effects: Sequence[Record], synthesis: Mapping[str, Any]
) -> list[str | None]:
    """Return the names of the groups: as configured, then by first appearance.

    Trials without a group come last, under None.
    """
    configured = (synthesis.get("subgroups") or {}).get("groups") or {}
    present = dict.fromkeys(e.get("subgroup") for e in effects)
    listed: list[str | None] = [str(n) for n in configured if n in present]
    listed += [n for n in present if n is not None and n not in listed]
    return [*listed, None] if None in present else listed


def subgroups_in(
    listed: Sequence[Record],
    ordered: Sequence[str | None],
    synthesis: Mapping[str, Any],
) -> tuple[Subgroup, ...]:
    """Return the groups with their results; none where no trial has a group.

    Parameters
    ----------
    listed : sequence of Record
        Rows of the synthesis.
    ordered : sequence of str or None
        Names of the groups, from `order_of`.
    synthesis : mapping
        The configuration, whose ``subgroups.name`` says what divides the trials.
    """
    if all(name is None for name in ordered):
        return ()
    what = str((synthesis.get("subgroups") or {}).get("name") or "")
    return tuple(_subgroup(listed, name, what) for name in ordered)


def _subgroup(listed: Sequence[Record], name: str | None, what: str) -> Subgroup:
    if name is None:
        return Subgroup(None, UNGROUPED, None, {})
    own = find(listed, subgroup=name)
    main = {s: one(own, statistic=f"subgroup_{s}") for s in _HETEROGENEITY}
    return Subgroup(
        name=name,
        heading=f"{what}: {name}" if what else upper_first(name),
        pooled=one(own, statistic="subgroup_effect"),
        main={s: row for s, row in main.items() if row is not None},
        weight=one(own, statistic="subgroup_weight"),
    )


_HETEROGENEITY = ("tau_squared", "i_squared", "q")
