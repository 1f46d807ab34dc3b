"""Proportions of participants with a response, and their comparison."""

from collections.abc import Mapping

from trialstats.records import find
from trialstats.tables.table import EMPTY, Column, Row
from trialstats.tables.templates.means import comparison_rows
from trialstats.tables.templates.printing import Ask
from trialstats.tables.templates.sheet import GROUP_TESTS, Config, Sheet

_USUAL = (
    *("analysed", "with_data", "events", "risk"),
    *("risk_difference", "risk_ratio", "odds_ratio"),
)

#: Row -> statistic, words and what it prints when the table does not say.
_COUNTS = {
    "analysed": ("n_analysed", "Participants analysed", "count"),
    "with_data": ("n_with_data", "Participants with data", "count"),
    "events": ("events", "With the event, n (%)", "count_percent"),
    "risk": ("risk", "Percentage ({ci})", "estimate_ci"),
}
_EFFECTS = {
    "risk_difference": "Risk difference versus {}, percentage points",
    "risk_ratio": "Risk ratio versus {}",
    "odds_ratio": "Odds ratio versus {}",
}
_TESTS = {
    "chi_square_test": "Chi-square test, p-value",
    "fisher_test": "Fisher's exact test, p-value",
}


def responder_layout(sheet: Sheet) -> tuple[list[Column], list[Row]]:
    """Lay out both numbers, the events, then the absolute and the relative effects."""
    columns = sheet.columns()
    tests = [r for r in sheet.rows if r["statistic"] in GROUP_TESTS]
    body: list[Row] = []
    for item in sheet.items([*_USUAL, *(["test"] if tests else [])]):
        if "heading" in item:
            body.append(sheet.heading(item["heading"]))
        name = item.get("row")
        if name in _COUNTS:
            body.append(_count_row(sheet, item, columns))
        elif name == "test":
            for test in tests:
                cell = sheet.cell(Ask("p_value", {"row_id": test["row_id"]}))
                made = [*[EMPTY] * (len(columns) - 1), cell]
                usual = _TESTS.get(str(test["statistic"]), "p-value")
                body.append(sheet.line(item.get("label", usual), made))
        elif name in _EFFECTS and find(sheet.rows, statistic=name):
            body += comparison_rows(
                sheet,
                item,
                columns,
                measure=name,
                default=("estimate_ci", "p_value"),
                words=_EFFECTS[name],
            )
    return sheet.heads(columns, ""), body


def _count_row(sheet: Sheet, item: Config, columns: Mapping[str, str]) -> Row:
    statistic, words, usual = _COUNTS[item["row"]]
    how = item.get("statistics", [usual])[0]
    ask = Ask(how, {"statistic": statistic}, decimals=item.get("decimals", {}))
    made = [sheet.cell(ask.at(group=group)) for group in columns]
    label = item.get("label", words.replace("{ci}", sheet.interval))
    return sheet.line(label, made)
