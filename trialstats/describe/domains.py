"""Draft what two domains of SDTM hold: exposure (EX) and disposition (DS)."""

from typing import Any

from trialstats.describe.columns import DATED, Column
from trialstats.describe.parameters import reference
from trialstats.describe.standards import CHARACTERISTICS, LABELS
from trialstats.describe.study import Study
from trialstats.describe.subjects import Table
from trialstats.describe.words import in_no_arm, says

_LABELS = {variable: text.capitalize() for text, variable in LABELS.items()}


def draft_domains(study: Study) -> None:
    """Write first and last treatment and the end of the study, where a domain has them.

    Nothing else is drafted of such a table; what it has besides is named as not used.
    """
    others = [(n, t) for n, t in enumerate(study.tables) if n != study.main]
    for place, table in others:
        if (dates := _exposure(table)) is not None:
            _first_and_last(study, place, *dates)
    for place, table in others:
        if (found := _disposition(table)) is not None:
            _end(study, place, *found)


def _exposure(table: Table) -> tuple[Column, Column] | None:
    """Return start and end of each treatment, None where a table has none."""
    columns = table.columns
    start = columns.get("EXSTDTC")
    if start is None or not {"EXTRT", "EXDOSE"} & set(columns) or start.kind != DATED:
        return None
    end = columns.get("EXENDTC")
    return start, end if end is not None and end.kind == DATED else start


def _first_and_last(study: Study, place: int, start: Column, end: Column) -> None:
    """Write the dates of the first and the last treatment."""
    for variable, column, take in (
        ("TRTSDT", start, "lowest"),
        ("TRTEDT", end, "highest"),
    ):
        spec: dict[str, Any] = {
            "source": study.names[place],
            "column": column.name,
            "take": take,
            "type": "date",
            "label": _LABELS[variable],
        }
        guess = ""
        if column.partial:
            part = "first" if variable == "TRTSDT" else "last"
            spec["partial"] = {"month": part, "day": part}
            guess = "dates without a day or a month are put as wide as they can be"
        study.sheet.put(("adsl", "variables", variable), spec, guess=guess)
        study.used[place].add(column.name)
    study.closed.add(place)


def _disposition(table: Table) -> tuple[Column, str] | None:
    """Return what became of subjects, and the category that says disposition."""
    columns = table.columns
    category = columns.get("DSCAT")
    what = columns.get("DSDECOD") or columns.get("DSTERM")
    if category is None or what is None or not what.levels:
        return None
    named = [level for level in category.levels if says(level, {"disposition"})]
    return (what, named[0]) if len(named) == 1 else None


def _end(study: Study, place: int, what: Column, category: str) -> None:
    """Write status, reason and date of the end of the study."""
    columns = study.tables[place].columns
    rows = f"DSCAT == {category!r}"
    chosen = columns["DSCAT"].cells == category
    phase = columns.get("DSSCAT")
    if phase is not None:
        # A subject may end the treatment first and the study later.
        whole = [v for v in phase.levels if says(v, {"study"}) and _whole_study(v)]
        if len(whole) == 1:
            rows += f" and DSSCAT == {whole[0]!r}"
            chosen &= phase.cells == whole[0]
    levels = sorted(what.cells[chosen].dropna().unique())
    if "where" in study.sheet.at("adsl"):
        levels = [level for level in levels if not in_no_arm(level)]
    completed = [level for level in levels if "complet" in level.lower()]
    if len(completed) != 1:
        return
    date = columns.get("DSSTDTC")
    dated = date is not None and date.kind == DATED and not date.partial
    by = "DSSTDTC" if dated else "DSSEQ" if "DSSEQ" in columns else None
    common: dict[str, Any] = {"source": study.names[place], "column": what.name}
    last: dict[str, Any] = {"take": "last", **({"by": by} if by else {})}
    status = {level: "DISCONTINUED" for level in levels} | {completed[0]: "COMPLETED"}
    reason = f"{rows} and {reference(what.name)} != {completed[0]!r}"
    several = bool((chosen.groupby(study.tables[place].subject_ids).sum() > 1).any())
    guess = "of several rows of a subject the last one counts" if several else ""
    variables = ("adsl", "variables")
    study.sheet.put(
        (*variables, "EOSSTT"),
        common
        | {"where": rows, **last, "label": CHARACTERISTICS["EOSSTT"][0]}
        | {"recode": status},
        guess=guess,
    )
    study.sheet.put(
        (*variables, "DCSREAS"),
        common | {"where": reason, **last, "label": CHARACTERISTICS["DCSREAS"][0]},
    )
    if dated:
        spec = {"source": study.names[place], "column": "DSSTDTC", "where": rows}
        spec |= {"take": "highest", "type": "date"}
        study.sheet.put(
            (*variables, "EOSDT"), spec | {"label": CHARACTERISTICS["EOSDT"][0]}
        )
    study.used[place] |= {what.name, "DSCAT", *([by] if by else [])}
    study.used[place] |= {"DSSCAT"} if "DSSCAT" in rows else set()
    study.closed.add(place)


def _whole_study(category: str) -> bool:
    """Return whether a category speaks of the study and not of the treatment."""
    return not says(category, {"treatment", "drug", "medication"})
