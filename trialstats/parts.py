"""What an analysis has beside its own model, and how its rows name it.

Effects within subgroups, and effects under assumptions on those without data, carry
the statistics of the analysis itself. Their `model_id` tells them apart; subgroup and
assumption stand under `subgroup`, in words that are read back here.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trialstats.formatting import format_number

if TYPE_CHECKING:  # A configuration is checked without them.
    import pandas as pd

    from trialstats.records import Record

#: `model_id` of effects within subgroups and of the tests between them.
SUBGROUPS = "subgroups"

#: `model_id` and statistic of an effect under an assumption on those without data.
TIPPING_POINT = "tipping_point"

#: Statistic of the assumption under which those without data are as those with data.
AS_OBSERVED = "tipping_point_as_observed"

#: Statistic of a limit between the classes of p-values that a figure tells apart.
P_VALUE_LIMIT = "p_value_limit"

#: The effects of a model that subgroups and forests show, by its type.
EFFECTS = {
    "ancova": ("difference",),
    "mmrm": ("difference",),
    "proportions": ("risk_difference", "risk_ratio", "odds_ratio"),
    "logistic": ("odds_ratio",),
    "survival": ("hazard_ratio",),
}

#: Between the name of a variable and its level.
_IS = " = "

_COUNTS = re.compile(r"treatment (\d+) of (\d+), control (\d+) of (\d+)")
_SHIFTS = re.compile(r"treatment (\S+), control (\S+)")


@dataclass(frozen=True, slots=True)
class Subgroups:
    """What divides the subjects of an analysis.

    Attributes
    ----------
    label : str
        Its name.
    column : str or None
        The variable of ADSL whose values are the levels.
    conditions : mapping of str to str
        Otherwise the condition on ADSL of each level.
    """

    label: str
    column: str | None = None
    conditions: Mapping[str, str] = field(default_factory=dict)

    def name(self, level: str) -> str:
        """Return a level as the rows name it.

        >>> Subgroups("SEX", "SEX").name("F")
        'SEX = F'
        """
        return f"{self.label}{_IS}{level}"

    def level(self, name: str | None) -> str | None:
        """Return the level that a row names, None where it is of something else.

        >>> Subgroups("SEX", "SEX").level("SEX = F")
        'F'
        """
        start = f"{self.label}{_IS}"
        if name is None or not name.startswith(start):
            return None
        return name.removeprefix(start)


def subgroups_of(analysis: Mapping[str, Any]) -> tuple[Subgroups, ...]:
    """Return what divides the subjects of a configured analysis.

    >>> subgroups_of({"subgroups": ["SEX", {"column": "AGEGR1", "label": "Age"}]})[1]
    Subgroups(label='Age', column='AGEGR1', conditions={})
    """
    made = []
    for entry in analysis.get("subgroups", ()):
        if isinstance(entry, str):
            made.append(Subgroups(entry, entry))
            continue
        column = entry.get("column")
        label = entry.get("label") or column
        made.append(Subgroups(str(label), column, dict(entry.get("conditions", {}))))
    return tuple(made)


def own_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Return the rows of the analyses themselves, without their parts."""
    if "model_id" not in rows:
        return rows
    return rows[~rows["model_id"].isin([SUBGROUPS, TIPPING_POINT])]


def own_records(rows: "Iterable[Record]") -> "list[Record]":
    """Return the rows of the analyses themselves, without their parts."""
    return [r for r in rows if r.get("model_id") not in (SUBGROUPS, TIPPING_POINT)]


def counts_assumed(counts: Sequence[int]) -> str:
    """Return how many of those without data are taken to have the event.

    Parameters
    ----------
    counts : sequence of four int
        With the event and all without data, of treatment and of control.

    >>> counts_assumed((3, 8, 2, 7))
    'treatment 3 of 8, control 2 of 7'
    """
    with_event, of, control, control_of = counts
    return f"treatment {with_event} of {of}, control {control} of {control_of}"


def read_counts(text: str) -> tuple[int, int, int, int] | None:
    """Return the numbers that `counts_assumed` wrote, None for another text.

    >>> read_counts("treatment 3 of 8, control 2 of 7")
    (3, 8, 2, 7)
    """
    found = _COUNTS.fullmatch(text)
    if found is None:
        return None
    a, b, c, d = (int(number) for number in found.groups())
    return a, b, c, d


def shifts_assumed(treatment: float, control: float) -> str:
    """Return by how much the means of those without data are taken to differ.

    >>> shifts_assumed(1.5, -0.25), shifts_assumed(0, 0)
    ('treatment +1.5, control -0.25', 'treatment 0, control 0')
    """
    return f"treatment {signed(treatment)}, control {signed(control)}"


def read_shifts(text: str) -> tuple[float, float] | None:
    """Return the numbers that `shifts_assumed` wrote, None for another text.

    >>> read_shifts("treatment +1.5, control -0.25")
    (1.5, -0.25)
    """
    found = _SHIFTS.fullmatch(text)
    try:
        return None if found is None else (float(found[1]), float(found[2]))
    except ValueError:
        return None


def signed(value: float) -> str:
    """Return a shift with its sign, with the digits that it has.

    >>> signed(2.0), signed(-0.125), signed(-0.0)
    ('+2', '-0.125', '0')
    """
    digits = next((d for d in range(10) if round(value, d) == value), 10)
    text = format_number(value, digits)
    return f"+{text}" if value > 0 else text
