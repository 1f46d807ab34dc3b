"""Why trials differ: subgroups, moderators, and small-study effects."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from trialstats.formatting import format_level
from trialstats.records import Record, find, one, usual_level
from trialstats.tables import cells
from trialstats.tables.subtitles import data_words
from trialstats.tables.synthesis import (
    Synthesised,
    measure_words,
    participants_cell,
    short_title,
    synthesised,
    trials_cell,
)
from trialstats.tables.table import EMPTY, Cell, Column, Footnotes, Row, Table
from trialstats.vocabulary import upper_first


def _source(made: Synthesised) -> str:
    return f"results/estimates/synthesis/{made.id}.parquet"


def subgroups_table(rows: pd.DataFrame, *, synthesis: Mapping[str, Any]) -> Table:
    """Tabulate the pooled effect of each subgroup and the test between them.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, with statistic ``subgroup_effect``.
    synthesis : mapping
        Configuration of the synthesis.
    """
    made, notes = synthesised(rows), Footnotes()
    effects = find(made.rows, statistic="subgroup_effect")
    level = usual_level(effects)
    body = []
    for effect in effects:
        spread = {
            name: one(
                made.rows,
                statistic=f"subgroup_{name}",
                subgroup=effect["subgroup"],
            )
            for name in ("tau_squared", "i_squared")
        }
        letter = notes.letter(upper_first(str(effect["method"])))
        body.append(
            Row(
                (
                    Cell(str(effect["subgroup"]), marks=letter),
                    trials_cell(effect),
                    participants_cell(effect),
                    cells.value_interval(
                        effect, notes, cells.effect_digits(effect), level=level
                    ),
                    cells.p_value(effect),
                    cells.value(spread["tau_squared"], notes, 3),
                    cells.share(spread["i_squared"], notes),
                )
            )
        )
    for test in find(made.rows, statistic="subgroup_test"):
        line = (
            Cell(
                "Test of subgroup differences",
                marks=notes.letter(upper_first(str(test["method"]))),
            ),
            EMPTY,
            EMPTY,
            cells.test(test, notes),
            cells.p_value(test),
            EMPTY,
            EMPTY,
        )
        body.append(Row(line))
    name = synthesis.get("subgroups", {}).get("name", "Subgroup")
    notes.note("k, number of trials; n, participants; CI, confidence interval.")
    return Table(
        id=f"{made.id}_subgroups",
        title=f"{short_title(synthesis)}: subgroups",
        subtitle=f"{upper_first(measure_words(synthesis))} · {data_words(made.rows)}",
        columns=(
            Column(str(name), "left"),
            Column("k"),
            Column("n"),
            Column(f"Estimate ({format_level(level)})"),
            Column("p"),
            Column("τ²"),
            Column("I²"),
        ),
        rows=tuple(body),
        footnotes=notes.lines(),
        source=_source(made),
    )


#: Statistics of a meta-regression beside its coefficients, in words.
_OF_REGRESSION = {
    "moderator_test": "Test of the moderators",
    "residual_tau_squared": "Residual τ²",
    "residual_i_squared": "Residual I²",
    "residual_q": "Residual heterogeneity, Q",
    "r_squared": "Share of τ² explained, R²",
}


def meta_regression_table(rows: pd.DataFrame, *, synthesis: Mapping[str, Any]) -> Table:
    """Tabulate the coefficients of a meta-regression, and what it explains.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, with statistic ``coefficient``.
    synthesis : mapping
        Configuration of the synthesis.
    """
    made, notes = synthesised(rows), Footnotes()
    found = find(made.rows, statistic="coefficient")
    level = usual_level(found)
    body = [
        Row(
            (
                Cell(str(row["group"])),
                cells.coefficient(row, notes),
                cells.value(_error_of(row), notes, 4),
                cells.p_value(row),
            )
        )
        for row in found
    ]
    body += [
        Row((Cell(words), *_of_regression(row, notes)))
        for statistic, words in _OF_REGRESSION.items()
        for row in find(made.rows, statistic=statistic)
    ]
    if found:
        notes.note(upper_first(str(found[0]["method"])))
    scale = " (log scale)" if found and found[0]["scale"] == "log" else ""
    return Table(
        id=f"{made.id}_meta_regression",
        title=f"{short_title(synthesis)}: meta-regression",
        subtitle=f"{upper_first(measure_words(synthesis))}{scale} · "
        f"{data_words(made.rows)}",
        columns=(
            Column("Term", "left code"),
            Column(f"Coefficient ({format_level(level)})"),
            Column("Standard error"),
            Column("p"),
        ),
        rows=tuple(body),
        footnotes=notes.lines(),
        source=_source(made),
    )


def _error_of(row: Record) -> Record:
    return {**row, "estimate": row["standard_error"], "scale": "natural"}


def _of_regression(row: Record, notes: Footnotes) -> Iterator[Cell]:
    if row["statistic"].endswith("_test") or row["statistic"] == "residual_q":
        yield cells.test(row, notes)
    elif row["statistic"] == "residual_tau_squared":
        yield cells.value(row, notes, 3)
    else:
        yield cells.share(row, notes)
    yield EMPTY
    yield cells.p_value(row)


def components_table(rows: pd.DataFrame, *, synthesis: Mapping[str, Any]) -> Table:
    """Tabulate the variance of each level of nested effects.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, with statistic ``variance_component``.
    synthesis : mapping
        Configuration of the synthesis.
    """
    made, notes = synthesised(rows), Footnotes()
    found = find(made.rows, statistic="variance_component")
    level = usual_level(found)
    body = []
    for row in found:
        same = {"group": row["group"], "model_id": row["model_id"]}
        share = one(made.rows, statistic="variance_share", **same)
        body.append(
            Row(
                (
                    Cell(str(row["group"])),
                    cells.value_interval(row, notes, 3, level=level),
                    cells.share(share, notes),
                )
            )
        )
    notes.note("Share of the variance of a single effect; the rest is sampling error.")
    return Table(
        id=f"{made.id}_components",
        title=f"{short_title(synthesis)}: variance between the levels",
        subtitle=f"{upper_first(measure_words(synthesis))} · {data_words(made.rows)}",
        columns=(
            Column("Level", "left code"),
            Column(f"Variance ({format_level(level)})"),
            Column("Share"),
        ),
        rows=tuple(body),
        footnotes=notes.lines(),
        source=_source(made),
    )


#: Tests and adjustments for small-study effects, in words.
_SMALL_STUDY = {
    "egger_test": "Regression test (Egger)",
    "begg_test": "Rank correlation (Begg)",
    "harbord_test": "Score test (Harbord)",
    "peters_test": "Regression on 1/n (Peters)",
    "trim_and_fill_missing": "Trials filled (trim and fill)",
    "trim_and_fill_effect": "Effect with filled trials",
    "excess_significance": "Excess of significant trials",
    "fail_safe_n": "Fail-safe N (Rosenthal)",
}


def small_study_table(rows: pd.DataFrame, *, synthesis: Mapping[str, Any]) -> Table:
    """Tabulate tests of small-study effects and what adjusting for them gives.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, with at least one statistic of small-study effects.
    synthesis : mapping
        Configuration of the synthesis.
    """
    made, notes = synthesised(rows), Footnotes()
    body = []
    for statistic, words in _SMALL_STUDY.items():
        for row in find(made.rows, statistic=statistic):
            letter = notes.letter(upper_first(str(row["method"])))
            body.append(
                Row(
                    (
                        Cell(words, marks=letter),
                        _small_study_value(row, notes),
                        cells.test(row, notes),
                        cells.p_value(row),
                    )
                )
            )
    main = made.main
    if main is not None and (main["n_trials"] or 0) < _FEWEST_TRIALS:
        notes.note(
            f"With fewer than {_FEWEST_TRIALS} trials these tests see little, and "
            "asymmetry has other causes than missing trials."
        )
    return Table(
        id=f"{made.id}_small_study",
        title=f"{short_title(synthesis)}: small-study effects",
        subtitle=f"{upper_first(measure_words(synthesis))} · {data_words(made.rows)}",
        columns=(
            Column("Method", "left"),
            Column("Estimate"),
            Column("Test statistic"),
            Column("p"),
        ),
        rows=tuple(body),
        footnotes=notes.lines(),
        source=_source(made),
    )


#: Trials below which tests of asymmetry are not advised (Sterne 2011, BMJ 343:d4002).
_FEWEST_TRIALS = 10


def _small_study_value(row: Record, notes: Footnotes) -> Cell:
    if row["statistic"] == "trim_and_fill_effect":
        return cells.value_interval(row, notes, cells.effect_digits(row))
    counted = row["statistic"] in ("trim_and_fill_missing", "fail_safe_n")
    return cells.value(row, notes, 0 if counted else 2)
