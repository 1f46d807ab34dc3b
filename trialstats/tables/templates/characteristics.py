"""Variables of the participants by group: characteristics, exposure."""

from collections.abc import Mapping, Sequence

from trialstats.records import distinct, find
from trialstats.table_templates import COUNTED, TESTS
from trialstats.tables.participants import LEVELS, labels_of
from trialstats.tables.table import EMPTY, Cell, Column, Row
from trialstats.tables.templates.printing import Ask
from trialstats.tables.templates.sheet import GROUP_TESTS, Config, Sheet

_DEFAULT = ("n", "missing", "mean_sd", "median_range", "count_percent")


def characteristics_layout(sheet: Sheet) -> tuple[list[Column], list[Row]]:
    """Lay out each variable under its name, its test on its first line."""
    tests = any(r["statistic"] in GROUP_TESTS for r in sheet.rows)
    columns = sheet.columns(tests=tests)
    known = distinct(sheet.rows, "parameter")
    body: list[Row] = []
    for item in sheet.items(known):
        if "heading" in item:
            body.append(sheet.heading(item["heading"]))
        if "row" not in item:
            continue
        if item["row"] not in known:
            if sheet.failed:
                continue
            sheet.refuse("rows", "variable", item["row"], known)
        body += _variable(sheet, item, columns)
    return sheet.heads(columns, "Characteristic"), body


def _variable(sheet: Sheet, item: Config, columns: Mapping[str, str]) -> list[Row]:
    name = item["row"]
    label = item.get("label", labels_of(sheet.trial).get(name, name))
    body = [sheet.heading(label)] if label else []
    lines = list(_lines(sheet, item))
    tested = item.get("p_value", True)
    for place, (words, ask) in enumerate(lines):
        made = [
            _cell(sheet, ask, column, name, tested=bool(tested) and place == 0)
            for column in columns
        ]
        body.append(sheet.line(words, made, indent=1))
    return body


def _cell(sheet: Sheet, ask: Ask, column: str, name: str, *, tested: bool) -> Cell:
    if column == TESTS:
        return sheet.tested(parameter=name) if tested else EMPTY
    return sheet.cell(ask.at(group=column))


def _lines(sheet: Sheet, item: Config) -> Sequence[tuple[str, Ask]]:
    """Return the lines of a variable: its moments, or its levels."""
    name = item["row"]
    part = find(sheet.rows, parameter=name)
    levels = distinct(find(part, statistic="count"), "subgroup")
    where = {"parameter": name, "subgroup": None}
    made = []
    for statistic in sheet.statistics(item, _DEFAULT):
        if statistic in COUNTED and statistic != "missing":
            made += _of_levels(sheet, item, statistic, levels)
        elif not levels or statistic in ("n", "missing"):
            decimals = item.get("decimals", {})
            made.append(
                (sheet.label(statistic), Ask(statistic, where, decimals=decimals))
            )
    return made


def _of_levels(
    sheet: Sheet, item: Config, statistic: str, levels: Sequence[str]
) -> list[tuple[str, Ask]]:
    name = item["row"]
    usual = LEVELS.get(name, {})
    chosen = item.get("levels", {level: usual.get(level, level) for level in levels})
    made = []
    for level, words in chosen.items():
        if level not in levels:
            if sheet.failed:
                continue
            sheet.refuse("rows", f"level of {name!r}", level, levels)
        where = {"parameter": name, "statistic": "count", "subgroup": level}
        made.append((words, Ask(statistic, where, decimals=item.get("decimals", {}))))
    return made
