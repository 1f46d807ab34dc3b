"""Draft the variables of ADSL: characteristics, dates, flags, end of study."""

from collections.abc import Collection, Mapping

import numpy as np

from trialstats.describe.characteristics import characteristics, values_in
from trialstats.describe.columns import DATED, EMPTY, NUMERIC, WHOLE, WORDS, Column
from trialstats.describe.rows import twins
from trialstats.describe.sheet import Sheet
from trialstats.describe.standards import CHARACTERISTICS, LABELS, NAMES, standard_name
from trialstats.describe.subjects import Table, determines
from trialstats.describe.words import (
    FIRST_DOSE,
    MALE,
    RANDOMISED,
    code,
    label,
    says,
    tokens,
    unprefixed,
    yes_no,
)

#: Units of a column that names the unit of another, with the unit that is kept.
_UNITS = {
    "kg": "kg",
    "lb": "kg",
    "cm": "cm",
    "in": "cm",
    "mg/L": "mg/L",
    "mg/dL": "mg/L",
}

_CHANGES = "changes within subjects"


def draft_variables(
    sheet: Sheet,
    table: Table,
    source: str | None,
    taken: Collection[str],
    group: str | None,
) -> list[str]:
    """Write every column that is the same in all rows of a subject as a variable.

    Returns the columns that are left out, and names them in a remark.

    Parameters
    ----------
    sheet : Sheet
        The draft; its variables are those written before.
    table : Table
        Table of subjects, or one with a row for some of them.
    source : str or None
        Name of the source when it is not the one of ADSL.
    taken : collection of str
        Columns that the draft uses elsewhere.
    group : str or None
        Column of the arm or the sequence.
    """
    known = characteristics(table, taken)
    dates = dates_of(table, taken, sheet.at("adsl", "variables"))
    kept: list[Column] = [table.columns[group]] if group else []
    left: dict[str, str] = {}
    units = units_of(table)
    named = {unit for unit, _ in units.values()}
    for name, column in table.columns.items():
        if name == table.subject or name in taken or name == group:
            continue
        if (reason := _useless(table, column, kept, named)) is not None:
            left[name] = reason
            continue
        if column.few:
            kept.append(column)
        variables = sheet.at("adsl", "variables")
        variable, why = known.get(name) or dates.get(name) or (None, "")
        if variable is None or variable in variables:
            known_as = standard_name(name, column.label) or name
            variable = code(known_as if known_as not in variables else name, variables)
        spec = _spec(table, column, variable)
        if source is not None:
            spec = {"source": source, **spec}
        unit = units.get(name)
        if unit is not None and spec.get("type") in ("number", "integer"):
            spec["unit"] = unit[1]
            spec["units"] = {"column": unit[0]}
        sheet.put(
            ("adsl", "variables", variable),
            spec,
            guess=why or _doubt(column, spec),
        )
    said = [f"{name} ({why})" for name, why in left.items() if why != _CHANGES]
    if said:
        whose = f" of {source}" if source else ""
        sheet.remark(("adsl", "variables"), f"left out{whose}: {', '.join(said)}")
    return [name for name, why in left.items() if why != _CHANGES]


def _useless(
    table: Table, column: Column, kept: list[Column], units: Collection[str]
) -> str | None:
    """Return why a column is no variable, None when it is one."""
    if column.kind == EMPTY:
        return "empty"
    if not table.constant(column):
        return _CHANGES
    flag = f"{column.name} {column.label or ''}".lower().endswith(("fl", "flag"))
    flag |= column.name.upper().endswith("FL")
    if len(column.levels) == 1 and not column.missing and not flag:
        return f"always {column.levels[0]}"
    if column.name in units:
        return "a unit"
    if column.few:
        for other in kept:
            if twins(column, other):
                return f"the same as {other.name}"
    subjects = len(np.unique(table.subject_ids))
    if column.kind == WORDS and len(column.levels) > max(20, 0.5 * subjects):
        return "different for nearly every subject"
    return None


def dates_of(
    table: Table, taken: Collection[str], variables: Mapping[str, object]
) -> dict[str, tuple[str, str]]:
    """Return dates of randomisation and of the first dose, and why."""
    dates = [
        c
        for n, c in table.columns.items()
        if c.kind == DATED and n not in taken and table.constant(c)
    ]
    found: dict[str, tuple[str, str]] = {}
    for variable, words in (("RANDDT", RANDOMISED), ("TRTSDT", FIRST_DOSE)):
        if variable in variables:
            continue
        standard = [c for c in dates if standard_name(c.name, c.label) == variable]
        named = [c for c in dates if says(c.name, words) and c.name not in found]
        for column in standard or [
            c for c in named if not standard_name(c.name, c.label)
        ]:
            found[column.name] = variable, "" if standard else f"named {column.name}"
            break
    nothing_known = (
        not found
        and not {"RANDDT", "TRTSDT"} & set(variables)
        and table.subject is not None
    )
    if len(dates) == 1 and nothing_known and not dates[0].partial:
        found[dates[0].name] = "RANDDT", "the only date, one a subject"
    return found


def _spec(table: Table, column: Column, variable: str) -> dict[str, object]:
    """Return the variable that a column makes."""
    spec: dict[str, object] = {"column": column.name}
    kind = _type(table, column)
    if kind != "text":
        spec["type"] = kind
    known = CHARACTERISTICS.get(variable)
    own = {name: text for text, name in LABELS.items()}.get(variable)
    given = column.label
    spec["label"] = (
        given
        or (known[0] if known else None)
        or (own.capitalize() if own and column.name == variable else None)
        or NAMES.get(column.name)
        or label(column.name)
    )
    if known and known[1] and column.numeric:
        spec["unit"] = known[1]
    if kind == "text" and (recode := recoded(column, variable)):
        spec["recode"] = recode
    if column.partial:
        spec["partial"] = {"month": "middle", "day": "middle"}
    return spec


def _type(table: Table, column: Column) -> str:
    if column.kind == DATED:
        return "date"
    if column.kind == NUMERIC:
        return "number"
    if column.kind == WHOLE and not _is_code(table, column):
        return "integer"
    return "text"


def _is_code(table: Table, column: Column) -> bool:
    """Return whether whole numbers are codes of categories and count nothing."""
    levels, numbers = len(column.levels), values_in(column)
    if column.value_labels or levels <= 2:
        return True
    low, high = np.nanmin(numbers), np.nanmax(numbers)
    if not column.typed and low in (0, 1) and high <= 1.5 * levels and levels <= 20:
        return bool(len(numbers) >= 10 * levels)
    # A practice has one physician: what decides a category is no quantity.
    return (
        levels > 20
        and not column.typed
        and any(_nested(table, column, other) for other in table.columns.values())
    )


def _nested(table: Table, column: Column, other: Column) -> bool:
    few = 3 <= len(other.levels) <= 20 and other.kind in (WHOLE, WORDS)
    return (
        few
        and other is not column
        and other.name != table.subject
        and len(column.cells) >= 5 * len(column.levels)
        and determines(column.ids, other.ids)
        and not _cut(column, other)
    )


def _cut(column: Column, other: Column) -> bool:
    """Return whether a category is a quantity cut into ranges."""
    held = (column.ids >= 0) & (other.ids >= 0)
    ordered = other.ids[held][np.argsort(values_in(column)[held], kind="stable")]
    return int(np.sum(np.diff(ordered) != 0)) < len(other.levels)


def recoded(column: Column, variable: str | None = None) -> dict[str, str]:
    """Return values to what they mean, empty where they say it themselves."""
    levels = column.levels
    if column.value_labels and all(v in column.value_labels for v in levels):
        return {level: column.value_labels[level] for level in levels}
    plain = unprefixed(levels) or {v: v for v in levels}
    if variable == "SEX" and column.kind == WORDS:
        return {v: "M" if word.lower() in MALE else "F" for v, word in plain.items()}
    if variable == "EOSSTT":
        completed = yes_no(levels)
        if completed:
            names = {1: "COMPLETED", 0: "DISCONTINUED"}
            return {v: names[completed[v]] for v in levels}
        return {
            v: "COMPLETED" if "complet" in v.lower() else "DISCONTINUED" for v in levels
        }
    known = yes_no(levels)
    if (
        column.kind == WORDS
        and known
        and {w.lower() for w in plain.values()} == {"yes", "no"}
    ):
        return {v: "Y" if known[v] else "N" for v in levels}
    return (
        {v: word for v, word in plain.items()}
        if plain != {v: v for v in levels}
        else {}
    )


def _doubt(column: Column, spec: Mapping[str, object]) -> str:
    """Return what is uncertain about a variable, empty where nothing is."""
    if spec.get("partial"):
        return "dates without a day or a month are put in the middle"
    coded = column.kind == WHOLE and not column.value_labels
    if coded and "type" not in spec:
        return f"a category, {column.evidence}; say under recode what they mean"
    return ""


def units_of(table: Table) -> dict[str, tuple[str, str]]:
    """Return columns whose unit stands in another: that column and the unit to use.

    The other holds units of one dimension, and its name begins with that of the first;
    or it is called unit, and the table has one column of broken numbers.
    """
    found = {}
    for unit in table.columns.values():
        known = {_UNITS.get(level) for level in unit.levels}
        if unit.kind != WORDS or len(known) != 1 or None in known:
            continue
        kept = str(known.copy().pop())
        for name, column in table.columns.items():
            words = tokens(name)
            if column.numeric and tokens(unit.name)[: len(words)] == words:
                found[name] = unit.name, kept
        quantities = [n for n, c in table.columns.items() if c.kind == NUMERIC]
        if tokens(unit.name) in (["unit"], ["units"]) and len(quantities) == 1:
            found.setdefault(quantities[0], (unit.name, kept))
    return found


def end_of_study(table: Table) -> dict[str, str]:
    """Return the columns with status, reason and date of the end of the study."""
    found: dict[str, str] = {}
    for name, column in table.columns.items():
        if name == table.subject or column.kind == EMPTY or not table.constant(column):
            continue
        standard = standard_name(name, column.label)
        completes = any("complet" in level.lower() for level in column.levels)
        if standard == "EOSSTT" or standard == "DCDECOD":
            found["EOSSTT"] = name
        elif standard in ("DCSREAS", "DCREASCD"):
            found["DCSREAS"] = name
        elif (
            says(name, {"completed", "completion", "complete"})
            and yes_no(column.levels)
        ) or (column.kind == WORDS and len(column.levels) <= 20 and completes):
            found.setdefault("EOSSTT", name)
        elif column.kind == WORDS and says(name, {"reason", "reasons", "dropout"}):
            found.setdefault("DCSREAS", name)
    if "EOSSTT" in found or "DCSREAS" in found:
        for name, column in table.columns.items():
            ends = says(name, {"last", "end", "stop", "exit", "completion"})
            if column.kind == DATED and ends and not standard_name(name, column.label):
                found.setdefault("EOSDT", name)
    return found
