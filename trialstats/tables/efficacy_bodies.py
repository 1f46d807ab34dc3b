"""Bodies of efficacy tables beside means and proportions, one for each model."""

import math
from collections.abc import Callable, Sequence

from trialstats.formatting import format_p_value
from trialstats.records import Record, distinct, find, one
from trialstats.tables import cells
from trialstats.tables.cells import interval_text, number_text
from trialstats.tables.efficacy_parts import Parts
from trialstats.tables.table import EMPTY, Cell, Row, heading
from trialstats.vocabulary import upper_first

#: What is described beside a model: beginning of the statistics, and words.
_DESCRIBED = {
    "baseline": "Baseline",
    "value": "Value",
    "change": "Change from baseline",
}

_TESTS = {
    "chi_square_test": "Chi-square test (Pearson), p-value",
    "fisher_test": "Fisher's exact test, p-value",
    "log_rank_test": "Log-rank test, p-value",
    "wald_test": "Wald test",
    "dose_response": "Dose response, slope",
    "interaction_test": "Interaction of treatment with",
}


def described_rows(parts: Parts) -> list[Row]:
    """Return number, mean and median of value, baseline and change by arm."""
    notes, digits, body = parts.notes, parts.digits, []
    for name, words in _DESCRIBED.items():
        if not find(parts.rows, statistic=f"{name}_n"):
            continue

        def at(arm: str, statistic: str, name: str = name) -> Record | None:
            return parts.of_arm(arm, f"{name}_{statistic}")

        body.append(heading(words))
        lines: Sequence[tuple[str, Callable[[str], Cell]]] = (
            ("n", lambda a: cells.count(at(a, "n"), notes)),
            (
                "Mean (SD)",
                lambda a: cells.pair(
                    at(a, "mean"), at(a, "standard_deviation"), notes, digits
                ),
            ),
            (
                "Median (minimum, maximum)",
                lambda a: cells.middle_and_range(
                    at(a, "median"), at(a, "minimum"), at(a, "maximum"), notes, digits
                ),
            ),
        )
        # Made at once: the functions above look at the name of this turn.
        body += [
            Row((Cell(label), *parts.arm_cells(make)), indent=1)
            for label, make in lines
        ]
    return body


def means_extras(parts: Parts) -> list[Row]:
    """Return dose response, interaction and descriptions of an analysis of means."""
    body = []
    for record in find(parts.rows, statistic="dose_response"):
        slope = cells.value_error(record, parts.notes, parts.digits + 2)
        body.append(_in_last(parts, "Dose response, slope (SE)", slope))
        body.append(_in_last(parts, "p-value", cells.p_value(record), indent=1))
    for record in find(parts.rows, statistic="interaction_test"):
        label = f"Interaction of treatment with {record['subgroup']}, p-value"
        cell = cells.p_value(record)
        if record["p_value"] is None:
            cell = cells.not_estimable(record, parts.notes)
        body.append(_in_last(parts, label, cell))
    return [*body, *described_rows(parts)]


def test_lines(parts: Parts) -> list[Row]:
    """Return the tests of all arms together."""
    body = []
    for statistic in ("chi_square_test", "fisher_test", "log_rank_test"):
        for record in find(parts.rows, statistic=statistic):
            cell = cells.p_value(record)
            if record["p_value"] is None:
                cell = cells.not_estimable(record, parts.notes)
            body.append(_in_last(parts, _TESTS[statistic], cell))
    return body


def _in_last(parts: Parts, label: str, cell: Cell, *, indent: int = 0) -> Row:
    """Return a row with one cell, in the last column."""
    blank = [EMPTY] * (len(parts.arms) + len(parts.contrasts) - 1)
    return Row((Cell(label), *blank, cell), indent=indent)


def _ratio_rows(parts: Parts, statistic: str, words: str) -> list[Row]:
    notes = parts.notes
    return [
        parts.contrast_row(
            f"{words} ({parts.interval_label()})",
            lambda c: cells.value_interval(parts.of_contrast(c, statistic), notes),
        ),
        Row(
            (
                Cell("p-value"),
                *parts.contrast_cells(
                    lambda c: cells.p_value(parts.of_contrast(c, statistic))
                ),
            ),
            indent=1,
        ),
    ]


def _coefficient_rows(parts: Parts, ratio: str) -> list[Row]:
    """Return each coefficient with its error, its ratio and its test on one line."""
    listed = find(parts.rows, statistic="coefficient")
    if not listed:
        return []
    body = [heading(f"Coefficients: logarithm (SE), {ratio}, p-value")]
    for record in listed:
        exact = number_text(record["estimate"], 4)
        error = number_text(record["standard_error"], 4)
        shown = cells.value_interval(record, parts.notes)
        text = f"{exact} ({error}); {shown.text}; {format_p_value(record['p_value'])}"
        label = upper_first(str(record["subgroup"]))
        body.append(_in_last(parts, label, Cell(text, shown.rows), indent=1))
    return body


def logistic_body(parts: Parts) -> list[Row]:
    """Lay out a logistic regression: odds ratios, coefficients, tests, deviance."""
    notes = parts.notes
    body = [
        parts.arm_row("Participants analysed", "n_analysed"),
        parts.arm_row("Participants with data", "n_with_data"),
        parts.arm_row("Values", "n_values"),
        parts.arm_row("Values that are yes", "events"),
        *_ratio_rows(parts, "odds_ratio", "Odds ratio"),
        *_coefficient_rows(parts, "odds ratio"),
    ]
    tests = find(parts.rows, statistic="wald_test")
    if tests:
        body.append(heading("Wald tests of the terms: chi-square, p-value"))
    for test in tests:
        shown = cells.test(test, notes)
        text = f"{shown.text}; {format_p_value(test['p_value'])}"
        label = upper_first(str(test["subgroup"]))
        body.append(_in_last(parts, label, Cell(text, shown.rows), indent=1))
    for statistic, words in (
        ("deviance", "Residual deviance"),
        ("null_deviance", "Deviance of the intercept alone"),
    ):
        record = one(parts.rows, statistic=statistic)
        if record:
            body.append(_in_last(parts, words, cells.value(record, notes)))
    notes.note("CI, confidence interval; SE, standard error, of the logarithm.")
    return body


def survival_body(parts: Parts) -> list[Row]:
    """Lay out a time to an event: medians, curves, log-rank test, hazard ratios."""
    notes = parts.notes
    body = [
        parts.arm_row("Participants with a time", "n_with_data"),
        parts.arm_row("With the event", "events"),
        parts.arm_row("Censored", "censored"),
        Row(
            (
                Cell(f"Median time ({parts.interval_label()})"),
                *parts.arm_cells(
                    lambda a: _open_interval(parts.of_arm(a, "median_time"), parts)
                ),
            )
        ),
    ]
    body += test_lines(parts)
    body += _ratio_rows(parts, "hazard_ratio", "Hazard ratio")
    listed = find(parts.rows, statistic="survival_probability")
    if listed:
        body.append(heading("Without the event at"))
    for time in distinct(listed, "subgroup"):
        here = find(listed, subgroup=time)
        made = parts.arm_cells(
            lambda a, h=here: cells.value_interval(one(h, group=a), notes, 3)  # type: ignore[misc]
        )
        body.append(Row((Cell(str(time)), *made), indent=1))
    body += _coefficient_rows(parts, "hazard ratio")
    notes.note("CI, confidence interval. Ratios are treatment over control.")
    return body


def _open_interval(record: Record | None, parts: Parts) -> Cell:
    """Print a median with its limits, of which one may not be reached."""
    if record is None:
        return EMPTY
    if record["estimate"] is None:
        return cells.not_estimable(record, parts.notes)
    ends = [
        "not reached" if record[end] is None else number_text(record[end], 1)
        for end in ("ci_lower", "ci_upper")
    ]
    text = f"{number_text(record['estimate'], 1)} ({ends[0]} to {ends[1]})"
    return Cell(text, (str(record["row_id"]),))


def bioequivalence_body(parts: Parts) -> list[Row]:
    """Lay out a bioequivalence trial: the ratio in percent and what judges it."""
    notes = parts.notes
    body = [
        parts.arm_row("Participants analysed", "n_analysed"),
        parts.arm_row("Participants with data", "n_with_data"),
        Row(
            (
                Cell("Geometric mean"),
                *parts.arm_cells(
                    lambda a: cells.value(
                        parts.of_arm(a, "geometric_mean"), notes, parts.digits
                    )
                ),
            )
        ),
    ]
    found = {c: parts.of_contrast(c, "geometric_mean_ratio") for c in parts.contrasts}
    label = f"Ratio of geometric means, % ({parts.interval_label()})"
    body.append(parts.contrast_row(label, lambda c: _percent(found[c], parts)))
    for words, make in (
        ("Degrees of freedom", cells.degrees_of_freedom),
        ("p-value", cells.p_value),
    ):
        made = parts.contrast_cells(lambda c, m=make: m(found[c]))  # type: ignore[misc]
        body.append(Row((Cell(words), *made), indent=1))
    cv = one(parts.rows, statistic="cv_within_reference")
    if cv:
        words = "Coefficient of variation of the control within participants"
        body.append(_in_last(parts, words, cells.share(cv, notes, 2)))
        ends = [
            one(parts.rows, statistic=f"acceptance_{end}") for end in ("lower", "upper")
        ]
        body.append(_in_last(parts, "Limits of acceptance, %", _limits(ends, parts)))
    sums = find(parts.rows, statistic="sum_of_squares")
    if sums:
        body.append(heading("Sums of squares (degrees of freedom), F, p-value"))
    for line in sums:
        text = f"{number_text(line['estimate'], 4)} ({line['numerator_df']:g})"
        if line["test_statistic"] is not None:
            text += f"; {number_text(line['test_statistic'], 3)}"
        if line["p_value"] is not None:
            text += f"; {format_p_value(line['p_value'])}"
        cell = Cell(text, (str(line["row_id"]),))
        body.append(_in_last(parts, upper_first(str(line["subgroup"])), cell, indent=1))
    notes.note("CI, confidence interval. Ratios are treatment over control.")
    return body


def _percent(record: Record | None, parts: Parts) -> Cell:
    """Print a ratio stored as a logarithm in percent, with its interval."""
    if record is None:
        return EMPTY
    if record["estimate"] is None:
        return cells.not_estimable(record, parts.notes)
    names = ("estimate", "ci_lower", "ci_upper")
    ratio, lower, upper = (100 * math.exp(min(record[n], 600)) for n in names)
    text = f"{number_text(ratio, 2)} ({interval_text(lower, upper, 2)})"
    return Cell(text, (str(record["row_id"]),))


def _limits(ends: Sequence[Record | None], parts: Parts) -> Cell:
    known = [end for end in ends if end is not None]
    if len(known) < 2 or any(end["estimate"] is None for end in known):
        return cells.not_estimable(known[0], parts.notes) if known else EMPTY
    lower, upper = (100 * math.exp(end["estimate"]) for end in known)
    rows = tuple(str(end["row_id"]) for end in known)
    return Cell(interval_text(lower, upper, 2), rows)


def two_period_body(parts: Parts) -> list[Row]:
    """Lay out differences within participants, adjusted for the period and not."""
    notes, digits = parts.notes, parts.digits
    body = [
        parts.arm_row("Participants analysed", "n_analysed"),
        parts.arm_row("Participants with data", "n_with_data"),
        Row(
            (
                Cell("Observed mean (SD)"),
                *parts.arm_cells(
                    lambda a: cells.pair(
                        parts.of_arm(a, "mean"),
                        parts.of_arm(a, "standard_deviation"),
                        notes,
                        digits,
                    )
                ),
            )
        ),
    ]
    for statistic, words in _WITHIN.items():
        for record in find(parts.rows, statistic=statistic):
            own = record["contrast"] not in parts.contrasts
            what = f" ({record['contrast']})" if own and record["contrast"] else ""
            label = f"{words}{what} ({parts.interval_label()})"
            shown = cells.value_interval(record, notes, digits)
            body.append(_in_last(parts, label, shown))
            df = cells.degrees_of_freedom(record)
            body.append(_in_last(parts, "Degrees of freedom", df, indent=1))
            body.append(_in_last(parts, "p-value", cells.p_value(record), indent=1))
    ranks = one(parts.rows, statistic="signed_rank_test")
    if ranks:
        words = "Signed-rank test, p-value"
        body.append(_in_last(parts, words, cells.p_value(ranks)))
    notes.note("SD, standard deviation; CI, confidence interval.")
    notes.note("Differences are treatment minus control.")
    return body


_WITHIN = {
    "difference": "Difference, adjusted for the period",
    "paired_difference": "Difference, paired, the period left aside",
    "period_effect": "Period effect",
    "carryover_effect": "Carry-over, sums of the periods",
}
