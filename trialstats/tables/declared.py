"""Tables that a trial's configuration declares: their names, and how each is made."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from trialstats.errors import DataError
from trialstats.records import Record, distinct, records
from trialstats.table_templates import AS_BY_DEFAULT
from trialstats.tables.adverse_events import PARTS, adverse_events_table
from trialstats.tables.event_style import REPORT, STUDY_REPORT
from trialstats.tables.houses import HOUSES
from trialstats.tables.participants import labels_of
from trialstats.tables.specification import (
    estimand_lines,
    left_out_lines,
    specification,
)
from trialstats.tables.subtitles import trial_subtitle
from trialstats.tables.table import Cell, Column, Row, Table
from trialstats.tables.templates import LAYOUTS, Sheet, listing_layout, sheet_of
from trialstats.tables.templates.sheet import mark_letter, numbered
from trialstats.vocabulary import AVERAGE_OVER_VISITS

Config = Mapping[str, Any]

#: Tables of the cleaning of a trial, in the order of the report.
CLEANING = ("account", "changes", "quality", "queries", "set_aside", "dictionary")

#: Tables that describe the participants of any trial.
DESCRIBING = ("baseline", "disposition")

#: Abbreviations that a footnote spells out where a label has them.
_SPELT_OUT = {
    "SD": "standard deviation",
    "SE": "standard error",
    "CI": "confidence interval",
    "LS": "least squares",
}


def analyses_of_table(spec: Config) -> list[str]:
    """Return the analyses that a declared table is made from.

    >>> analyses_of_table({"analysis": "main"}), analyses_of_table({})
    (['main'], [])
    """
    named = spec.get("analysis", [])
    return [named] if isinstance(named, str) else list(named)


def table_names(trial: Config) -> list[str]:
    """Return the names of all tables of a trial, in the order of print.

    Parameters
    ----------
    trial : mapping
        Configuration of the trial.

    Returns
    -------
    list of str
        The declared tables, one for each analysis that none of them is made from, and
        those that describe the participants and the cleaning.

    >>> trial = {"analyses": {"a": {}, "b": {}}, "tables": {"t1": {"analysis": "a"}}}
    >>> table_names(trial)[:4]
    ['t1', 'b', 'baseline', 'disposition']
    """
    declared = trial.get("tables", {})
    covered = {name for spec in declared.values() for name in analyses_of_table(spec)}
    others = [name for name in trial["analyses"] if name not in covered]
    return [*declared, *others, *DESCRIBING, *CLEANING]


def listed_datasets(trial: Config) -> list[str]:
    """Return the datasets that the listings of a trial print.

    >>> listed_datasets({"tables": {"l1": {"dataset": "adae"}, "t1": {}}})
    ['adae']
    """
    specs = trial.get("tables", {}).values()
    return list(dict.fromkeys(s["dataset"] for s in specs if "dataset" in s))


def declared_table(
    rows: pd.DataFrame,
    *,
    trial: Config,
    name: str,
    usual: Callable[[pd.DataFrame, Config, str], Table],
    datasets: Mapping[str, pd.DataFrame] | None = None,
) -> Table:
    """Make a table that the configuration of a trial declares.

    Parameters
    ----------
    rows : DataFrame
        All rows of the trial, schema `ESTIMATES`.
    trial : mapping
        Configuration of the trial, with its name under ``id``.
    name : str
        Name of the table, a key of ``tables``.
    usual : callable
        Makes the table that an analysis has by default.
    datasets : mapping of str to DataFrame, optional
        Analysis datasets, for listings.

    Raises
    ------
    ConfigError
        When the table names a row, a column or a statistic that the rows do not have.
    DataError
        When there are no rows of its analyses, or no dataset to list.
    """
    spec = trial["tables"][name]
    if spec["template"] == "listing":
        return _listing(trial, name, datasets or {})
    wanted = analyses_of_table(spec)
    found = [rows[rows["analysis"] == analysis] for analysis in wanted]
    for analysis, part in zip(wanted, found, strict=True):
        if part.empty:
            raise DataError(f"there are no rows of the analysis {analysis!r}")
    if spec["template"] in AS_BY_DEFAULT:
        if spec["template"] == "adverse_events":
            return _dressed(_events(found[0], trial, name), trial, name)
        return _dressed(usual(found[0], trial, wanted[0]), trial, name)
    sheet = sheet_of(trial, name, [r for part in found for r in records(part)])
    columns, body = LAYOUTS[spec["template"]](sheet)
    made = Table(
        id=f"{trial['id']}_{name}",
        title=_title(trial, spec, name),
        subtitle=trial_subtitle(trial, sheet.rows, _population(sheet.rows)),
        columns=tuple(_headed(column, sheet) for column in columns),
        rows=tuple(body),
        preface=tuple(_preface(sheet, wanted, _printed(body))),
        footnotes=_footnotes(sheet, columns, body),
        source=_source(trial, spec, wanted),
    )
    return _numbered(made, trial, spec)


def _title(trial: Config, spec: Config, name: str) -> str:
    named = analyses_of_table(spec)
    usual = trial["analyses"].get(named[0], {}).get("title") if named else None
    return str(spec.get("title", usual or name))


def _population(rows: Sequence[Record]) -> str | None:
    sets = distinct(rows, "analysis_set")
    return str(sets[0]) if len(sets) == 1 else None


def _numbered(table: Table, trial: Config, spec: Config) -> Table:
    """Return a table with the lines above it in the layout of a study report."""
    return replace(
        table,
        number=spec.get("number", ""),
        population=f"Population: {spec['population']}" if "population" in spec else "",
        protocol=f"Protocol: {trial['trial']}",
    )


def _source(trial: Config, spec: Config, analyses: Iterable[str]) -> str:
    files = [f"results/estimates/trial/{trial['id']}/{a}.parquet" for a in analyses]
    return "; ".join([*([spec["source"]] if "source" in spec else []), *files])


def _heads(spec: Config) -> dict[str, str]:
    """Return the heads of columns by their names."""
    return {
        name: one if isinstance(one, str) else (one or {}).get("label", name)
        for name, one in spec.get("columns", {}).items()
    }


def _events(rows: pd.DataFrame, trial: Config, name: str) -> Table:
    spec = trial["tables"][name]
    parts = [r if isinstance(r, str) else r["row"] for r in spec.get("rows", ())]
    return adverse_events_table(
        rows,
        trial=trial,
        analysis=analyses_of_table(spec)[0],
        parts=parts or PARTS,
        style=STUDY_REPORT if spec.get("style", "csr") == "csr" else REPORT,
        labels=_heads(spec),
    )


def _dressed(table: Table, trial: Config, name: str) -> Table:
    """Return the table of an analysis with the number, title and notes declared."""
    spec = trial["tables"][name]
    own = [("", line) for line in spec.get("footnotes", ())]
    heads = _heads(spec) if spec["template"] != "adverse_events" else {}
    made = replace(
        table,
        id=f"{trial['id']}_{name}",
        title=spec.get("title", table.title),
        columns=tuple(_renamed(column, heads) for column in table.columns),
        footnotes=(*own, *table.footnotes),
        source=_source(trial, spec, analyses_of_table(spec)),
    )
    return _numbered(made, trial, spec)


def _renamed(column: Column, heads: Mapping[str, str]) -> Column:
    """Return a column whose head, but for the size of its group, is another one."""

    def named(text: str) -> str:
        group, size, rest = text.partition(" (N = ")
        return f"{heads[group]}{size}{rest}" if group in heads else text

    return replace(column, label=named(column.label), spanner=named(column.spanner))


def _listing(trial: Config, name: str, datasets: Mapping[str, pd.DataFrame]) -> Table:
    spec = trial["tables"][name]
    wanted = spec["dataset"]
    if wanted not in datasets:
        known = ", ".join(datasets) or "none was given"
        raise DataError(f"table {name!r} lists {wanted!r}, no such dataset: {known}")
    columns, body = listing_layout(trial, name, datasets[wanted], _heads(spec))
    made = Table(
        id=f"{trial['id']}_{name}",
        title=spec.get("title", name),
        subtitle=trial_subtitle(trial, [{"data_status": trial["data_status"]}]),
        columns=tuple(columns),
        rows=tuple(body),
        footnotes=tuple(("", line) for line in spec.get("footnotes", ())),
        source="; ".join(
            [
                *([spec["source"]] if "source" in spec else []),
                f"results/datasets/{trial['id']}/{wanted}.parquet",
            ]
        ),
    )
    return _numbered(made, trial, spec)


def _headed(column: Column, sheet: Sheet) -> Column:
    """Return a column; marks of footnotes stay in its head as the house has them."""
    if sheet.printer.house.marks_in_text:
        return column
    label = re.sub(
        r"\s?\[(\d+)\]", lambda m: f" ({mark_letter(int(m.group(1)))})", column.label
    )
    return replace(column, label=label)


def _printed(body: Sequence[Row]) -> set[str]:
    return {row_id for row in body for cell in row.cells for row_id in cell.rows}


def _preface(
    sheet: Sheet, analyses: Sequence[str], printed: set[str]
) -> list[tuple[str, Cell]]:
    """Return estimand, scale, model and fit; of several analyses each by its title.

    What an analysis has in common with the one before it is not printed again.
    """
    lines: list[tuple[str, Cell]] = []
    current: dict[str, list[Cell]] = {}
    for analysis in analyses:
        said: dict[str, list[Cell]] = {}
        label = ""
        for name, cell in _of_analysis(sheet, analysis, printed):
            label = name or label
            said.setdefault(label, []).append(cell)
        if len(analyses) > 1:
            title = sheet.trial["analyses"].get(analysis, {}).get("title", analysis)
            lines.append(("Analysis", Cell(title)))
        for name, cells in said.items():
            if [c.text for c in cells] == [c.text for c in current.get(name, [])]:
                continue
            lines += [(name if n == 0 else "", cell) for n, cell in enumerate(cells)]
        current |= said
    return lines


def _of_analysis(
    sheet: Sheet, analysis: str, printed: set[str]
) -> list[tuple[str, Cell]]:
    rows = [r for r in sheet.rows if r["analysis"] == analysis]
    settings = sheet.trial["analyses"].get(analysis, {})
    lines = estimand_lines(rows, sheet.trial, analysis) if settings else []
    code = settings.get("parameter")
    label = labels_of(sheet.trial).get(code) if code else None
    if label:
        better = sheet.trial.get("bds", {}).get(code, {}).get("better")
        text = label + (f"; {better} is better" if better else "")
        lines.append(("Scale", Cell(text)))
    if settings.get("records"):
        lines.append(("Derived records", Cell(", ".join(settings["records"]))))
    shown = [r for r in rows if r["row_id"] in printed]
    stated = [
        r
        for r in shown
        if (r["contrast"] or r["p_value"] is not None)
        and r["visit"] != AVERAGE_OVER_VISITS
    ]
    models = distinct(stated or shown, "method")
    first = "Model" if any(r["contrast"] for r in stated) else "Method"
    lines += [(first if n == 0 else "", Cell(text)) for n, text in enumerate(models)]
    lines += left_out_lines(rows)
    lines += specification(rows, sheet.notes)
    return lines


def _footnotes(
    sheet: Sheet, columns: Sequence[Column], body: Sequence[Row]
) -> tuple[tuple[str, str], ...]:
    """Return the footnotes of the configuration, then those that cells need."""
    declared = sheet.spec.get("footnotes", ())
    lines: list[tuple[str, str]] = []
    in_text = HOUSES[sheet.printer.house.name].marks_in_text
    for line in declared:
        number, _ = numbered(line)
        if number is None or in_text:
            lines.append(("", line))
    labels = [c.label for c in columns] + [row.cells[0].text for row in body]
    words = {word for text in labels for word in re.findall(r"\b[A-Z]{2}\b", text)}
    spelt = [f"{short}, {full}" for short, full in _SPELT_OUT.items() if short in words]
    if spelt:
        sheet.notes.note(f"{'; '.join(spelt)}.")
    if sheet.spec.get("turned"):
        sheet.notes.note(
            "Comparisons are of control with treatment unless a line says otherwise."
        )
    return (*lines, *sheet.notes.lines())
