"""What the boxes of a flow diagram say, from the rows of the counts."""

from collections.abc import Mapping, Sequence
from typing import Any

from trialstats.figures.flow_boxes import Line
from trialstats.formatting import format_number
from trialstats.records import Record, distinct, find, one
from trialstats.vocabulary import upper_first

#: A stage of the diagram: its name and, for each group, what its box says.
Stage = tuple[str, list[list[Line]]]


def groups_of(trial: Mapping[str, Any]) -> list[str]:
    """Return what the participants were allocated to: arms, or sequences."""
    if trial["design"] == "crossover":
        return list(trial["sequences"])
    return [*trial["arms"]["treatments"], trial["arms"]["control"]]


def main_analyses(listed: Sequence[Record], trial: Mapping[str, Any]) -> list[str]:
    """Return the primary analyses that have counts, else the first secondary one."""
    counted = distinct(find(listed, statistic="flow_analysed"), "analysis")
    by_role = {
        role: [
            name
            for name, analysis in trial["analyses"].items()
            if analysis["role"] == role and name in counted
        ]
        for role in ("primary", "secondary")
    }
    return by_role["primary"] or by_role["secondary"][:1]


def counted(
    words: str, row: Record | None, *, indent: int = 0, weight: str = "normal"
) -> list[Line]:
    """Return a statement with its number, none where the number is not known."""
    if row is None or row["estimate"] is None:
        return []
    number = format_number(row["estimate"], 0)
    text = f"{words} (n = {number})"
    return [Line(text, (str(row["row_id"]),), indent, weight)]


def enrolment(listed: Sequence[Record]) -> tuple[list[Line], list[Line], list[Line]]:
    """Return the boxes of the enrolled, of those not randomised, of the randomised."""
    flow = find(listed, statistic="flow_count", group="Total")
    enrolled = counted("Enrolled", one(flow, parameter="enrolled"))
    out = find(flow, parameter="not randomised")
    aside = counted("Not randomised", one(out, subgroup=None))
    for reason in distinct(out, "subgroup"):
        aside += counted(str(reason), one(out, subgroup=reason), indent=1)
    total = _fate(listed, "Total", "randomised")
    return enrolled, aside, counted("Randomised", total, weight="bold")


def _fate(listed: Sequence[Record], group: str, parameter: str) -> Record | None:
    return one(
        listed,
        analysis="disposition",
        statistic="count",
        group=group,
        parameter=parameter,
        subgroup=None,
    )


def stages_of(listed: Sequence[Record], trial: Mapping[str, Any]) -> list[Stage]:
    """Return the stages from allocation to analysis."""
    groups = groups_of(trial)
    made: list[Stage] = [("Allocation", [_allocated(listed, g, trial) for g in groups])]
    if trial["design"] == "crossover":
        longest = max(map(len, trial["sequences"].values()))
        for number in range(1, longest + 1):
            boxes = [_period(listed, g, number, trial) for g in groups]
            made.append((f"Period {number}", boxes))
    made.append(("Follow-up", [_followed(listed, g) for g in groups]))
    boxes = [_analysed(listed, g, trial) for g in groups]
    made.append(("Analysis", boxes))
    return [stage for stage in made if any(stage[1])]


def _allocated(
    listed: Sequence[Record], group: str, trial: Mapping[str, Any]
) -> list[Line]:
    lines = counted(
        f"Allocated to {group}", _fate(listed, group, "randomised"), weight="bold"
    )
    if trial["design"] == "crossover":
        order = " then ".join(trial["sequences"][group])
        if order.lower() != group.lower():
            lines.append(Line(order, indent=1))
    lines += counted("Received treatment", _fate(listed, group, "treated"))
    never = one(listed, statistic="flow_count", group=group, parameter="not treated")
    return lines + counted("Did not receive treatment", never)


def _period(
    listed: Sequence[Record], group: str, number: int, trial: Mapping[str, Any]
) -> list[Line]:
    name = f"period {number}"
    row = one(listed, statistic="flow_count", group=group, parameter=name)
    if row is None:
        return []
    lines = counted(f"Began {row['subgroup']}", row)
    for analysis in main_analyses(listed, trial):
        found = one(
            listed,
            statistic="flow_analysed",
            analysis=analysis,
            group=group,
            subgroup=name,
        )
        lines += counted("Analysed", found)
        lines += [Line(_title(trial, analysis), indent=1)] if found else []
    return lines


def _followed(listed: Sequence[Record], group: str) -> list[Line]:
    own = find(listed, analysis="disposition", statistic="count", group=group)
    lines = []
    for parameter in ("completed", "discontinued", "status not recorded"):
        part = find(own, parameter=parameter)
        lines += counted(upper_first(parameter), one(part, subgroup=None))
        for reason in distinct(part, "subgroup"):
            lines += counted(str(reason), one(part, subgroup=reason), indent=1)
    return lines


def _analysed(
    listed: Sequence[Record], group: str, trial: Mapping[str, Any]
) -> list[Line]:
    lines = []
    for analysis in main_analyses(listed, trial):
        own = find(listed, analysis=analysis, group=group)
        made = find(own, statistic="flow_analysed", subgroup=None)
        lines += counted("Analysed", made[0] if made else None, weight="bold")
        lines.append(Line(_title(trial, analysis), indent=1))
        at = trial["analyses"][analysis].get("at")
        if trial["design"] != "crossover" and isinstance(at, str):
            seen = one(own, statistic="n_with_data", visit=at)
            lines += counted(f"With a value at {at}", seen, indent=1)
        out = find(own, statistic="flow_excluded")
        lines += counted("Not analysed", one(out, subgroup=None))
        for reason in distinct(out, "subgroup"):
            row = one(out, subgroup=reason)
            if row is not None and row["estimate"]:
                lines += counted(upper_first(str(reason)), row, indent=1)
    return lines


def _title(trial: Mapping[str, Any], analysis: str) -> str:
    settings = trial["analyses"][analysis]
    return f"{settings['title']} ({settings['analysis_set']})"
