"""Any rows of the estimates: each row and each column says which and what of them."""

from collections.abc import Mapping
from typing import Any

from trialstats.records import distinct, find
from trialstats.table_templates import OF_ONE_ROW
from trialstats.tables.table import EMPTY, Cell, Column, Row
from trialstats.tables.templates.printing import Ask
from trialstats.tables.templates.sheet import Config, Sheet


def estimates_layout(sheet: Sheet) -> tuple[list[Column], list[Row]]:
    """Lay out cells that meet the conditions of the table, their row and column."""
    columns: dict[str, Config] = {
        name: {"label": one} if isinstance(one, str) else one or {}
        for name, one in sheet.spec["columns"].items()
    }
    heads = [Column(sheet.spec.get("stub", ""), "left")]
    for name, column in columns.items():
        size: tuple[str, tuple[str, ...]] = ("", ())
        group = column.get("where", {}).get("group")
        if column.get("size") and group:
            size = sheet.size(group)
        label = f"{column.get('label', name)} {size[0]}".strip()
        spanner = column.get("spanner", "")
        heads.append(Column(label, spanner=spanner, rows=size[1]))
    body: list[Row] = []
    headed = False
    for item in sheet.items():
        if "heading" in item:
            headed = True
            body.append(sheet.heading(item["heading"]))
        if "row" in item:
            body.append(_row(sheet, item, columns, indent=int(headed)))
    return heads, body


def _row(
    sheet: Sheet, item: Config, columns: Mapping[str, Config], *, indent: int
) -> Row:
    made = []
    for name, column in columns.items():
        own = item.get("cells", {}).get(name, {})
        if own is None:
            made.append(EMPTY)
            continue
        made.append(_cell(sheet, item, name, column, own))
    if not any(cell.rows for cell in made) and not sheet.failed:
        _nothing(sheet, item)
    return sheet.line(item.get("label", item["row"]), made, indent=indent)


def _cell(sheet: Sheet, item: Config, name: str, column: Config, own: Config) -> Cell:
    merged: dict[str, Any] = {**item, **column, **own}
    where = {
        **({"analysis": item["analysis"]} if "analysis" in item else {}),
        **sheet.spec.get("where", {}),
        **item.get("where", {}),
        **column.get("where", {}),
        **own.get("where", {}),
    }
    how = merged.get("print", "estimate")
    if how in OF_ONE_ROW and "statistic" not in where:
        return EMPTY
    ask = Ask(
        how,
        where,
        of=merged.get("of", ""),
        form=merged.get("form", "natural"),
        turned=bool(merged.get("turned", sheet.spec.get("turned", False))),
        suffix=merged.get("suffix", ""),
        decimals={
            **column.get("decimals", {}),
            **item.get("decimals", {}),
            **own.get("decimals", {}),
        },
    )
    return sheet.cell(ask)


def _nothing(sheet: Sheet, item: Config) -> None:
    """Raise for a row that finds nothing, with what there is."""
    rows = sheet.rows
    if "analysis" in item:
        rows = find(rows, analysis=item["analysis"])
    wanted = item.get("where", {})
    for column, value in wanted.items():
        known = distinct(rows, column) if column in rows[0] else []
        if value is not None and value not in known:
            sheet.refuse("rows", column, value, known)
    sheet.refuse("rows", "estimate for", item["row"], distinct(rows, "statistic"))
