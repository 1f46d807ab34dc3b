"""Draft parameters of analysis datasets and findings: a row a parameter and visit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialstats.describe.columns import DATED, WORDS, Column
from trialstats.describe.rows import changes, twins
from trialstats.describe.standards import by_standard, sequence_of
from trialstats.describe.subjects import Table
from trialstats.describe.visits import (
    baseline_of,
    sentence_case,
    visit_names,
    visits_of,
)
from trialstats.describe.words import code, label

_DERIVATIONS = {
    "LOCF",
    "BOCF",
    "WOCF",
    "WORST",
    "BEST",
    "AVERAGE",
    "MINIMUM",
    "MAXIMUM",
}


@dataclass(frozen=True)
class Roles:
    """Columns of a table of parameters, by the variable of ADaM that each is."""

    by_variable: dict[str, str]
    evidence: str

    def __getitem__(self, variable: str) -> str | None:
        """Return the column of a variable, None where there is none."""
        return self.by_variable.get(variable)


def roles_of(table: Table) -> Roles | None:
    """Return the roles of the columns of a table of parameters, None when it is none.

    By names and labels of CDISC; what they leave open is found in the values.
    """
    columns = table.columns
    known = by_standard((c.name, c.label) for c in columns.values())
    if table.once and "PARAMCD" not in known:
        return None
    by_names = {"PARAMCD", "AVAL"} <= set(known)
    if not by_names:
        found = _parameter_columns(table)
        if found is None:
            return None
        known |= found
    if "CNSR" in known:
        return None
    _fill(table, known)
    if "AVAL" not in known:
        return None
    evidence = "" if by_names else "columns by their values, not their names"
    return Roles(known, evidence)


def _parameter_columns(table: Table) -> dict[str, str] | None:
    """Return code and name of the parameter: texts that go together, of few values."""
    words = [
        c
        for c in table.columns.values()
        if c.kind == WORDS and len(c.levels) <= 100 and not table.constant(c)
    ]
    for first in words:
        for second in words:
            coded = all(re.fullmatch(r"[A-Z][A-Z0-9]{0,7}", v) for v in first.levels)
            if first is not second and coded and twins(first, second):
                longer = np.mean([len(v) for v in second.levels])
                if longer > np.mean([len(v) for v in first.levels]):
                    return {"PARAMCD": first.name, "PARAM": second.name}
    return None


def _fill(table: Table, known: dict[str, str]) -> None:
    """Find by their values the roles that names leave open."""
    columns = table.columns
    within = _within(table, known["PARAMCD"])
    if not {"AVAL", "BASE"} <= set(known):
        found = changes(list(columns.values()), within)
        for change, (value, base) in found.items():
            if known.get("AVAL", value) == value:
                known |= {"CHG": change, "AVAL": value, "BASE": base}
                break
    dated = [c for c in columns.values() if c.kind == DATED and not table.constant(c)]
    if dated:
        known.setdefault("ADT", dated[0].name)
    for column in [c for n, c in columns.items() if n not in known.values()]:
        flags = column.levels == ["Y"] and column.missing > 0
        if column.levels and set(column.levels) <= _DERIVATIONS:
            known.setdefault("DTYPE", column.name)
        elif flags and "BASE" in known and _marks_baseline(columns, column, known):
            known.setdefault("ABLFL", column.name)
        elif flags:
            known.setdefault("ANL01FL", column.name)


def _marks_baseline(
    columns: Mapping[str, Column], flag: Column, known: Mapping[str, str]
) -> bool:
    """Return whether the value is the baseline wherever a flag stands."""
    value, base = columns[known["AVAL"]].numbers, columns[known["BASE"]].numbers
    marked = flag.cells.notna().to_numpy()
    if value is None or base is None:
        return False
    same = value[marked] == base[marked]
    return bool(same.mean() >= 0.98 and marked.mean() < 0.6)


def _within(table: Table, parameter: str) -> np.ndarray:
    """Return the number of the subject and parameter of each row."""
    pairs = pd.DataFrame(
        {"subject": table.subject_ids, "parameter": table.columns[parameter].ids}
    )
    return pairs.groupby(["subject", "parameter"]).ngroup().to_numpy()


def parameters_of(
    table: Table, roles: Roles, source: str, taken: set[str]
) -> dict[str, tuple[dict[str, object], str]]:
    """Return the parameters of a table, by their code, each with its evidence."""
    columns = table.columns
    coded = columns[str(roles["PARAMCD"])]
    analysed = np.ones(table.rows, dtype=bool)
    flag = roles["ANL01FL"]
    if flag:
        analysed = (columns[flag].cells == "Y").to_numpy()
    within = _within(table, coded.name)
    visit, numbers = _visit(table, roles, within, analysed)
    found = {}
    for level in coded.levels:
        rows = (coded.cells == level).to_numpy()
        several = len(coded.levels) > 1 or sequence_of(columns) is not None
        spec = _parameter(table, roles, source, level, rows, several)
        spec["visits"] = _visits(columns, visit, numbers, rows & analysed)
        baseline = _baseline(columns, roles, visit, rows)
        if baseline:
            spec["baseline"] = baseline
        received = {
            name: roles[name] for name in ("ANL01FL", "DTYPE", "ABLFL") if roles[name]
        }
        if received:
            spec["as_received"] = received
        name = code(level, taken)
        taken.add(name)
        found[name] = (spec, roles.evidence)
    return found


def _visit(
    table: Table, roles: Roles, within: np.ndarray, rows: np.ndarray
) -> tuple[str | None, dict[str, float]]:
    """Return the column of the visit, and the number of each visit."""
    columns = table.columns
    name, number = roles["AVISIT"] or roles["VISIT"], roles["AVISITN"]
    if not roles["AVISIT"] and not roles["VISIT"]:
        found = visits_of(table, within, set(roles.by_variable.values()), rows)
        if found is None:
            return None, {}
        return found.column, {
            received: number for number, received in found.names.values()
        }
    if roles["AVISIT"] is None:
        number = roles["VISITNUM"]
    if number is None or columns[number].numbers is None:
        return name, {}
    pairs = pd.DataFrame(
        {"name": columns[str(name)].cells, "number": columns[number].numbers}
    )
    return name, dict(pairs.dropna().groupby("name")["number"].min())


def _parameter(
    table: Table, roles: Roles, source: str, level: str, rows: np.ndarray, several: bool
) -> dict[str, object]:
    columns = table.columns
    name = _first(columns, roles["PARAM"], rows) or label(level)
    unit = _first(columns, roles["AVALU"], rows)
    written = re.fullmatch(r"(.+?)\s*\(([^()]{1,12})\)", name)
    if unit is None and written and not written[2].isdigit():
        name, unit = written[1], written[2]
    spec: dict[str, object] = {
        "label": name,
        "unit": unit or "points",
        "from": source,
        "value": {"column": roles["AVAL"]},
    }
    if several:
        spec["where"] = f"{reference(str(roles['PARAMCD']))} == {level!r}"
    if roles["ADT"]:
        spec["date"] = {"column": roles["ADT"]}
    return spec


def reference(column: str) -> str:
    """Return how an expression names a column.

    >>> reference("PARAMCD"), reference("hos.cat")
    ('PARAMCD', "col('hos.cat')")
    """
    return column if re.fullmatch(r"[A-Za-z_]\w*", column) else f"col({column!r})"


def _first(
    columns: Mapping[str, Column], name: str | None, rows: np.ndarray
) -> str | None:
    if name is None:
        return None
    values = sorted(columns[name].cells[rows].dropna().unique())
    return str(values[0]) if values else None


def _visits(
    columns: Mapping[str, Column],
    visit: str | None,
    numbers: Mapping[str, float],
    rows: np.ndarray,
) -> dict[str, object]:
    if visit is None:
        return {"visit": "End of study"}
    column = columns[visit]
    held = set(column.cells[rows].dropna())
    names = {
        name: (
            {"number": tidy(number)}
            if name == received
            else {"number": tidy(number), "received": received}
        )
        for name, (number, received) in visit_names(column, numbers).items()
        if received in held
    }
    return {"column": visit, "names": names}


def tidy(number: float) -> float | int:
    """Return a number as a whole number where it is one."""
    return int(number) if float(number).is_integer() else float(number)


def _baseline(
    columns: Mapping[str, Column], roles: Roles, visit: str | None, rows: np.ndarray
) -> object:
    held: list[str] = []
    if visit:
        held = [str(v) for v in columns[visit].cells[rows].dropna().unique()]
    plain = sentence_case(columns[visit].levels) if visit else {}
    first = baseline_of(sorted(plain.get(v, v) for v in held))
    base = roles["BASE"]
    if base and columns[base].cells[rows].notna().any():
        return {"column": base, "visit": first} if first else {"column": base}
    return first
