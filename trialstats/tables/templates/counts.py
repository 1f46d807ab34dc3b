"""Participants on named lines, by group: populations, disposition, sites."""

from collections.abc import Mapping

from trialstats.records import distinct, find
from trialstats.table_templates import TESTS
from trialstats.tables.table import EMPTY, Cell, Column, Row
from trialstats.tables.templates.printing import Ask
from trialstats.tables.templates.sheet import Config, Sheet


def counts_layout(sheet: Sheet) -> tuple[list[Column], list[Row]]:
    """Lay out a line a row; with `across`, a place a row and lines side by side."""
    if "across" in sheet.spec:
        return _places(sheet)
    tested = any(r["statistic"] == "fisher_test" for r in sheet.rows) or any(
        r["statistic"] == "chi_square_test" for r in sheet.rows
    )
    columns = sheet.columns(tests=tested)
    body: list[Row] = []
    known = distinct(sheet.rows, "parameter")
    lines = _lines(sheet)
    for item in sheet.items(list(lines)):
        if "heading" in item:
            body.append(sheet.heading(item["heading"]))
        if "row" in item:
            body += _rows(sheet, item, columns, known)
    return sheet.heads(columns, "Participants"), body


def _lines(sheet: Sheet) -> Config:
    """Return the lines of the model, by name."""
    analysis = sheet.trial["analyses"][sheet.spec["analysis"]]
    lines: Config = analysis["model"]["lines"]
    return lines


def _rows(
    sheet: Sheet, item: Config, columns: Mapping[str, str], known: list[str]
) -> list[Row]:
    """Return the row of a line; under its name the rows of its levels."""
    name = item["row"]
    if name in known:
        label = item.get("label", name)
        return [_row(sheet, item, name, label, columns, tested=item.get("p_value"))]
    levels = [k.removeprefix(f"{name}: ") for k in known if k.startswith(f"{name}: ")]
    if not levels:
        if sheet.failed:
            return [sheet.line(item.get("label", name), [EMPTY] * len(columns))]
        sheet.refuse("rows", "line", name, _lines(sheet))
    label = item.get("label", name)
    body = [sheet.heading(label)] if label else []
    chosen = item.get("levels", {level: level for level in levels})
    for level, words in chosen.items():
        if level not in levels:
            sheet.refuse("rows", f"level of {name!r}", level, levels)
        tested = item.get("p_value", True)
        wanted = tested if isinstance(tested, bool) else level in tested
        full = f"{name}: {level}"
        body.append(_row(sheet, item, full, words, columns, tested=wanted, indent=1))
    return body


def _row(
    sheet: Sheet,
    item: Config,
    name: str,
    label: str,
    columns: Mapping[str, str],
    *,
    tested: bool | None,
    indent: int = 0,
) -> Row:
    made = []
    for column in columns:
        if column == TESTS:
            made.append(EMPTY if tested is False else sheet.tested(parameter=name))
            continue
        made.append(_counted(sheet, item, name, column, None))
    return sheet.line(label, made, indent=item.get("indent", indent))


def _counted(
    sheet: Sheet, item: Config, name: str, group: str, place: str | None
) -> Cell:
    """Return a count with its percentage; a total as it is."""
    (how,) = sheet.statistics(item, ["count_percent"])[:1] or ["count_percent"]
    where = {"parameter": name, "group": group, "subgroup": place}
    total = find(sheet.rows, statistic="total", **where)
    statistic = "total" if total else "count"
    return sheet.cell(Ask("count" if total else how, {**where, "statistic": statistic}))


def _places(sheet: Sheet) -> tuple[list[Column], list[Row]]:
    """Lay out a place a row, and for each group the lines of `across`."""
    columns = sheet.columns()
    lines = sheet.spec["across"]
    known = _lines(sheet)
    for line in lines:
        if line not in known:
            sheet.refuse("across", "line", line, known)
    heads = [Column(sheet.spec.get("stub", "Place"), "left")]
    for group, head in columns.items():
        size, rows = sheet.size(group)
        spanner = f"{head} {size}".strip()
        heads += [Column(label, spanner=spanner, rows=rows) for label in lines.values()]
    places = distinct(sheet.rows, "subgroup")
    body = []
    for place in [*places, None]:
        made = [
            _counted(sheet, {"statistics": ["count"]}, line, group, place)
            for group in columns
            for line in lines
        ]
        label = _place_label(sheet, str(place)) if place else "Total"
        body.append(sheet.line(sheet.spec.get("labels", {}).get(label, label), made))
    return heads, body


def _place_label(sheet: Sheet, place: str) -> str:
    """Return the name of a place, written by the pattern of the table.

    The variables of `by` stand in the pattern as {SITEID}.
    """
    pattern = sheet.spec.get("places")
    if not pattern:
        return place
    model = sheet.trial["analyses"][sheet.spec["analysis"]]["model"]
    variables = sheet.trial["adsl"]["variables"]
    rest = place
    text = str(pattern)
    for number, variable in enumerate(model["by"], start=1):
        label = variables.get(variable, {}).get("label", variable)
        rest = rest.removeprefix(f"{label} ")
        following = model["by"][number] if number < len(model["by"]) else None
        if following is None:
            value = rest
        else:
            next_label = variables.get(following, {}).get("label", following)
            value, _, after = rest.partition(f", {next_label} ")
            rest = f"{next_label} {after}"
        text = text.replace(f"{{{variable}}}", value)
    return text
