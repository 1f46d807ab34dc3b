"""Draft the table of subjects: treatment, variables, analysis sets."""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from trialstats.describe.arms import Arms
from trialstats.describe.covariates import draft_variables, end_of_study, recoded
from trialstats.describe.crossover import Crossover
from trialstats.describe.parameters import reference, roles_of, tidy
from trialstats.describe.rows import twins
from trialstats.describe.sheet import Sheet
from trialstats.describe.standards import CHARACTERISTICS, SETS, standard_name
from trialstats.describe.study import Study
from trialstats.describe.subjects import Table
from trialstats.describe.words import in_no_arm


def draft_treatment(study: Study, group: Arms | Crossover) -> tuple[int, str]:
    """Write the variable of the arm or of the sequence; return where it stands."""
    sheet = study.sheet
    sheet.put(("adsl",), {"from": study.names[study.main], "subject": study.subject})
    if not study.subjects.once:
        sheet.put(("adsl", "repeated"), True)
    place = study.tables.index(group.table)
    spec: dict[str, Any] = {"column": group.column}
    if place != study.main:
        spec = {"source": study.names[place], **spec}
    if isinstance(group, Crossover):
        name, text = "TRTSEQP", "Planned sequence of treatments"
        if group.column == group.treatment:
            spec |= {"take": "first", "by": group.period}
    else:
        name, text = "TRT01P", "Planned treatment for period 01"
    spec["label"] = text
    if group.names != {value: value for value in group.names}:
        spec["recode"] = group.names
    evidence = "" if isinstance(group, Crossover) else group.evidence
    sheet.put(("adsl", "variables", name), spec, guess=evidence)
    if isinstance(group, Arms) and place == study.main:
        _subjects_in_arms(study, group)
    study.used[place].add(group.column)
    if isinstance(group, Arms):
        _doses(sheet, group)
    elif group.starts:
        _periods(study, group)
        study.used[place] |= set(group.starts)
    return place, group.column


def _subjects_in_arms(study: Study, arms: Arms) -> None:
    """Write who is a subject, where the file has those who were in no arm."""
    column = arms.table.columns[arms.column]
    name = reference(arms.column)
    if arms.outside:
        listed = ", ".join(repr(level) for level in arms.outside)
        one = len(arms.outside) == 1
        where = f"{name} != {listed}" if one else f"{name} not in ({listed})"
    elif column.missing and standard_name(column.name, column.label) == "ARM":
        where = f"present({name})"
    else:
        return
    variables = study.sheet.config["adsl"].pop("variables")
    guess = "the others were in no arm"
    study.sheet.put(("adsl", "where"), where, guess=guess)
    study.sheet.put(("adsl", "variables"), variables)


def _periods(study: Study, crossover: Crossover) -> None:
    """Write the first day of each period; that of the first starts treatment."""
    names = [f"AP{n:02d}SDT" for n in range(1, len(crossover.starts) + 1)]
    study.sheet.put(("periods",), names)
    labels = [f"Period {n:02d} start date" for n in range(1, len(names) + 1)]
    columns = [*crossover.starts, crossover.starts[0]]
    labels.append("Date of first exposure to treatment")
    for name, text, column in zip([*names, "TRTSDT"], labels, columns, strict=True):
        spec = {"column": column, "type": "date", "label": text}
        study.sheet.put(("adsl", "variables", name), spec)


def _doses(sheet: Sheet, arms: Arms) -> None:
    """Write doses where a column of numbers that count no levels goes with the arms."""
    column = arms.table.columns[arms.column]
    if len(column.levels) < 3 or column.numeric:
        return
    for other in arms.table.columns.values():
        if other is column or other.numbers is None or not twins(column, other):
            continue
        pairs = pd.DataFrame({"arm": column.cells, "dose": other.numbers}).dropna()
        pairs = pairs[pairs["arm"].isin(list(arms.names))]
        doses: dict[str, float] = dict(pairs.drop_duplicates().itertuples(index=False))
        values = sorted(doses.values())
        if values in ([*range(len(values))], [*range(1, len(values) + 1)]):
            continue
        named = {arms.names[a]: tidy(d) for a, d in doses.items()}
        ordered = dict(sorted(named.items(), key=lambda item: item[1]))
        treatments = [a for a in ordered if a != arms.control]
        sheet.put(("arms", "treatments"), treatments)
        sheet.put(("arms", "doses"), ordered, guess=f"the numbers of {other.name}")
        return


def draft_subjects(study: Study, group: tuple[int, str]) -> None:
    """Write characteristics, dates, flags and the end of the study."""
    order = [study.main, *(n for n in range(len(study.tables)) if n != study.main)]
    for place in order:
        table, used = study.tables[place], study.used[place]
        source = None if place == study.main else study.names[place]
        if place in study.closed or (place != study.main and not table.once):
            continue
        if roles_of(table) is not None:
            continue
        own = {} if place not in order else end_of_study(table)
        for variable, column in own.items():
            if column in used or variable in study.sheet.at("adsl", "variables"):
                continue
            _end(study, table, source, variable, column)
            used.add(column)
        used |= _known_elsewhere(study, place)
        own_group = group[1] if group[0] == place else None
        left = draft_variables(study.sheet, table, source, used, own_group)
        study.left_out[place] = left


def _known_elsewhere(study: Study, place: int) -> set[str]:
    """Return columns that the table of subjects has too."""
    if place == study.main:
        return set()
    return set(study.tables[place].columns) & set(study.subjects.columns)


def _end(
    study: Study, table: Table, source: str | None, variable: str, name: str
) -> None:
    column = table.columns[name]
    spec: dict[str, Any] = {"source": source} if source else {}
    spec |= {"column": name, "label": CHARACTERISTICS[variable][0]}
    if variable == "EOSDT":
        spec["type"] = "date"
    recode = recoded(column, variable) if variable == "EOSSTT" else {}
    if recode:
        spec["recode"] = recode
    guess = "who completed the study" if variable == "EOSSTT" else ""
    study.sheet.put(("adsl", "variables", variable), spec, guess=guess)


def draft_sets(study: Study, treatment: str) -> None:
    """Write the analysis sets: by the flags, or all who have a treatment."""
    variables = study.sheet.at("adsl", "variables")
    sets = {}
    for variable, spec in variables.items():
        column = str(spec.get("column"))
        found = study.subjects.columns.get(column)
        words = (found.label or "") if found else ""
        flag = standard_name(column, words) or variable
        completers = re.match(r"Completers.*?(\d*)(?: Population)? Flag", words)
        if flag in SETS:
            sets[SETS[flag]] = f"{variable} == 'Y'"
        elif completers:
            sets[f"COMP{completers[1]}"[:6]] = f"{variable} == 'Y'"
        elif words.lower().endswith("population flag"):
            sets[flag.removesuffix("FL")[:6]] = f"{variable} == 'Y'"
    sheet = study.sheet
    if not sets:
        sheet.put(("analysis_sets", "ITT"), f"present({treatment})", guess="everybody")
        if "TRTSDT" in variables and _tells_more(study, treatment):
            sheet.put(("analysis_sets", "Safety"), "present(TRTSDT)", guess="treated")
    else:
        for name, condition in sets.items():
            sheet.put(("analysis_sets", name), condition)
    if "EOSSTT" in variables and "COMPL" not in sets:
        sheet.put(("analysis_sets", "COMPL"), "EOSSTT == 'COMPLETED'")


def _tells_more(study: Study, treatment: str) -> bool:
    """Return whether those treated are a set of use: for events, or not everybody."""
    if study.sheet.at("adae"):
        return True
    variables = study.sheet.at("adsl", "variables")
    assigned, treated = (_who_has(study, variables[v]) for v in (treatment, "TRTSDT"))
    return not assigned <= treated


def _who_has(study: Study, spec: Mapping[str, Any]) -> set[object]:
    """Return the subjects that have a variable, those without an arm left out."""
    own = study.names[study.main]
    table = study.tables[study.names.index(spec.get("source", own))]
    cells = table.columns[spec["column"]].cells
    held = cells.notna() & ~cells.map(in_no_arm, na_action="ignore").eq(True)
    if table.subject is None:
        return set(cells.index[held])
    return set(table.columns[table.subject].cells[held])
