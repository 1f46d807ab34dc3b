"""Find the visits of long tables, and give them names and numbers."""

import itertools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialstats.describe.columns import WHOLE, WORDS, Column
from trialstats.describe.families import UNITS
from trialstats.describe.rows import twins
from trialstats.describe.subjects import Table
from trialstats.describe.words import BASELINE, VISIT, natural, says, tokens

#: Words of visits that come before a baseline, and short words of visits.
_EARLIER = {"screening", "screen", "scr", "runin", "run"}
_SHORT = {"DAY", "END", "OF", "TO", "THE", "PRE"}


@dataclass(frozen=True)
class Visits:
    """How the rows of a table are told apart within a subject.

    Attributes
    ----------
    column : str
        Column that names the visit.
    names : dict of str to (float, str)
        Visit to its number and the name received.
    evidence : str
        Why this column.
    """

    column: str
    names: dict[str, tuple[float, str]]
    evidence: str

    @property
    def baseline(self) -> str | None:
        """Visit that is the baseline, None without one."""
        return baseline_of(self.names)


def visits_of(
    table: Table, within: np.ndarray, taken: Collection[str], rows: np.ndarray
) -> Visits | None:
    """Return the column of the visit: few values, each once a subject.

    Parameters
    ----------
    table : Table
        A table with several rows a subject.
    within : array of int
        Number of the subject, or of the subject and parameter, of each row.
    taken : collection of str
        Columns that hold something else.
    rows : array of bool
        Rows that count.
    """
    found = []
    for position, column in enumerate(table.columns.values()):
        if column.name in taken or column.kind not in (WHOLE, WORDS):
            continue
        number = len(column.levels)
        if not 2 <= number <= 40 or table.constant(column):
            continue
        pairs = pd.DataFrame({"in": within[rows], "value": column.ids[rows]})
        pairs = pairs[pairs["value"] >= 0]
        once = 1.0 - float(pairs.duplicated().mean()) if len(pairs) else 0.0
        shared = pairs.groupby("value")["in"].nunique().max() / len(np.unique(within))
        named = says(column.name, VISIT) or says(column.label or "", VISIT)
        worded = any(says(level, VISIT | BASELINE) for level in column.levels)
        if once < 0.98 or shared < 0.3:
            continue
        score = 3 * named + 2 * worded + once + shared
        if number == len(np.unique(pairs["value"])) and score >= 1.5:
            found.append((score, -number, -position, column))
    if not found:
        return None
    column = max(found, key=lambda f: f[:3])[3]
    numbers = _twin_numbers(table, column)
    return Visits(
        column.name,
        visit_names(column, numbers),
        f"{len(column.levels)} values, each once a subject",
    )


def _twin_numbers(table: Table, column: Column) -> dict[str, float]:
    """Return numbers of visits from a column of numbers that goes with their names."""
    if column.kind == WHOLE:
        return {}
    for other in table.columns.values():
        if other is column or not other.numeric or other.numbers is None:
            continue
        if len(other.levels) == len(column.levels) and twins(column, other):
            pairs = pd.DataFrame({"name": column.cells, "number": other.values})
            return dict(pairs.dropna().drop_duplicates().itertuples(index=False))
    return {}


def visit_word(name: str) -> str:
    """Return what the visits of a column are counted in.

    >>> visit_word("visit_month"), visit_word("VISIT"), visit_word("var6")
    ('Month', 'Visit', 'Visit')
    """
    found = [UNITS[word] for word in tokens(name) if word in UNITS]
    return next((word for word in found if word != "Visit"), "Visit")


def sentence_case(levels: Sequence[str]) -> dict[str, str]:
    """Return visits in capitals as words, by the visit; empty where two are one then.

    >>> sentence_case(["BASELINE", "DAY 1", "END OF STUDY", "EOT"])
    {'BASELINE': 'Baseline', 'DAY 1': 'Day 1', 'END OF STUDY': 'End of study', \
'EOT': 'EOT'}
    """
    found = {}
    for level in levels:
        text = re.sub(
            r"[A-Z]+",
            lambda m: m[0].lower() if len(m[0]) > 3 or m[0] in _SHORT else m[0],
            level,
        )
        capital = level.isupper() and text != level
        found[level] = text[:1].upper() + text[1:] if capital else level
    return found if len(set(found.values())) == len(found) else {}


def visit_names(
    column: Column, numbers: Mapping[str, float]
) -> dict[str, tuple[float, str]]:
    """Return visits with their numbers and what the file calls them, in order.

    A number received gets the word of its column: 4 in ``week`` is Week 4.
    """
    found: dict[str, tuple[float, str]] = {}
    whole = column.kind == WHOLE
    word = visit_word(column.name)
    plain = sentence_case(column.levels)
    for place, level in enumerate(column.levels):
        if whole:
            name = "Baseline" if float(level) == 0 else f"{word} {float(level):g}"
            number = float(level)
        else:
            name = plain.get(level, level)
            digits = re.findall(r"\d+(?:\.\d+)?", level)
            own = (
                float(digits[-1])
                if digits
                else 0.0
                if says(level, BASELINE)
                else 900.0 + place
            )
            number = numbers.get(level, own)
        found[name] = (number, level)
    if len({number for number, _ in found.values()}) < len(found):
        ordered = sorted(found, key=lambda n: (not says(n, BASELINE), natural(n)))
        found = {n: (float(p), found[n][1]) for p, n in enumerate(ordered)}
    found = dict(sorted(found.items(), key=lambda item: item[1][0]))
    base = baseline_of(found)
    return found if base is None else _counted_from(found, base)


def baseline_of(visits: Iterable[str]) -> str | None:
    """Return the visit that is the baseline by its name; a screening only if alone.

    >>> baseline_of(["Screening", "Baseline", "Week 4"]), baseline_of(["Week 4"])
    ('Baseline', None)
    """
    named = [visit for visit in visits if says(visit, BASELINE)]
    later = [visit for visit in named if not says(visit, _EARLIER)]
    return next(iter(later or named), None)


def _counted_from(
    visits: Mapping[str, tuple[float, str]], base: str
) -> dict[str, tuple[float, str]]:
    """Return visits with the baseline at 0 where it or a screening stands above it.

    Visits after it have the number in their names, if those rise, else their distance.
    """
    at = visits[base][0]
    early = [
        n for n in visits if n != base and (says(n, _EARLIER) or visits[n][0] < at)
    ]
    late = [n for n in visits if n != base and n not in early]
    if at <= 0 and all(visits[name][0] < at for name in early):
        return dict(visits)
    digits = [float(m[1]) for n in late if (m := re.search(r"(\d+)\D*$", n))]
    rising = len(digits) == len(late) and all(
        low < high for low, high in itertools.pairwise([0.0, *digits])
    )
    numbers = digits if rising else [visits[name][0] - at for name in late]
    counted = {name: float(p - len(early)) for p, name in enumerate(early)}
    counted |= {base: 0.0, **dict(zip(late, numbers, strict=True))}
    return {name: (number, visits[name][1]) for name, number in counted.items()}
