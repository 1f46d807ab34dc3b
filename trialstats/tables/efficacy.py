"""Efficacy tables: one per analysis, with its estimand and its model on the table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from trialstats.errors import DataError
from trialstats.formatting import NOT_ESTIMABLE
from trialstats.parts import own_records
from trialstats.records import Record, distinct, find, records, usual_level
from trialstats.tables import cells
from trialstats.tables.categorical import cmh_body
from trialstats.tables.efficacy_bodies import (
    bioequivalence_body,
    logistic_body,
    means_extras,
    survival_body,
    test_lines,
    two_period_body,
)
from trialstats.tables.efficacy_parts import Parts
from trialstats.tables.participants import labels_of
from trialstats.tables.selection import arms_of, groups_in_order
from trialstats.tables.specification import (
    estimand_lines,
    left_out_lines,
    specification,
)
from trialstats.tables.subtitles import trial_subtitle
from trialstats.tables.table import (
    EMPTY,
    Cell,
    Column,
    Footnotes,
    Row,
    Table,
    heading,
)
from trialstats.vocabulary import (
    AVERAGE_OVER_VISITS,
    sentence_list,
    upper_first,
    visits_in_words,
)


def efficacy_table(
    rows: pd.DataFrame, *, trial: Mapping[str, Any], analysis: str
) -> Table:
    """Tabulate one analysis of a trial.

    Parameters
    ----------
    rows : DataFrame
        Rows of the estimates of the trial; those of other analyses are left out.
    trial : mapping
        Configuration of the trial.
    analysis : str
        The analysis.

    Returns
    -------
    Table
        Above the body the estimand, the model with its degrees of freedom and the
        scale; in the body, for each arm, participants analysed and with data, and
        the effect with its interval. The layout follows the statistics present.

    Raises
    ------
    DataError
        When there are no rows of the analysis, or none that a layout knows.
    """
    listed = own_records(find(records(rows), analysis=analysis))
    if not listed:
        raise DataError(f"there are no rows of the analysis {analysis!r}")
    present = set(distinct(listed, "statistic"))
    layouts = [(c, r) for mark, c, r in _LAYOUTS if mark in present]
    if not layouts:
        raise DataError(
            f"no table for the statistics of {analysis!r}: {', '.join(sorted(present))}"
        )
    columns, body = layouts[0]
    settings = trial.get("analyses", {}).get(analysis, {})
    if settings.get("model", {}).get("type") == "mmrm":
        # Also when it could not be fitted and has no row to know it by.
        columns, body = _visit_columns, _visit_body
    parts = Parts(
        rows=listed,
        arms=groups_in_order(listed, arms_of(trial)),
        contrasts=distinct(listed, "contrast"),
        notes=Footnotes(),
        digits=cells.decimals(
            r for r in listed if r["statistic"] in {"ls_mean", "difference"}
        ),
        level=usual_level(listed),
        averaged=settings.get("model", {}).get("averaged_over", ()),
    )
    name = str(listed[0]["trial"])
    role = settings.get("role")
    return Table(
        id=f"{name}_{analysis}",
        title=settings.get("title", analysis) + (f" ({role} analysis)" if role else ""),
        subtitle=trial_subtitle(trial, listed, listed[0]["analysis_set"]),
        columns=columns(parts),
        rows=tuple(body(parts)),
        preface=tuple(_preface(parts, trial, analysis)),
        footnotes=parts.notes.lines(),
        source=f"results/estimates/trial/{name}/{analysis}.parquet",
    )


def _preface(
    parts: Parts, trial: Mapping[str, Any], analysis: str
) -> list[tuple[str, Cell]]:
    lines = estimand_lines(parts.rows, trial, analysis)
    parameter = trial.get("analyses", {}).get(analysis, {}).get("parameter")
    label = labels_of(trial).get(parameter) if parameter else None
    if label:
        better = trial.get("bds", {}).get(parameter, {}).get("better")
        lines.append(
            ("Scale", Cell(label + (f"; {better} is better" if better else "")))
        )
    stated = [r for r in parts.rows if r["contrast"] and _states_model(r)]
    at_visits = [r for r in stated if r["visit"] != AVERAGE_OVER_VISITS]
    models = distinct(at_visits or stated, "method")
    lines += [("Model" if n == 0 else "", Cell(text)) for n, text in enumerate(models)]
    lines += left_out_lines(parts.rows)
    lines += specification(parts.rows, parts.notes)
    return lines


def _states_model(row: Record) -> bool:
    """Return whether the method of a row is the analysis's, and not a variant of it."""
    return not str(row["statistic"]).startswith(("standard_error_of_", "n_"))


def _arm_columns(parts: Parts) -> tuple[Column, ...]:
    arms = (Column(a) for a in parts.arms)
    return (Column("Statistic", "left"), *arms, *(Column(c) for c in parts.contrasts))


def _means_body(parts: Parts) -> list[Row]:
    """Lay out means at one visit: ANCOVA and crossover."""
    notes, digits = parts.notes, parts.digits
    body = [
        parts.arm_row("Participants analysed", "n_analysed"),
        parts.arm_row("Participants with data", "n_with_data"),
    ]
    if find(parts.rows, statistic="mean"):
        observed = parts.arm_cells(
            lambda a: cells.pair(
                parts.of_arm(a, "mean"),
                parts.of_arm(a, "standard_deviation"),
                notes,
                digits,
            )
        )
        body.append(Row((Cell("Observed mean (SD)"), *observed)))
    body += [
        _paired_row(parts, "Adjusted mean (SE)", cells.value_error),
        _paired_row(parts, parts.interval_label("confidence interval"), cells.interval),
        parts.contrast_row(
            "Degrees of freedom",
            lambda c: cells.degrees_of_freedom(parts.of_contrast(c, "difference")),
        ),
        parts.contrast_row(
            "p-value", lambda c: cells.p_value(parts.of_contrast(c, "difference"))
        ),
    ]
    if find(parts.rows, statistic="standardized_mean_difference"):
        body.append(
            parts.contrast_row(
                f"Standardized mean difference, unadjusted ({parts.interval_label()})",
                lambda c: cells.value_interval(
                    parts.of_contrast(c, "standardized_mean_difference"), notes
                ),
            )
        )
    body += means_extras(parts)
    if find(parts.rows, statistic="mean"):
        notes.note("SD, standard deviation.")
    notes.note("SE, standard error; CI, confidence interval.")
    notes.note("Differences are treatment minus control.")
    return body


def _paired_row(
    parts: Parts,
    label: str,
    make: Callable[[Record | None, Footnotes, int], Cell],
) -> Row:
    """Return a row with the adjusted mean of each arm and the difference."""
    arms = (
        make(parts.of_arm(a, "ls_mean"), parts.notes, parts.digits) for a in parts.arms
    )
    contrasts = (
        make(parts.of_contrast(c, "difference"), parts.notes, parts.digits)
        for c in parts.contrasts
    )
    return Row((Cell(label), *arms, *contrasts))


def _crossover_columns(parts: Parts) -> tuple[Column, ...]:
    parts.contrasts = distinct(find(parts.rows, statistic="difference"), "contrast")
    return _arm_columns(parts)


def _two_period_columns(parts: Parts) -> tuple[Column, ...]:
    parts.contrasts = distinct(find(parts.rows, statistic="difference"), "contrast")
    return _arm_columns(parts)


def _crossover_body(parts: Parts) -> list[Row]:
    body = [*_means_body(parts), heading("First period, period and sequence")]
    for statistic, label in _CROSSOVER_EFFECTS.items():
        effects = find(parts.rows, statistic=statistic)
        for effect in effects:
            own = effect["contrast"] in parts.contrasts
            at = parts.contrasts.index(effect["contrast"]) if own else -1
            made = (
                cells.value_interval(effect, parts.notes, parts.digits),
                cells.degrees_of_freedom(effect),
                cells.p_value(effect),
            )
            what = f" ({effect['contrast']})" if effect["contrast"] else ""
            first = f"{label}{what} ({parts.interval_label()})"
            labels = (first, "Degrees of freedom", "p-value")
            for n, (text, cell) in enumerate(zip(labels, made, strict=True)):
                placed = [EMPTY] * len(parts.contrasts)
                placed[at] = cell
                blank = [EMPTY] * len(parts.arms)
                body.append(Row((Cell(text), *blank, *placed), indent=min(n, 1)))
    return body


_CROSSOVER_EFFECTS = {
    "first_period_difference": "First period alone",
    "period_effect": "Period effect",
    "sequence_effect": "Sequence effect",
}


def _binary_body(parts: Parts) -> list[Row]:
    notes = parts.notes
    events = parts.arm_cells(
        lambda a: _events_of(parts.of_arm(a, "events"), parts.of_arm(a, "risk"), notes)
    )
    risks = parts.arm_cells(lambda a: cells.interval(parts.of_arm(a, "risk"), notes, 1))
    interval = parts.interval_label("confidence interval")
    body = [
        parts.arm_row("Participants analysed", "n_analysed"),
        parts.arm_row("Participants with data", "n_with_data"),
        Row((Cell("With the event, n (%)"), *events)),
        Row((Cell(f"{interval} of the percentage"), *risks)),
    ]
    for statistic, label, digits in _BINARY_EFFECTS:
        if not find(parts.rows, statistic=statistic):
            continue
        found = {c: parts.of_contrast(c, statistic) for c in parts.contrasts}
        made = parts.contrast_cells(
            lambda c, f=found, d=digits: cells.value_interval(f[c], notes, d)  # type: ignore[misc]
        )
        body.append(Row((Cell(f"{label} ({parts.interval_label()})"), *made)))
        if any(r and r["p_value"] is not None for r in found.values()):
            body.append(
                Row(
                    (
                        Cell("p-value"),
                        *parts.contrast_cells(lambda c, f=found: cells.p_value(f[c])),  # type: ignore[misc]
                    ),
                    indent=1,
                )
            )
    body += test_lines(parts)
    notes.note(
        "CI, confidence interval. Effects are treatment minus, or over, control."
    )
    return body


#: Statistic, label and decimals: absolute effect first, then the relative ones.
_BINARY_EFFECTS = (
    ("risk_difference", "Risk difference, percentage points", 1),
    ("risk_ratio", "Risk ratio", 2),
    ("odds_ratio", "Odds ratio", 2),
)


def _events_of(events: Record | None, risk: Record | None, notes: Footnotes) -> Cell:
    """Print events with their percentage, taken from the row of the risk if there."""
    if events is None or events["estimate"] is None or risk is None:
        return cells.count_percent(events, notes)
    percent = cells.value(risk, notes, 1)
    text = f"{cells.count(events, notes).text} ({percent.text}%)"
    return Cell(text, (str(events["row_id"]), *percent.rows))


def _visit_columns(parts: Parts) -> tuple[Column, ...]:
    arms = [
        Column(label, spanner=arm)
        for arm in parts.arms
        for label in ("n (data)", "LS mean (SE)")
    ]
    contrasts = [
        Column(label, spanner=contrast)
        for contrast in parts.contrasts
        for label in ("Difference (SE)", parts.interval_label(), "df", "p-value")
    ]
    return (Column("Visit", "left"), *arms, *contrasts)


def _visit_body(parts: Parts) -> list[Row]:
    notes, digits, body = parts.notes, parts.digits, []
    visits = distinct(find(parts.rows, statistic="n_with_data"), "visit")
    # Visits that nobody has are no visits of the counts, nor is their average.
    differences = find(parts.rows, statistic="difference")
    visits += [v for v in distinct(differences, "visit") if v not in visits]
    for visit in visits or [None]:
        at = replace(parts, rows=find(parts.rows, visit=visit))
        made = [Cell(_visit_label(parts, visit))]
        for arm in parts.arms:
            made.append(_numbers(at, arm, notes))
            made.append(cells.value_error(at.of_arm(arm, "ls_mean"), notes, digits))
        for contrast in parts.contrasts:
            difference = at.of_contrast(contrast, "difference")
            made.append(cells.value_error(difference, notes, digits))
            made.append(cells.interval(difference, notes, digits))
            made.append(cells.degrees_of_freedom(difference))
            made.append(cells.p_value(difference))
        body.append(Row(tuple(made)))
    body += _term_rows(parts, blank=2 * len(parts.arms))
    notes.note(
        "n (data), participants in the model (with an observed value at the visit); LS "
        "mean, least-squares (adjusted) mean; SE, standard error; CI, confidence "
        "interval; df, degrees of freedom. Differences are treatment minus control. "
        f"{_average_note(parts)}"
    )
    return body


def _visit_label(parts: Parts, visit: str | None) -> str:
    """Return the name of a visit; of the average, with the visits that were chosen."""
    if visit == AVERAGE_OVER_VISITS and parts.averaged:
        return f"Average of {visits_in_words(parts.averaged)}"
    return visit or "All visits"


def _average_note(parts: Parts) -> str:
    if parts.averaged:
        chosen = sentence_list(parts.averaged)
        return f"The average is over {chosen} alone, each with the same weight."
    return "The average over visits gives each the same weight."


def _numbers(at: Parts, arm: str, notes: Footnotes) -> Cell:
    """Print the numbers in the model and with data at a visit."""
    analysed, seen = at.of_arm(arm, "n_analysed"), at.of_arm(arm, "n_with_data")
    if seen is None:
        return EMPTY
    first, second = cells.count(analysed, notes), cells.count(seen, notes)
    text = f"{first.text or NOT_ESTIMABLE} ({second.text})"
    return Cell(text, first.rows + second.rows)


def _term_rows(parts: Parts, *, blank: int) -> list[Row]:
    """Print the tests of the model's terms in the columns of the last contrast."""
    tests = find(parts.rows, statistic="type_3_test")
    if not tests or not parts.contrasts:
        return []
    body = [heading("Tests of the terms (type III)")]
    for test in tests:
        made = (
            cells.f_statistic(test),
            EMPTY,
            cells.degrees_of_freedom(test),
            cells.p_value(test),
        )
        before = [EMPTY] * (blank + 4 * (len(parts.contrasts) - 1))
        label = Cell(upper_first(str(test["subgroup"])))
        body.append(Row((label, *before, *made)))
    return body


#: Statistic that marks a kind of analysis, and its columns and body; first fit.
_LAYOUTS: Sequence[
    tuple[
        str,
        Callable[[Parts], tuple[Column, ...]],
        Callable[[Parts], list[Row]],
    ]
] = (
    ("n_strata_informative", _arm_columns, cmh_body),
    ("hazard_ratio", _arm_columns, survival_body),
    ("coefficient", _arm_columns, logistic_body),
    ("geometric_mean_ratio", _arm_columns, bioequivalence_body),
    ("paired_difference", _two_period_columns, two_period_body),
    ("period_effect", _crossover_columns, _crossover_body),
    ("risk_difference", _arm_columns, _binary_body),
    ("difference", _arm_columns, _means_body),
    ("odds_ratio", _arm_columns, logistic_body),
)
