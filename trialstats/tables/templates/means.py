"""Adjusted means and their differences: at one visit, and by visit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from trialstats.records import distinct, find
from trialstats.tables.table import EMPTY, Cell, Column, Row
from trialstats.tables.templates.printing import Ask
from trialstats.tables.templates.sheet import Config, Sheet
from trialstats.vocabulary import AVERAGE_OVER_VISITS

#: What is described beside the model, with its words.
BLOCKS = {
    "baseline": "Baseline",
    "value": "Value",
    "change": "Change from baseline",
}

_MOMENTS = ("n", "mean_sd", "median_range")
_COMPARED = ("estimate_se", "ci", "p_value")

#: Statistic of a comparison -> what follows its words where the table names none.
_LABELS = {"estimate": "", "estimate_se": " (SE)", "estimate_ci": " ({ci})"}


def ancova_layout(sheet: Sheet) -> tuple[list[Column], list[Row]]:
    """Lay out means at one visit: what was observed, the tests, the differences."""
    columns = sheet.columns()
    present = [b for b in BLOCKS if find(sheet.rows, statistic=f"{b}_n")]
    dose = find(sheet.rows, statistic="dose_response")
    usual = [
        *(present or ("analysed", "with_data")),
        "adjusted",
        *(["dose_response"] if dose else []),
        "comparison",
    ]
    return sheet.heads(columns, ""), _rows(sheet, sheet.items(usual), columns)


def mmrm_layout(sheet: Sheet) -> tuple[list[Column], list[Row]]:
    """Lay out means by visit, and over all visits."""
    columns = sheet.columns()
    differences = find(sheet.rows, statistic="difference")
    visits = distinct(find(sheet.rows, statistic="n_with_data"), "visit")
    visits += [v for v in distinct(differences, "visit") if v not in visits]
    usual = ["with_data", "analysed", "adjusted", "comparison"]
    body: list[Row] = []
    for visit in visits:
        at = replace(sheet, rows=find(sheet.rows, visit=visit))
        at.printer = replace(sheet.printer, rows=at.rows)
        body.append(sheet.heading(str(visit)))
        items = [
            item
            for item in sheet.items(usual)
            if visit != AVERAGE_OVER_VISITS
            or item.get("row") in ("adjusted", "comparison")
        ]
        body += _rows(at, items, columns)
    return sheet.heads(columns, "Visit"), body


def _rows(
    sheet: Sheet, items: Sequence[Config], columns: Mapping[str, str]
) -> list[Row]:
    body: list[Row] = []
    for item in items:
        if "heading" in item:
            body.append(sheet.heading(item["heading"]))
        name = item.get("row")
        if name in BLOCKS:
            body += block_rows(sheet, item, columns)
        elif name is not None:
            body += _ROWS[name](sheet, item, columns)
    return body


def block_rows(
    sheet: Sheet, item: Config, columns: Mapping[str, str], **where: object
) -> list[Row]:
    """Return the moments of baseline, value or change under their heading."""
    name = item["row"]
    label = item.get("label", BLOCKS[name])
    body = [sheet.heading(label)] if label else []
    for statistic in sheet.statistics(item, _MOMENTS):
        ask = Ask(statistic, where, of=name, decimals=item.get("decimals", {}))
        made = [sheet.cell(ask.at(group=group)) for group in columns]
        body.append(sheet.line(sheet.label(statistic), made, indent=1))
    return body


def _counted(statistic: str, words: str) -> Callable[..., list[Row]]:
    def make(sheet: Sheet, item: Config, columns: Mapping[str, str]) -> list[Row]:
        made = [
            sheet.cell(Ask("count", {"statistic": statistic, "group": group}))
            for group in columns
        ]
        return [sheet.line(item.get("label", words), made)]

    return make


def _adjusted(sheet: Sheet, item: Config, columns: Mapping[str, str]) -> list[Row]:
    body = []
    for place, statistic in enumerate(sheet.statistics(item, ("estimate_se", "ci"))):
        if statistic not in ("estimate", "se", "estimate_se", "ci", "estimate_ci"):
            continue
        ask = Ask(
            statistic, {"statistic": "ls_mean"}, decimals=item.get("decimals", {})
        )
        made = [sheet.cell(ask.at(group=group)) for group in columns]
        words = {"estimate": "LS mean", "estimate_se": "LS mean (SE)"}.get(statistic)
        label = item.get("label") if place == 0 else None
        body.append(sheet.line(label or words or sheet.label(statistic), made))
    return body


def comparison_rows(
    sheet: Sheet,
    item: Config,
    columns: Mapping[str, str],
    *,
    measure: str = "difference",
    default: Sequence[str] = _COMPARED,
    words: str = "Difference from {}",
) -> list[Row]:
    """Return what compares each group with one of them, in the group's column.

    The name of that group stands in `words` in place of the braces.
    """
    reference = item.get("reference", sheet.trial["arms"]["control"])
    contrasts = {g: sheet.contrast(g, reference) for g in columns}
    if not any(contrasts.values()) and not sheet.failed:
        known = distinct(sheet.rows, "contrast")
        sheet.refuse("rows", "comparison with", reference, known)
    body = []
    for place, statistic in enumerate(sheet.statistics(item, default)):
        ask = Ask(statistic, {"statistic": measure}, decimals=item.get("decimals", {}))
        made = [
            sheet.cell(ask.at(contrast=contrasts[g])) if contrasts[g] else EMPTY
            for g in columns
        ]
        label = item.get("label") if place == 0 else None
        label = label or compared_label(sheet, statistic, words, reference)
        body.append(sheet.line(label, made, indent=min(place, 1)))
    return body


def compared_label(sheet: Sheet, statistic: str, words: str, reference: str) -> str:
    """Return how a line of a comparison is called."""
    if statistic in sheet.spec.get("labels", {}) or statistic not in _LABELS:
        return sheet.label(statistic)
    named = words.replace("{}", reference)
    return f"{named}{_LABELS[statistic].replace('{ci}', sheet.interval)}"


def _comparison(sheet: Sheet, item: Config, columns: Mapping[str, str]) -> list[Row]:
    return comparison_rows(sheet, item, columns)


def _in_last(sheet: Sheet, cell: Cell, columns: Mapping[str, str]) -> list[Cell]:
    return [*[EMPTY] * (len(columns) - 1), cell]


def _whole(statistic: str, words: str) -> Callable[..., list[Row]]:
    """Return the maker of a test of all arms, in the last column."""

    def make(sheet: Sheet, item: Config, columns: Mapping[str, str]) -> list[Row]:
        found = find(sheet.rows, statistic=statistic)
        if not found and not sheet.failed:
            present = distinct(sheet.rows, "statistic")
            sheet.refuse("rows", "statistic", statistic, present)
        body = []
        for record in found:
            listed = sheet.statistics(item, ("p_value",))
            chosen = [s for s in listed if s in ("estimate_se", "ci", "p_value")]
            if "statistics" not in item:
                chosen = ["p_value"]
            for place, name in enumerate(chosen):
                ask = Ask(name, {"row_id": record["row_id"]})
                cell = sheet.cell(replace(ask, decimals=item.get("decimals", {})))
                label = item.get("label", words) if place == 0 else sheet.label(name)
                made = _in_last(sheet, cell, columns)
                body.append(sheet.line(label, made, indent=min(place, 1)))
        return body

    return make


_ROWS: Mapping[str, Callable[..., list[Row]]] = {
    "analysed": _counted("n_analysed", "Participants analysed"),
    "with_data": _counted("n_with_data", "Participants with data"),
    "adjusted": _adjusted,
    "comparison": _comparison,
    "dose_response": _whole("dose_response", "Dose response, p-value"),
    "interaction": _whole("interaction_test", "Interaction with treatment, p-value"),
}
