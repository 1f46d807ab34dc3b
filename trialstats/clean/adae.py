"""Build ADAE: one row per adverse event."""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from trialstats.clean.account import Ledger
from trialstats.clean.adsl import set_unknown_aside, subject_ids
from trialstats.clean.values import Source, read_column
from trialstats.clean.visits import calendars, period_of, relative_day
from trialstats.rows import ADAE, frame_of

Config = Mapping[str, Any]

#: Values that the counts of events know; any other would be counted as none.
_CODES: Mapping[str, tuple[str, ...]] = {
    "AESER": ("Y", "N"),
    "AEREL": ("RELATED", "NOT RELATED"),
    "AESEV": ("MILD", "MODERATE", "SEVERE"),
}


def build_adae(
    config: Config,
    adsl: pd.DataFrame,
    sources: Mapping[str, Source],
    ledger: Ledger,
) -> pd.DataFrame:
    """Return the adverse events, with treatment at onset.

    Parameters
    ----------
    config : mapping
        The trial's configuration; without ``adae`` the result has no rows.
    adsl : DataFrame
        One row per subject.
    sources : mapping of str to Source
        Open sources.
    ledger : Ledger
        Receives alterations, findings and errors.

    Returns
    -------
    DataFrame
        Columns of `ADAE`, ordered by subject, start and term.
    """
    if "adae" not in config:
        return frame_of([], ADAE)
    spec = config["adae"]
    source = sources[spec["from"]]
    subjects = subject_ids(config, source, ledger)
    variables = {
        name: read_column(source, variable, ledger)
        for name, variable in spec["variables"].items()
    }
    calendar = calendars(config, adsl, "TRTSDT")
    own = adsl.set_index("USUBJID")
    records: list[dict[str, Any]] = []
    rows_of_terms: dict[str, int] = {}
    for row in source.cells.index.tolist():
        subject = subjects[row]
        if subject is None:
            continue
        if subject not in calendar:
            set_unknown_aside(config, source, row, subject, calendar, ledger)
            continue
        record = {name: values[row] for name, values in variables.items()}
        if record["AETERM"] is None:
            ledger.problem(
                "no term",
                source.name,
                row=row,
                column=spec["variables"]["AETERM"]["column"],
                remedy="write the event as reported",
            )
        start = record.get("ASTDT")
        _require_codes(spec, source, row, record, ledger)
        if start is None:
            _query_undated(spec, source, row, ledger)
        day = None if start is None else relative_day(start, calendar[subject].start)
        period = None if start is None else period_of(start, calendar[subject])
        record |= {
            "STUDYID": config["trial"],
            "USUBJID": subject,
            "TRT01P": own.loc[subject, "TRT01P"],
            "TRTP": _treatment(config, own.loc[subject], period),
            "ASTDY": day,
            "TRTEMFL": "Y" if day is not None and day >= 1 else None,
        }
        record.setdefault("AEDECOD", record["AETERM"])
        records.append(record)
        rows_of_terms.setdefault(str(record["AETERM"]), row)
    ledger.stop_on_problems()
    _query_spellings(spec, source, rows_of_terms, ledger)
    records.sort(key=_order)
    counts: dict[str, int] = {}
    for record in records:
        counts[record["USUBJID"]] = counts.get(record["USUBJID"], 0) + 1
        record["AESEQ"] = counts[record["USUBJID"]]
    return frame_of(records, ADAE)


def _require_codes(
    spec: Config, source: Source, row: int, record: Config, ledger: Ledger
) -> None:
    for name, known in _CODES.items():
        value = record.get(name)
        if value is not None and value not in known:
            ledger.problem(
                f"unknown label of {name}",
                source.name,
                row=row,
                column=spec["variables"][name]["column"],
                value=value,
                remedy=f"recode it to one of {', '.join(known)}",
            )


def _query_undated(spec: Config, source: Source, row: int, ledger: Ledger) -> None:
    ledger.query(
        "event without a date",
        source.name,
        row=row,
        column=spec["variables"].get("ASTDT", {}).get("column"),
        finding="the start of the event is not known",
        resolution="kept, not counted as treatment-emergent",
    )


def _query_spellings(
    spec: Config, source: Source, terms: Mapping[str, int], ledger: Ledger
) -> None:
    """Name terms that differ in nothing but capitals, spaces and punctuation."""
    first: dict[str, str] = {}
    for term, row in terms.items():
        same = first.setdefault(re.sub(r"[\W_]+", " ", term.casefold()).strip(), term)
        if same != term:
            ledger.query(
                "spelling of a term",
                source.name,
                row=row,
                column=spec["variables"]["AETERM"]["column"],
                value=term,
                finding=f"elsewhere written {same!r}",
                resolution="counted as a term of its own",
            )


def _treatment(config: Config, subject: pd.Series, period: int | None) -> str | None:
    if config["design"] == "parallel":
        return str(subject["TRT01P"])
    if period is None:
        return None
    return str(config["sequences"][subject["TRTSEQP"]][period - 1])


def _order(record: Mapping[str, Any]) -> tuple[Any, ...]:
    start = record.get("ASTDT")
    return record["USUBJID"], start is None, str(start), str(record["AETERM"])
