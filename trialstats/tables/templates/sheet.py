"""What every template works on: the rows, the house, the names of a declared table."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trialstats.errors import ConfigError
from trialstats.formatting import format_level
from trialstats.records import Record, distinct, find, usual_level
from trialstats.table_templates import TEMPLATES, TESTS
from trialstats.tables.houses import HOUSES, Counts
from trialstats.tables.selection import arms_of, groups_in_order
from trialstats.tables.table import EMPTY, Cell, Column, Footnotes, Row
from trialstats.tables.templates.printing import Ask, Printer
from trialstats.vocabulary import upper_first

Config = Mapping[str, Any]

#: Marks of footnotes at the end of a label, as a study report writes them.
_MARKS = re.compile(r"(?:\s?\[\d+\])+$")
_MARK = re.compile(r"^\[(\d+)\]\s*")

#: How what is printed is called in a row of its own; `{ci}` is "95% CI".
LABELS = {
    "n": "n",
    "missing": "Missing",
    "mean": "Mean",
    "sd": "SD",
    "mean_sd": "Mean (SD)",
    "median": "Median",
    "minimum": "Minimum",
    "maximum": "Maximum",
    "range": "Range",
    "median_range": "Median (range)",
    "count": "n",
    "percent": "%",
    "count_percent": "n (%)",
    "percent_count": "% (n)",
    "estimate": "Estimate",
    "se": "SE",
    "estimate_se": "Estimate (SE)",
    "lower": "{ci}, lower limit",
    "upper": "{ci}, upper limit",
    "ci": "{ci}",
    "limits": "{ci}",
    "estimate_ci": "Estimate ({ci})",
    "df": "Degrees of freedom",
    "numerator_df": "Numerator degrees of freedom",
    "test": "Test statistic",
    "p_value": "p-value",
    "participants": "Participants",
}


@dataclass(slots=True)
class Sheet:
    """One declared table while it is made.

    Attributes
    ----------
    trial, spec : mapping
        Configuration of the trial, and of the table.
    name : str
        Name of the table.
    rows : list of mapping
        Rows of its analyses.
    printer : Printer
        Prints them in the way of the house.
    """

    trial: Config
    name: str
    spec: Config
    rows: list[Record]
    printer: Printer

    @property
    def notes(self) -> Footnotes:
        """The footnotes that cells add."""
        return self.printer.notes

    @property
    def interval(self) -> str:
        """What the intervals are, such as "95% CI"."""
        return upper_first(format_level(usual_level(self.rows)))

    def refuse(self, key: str, kind: str, name: object, known: Iterable[object]) -> Any:
        """Raise for a name of the configuration that the rows do not know."""
        listed = ", ".join(str(k) for k in dict.fromkeys(known)) or "none"
        place = f"config/trials/{self.trial['id']}.yaml, at tables.{self.name}.{key}"
        raise ConfigError(f"{place}: no {kind} {name!r}; known: {listed}")

    @property
    def failed(self) -> bool:
        """Whether a row says why something could not be estimated."""
        return any(r["not_estimable"] for r in self.rows)

    def cell(self, ask: Ask) -> Cell:
        """Return what is asked for."""
        return self.printer.cell(ask)

    def items(self, default: Sequence[str] = ()) -> list[Config]:
        """Return the rows of the configuration, each as a mapping."""
        listed = self.spec.get("rows", default)
        return [{"row": one} if isinstance(one, str) else one for one in listed]

    def statistics(self, item: Config, default: Sequence[str]) -> Sequence[str]:
        """Return what a row prints, each on a line."""
        chosen = item.get("statistics", self.spec.get("statistics", default))
        known = TEMPLATES[self.spec["template"]].statistics
        return [name for name in chosen if name in known]

    def label(self, statistic: str) -> str:
        """Return how a line of a statistic is called."""
        text = {**LABELS, **self.spec.get("labels", {})}.get(statistic, statistic)
        return str(text).replace("{ci}", self.interval)

    def stub(self, text: str, rows: tuple[str, ...] = ()) -> Cell:
        """Return the first cell of a row, its marks raised where the house does so."""
        found = _MARKS.search(text)
        if found is None or self.printer.house.marks_in_text:
            return Cell(text, rows)
        numbers = re.findall(r"\d+", found.group())
        letters = ",".join(mark_letter(int(number)) for number in numbers)
        return Cell(text[: found.start()], rows, letters)

    def heading(self, text: str) -> Row:
        """Return a row that heads those below it."""
        return Row((self.stub(text),), heading=True)

    def line(self, label: str, cells: Sequence[Cell], *, indent: int = 0) -> Row:
        """Return a row of the body."""
        return Row((self.stub(label), *cells), indent=indent)

    def columns(self, *, tests: bool = False) -> dict[str, str]:
        """Return the groups and the column of tests that are printed, with heads."""
        present = groups_in_order(self.rows, arms_of(self.trial))
        chosen = self.spec.get("columns")
        if chosen is None:
            return {g: g for g in present} | ({TESTS: "p-value"} if tests else {})
        for name in chosen:
            known = [*present, *arms_of(self.trial), "Total", TESTS]
            if name not in known:
                self.refuse("columns", "group", name, known)
        return {
            name: one if isinstance(one, str) else (one or {}).get("label", name)
            for name, one in chosen.items()
        }

    def heads(self, columns: Mapping[str, str], stub: str) -> list[Column]:
        """Return the columns: the first, each group with its size, the tests."""
        made = [Column(self.spec.get("stub", stub), "left")]
        for name, head in columns.items():
            size, rows = ("", ()) if name == TESTS else self.size(name)
            made.append(Column(f"{head} {size}".strip(), rows=rows))
        return made

    def size(self, group: str) -> tuple[str, tuple[str, ...]]:
        """Return "(N = 49)" of a group, and the row that the number is from."""
        if not self.spec.get("sizes", True):
            return "", ()
        rows = find(self.rows, group=group, subgroup=None)
        # Of the analysis set, whose size the counts of a model's records carry.
        rows = find(rows, statistic="n_with_data") or [
            r for r in rows if not str(r["statistic"]).startswith(_OF_OTHERS)
        ]
        known = [r for r in rows if r["n_subjects"] is not None]
        if not known:
            return "", ()
        largest = max(known, key=lambda r: r["n_subjects"])
        text = self.printer.house.size.format(largest["n_subjects"])
        return text, (str(largest["row_id"]),)

    def tested(self, **where: Any) -> Cell:
        """Return the p-value of the one test that fits."""
        found = [r for r in find(self.rows, **where) if r["statistic"] in GROUP_TESTS]
        if not found:
            return EMPTY
        return self.cell(Ask("p_value", {"row_id": found[0]["row_id"]}))

    def contrast(self, group: str, reference: str) -> str | None:
        """Return the comparison of a group with another one, None where there is none.

        The name is looked up, not put together: an arm may be called anything.
        """
        known = distinct(self.rows, "contrast")
        name = f"{group} versus {reference}"
        return name if name in known else None


#: Beginnings of statistics that count more than the analysis set.
_OF_OTHERS = ("flow_", "n_subjects_")

#: Tests that all groups share.
GROUP_TESTS = (
    *("anova_test", "chi_square_test", "fisher_test", "log_rank_test"),
    *("kruskal_wallis_test",),
)


def mark_letter(number: int) -> str:
    """Return the letter of a numbered footnote.

    >>> [mark_letter(number) for number in (1, 2, 26)]
    ['a', 'b', 'z']
    """
    return chr(ord("a") + (number - 1) % 26)


def numbered(text: str) -> tuple[int | None, str]:
    """Return the number of a footnote and its text.

    >>> numbered("[2] Adjusted for site."), numbered("NOTE: as randomised.")
    ((2, 'Adjusted for site.'), (None, 'NOTE: as randomised.'))
    """
    found = _MARK.match(text)
    return (int(found.group(1)), text[found.end() :]) if found else (None, text)


def sheet_of(trial: Config, name: str, rows: Sequence[Record]) -> Sheet:
    """Return the sheet of a declared table.

    Parameters
    ----------
    trial : mapping
        Configuration of the trial.
    name : str
        Name of the table.
    rows : sequence of mapping
        Rows of its analyses.
    """
    spec = trial["tables"][name]
    house = HOUSES[spec.get("style", "csr")]
    notes = Footnotes()
    if not house.marks_in_text:
        # The letters of the configuration come first; those of cells go on after them.
        for line in spec.get("footnotes", ()):
            number, text = numbered(line)
            if number is not None:
                notes.letter(text)
    counts = replace(house.counts, **spec.get("counts", {}))
    printer = Printer(
        rows=rows,
        house=house,
        notes=notes,
        counts=counts if isinstance(counts, Counts) else house.counts,
        p_values=spec.get("p_values"),
        decimals=spec.get("decimals", {}),
    )
    return Sheet(trial, name, spec, list(rows), printer)
