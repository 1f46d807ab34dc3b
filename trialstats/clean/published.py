"""Published results: from the transcribed tables to checked frames.

Effects are LDN minus (or over) its comparator. Nothing is computed here beyond what
is needed to check the tables against themselves.
"""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from trialstats.clean.canonical import plain_number
from trialstats.clean.derived_numbers import check_percentages, check_standard_error
from trialstats.clean.published_cells import EVIDENCE, USES, Findings, Row, rows_in
from trialstats.config.checking import suggestion
from trialstats.evidence_rows import EFFECTS, PUBLISHED_POOLS, PUBLISHED_TRIALS
from trialstats.rows import frame_of

TRIAL_COLUMNS = (
    *("trial_id", "label", "citation", "doi", "pmid", "registry", "condition"),
    *("condition_group", "design", "comparator", "dose_mg", "weeks", "n_randomised"),
    *("n_analysed_ldn", "n_analysed_placebo", "population", "notes", "verification"),
    *("use", "evidence_status", "use_note"),
)
_OUTCOME_COLUMNS = (
    *("trial_id", "outcome", "timepoint_weeks", "n_ldn", "n_placebo"),
    *("published_effect", "measure", "ci_low", "ci_high", "p", "verification"),
    *("use", "evidence_status", "use_note", "endpoint"),
)
BINARY_COLUMNS = (*_OUTCOME_COLUMNS, "events_ldn", "events_placebo")
CONTINUOUS_COLUMNS = (
    *_OUTCOME_COLUMNS,
    *("scale", "direction", "type", "mean_ldn", "sd_ldn", "mean_placebo"),
    *("sd_placebo", "published_diff", "derived_se", "derived_how"),
    *("se_status", "sd_status"),
)
POOL_COLUMNS = (
    *("review", "outcome", "method", "k", "pooled", "ci_low", "ci_high", "I2"),
    *("verification", "evidence_status"),
)

DIRECTIONS = {"higher is better": True, "lower is better": False}

#: Structure of a trial by the words of its design; the first that fits.
DESIGNS = (
    (r"single[- ]arm|no control", "single arm"),
    (r"crossover|dose finding", "crossover"),
    (r"parallel|\barms\b|\brct\b", "parallel"),
)

#: Code of a measure by the first words of a review's method.
POOL_MEASURES = {
    "RR": "RR",
    "OR": "OR",
    "MD": "MD",
    "SMD": "SMD",
    "Cohen d": "SMD",
    "incidence rate ratio": "IRR",
}
RATIOS = ("RR", "OR", "IRR")

#: The type of rows that state a p-value and nothing else.
P_VALUE_ONLY = "p-value only"


def published_frames(
    cells: Mapping[str, pd.DataFrame], *, files: Mapping[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the published tables as `build_published` does, or empty ones.

    A dossier whose syntheses take nothing from published tables names none.
    """
    if not cells:
        return (
            frame_of([], EFFECTS),
            frame_of([], PUBLISHED_TRIALS),
            frame_of([], PUBLISHED_POOLS),
        )
    return build_published(**cells, files=files)


def build_published(
    trials: pd.DataFrame,
    continuous: pd.DataFrame,
    binary: pd.DataFrame,
    pools: pd.DataFrame,
    *,
    files: Mapping[str, str],
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Check the published tables and return them as typed frames.

    Parameters
    ----------
    trials, continuous, binary, pools : DataFrame
        Cells as `trialstats.io.read_cells` gives them: text, None where empty, the
        row of the file as index.
    files : mapping of str to str
        File of each of ``trials``, ``continuous``, ``binary`` and ``pools``, for
        messages and for the column ``file``.

    Returns
    -------
    effects : DataFrame
        Schema `evidence_rows.EFFECTS`: continuous outcomes, then binary ones.
    trials : DataFrame
        Schema `evidence_rows.PUBLISHED_TRIALS`.
    pools : DataFrame
        Schema `evidence_rows.PUBLISHED_POOLS`.

    Raises
    ------
    DataError
        With every problem of the four files: file, row, column, value and remedy.
    """
    findings = Findings()
    listed = rows_in(
        trials,
        file=files["trials"],
        columns=TRIAL_COLUMNS,
        key=("trial_id",),
        findings=findings,
    )
    # Without a readable list of trials, nothing can be said about their names.
    known = {str(row.cells["trial_id"]): row for row in listed} or None
    trial_rows = [_trial(row) for row in listed]
    effects: list[dict[str, Any]] = []
    tables = (
        (continuous, "continuous", CONTINUOUS_COLUMNS, _continuous),
        (binary, "binary", BINARY_COLUMNS, _binary),
    )
    for cells, name, columns, build in tables:
        for row in rows_in(
            cells,
            file=files[name],
            columns=columns,
            key=("trial_id", "outcome", "timepoint_weeks"),
            findings=findings,
        ):
            effects.append(_common(row, known) | build(row))
    pool_rows = [
        _pool(row)
        for row in rows_in(
            pools,
            file=files["pools"],
            columns=POOL_COLUMNS,
            key=("review", "outcome"),
            findings=findings,
        )
    ]
    findings.refuse()
    return (
        _typed(effects, EFFECTS),
        _typed(trial_rows, PUBLISHED_TRIALS),
        _typed(pool_rows, PUBLISHED_POOLS),
    )


def _typed(rows: list[dict[str, Any]], schema: Any) -> pd.DataFrame:
    types = {"string": "str", "int64": "Int64", "double": "float64", "bool": "boolean"}
    return frame_of(rows, schema).astype(
        {field.name: types[str(field.type)] for field in schema}
    )


def _trial(row: Row) -> dict[str, Any]:
    cells = row.cells
    _structure(row)
    return {
        **{
            name: row.text(name, required=True)
            for name in ("label", "citation", "condition", "condition_group")
        },
        "trial": row.text("trial_id", required=True),
        "design": row.text("design", required=True),
        "comparator": row.text("comparator", required=True),
        "dose": cells["dose_mg"],
        **{
            name: row.count_in(name)
            for name in ("n_randomised", "n_analysed_ldn", "n_analysed_placebo")
        },
        **{
            name: cells[name]
            for name in ("doi", "pmid", "registry", "weeks", "population", "notes")
        },
        "verification": cells["verification"],
        "use": row.choice("use", USES),
        "use_note": cells["use_note"],
        "evidence_status": row.choice("evidence_status", EVIDENCE),
    }


def structure_of(design: str | None) -> str | None:
    """Return parallel, crossover or single arm, or None when the words do not say.

    >>> structure_of("RCT, double-blind, crossover, single-centre")
    'crossover'
    """
    words = (design or "").lower()
    return next((s for pattern, s in DESIGNS if re.search(pattern, words)), None)


def _structure(row: Row) -> str | None:
    found = structure_of(row.cells["design"])
    if found is None:
        remedy = "say parallel, crossover, single arm or no control"
        row.problem("the design does not say its structure", "design", remedy=remedy)
    return found


def _common(row: Row, known: Mapping[str, Row] | None) -> dict[str, Any]:
    """Return what continuous and binary rows share, with the trial's own columns."""
    cells, name = row.cells, row.text("trial_id", required=True)
    trial = known.get(str(name)) if known else None
    if known and name is not None and trial is None:
        remedy = f"add it to the trials; {suggestion(name, known)}"
        row.problem("unknown trial", "trial_id", remedy=remedy)
    _check_p_value(row)
    of_trial = trial.cells if trial else {}
    design = structure_of(of_trial.get("design"))
    for arm in ("n_ldn", "n_placebo"):
        n = row.count_in(arm)
        if n is not None and n <= 0:
            remedy = "write the number of participants, or leave the cell empty"
            row.problem("an arm of 0 participants", arm, remedy=remedy)
    return {
        "trial": name,
        "label": of_trial.get("label"),
        "condition": of_trial.get("condition"),
        "design": design,
        "comparator": of_trial.get("comparator"),
        "endpoint": row.text("endpoint", required=True),
        "outcome": row.text("outcome", required=True),
        "timepoint": cells["timepoint_weeks"],
        "n_ldn": row.count_in("n_ldn"),
        "n_placebo": row.count_in("n_placebo"),
        "ci_lower": row.number_in("ci_low"),
        "ci_upper": row.number_in("ci_high"),
        "p_value": cells["p"],
        "published_measure": cells["measure"],
        "published_effect": cells["published_effect"],
        "use": row.choice("use", USES),
        "use_note": cells["use_note"],
        "evidence_status": row.choice("evidence_status", EVIDENCE),
        "verification": cells["verification"],
        "file": row.file,
        "row": row.number,
    }


def _check_p_value(row: Row) -> None:
    """Check a p-value, which may stand behind < or >."""
    text = row.cells["p"]
    value = plain_number((text or "0").lstrip("<>=~ "))
    if value is None or not 0 <= value <= 1:
        remedy = "write a number between 0 and 1, such as 0.04 or <0.001"
        row.problem("not a p-value", "p", remedy=remedy)


def _check_interval(row: Row, *, of: str | None = None) -> None:
    """Check the limits, and that the cell in column `of` lies between them."""
    estimate = row.number_in(of) if of else None
    lower, upper = row.number_in("ci_low"), row.number_in("ci_high")
    if lower is None and upper is None:
        return
    if lower is None or upper is None:
        column = "ci_low" if lower is None else "ci_high"
        row.problem("half of an interval", column, remedy="write both limits")
    elif lower > upper:
        remedy = "write the lower limit in ci_low, the upper one in ci_high"
        row.problem("the limits are reversed", "ci_low", remedy=remedy)
    elif of and estimate is not None and not lower <= estimate <= upper:
        where = f"outside its interval, {lower:g} to {upper:g}"
        row.problem(where, of, remedy="mend the estimate or the limits")


def _continuous(row: Row) -> dict[str, Any]:
    cells = row.cells
    for arm in ("sd_ldn", "sd_placebo"):
        deviation = row.number_in(arm)
        if deviation is not None and deviation <= 0:
            remedy = "write a standard deviation above 0, or leave the cell empty"
            row.problem("a standard deviation of 0 or less", arm, remedy=remedy)
    difference = row.number_in("published_diff")
    _check_interval(row, of="published_diff")
    check_standard_error(row)
    direction = row.choice("direction", DIRECTIONS, required=False)
    return {
        "scale": cells["scale"],
        "higher_is_better": DIRECTIONS.get(direction) if direction else None,
        "type": cells["type"] or P_VALUE_ONLY,
        **{
            name: row.number_in(name)
            for name in ("mean_ldn", "sd_ldn", "mean_placebo", "sd_placebo")
        },
        "difference": difference,
        "standard_error": row.number_in("derived_se"),
        "standard_error_how": cells["derived_how"],
        **{
            name: row.choice(name, EVIDENCE, required=False)
            for name in ("se_status", "sd_status")
        },
    }


def _binary(row: Row) -> dict[str, Any]:
    counts = {
        name: row.count_in(name)
        for name in ("events_ldn", "n_ldn", "events_placebo", "n_placebo")
    }
    for arm in ("ldn", "placebo"):
        events, n = counts[f"events_{arm}"], counts[f"n_{arm}"]
        if events is not None and n is not None and events > n:
            column = f"events_{arm}"
            remedy = f"write at most n_{arm} = {n}, or mend n_{arm}"
            row.problem("more events than participants", column, remedy=remedy)
    ratio = row.cells["measure"] in RATIOS
    _check_interval(row, of="published_effect" if ratio else None)
    check_percentages(row)
    return {"type": "binary", **counts}


def _pool(row: Row) -> dict[str, Any]:
    cells, pooled = row.cells, row.number_in("pooled")
    method = row.text("method", required=True)
    measure = next(
        (code for words, code in POOL_MEASURES.items() if _begins(method, words)), None
    )
    if method is not None and measure is None:
        remedy = f"begin with one of: {', '.join(POOL_MEASURES)}"
        row.problem("the measure is not known", "method", remedy=remedy)
    if pooled is None and cells["pooled"] is None:
        row.problem("the cell is empty", "pooled", remedy="fill it in")
    _check_interval(row, of="pooled")
    if measure in RATIOS:
        for column in ("pooled", "ci_low", "ci_high"):
            value = row.number_in(column)
            if value is not None and value <= 0:
                remedy = "write the ratio itself, not its logarithm"
                row.problem("a ratio of 0 or less", column, remedy=remedy)
    return {
        "review": row.text("review", required=True),
        "outcome": row.text("outcome", required=True),
        "method": method,
        "measure": measure,
        "k": cells["k"],
        "pooled": pooled,
        "ci_lower": row.number_in("ci_low"),
        "ci_upper": row.number_in("ci_high"),
        "i_squared": cells["I2"],
        "verification": cells["verification"],
        "evidence_status": row.choice("evidence_status", EVIDENCE),
    }


def _begins(text: str | None, words: str) -> bool:
    return re.match(rf"{re.escape(words)}\b", text or "") is not None
