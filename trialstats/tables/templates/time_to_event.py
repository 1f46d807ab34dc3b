"""Times to an event: numbers, medians, curves, the log-rank test, hazard ratios."""

from collections.abc import Mapping

from trialstats.records import distinct, find
from trialstats.tables.table import EMPTY, Cell, Column, Row
from trialstats.tables.templates.means import comparison_rows
from trialstats.tables.templates.printing import Ask
from trialstats.tables.templates.sheet import Config, Sheet
from trialstats.vocabulary import lower_first

_USUAL = (
    *("participants", "events", "censored", "median"),
    *("log_rank", "hazard_ratio", "survival"),
)
_COUNTS = {
    "participants": ("n_analysed", "Participants", "count"),
    "with_data": ("n_with_data", "Participants with a time", "count"),
    "events": ("events", "With the event", "count_percent"),
    "censored": ("censored", "Censored", "count_percent"),
}


def time_to_event_layout(sheet: Sheet) -> tuple[list[Column], list[Row]]:
    """Lay out one time to an event, an arm a column."""
    columns = sheet.columns()
    body: list[Row] = []
    for item in sheet.items(_USUAL):
        if "heading" in item:
            body.append(sheet.heading(item["heading"]))
        name = item.get("row")
        if name in _COUNTS:
            body.append(_count_row(sheet, item, columns))
        elif name == "median":
            body += _medians(sheet, item, columns)
        elif name == "log_rank":
            body += _log_rank(sheet, item, columns)
        elif name == "survival":
            body += _curve(sheet, item, columns)
        elif name == "hazard_ratio":
            body += comparison_rows(
                sheet,
                item,
                columns,
                measure="hazard_ratio",
                default=("estimate_ci", "p_value"),
                words="Hazard ratio versus {}",
            )
    return sheet.heads(columns, ""), body


def _count_row(sheet: Sheet, item: Config, columns: Mapping[str, str]) -> Row:
    statistic, words, usual = _COUNTS[item["row"]]
    how = item.get("statistics", [usual])[0]
    ask = Ask(how, {"statistic": statistic}, decimals=item.get("decimals", {}))
    made = [sheet.cell(ask.at(group=group)) for group in columns]
    return sheet.line(item.get("label", words), made)


def _medians(sheet: Sheet, item: Config, columns: Mapping[str, str]) -> list[Row]:
    body = []
    for place, statistic in enumerate(item.get("statistics", ("estimate_ci",))):
        made = [_median(sheet, item, statistic, group) for group in columns]
        usual = {
            "estimate_ci": f"Median time ({sheet.interval})",
            "estimate": "Median time",
        }.get(statistic, sheet.label(statistic))
        label = item.get("label", usual) if place == 0 else usual
        body.append(sheet.line(label, made, indent=min(place, 1)))
    return body


def _median(sheet: Sheet, item: Config, statistic: str, group: str) -> Cell:
    """Return a median or a limit; what was not reached is said in the house's word."""
    ask = Ask(
        statistic,
        {"statistic": "median_time", "group": group},
        decimals=item.get("decimals", {}),
    )
    record = sheet.printer.row(ask)
    if record is None:
        return EMPTY
    if record["estimate"] is None:
        why = str(record["not_estimable"] or "no value").rstrip(".")
        mark = sheet.notes.letter(f"Not reached: {lower_first(why)}.")
        text = sheet.printer.house.not_reached
        return Cell(text, (str(record["row_id"]),), mark)
    return sheet.cell(ask)


def _log_rank(sheet: Sheet, item: Config, columns: Mapping[str, str]) -> list[Row]:
    body = []
    for test in find(sheet.rows, statistic="log_rank_test"):
        ask = Ask(
            "p_value", {"row_id": test["row_id"]}, decimals=item.get("decimals", {})
        )
        made = [*[EMPTY] * (len(columns) - 1), sheet.cell(ask)]
        body.append(sheet.line(item.get("label", "Log-rank test, p-value"), made))
    return body


def _curve(sheet: Sheet, item: Config, columns: Mapping[str, str]) -> list[Row]:
    listed = find(sheet.rows, statistic="survival_probability")
    if not listed:
        return []
    body = [sheet.heading(item.get("label", "Without the event at"))]
    for time in distinct(listed, "subgroup"):
        where = {"statistic": "survival_probability", "subgroup": time}
        decimals = {"estimate": 3, "limits": 3, **item.get("decimals", {})}
        ask = Ask("estimate_ci", where, decimals=decimals)
        made = [sheet.cell(ask.at(group=group)) for group in columns]
        body.append(sheet.line(str(time), made, indent=1))
    return body
