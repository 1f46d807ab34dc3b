"""Find how the subjects of a crossover change treatments."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from trialstats.describe.arms import named_treatments
from trialstats.describe.columns import DATED, WHOLE, Column
from trialstats.describe.standards import standard_name
from trialstats.describe.subjects import Table
from trialstats.describe.words import (
    BASELINE,
    PERIOD,
    SEQUENCE,
    VISIT,
    is_control,
    natural,
    pretty,
    says,
    tokens,
)

#: Variables of CDISC that change within subjects and are no treatment.
_NO_TREATMENT = {"VISIT", "VISITNUM", "AVISIT", "AVISITN", "PARAMCD", "PARAM", "DTYPE"}

#: An order that more subjects than this share have is that of a schedule.
_MOST_IN_ONE_ORDER = 0.8


@dataclass(frozen=True)
class Crossover:
    """How the subjects of a crossover change treatments.

    Attributes
    ----------
    table : Table
        Where the sequence stands.
    column : str
        Column that names the sequence, or the treatment of the first period.
    names : dict of str to str
        Value in the file to the name of the sequence.
    sequences : dict of str to list of str
        Treatment of each period, by the name of the sequence.
    control : str
        Name of the control.
    evidence : str
        Why, in words.
    treatment, period : str or None
        Columns of measurements that name the treatment and the period of a row.
    treatment_names : dict of str to str
        Treatment in the file to its name.
    wide : dict of str to str
        Columns of measurements under one treatment each, with the treatment.
    starts : list of str
        Columns with the first day of each period.
    """

    table: Table
    column: str
    names: dict[str, str]
    sequences: dict[str, list[str]]
    control: str
    evidence: str
    treatment: str | None = None
    period: str | None = None
    treatment_names: dict[str, str] = field(default_factory=dict)
    wide: dict[str, str] = field(default_factory=dict)
    starts: list[str] = field(default_factory=list)

    @property
    def treatments(self) -> list[str]:
        """Names of the treatments that are not the control."""
        found = dict.fromkeys(t for s in self.sequences.values() for t in s)
        return [name for name in found if name != self.control]


def crossover_of(tables: Sequence[Table], main: int) -> Crossover | None:
    """Return how treatments change within subjects, None where they do not."""
    for table in tables:
        if not table.once and (found := _in_rows(table)) is not None:
            return found
    if (wide := _in_columns(tables[main])) is not None:
        return wide
    return _by_dates(tables)


def _in_rows(table: Table) -> Crossover | None:
    """Return a crossover whose rows name treatment and period."""
    periods = [c for c in table.columns.values() if c.kind == WHOLE and c.few]
    for period in sorted(periods, key=lambda c: not says(c.name, PERIOD)):
        values = sorted(set(period.values[~np.isnan(period.values)]))
        counted = values == list(range(1, len(values) + 1))
        if not counted or _repeats(table, period) or not 2 <= len(values) <= 8:
            continue
        for treatment in table.columns.values():
            if len(treatment.levels) > 6 or treatment is period:
                continue
            if not treatment.few or _of_a_schedule(treatment):
                continue
            if (found := _with(table, period, treatment, len(values))) is not None:
                return found
    return None


def _of_a_schedule(column: Column) -> bool:
    """Return whether a column holds visits or what is measured, and no treatments."""
    if standard_name(column.name, column.label) in _NO_TREATMENT:
        return True
    visits = [level for level in column.levels if says(level, VISIT | BASELINE)]
    return 2 * len(visits) > len(column.levels)


def _repeats(table: Table, column: Column) -> bool:
    """Return whether a subject has a value of a column in two rows."""
    pairs = pd.DataFrame({"subject": table.subject_ids, "value": column.ids})
    return bool(pairs.duplicated().any())


def _with(
    table: Table, period: Column, treatment: Column, number: int
) -> Crossover | None:
    frame = pd.DataFrame(
        {
            "subject": table.subject_ids,
            "period": period.values,
            "treatment": treatment.cells.to_numpy(),
        }
    ).sort_values(["subject", "period"])
    whole = frame[frame.groupby("subject")["period"].transform("size") == number]
    if whole["treatment"].isna().any() or not len(whole):
        return None
    orders = whole.groupby("subject")["treatment"].agg(tuple)
    all_levels = set(treatment.levels)
    if len(orders) < 0.5 * frame["subject"].nunique() or orders.nunique() > 6:
        return None
    if not all(set(order) == all_levels for order in orders.unique()):
        return None
    if float(orders.value_counts(normalize=True).max()) > _MOST_IN_ONE_ORDER:
        return None
    names, control, _ = named_treatments(treatment)
    column = _sequence_column(table, orders)
    if column is not None:
        received = column[1]
    else:
        received = {}
        for order in sorted(set(orders)):
            if order[0] in received:
                return None
            received[order[0]] = " then ".join(names[t] for t in order)
    by_order = {
        received[value if column else order[0]]: [names[t] for t in order]
        for order in sorted(set(orders))
        for value in (_value_of(column, order) if column else [order[0]])
    }
    return Crossover(
        table,
        column[0] if column else treatment.name,
        received,
        dict(sorted(by_order.items(), key=lambda item: natural(item[0]))),
        control,
        f"{treatment.name} changes within subjects over {number} values of "
        f"{period.name}, in {len(by_order)} orders",
        treatment=treatment.name,
        period=period.name,
        treatment_names=names,
    )


def _sequence_column(
    table: Table, orders: pd.Series
) -> tuple[str, dict[str, str], dict[tuple[str, ...], str]] | None:
    """Return the column whose values are the orders of treatments, one each."""
    found = []
    first = pd.DataFrame({"subject": table.subject_ids}).drop_duplicates("subject")
    for name, column in table.columns.items():
        if name == table.subject or not column.few or not table.constant(column):
            continue
        values = pd.Series(
            column.cells.to_numpy()[first.index], index=first["subject"]
        ).reindex(orders.index)
        pairs = set(zip(orders, values, strict=True))
        if len(pairs) == orders.nunique() == values.nunique() == len(column.levels):
            found.append((column.numeric, name, {o: str(v) for o, v in pairs}))
    if not found:
        return None
    _, name, by_order = min(found, key=lambda f: f[0])
    return name, {value: value for value in by_order.values()}, by_order


def _value_of(
    column: tuple[str, dict[str, str], dict[tuple[str, ...], str]],
    order: tuple[str, ...],
) -> list[str]:
    return [column[2][order]]


def _in_columns(table: Table) -> Crossover | None:
    """Return a crossover with one column for the measurement under each treatment."""
    columns = table.columns
    numeric = [c for c in columns.values() if c.numeric and len(c.levels) > 6]
    pairs = []
    for first, second in itertools.combinations(numeric, 2):
        if (
            len(common := tokens(first.name)) > 1
            and common[:-1] == tokens(second.name)[:-1]
        ):
            words = (tokens(first.name)[-1], tokens(second.name)[-1])
            if sum(is_control(w) for w in words) == 1:
                pairs.append((first, second, "their names say so"))
    grouped = [c for c in columns.values() if c.few and len(c.levels) == 2]
    if not pairs and len(columns) <= 4 and len(numeric) == 2 and len(grouped) == 1:
        first, second = numeric
        if all(c.numbers is not None and np.nanmin(c.numbers) < 0 for c in numeric):
            why = "both hold changes, neither is a baseline; one column of two values"
            pairs.append((first, second, why))
    if not pairs or not grouped or not table.once:
        return None
    first, second, why = pairs[0]
    order = sorted(grouped, key=lambda c: not says(c.name, SEQUENCE))[0]
    return _two_by_two(table, (first, second), order, why)


def _two_by_two(
    table: Table, pair: tuple[Column, Column], order: Column, why: str
) -> Crossover:
    known = "names" in why
    words = [_treatment_word(c.name) if known else c.name for c in pair]
    # Without a word the last one is the control: X versus placebo is the usual order.
    control = next((n for n, w in enumerate(words) if known and is_control(w)), 1)
    low, high = order.levels
    own = [words[control], words[1 - control]]
    names = {low: f"{own[0]} then {own[1]}", high: f"{own[1]} then {own[0]}"}
    return Crossover(
        table,
        order.name,
        names,
        {names[low]: own, names[high]: own[::-1]},
        own[0],
        f"{pair[0].name} and {pair[1].name} hold one treatment each: {why}",
        wide={c.name: w for c, w in zip(pair, words, strict=True)},
    )


def _treatment_word(name: str) -> str:
    word = tokens(name)[-1]
    whole = {"plac": "placebo", "pbo": "placebo", "plb": "placebo", "ctrl": "control"}
    return pretty(whole.get(word, word))


def _by_dates(tables: Sequence[Table]) -> Crossover | None:
    """Return a crossover whose subjects have a sequence and a date for each period."""
    for table in tables:
        starts = _starts(table.columns)
        for name, column in table.columns.items():
            if not column.few or not table.constant(column) or len(starts) < 2:
                continue
            letters = _orders(column.levels)
            if not letters or any(len(o) != len(starts) for o in letters.values()):
                continue
            treatments = sorted({t for o in letters.values() for t in o}, key=natural)
            control = next((t for t in treatments if is_control(t)), treatments[0])
            return Crossover(
                table,
                name,
                {level: level for level in column.levels},
                {level: list(order) for level, order in letters.items()},
                control,
                f"{name} holds orders of {len(treatments)} treatments",
                starts=starts,
            )
    return None


def _starts(columns: Mapping[str, Column]) -> list[str]:
    """Return columns with the first day of each period, in order."""
    found = {}
    for name, column in columns.items():
        number = re.search(r"\d+", name)
        if column.kind == DATED and number and says(name, PERIOD):
            found[int(number[0])] = name
    return [found[n] for n in sorted(found)] if len(found) >= 2 else []


def _orders(levels: list[str]) -> dict[str, tuple[str, ...]]:
    """Return levels as orders of treatments, empty where they are none.

    >>> _orders(["AB", "BA"]), _orders(["A", "B"])
    ({'AB': ('A', 'B'), 'BA': ('B', 'A')}, {})
    """
    orders = {
        level: tuple(re.split(r"\s*[-/>,+]+\s*", level))
        if re.search(r"[-/>,+]", level)
        else tuple(level)
        for level in levels
    }
    alike = {frozenset(order) for order in orders.values()}
    sizes = {len(order) for order in orders.values()}
    if len(alike) != 1 or len(sizes) != 1 or len(next(iter(alike))) < 2:
        return {}
    return orders
