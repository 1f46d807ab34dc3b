"""Measurements by visit: values, baselines and changes, described."""

from collections.abc import Mapping
from dataclasses import replace

from trialstats.records import distinct, find
from trialstats.tables.selection import arms_of, groups_in_order
from trialstats.tables.table import Column, Row
from trialstats.tables.templates.means import BLOCKS, block_rows
from trialstats.tables.templates.printing import Ask
from trialstats.tables.templates.sheet import Config, Sheet
from trialstats.vocabulary import lower_first

#: Columns of a table of changes, when it names none.
_STATISTICS = {
    "n": "n",
    "mean": "Mean",
    "sd": "SD",
    "median": "Median",
    "minimum": "Min",
    "maximum": "Max",
    "change_mean": "Change, mean",
    "change_sd": "Change, SD",
}


def summary_layout(sheet: Sheet) -> tuple[list[Column], list[Row]]:
    """Lay out each visit under its heading, an arm a column."""
    columns = sheet.columns()
    body: list[Row] = []
    for visit in distinct(sheet.rows, "visit"):
        here = find(sheet.rows, visit=visit)
        at = replace(sheet, rows=here, printer=replace(sheet.printer, rows=here))
        present = [b for b in BLOCKS if find(here, statistic=f"{b}_n")]
        for item in sheet.items(present):
            if item.get("row") not in present:
                continue
            words = item.get("label", lower_first(BLOCKS[item["row"]]))
            label = f"{visit}, {words}" if words else str(visit)
            body += block_rows(at, {**item, "label": label}, columns)
    return sheet.heads(columns, "Visit"), body


def change_layout(sheet: Sheet) -> tuple[list[Column], list[Row]]:
    """Lay out an arm under its heading, a visit a row and a statistic a column."""
    columns = {
        name: one if isinstance(one, str) else (one or {}).get("label", name)
        for name, one in sheet.spec.get("columns", _STATISTICS).items()
    }
    present = groups_in_order(sheet.rows, arms_of(sheet.trial))
    groups = sheet.spec.get("groups", {group: group for group in present})
    visits = distinct(sheet.rows, "visit")
    body: list[Row] = []
    heads = [
        Column(sheet.spec.get("stub", "Visit"), "left"),
        *(Column(head) for head in columns.values()),
    ]
    for group, label in groups.items():
        if group not in present:
            if sheet.failed:
                continue
            sheet.refuse("groups", "group", group, present)
        body.append(sheet.heading(label))
        for item in sheet.items(visits):
            if item["row"] not in visits:
                sheet.refuse("rows", "visit", item["row"], visits)
            body.append(_visit(sheet, item, group, columns))
    return heads, body


def _visit(sheet: Sheet, item: Config, group: str, columns: Mapping[str, str]) -> Row:
    where = {"group": group, "visit": item["row"]}
    if "analysis" in item:
        where["analysis"] = item["analysis"]
    made = []
    for name in columns:
        of, statistic = _parts(name)
        ask = Ask(statistic, where, of=of, decimals=item.get("decimals", {}))
        made.append(sheet.cell(ask))
    return sheet.line(item.get("label", item["row"]), made, indent=1)


def _parts(name: str) -> tuple[str, str]:
    """Return what a column is of, and what it prints.

    >>> _parts("change_mean"), _parts("n")
    (('change', 'mean'), ('value', 'n'))
    """
    for of in ("baseline", "change"):
        if name.startswith(f"{of}_"):
            return of, name.removeprefix(f"{of}_")
    return "value", name
