"""Tables of categories: compared over strata, and shifted from baseline."""

from collections.abc import Mapping, Sequence
from typing import Any

from trialstats.formatting import format_number, format_p_value
from trialstats.records import Record, distinct, find, one
from trialstats.tables import cells
from trialstats.tables.efficacy_parts import Parts
from trialstats.tables.selection import arms_of, groups_in_order
from trialstats.tables.table import (
    EMPTY,
    Cell,
    Column,
    Footnotes,
    Row,
    heading,
)
from trialstats.vocabulary import MISSING, shift_in_words, upper_first

Config = Mapping[str, Any]

#: Tests of categories, as a line of a table names them.
TESTS = {
    "cmh_row_means_test": "Row mean scores differ",
    "cmh_correlation_test": "Non-zero correlation",
    "cmh_general_association_test": "General association",
}

_HOMOGENEITY = {
    "breslow_day_test": "Breslow-Day",
    "tarone_test": "Breslow-Day, Tarone's correction",
}

#: Statistic, label and decimals: absolute effect first, then the relative ones.
_EFFECTS = (
    ("risk_difference", "Risk difference, percentage points", 1),
    ("risk_ratio", "Risk ratio", 2),
    ("odds_ratio", "Odds ratio", 2),
)


def cmh_body(parts: Parts) -> list[Row]:
    """Lay out categories by arm, Cochran-Mantel-Haenszel tests, and common effects."""
    notes = parts.notes
    body = [
        parts.arm_row("Participants analysed", "n_analysed"),
        parts.arm_row("Participants with data", "n_with_data"),
        heading("Category, n (%)"),
    ]
    counts = find(parts.rows, statistic="count")
    for label in distinct(counts, "subgroup"):
        here = find(counts, subgroup=label)
        made = parts.arm_cells(
            lambda a, h=here: cells.count_percent(one(h, group=a), notes)  # type: ignore[misc]
        )
        body.append(Row((Cell(str(label)), *made), indent=1))
    body += _tests_of_all(parts)
    body += _tests_of_each(parts)
    body += _effect_rows(parts)
    notes.note("CMH, Cochran-Mantel-Haenszel; df, degrees of freedom.")
    if find(parts.rows, statistic="risk_difference"):
        notes.note(
            "CI, confidence interval. Effects are treatment minus, or over, control, "
            "of the last category."
        )
    return body


def _tests_of_all(parts: Parts) -> list[Row]:
    """Return the tests of all arms together, in the last column."""
    tests = [r for r in parts.rows if r["statistic"] in TESTS]
    listed = find(tests, contrast=None)
    if not listed:
        return []
    body = [heading("CMH tests of all arms: chi-square (df), p-value")]
    lines = [
        (TESTS[str(record["statistic"])], tested_cell(record, parts.notes))
        for record in listed
    ]
    lines += strata_lines(parts.rows, None)
    blank = [EMPTY] * (len(parts.arms) + len(parts.contrasts) - 1)
    return [*body, *(Row((Cell(x), *blank, cell), indent=1) for x, cell in lines)]


def _tests_of_each(parts: Parts) -> list[Row]:
    """Return the tests of each comparison in its own column."""
    tests = [r for r in parts.rows if r["statistic"] in TESTS]
    body = [heading("CMH tests, treatment and control: chi-square (df), p-value")]
    for statistic in distinct(tests, "statistic"):
        made = parts.contrast_cells(
            lambda c, s=statistic: tested_cell(parts.of_contrast(c, s), parts.notes)  # type: ignore[misc]
        )
        body.append(Row((Cell(TESTS[statistic]), *made), indent=1))
    strata = {c: dict(strata_lines(parts.rows, c)) for c in parts.contrasts}
    for label in dict.fromkeys(x for lines in strata.values() for x in lines):
        made = parts.contrast_cells(lambda c, x=label: strata[c].get(x, EMPTY))  # type: ignore[misc]
        body.append(Row((Cell(label), *made), indent=1))
    return body


def strata_lines(
    rows: Sequence[Record], contrast: str | None
) -> list[tuple[str, Cell]]:
    """Return how many strata inform the tests, and the others by name."""
    used, every = (
        one(rows, statistic=name, contrast=contrast)
        for name in ("n_strata_informative", "n_strata")
    )
    if used is None or every is None:
        return []
    text = f"{used['estimate']:g} of {every['estimate']:g}"
    ids = (str(used["row_id"]), str(every["row_id"]))
    lines = [("Strata that inform the tests", Cell(text, ids))]
    statistic = "n_in_stratum_without_information"
    others = find(rows, statistic=statistic, contrast=contrast)
    if others:
        named = "; ".join(f"{r['subgroup']} ({r['estimate']:g})" for r in others)
        own = tuple(str(r["row_id"]) for r in others)
        lines.append(("Without information (participants)", Cell(named, own)))
    return lines


def tested_cell(record: Record | None, notes: Footnotes) -> Cell:
    """Print a chi-square statistic with its degrees of freedom and p-value."""
    if record is None:
        return EMPTY
    if record["p_value"] is None:
        return cells.not_estimable(record, notes)
    statistic = format_number(record["estimate"], 2)
    text = f"{statistic} ({record['df']:g}), {format_p_value(record['p_value'])}"
    return Cell(text, (str(record["row_id"]),))


def _effect_rows(parts: Parts) -> list[Row]:
    """Return common effects with their p-values, and whether there is one effect."""
    notes, body = parts.notes, []
    for statistic, label, digits in _EFFECTS:
        if not find(parts.rows, statistic=statistic):
            continue
        found = {c: parts.of_contrast(c, statistic) for c in parts.contrasts}
        made = parts.contrast_cells(
            lambda c, f=found, d=digits: cells.value_interval(f[c], notes, d)  # type: ignore[misc]
        )
        body.append(Row((Cell(f"{label} ({parts.interval_label()})"), *made)))
        made = parts.contrast_cells(lambda c, f=found: cells.p_value(f[c]))  # type: ignore[misc]
        body.append(Row((Cell("p-value"), *made), indent=1))
    tests = [r for r in parts.rows if r["statistic"] in _HOMOGENEITY]
    if tests:
        body.append(heading("One odds ratio in all strata: chi-square (df), p-value"))
    for statistic in distinct(tests, "statistic"):
        made = parts.contrast_cells(
            lambda c, s=statistic: tested_cell(parts.of_contrast(c, s), notes)  # type: ignore[misc]
        )
        body.append(Row((Cell(_HOMOGENEITY[statistic]), *made), indent=1))
    return body


def shift_layout(
    listed: list[Record], trial: Config, settings: Config, notes: Footnotes
) -> tuple[tuple[Column, ...], list[Row]]:
    """Lay out the category at baseline by that after it, arms side by side."""
    arms = groups_in_order(listed, arms_of(trial))
    categories = distinct(find(listed, statistic="n_at_baseline"), "subgroup")
    columns = [Column("At baseline", "left")]
    for arm in arms:
        size = one(listed, statistic="n", group=arm)
        own = cells.count(size, notes)
        spanner = f"{arm} (N = {own.text})"
        labels = ("n", *categories)
        columns += [Column(label, spanner=spanner, rows=own.rows) for label in labels]
    body = [_shift_row(listed, first, categories, arms, notes) for first in categories]
    body.append(_total_row(listed, categories, arms, notes))
    when = distinct(find(listed, statistic="shift"), "method")
    notes.note(
        "Rows are categories at baseline with their number of participants (n), "
        "columns those after it, n (%). Percentages are of all participants of the "
        f"arm in the row, those in {MISSING!r} included."
    )
    notes.note(f"{upper_first(when[0].partition('; ')[2])}." if when else "")
    return tuple(columns), body


def _shift_row(
    listed: Sequence[Record],
    first: str,
    categories: Sequence[str],
    arms: Sequence[str],
    notes: Footnotes,
) -> Row:
    made = [Cell(first)]
    for arm in arms:
        own = find(listed, group=arm)
        n = one(own, statistic="n_at_baseline", subgroup=first)
        made.append(cells.count(n, notes))
        for then in categories:
            shift = one(own, statistic="shift", subgroup=shift_in_words(first, then))
            made.append(cells.count_percent(shift, notes))
    return Row(tuple(made))


def _total_row(
    listed: Sequence[Record],
    categories: Sequence[str],
    arms: Sequence[str],
    notes: Footnotes,
) -> Row:
    made = [Cell("Total")]
    for arm in arms:
        own = find(listed, group=arm)
        made.append(cells.count(one(own, statistic="n"), notes))
        for then in categories:
            after = one(own, statistic="n_after_baseline", subgroup=then)
            made.append(cells.count_percent(after, notes))
    return Row(tuple(made))


def shift_test_lines(
    listed: Sequence[Record], notes: Footnotes
) -> list[tuple[str, Cell]]:
    """Return the tests of arms by category after baseline, given that at baseline.

    They stand above the table: its columns are of single arms. None of other tables.
    """
    tests = [r for r in listed if r["statistic"] in TESTS]
    lines: list[tuple[str, Cell]] = []
    for test in tests:
        cell = tested_cell(test, notes)
        what = "" if cell.marks else "chi-square (df), p-value "
        text = f"{TESTS[str(test['statistic'])]}: {what}{cell.text}. {test['method']}"
        label = "" if lines else "Tests"
        lines.append((label, Cell(text, cell.rows, cell.marks)))
    for words, cell in strata_lines(listed, tests[0]["contrast"]) if tests else ():
        lines.append((words, cell))
    return lines
