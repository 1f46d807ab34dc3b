"""Draft the measurements: wide and long tables, analysis datasets, crossovers."""

import re
from typing import Any

import numpy as np

from trialstats.describe.columns import DATED, WHOLE, WORDS, Column
from trialstats.describe.covariates import units_of
from trialstats.describe.crossover import Crossover
from trialstats.describe.families import families_of, parameter_name
from trialstats.describe.parameters import Roles, parameters_of, roles_of, tidy
from trialstats.describe.rows import Value, logarithms, scored, values_of
from trialstats.describe.study import Study
from trialstats.describe.visits import visits_of
from trialstats.describe.windows import windows_of
from trialstats.describe.words import (
    BASELINE,
    CONCENTRATION,
    OUTCOME,
    code,
    label,
    says,
    yes_no,
)

_NO_UNIT = "the unit; no file says it"


def draft_measurements(study: Study, crossover: Crossover | None) -> None:
    """Write the parameters of every table, and mark the columns that they take."""
    for place, table in enumerate(study.tables):
        if place in study.closed:
            continue
        roles = roles_of(table)
        if roles is not None:
            _analysis_data(study, place, roles)
        elif crossover and crossover.wide and table is crossover.table:
            _one_column_a_treatment(study, place, crossover)
        elif crossover and crossover.treatment and table is crossover.table:
            _one_row_a_period(study, place, crossover)
        elif table.once and place == study.main:
            _wide(study, place)
        elif not table.once:
            _long(study, place, crossover)


def _put(
    study: Study, name: str, spec: dict[str, Any], evidence: str, unit: bool = True
) -> None:
    study.sheet.put(("bds", name), spec, guess=evidence)
    if unit:
        study.sheet.remark(("bds", name), f"guess: {_NO_UNIT}")


def _analysis_data(study: Study, place: int, roles: Roles) -> None:
    table, source = study.tables[place], study.names[place]
    taken = set(study.sheet.at("bds"))
    for name, (spec, evidence) in parameters_of(table, roles, source, taken).items():
        _put(study, name, spec, evidence, unit=spec["unit"] == "points")
    study.used[place] |= set(table.columns)


def _one_column_a_treatment(study: Study, place: int, crossover: Crossover) -> None:
    columns = list(crossover.wide)
    stem = columns[0]
    if "names" in crossover.evidence:
        stem = re.split(r"[._ -]", columns[0])[0]
    name, text = parameter_name(stem, study.sheet.at("bds"))
    visits = {
        column: {"visit": "End of period", "number": 1, "treatment": treatment}
        for column, treatment in crossover.wide.items()
    }
    spec = {
        "label": text,
        "unit": "points",
        "from": study.names[place],
        "visits": {"columns": visits},
    }
    _put(study, name, spec, f"{', '.join(columns)}: one treatment each")
    study.used[place] |= set(columns)


def _one_row_a_period(study: Study, place: int, crossover: Crossover) -> None:
    table = study.tables[place]
    named = {name for name in (crossover.treatment, crossover.period) if name}
    used = study.used[place] | named
    values, _ = values_of(table, None, used)
    logs = logarithms([v.column for v in values])
    base = next((v.column.name for v in values if says(v.column.name, BASELINE)), None)
    for value in values:
        column = value.column
        if column.name == base or not column.numeric or len(column.levels) < 3:
            continue
        name = code(column.name, study.sheet.at("bds"))
        spec: dict[str, Any] = {
            "label": column.label or label(column.name),
            "unit": "points",
            "from": study.names[place],
            "value": {"column": column.name},
            "visits": {"visit": "End of period", "period": crossover.period},
        }
        if base:
            spec["baseline"] = {"column": base}
        spec["treatment"] = {"column": crossover.treatment}
        if crossover.treatment_names != {v: v for v in crossover.treatment_names}:
            spec["treatment"]["recode"] = crossover.treatment_names
        evidence = value.evidence
        if column.name in logs:
            spec["unit"] = "log"
            evidence = f"the natural logarithm of {logs[column.name]}"
        elif base:
            evidence += f"; {base} is the baseline of the period"
        elif column.name in logs.values() or _is_concentration(column):
            study.exposures.append(name)
        _put(study, name, spec, evidence, unit=column.name not in logs)
    study.used[place] |= {v.column.name for v in values}
    study.used[place] |= named


def _is_concentration(column: Column) -> bool:
    """Return whether a name says a concentration or an area, and all are positive."""
    named = says(column.name, CONCENTRATION) or says(column.label or "", CONCENTRATION)
    return named and column.numeric and bool(np.nanmin(column.values) > 0)


def _wide(study: Study, place: int) -> None:
    """Write families of columns, and outcomes with one column."""
    table, used = study.tables[place], study.used[place]
    free = used | ({table.subject} if table.subject else set())
    for family in families_of(list(table.columns.values()), free):
        name, text = parameter_name(family.stem, study.sheet.at("bds"))
        visits = {
            column: {"visit": visit, "number": tidy(number)}
            for column, (visit, number) in family.members.items()
        }
        spec: dict[str, Any] = {
            "label": text,
            "unit": "points",
            "from": study.names[place],
            "visits": {"columns": visits},
        }
        if family.baseline:
            spec["baseline"] = family.baseline
        _put(study, name, spec, family.evidence)
        used |= set(family.members)
    for column in table.columns.values():
        if column.name in used or column.name == table.subject:
            continue
        found = _outcome(column)
        if found is not None:
            _single(study, place, column, *found)


def _outcome(column: Column) -> tuple[dict[str, Any], str, str] | None:
    """Return value, unit and evidence of a column with one outcome a subject."""
    if len(column.levels) == 2 and says(column.name, OUTCOME):
        recode = scored(column.levels)
        numbers = {"column": column.name, "recode": recode}
        return numbers, "1 = yes", f"named as an outcome, {column.evidence}"
    if column.kind == WHOLE and column.numbers is not None and len(column.levels) > 3:
        counts = column.cells.value_counts()
        often = int(counts.max()) == int(counts.get("0", 0))
        if (
            np.nanmin(column.numbers) == 0
            and often
            and np.nanmax(column.numbers) < 1000
        ):
            value = {"column": column.name, "type": "integer"}
            return value, "events", "a count: whole numbers from 0, most often 0"
    return None


def _single(
    study: Study,
    place: int,
    column: Column,
    value: dict[str, Any],
    unit: str,
    evidence: str,
) -> None:
    name = code(column.name, study.sheet.at("bds"))
    spec = {
        "label": column.label or label(column.name),
        "unit": unit,
        "from": study.names[place],
        "value": value,
        "visits": {"visit": "End of study"},
    }
    _put(study, name, spec, evidence, unit=False)
    study.used[place].add(column.name)


def _long(study: Study, place: int, crossover: Crossover | None) -> None:
    """Write the values of a table with several rows a subject."""
    table, used = study.tables[place], study.used[place]
    everything = np.ones(table.rows, dtype=bool)
    found = visits_of(table, table.subject_ids, used, everything)
    visit = found.column if found else None
    dates = [
        c
        for c in table.columns.values()
        if c.kind == DATED and c.name not in used and not table.constant(c)
    ]
    values, other = values_of(table, visit, used)
    windows = None
    if dates and (found is None or (crossover and crossover.starts)):
        windows = windows_of(study, table, dates[0], visit, crossover)
    if found is None and windows is None:
        return
    for value in values:
        if value.column.name in (visit, *(d.name for d in dates)):
            continue
        if value.column.kind == WORDS and yes_no(value.column.levels) is None:
            continue
        spec = _value(study, place, value)
        if dates:
            spec["date"] = {"column": dates[0].name}
        evidence = value.evidence
        if windows is not None:
            spec["visits"], how, summary = windows
            spec |= summary
            spec["baseline"] = "Baseline"
            evidence += f"; {how}"
        elif found is not None:
            spec["visits"] = {
                "column": found.column,
                "names": {
                    name: {"number": tidy(number)}
                    if name == received
                    else {"number": tidy(number), "received": received}
                    for name, (number, received) in found.names.items()
                },
            }
            if value.baseline:
                spec["baseline"] = {"column": value.baseline}
                evidence += f"; {value.baseline} is its baseline"
            elif found.baseline:
                spec["baseline"] = found.baseline
        name = code(value.column.name, study.sheet.at("bds"))
        _put(study, name, spec, evidence, unit=spec["unit"] == "points")
        used |= {value.column.name, *([value.baseline] if value.baseline else [])}
    used |= {*other, *([visit] if visit else []), *(d.name for d in dates)}
    for column, what in other.items():
        if column in [d.name for d in dates[:1]]:
            continue
        study.sheet.remark(("bds",), f"{column} is left out: {what}")


def _value(study: Study, place: int, value: Value) -> dict[str, Any]:
    table, column = study.tables[place], value.column
    cells: dict[str, Any] = {"column": column.name}
    unit = "points"
    if value.recode:
        cells["recode"], unit = value.recode, "1 = yes"
    if (units := units_of(table).get(column.name)) is not None:
        unit = units[1]
        cells["units"] = {"column": units[0]}
        study.used[place].add(units[0])
    return {
        "label": column.label or label(column.name),
        "unit": unit,
        "from": study.names[place],
        "value": cells,
    }
