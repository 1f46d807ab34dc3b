"""Judgements of people about trials and evidence: files to checked frames."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from trialstats.clean.published_cells import Findings, Row, rows_in
from trialstats.config.checking import suggestion
from trialstats.evidence_rows import CERTAINTY, RISK_OF_BIAS
from trialstats.judgements import (
    GRADE_DOWN,
    GRADE_UP,
    ROB_DOMAINS,
    ROB_JUDGEMENTS,
)
from trialstats.rows import frame_of

ROB_COLUMNS = ("trial_id", "outcome", "domain", "judgement", "reason", "source")
CERTAINTY_COLUMNS = ("synthesis", "domain", "levels", "reason")


def judgement_frames(
    cells: Mapping[str, pd.DataFrame],
    *,
    files: Mapping[str, str],
    trials: Iterable[str],
    syntheses: Iterable[str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both kinds of judgements, empty where a dossier has no such file.

    Parameters
    ----------
    cells : mapping of str to DataFrame
        Cells of the files, under ``risk_of_bias`` and ``certainty``.
    files : mapping of str to str
        The files, for messages.
    trials, syntheses : iterable of str
        Those that exist.

    Returns
    -------
    tuple of DataFrame
        Schemas RISK_OF_BIAS and CERTAINTY of `evidence_rows`.
    """
    biased, graded = frame_of([], RISK_OF_BIAS), frame_of([], CERTAINTY)
    if "risk_of_bias" in cells:
        biased = build_risk_of_bias(
            cells["risk_of_bias"], file=files["risk_of_bias"], trials=trials
        )
    if "certainty" in cells:
        graded = build_certainty(
            cells["certainty"], file=files["certainty"], syntheses=syntheses
        )
    return biased, graded


def risk_of_bias_in(cells: pd.DataFrame, *, file: str) -> pd.DataFrame:
    """Return the judgements of a file for drawing, whichever trials it names.

    The step that builds the judgements knows the trials and refuses unknown ones.

    Parameters
    ----------
    cells, file
        As for `build_risk_of_bias`.

    Returns
    -------
    DataFrame
        Schema `evidence_rows.RISK_OF_BIAS`.
    """
    named = cells["trial_id"].dropna() if "trial_id" in cells else ()
    return build_risk_of_bias(cells, file=file, trials=named)


def build_risk_of_bias(
    cells: pd.DataFrame, *, file: str, trials: Iterable[str]
) -> pd.DataFrame:
    """Check a file of risk-of-bias judgements.

    Parameters
    ----------
    cells : DataFrame
        Cells as `trialstats.io.read_cells` gives them. Columns: ``trial_id``,
        ``outcome`` (harmonised; empty for every outcome), ``domain`` (D1 to D5, DS,
        overall), ``judgement``, ``reason``, ``source``.
    file : str
        The file, for messages.
    trials : iterable of str
        Trials that exist.

    Returns
    -------
    DataFrame
        Schema `evidence_rows.RISK_OF_BIAS`.

    Raises
    ------
    DataError
        With every problem; a judgement without a reason is one.
    """
    findings = Findings()
    known = list(trials)
    made = []
    listed = rows_in(
        cells,
        file=file,
        columns=ROB_COLUMNS,
        key=("trial_id", "outcome", "domain"),
        findings=findings,
    )
    for row in listed:
        trial = row.text("trial_id", required=True)
        if trial is not None and trial not in known:
            row.problem(
                "there is no such trial", "trial_id", remedy=suggestion(trial, known)
            )
        made.append(
            {
                "trial": trial,
                "outcome": row.text("outcome"),
                "domain": row.choice("domain", ROB_DOMAINS),
                "judgement": row.choice("judgement", ROB_JUDGEMENTS),
                "reason": row.text("reason", required=True),
                "source": row.text("source"),
                "file": file,
                "row": row.number,
            }
        )
        _check_overall(row, listed)
    findings.refuse()
    return frame_of(made, RISK_OF_BIAS)


def _check_overall(row: Row, listed: Iterable[Row]) -> None:
    """Note an overall judgement that is better than that of one of its domains."""
    cells = row.cells
    if cells["domain"] != "overall" or cells["judgement"] not in ROB_JUDGEMENTS:
        return
    same = ("trial_id", "outcome")
    worst = max(
        (
            ROB_JUDGEMENTS.index(str(other.cells["judgement"]))
            for other in listed
            if all(other.cells[name] == cells[name] for name in same)
            and other.cells["judgement"] in ROB_JUDGEMENTS
        ),
        default=0,
    )
    if worst > ROB_JUDGEMENTS.index(str(cells["judgement"])):
        row.problem(
            f"a domain is judged {ROB_JUDGEMENTS[worst]!r}",
            "judgement",
            remedy=f"overall is at least {ROB_JUDGEMENTS[worst]!r} then",
        )


def build_certainty(
    cells: pd.DataFrame, *, file: str, syntheses: Mapping[str, Any] | Iterable[str]
) -> pd.DataFrame:
    """Check a file of GRADE judgements, a row a synthesis and domain.

    Parameters
    ----------
    cells : DataFrame
        Cells as `trialstats.io.read_cells` gives them. Columns: ``synthesis``,
        ``domain`` (of GRADE), ``levels`` (0, -1, -2; +1 or +2 for a domain that
        raises certainty), ``reason``.
    file : str
        The file, for messages.
    syntheses : iterable of str
        Syntheses that exist.

    Returns
    -------
    DataFrame
        Schema `evidence_rows.CERTAINTY`.

    Raises
    ------
    DataError
        With every problem; a level below or above 0 without a reason is one.
    """
    findings = Findings()
    known = list(syntheses)
    made = []
    for row in rows_in(
        cells,
        file=file,
        columns=CERTAINTY_COLUMNS,
        key=("synthesis", "domain"),
        findings=findings,
    ):
        name = row.text("synthesis", required=True)
        if name is not None and name not in known:
            row.problem(
                "there is no such synthesis",
                "synthesis",
                remedy=suggestion(name, known),
            )
        domain = row.choice("domain", (*GRADE_DOWN, *GRADE_UP))
        levels = _levels(row, domain)
        made.append(
            {
                "synthesis": name,
                "domain": domain,
                "levels": levels,
                "reason": row.text("reason", required=bool(levels)),
                "file": file,
                "row": row.number,
            }
        )
    findings.refuse()
    return frame_of(made, CERTAINTY)


def _levels(row: Row, domain: str | None) -> int | None:
    """Return the levels of a row; down for some domains, up for the others."""
    value = row.number_in("levels")
    allowed = (0, 1, 2) if domain in GRADE_UP else (0, -1, -2)
    if value is None or value not in allowed:
        row.problem(
            "not a number of levels that this domain may move certainty by",
            "levels",
            remedy=f"write one of {', '.join(str(level) for level in allowed)}",
        )
        return None
    return int(value)
