"""Build ADSL: one row per subject."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import pandas as pd
import pyarrow as pa

from trialstats.clean.account import Ledger, as_text
from trialstats.clean.expressions import evaluate
from trialstats.clean.values import Source, numbered, read_column
from trialstats.rows import TEXT, TYPES, field

Config = Mapping[str, Any]


def build_adsl(
    config: Config, sources: Mapping[str, Source], ledger: Ledger
) -> pd.DataFrame:
    """Return one row per subject with the configured variables, flags and sets.

    Parameters
    ----------
    config : mapping
        The trial's configuration.
    sources : mapping of str to Source
        Open sources.
    ledger : Ledger
        Receives alterations, findings and errors.

    Returns
    -------
    DataFrame
        Columns of `adsl_schema`, ordered by USUBJID.

    Raises
    ------
    DataError
        When a value cannot be read, a subject stands twice, or a subject has no arm.
    """
    spec = config["adsl"]
    main = sources[spec["from"]]
    subjects = subject_ids(config, main, ledger)
    _require_one_row(spec["subject"], main, subjects, ledger)
    columns: dict[str, pd.Series] = {"USUBJID": subjects}
    for name, variable in spec["variables"].items():
        source = sources[variable.get("source", spec["from"])]
        values = read_column(source, variable, ledger)
        if source is main:
            columns[name] = values
        else:
            columns[name] = _joined(config, source, values, subjects, ledger)
    adsl = pd.DataFrame(columns, index=main.cells.index)
    adsl.insert(0, "STUDYID", config["trial"])
    adsl = _with_treatments(config, adsl)
    _require_arm(config, adsl, main, ledger)
    _require_order_of_periods(config, adsl, main, ledger)
    ledger.stop_on_problems()
    adsl = adsl.astype(_dtypes(config, adsl))
    for name, flag in spec.get("flags", {}).items():
        adsl[name] = _yes_no(evaluate(flag["when"], adsl))
    for name, condition in config["analysis_sets"].items():
        adsl[set_flag(name)] = _yes_no(evaluate(condition, adsl))
    _query_outside_sets(config, adsl, ledger)
    ordered = adsl.sort_values("USUBJID", kind="stable").reset_index(drop=True)
    return ordered[list(adsl_schema(config).names)]


def subject_ids(config: Config, source: Source, ledger: Ledger) -> pd.Series:
    """Return USUBJID for each row of a source; a row without one is an error."""
    column = config["adsl"]["subject"]
    subjects = read_column(source, {"column": column, "type": "text"}, ledger)
    for row, subject in numbered(subjects):
        if subject is None:
            remedy = "write the subject's number"
            ledger.problem(
                "no subject", source.name, row=row, column=column, remedy=remedy
            )
        elif isinstance(source.cells.at[row, column], dt.date):
            ledger.problem(
                "a date where the subject's number should be",
                source.name,
                row=row,
                column=column,
                value=subject,
                remedy="a spreadsheet made a date of it; format the column as text",
            )
    return subjects


def adsl_schema(config: Config) -> pa.Schema:
    """Return names, types, labels and units of a trial's ADSL."""
    fields = [
        field("STUDYID", TEXT, "Study identifier", required=True),
        field("USUBJID", TEXT, "Unique subject identifier", required=True),
    ]
    if config["design"] == "crossover":
        fields += [
            field(name, TEXT, f"Planned treatment for period {period:02d}")
            for period, name in enumerate(_period_treatments(config), start=1)
        ]
    for name, variable in config["adsl"]["variables"].items():
        type_ = TYPES[variable.get("type", "text")]
        fields.append(field(name, type_, variable["label"], unit=variable.get("unit")))
    for name, flag in config["adsl"].get("flags", {}).items():
        fields.append(field(name, TEXT, flag["label"]))
    for name in config["analysis_sets"]:
        if set_flag(name) not in config["adsl"].get("flags", {}):
            fields.append(field(set_flag(name), TEXT, f"Analysis set {name}"))
    return pa.schema(fields)


def set_flag(name: str) -> str:
    """Return the ADSL column that marks an analysis set.

    >>> set_flag("Safety")
    'SAFETYFL'
    """
    return f"{name.upper()}FL"


def _period_treatments(config: Config) -> list[str]:
    return [f"TRT{number:02d}P" for number in range(1, len(config["periods"]) + 1)]


def _with_treatments(config: Config, adsl: pd.DataFrame) -> pd.DataFrame:
    """Add the treatment of each period of a crossover, from the sequence."""
    if config["design"] != "crossover":
        return adsl
    for position, name in enumerate(_period_treatments(config)):
        order = {s: t[position] for s, t in config["sequences"].items()}
        adsl[name] = adsl["TRTSEQP"].map(order).astype(object)
    return adsl


def _require_one_row(
    column: str, source: Source, subjects: pd.Series, ledger: Ledger
) -> None:
    first: dict[object, int] = {}
    for row, subject in numbered(subjects):
        if subject is not None and subject in first:
            ledger.problem(
                f"duplicated subject: row {first[subject]} has the same subject",
                source.name,
                row=row,
                column=column,
                value=subject,
                remedy="keep one row per subject",
            )
        first.setdefault(subject, row)


def _require_arm(
    config: Config, adsl: pd.DataFrame, source: Source, ledger: Ledger
) -> None:
    name = "TRTSEQP" if config["design"] == "crossover" else "TRT01P"
    column = config["adsl"]["variables"][name]["column"]
    arms = [config["arms"]["control"], *config["arms"]["treatments"]]
    known = list(config["sequences"]) if name == "TRTSEQP" else arms
    for row, value in numbered(adsl[name]):
        received = source.cells.at[row, column]
        unreadable = received is not None and not source.is_missing(received)
        if value is None and not unreadable:
            ledger.problem(
                "no arm",
                source.name,
                row=row,
                column=column,
                value=received,
                remedy="write the arm as randomised",
            )
        elif value is not None and value not in known:
            ledger.problem(
                "unknown arm label",
                source.name,
                row=row,
                column=column,
                value=value,
                remedy=f"write one of {', '.join(known)} or list it under recode",
            )


def _joined(
    config: Config,
    source: Source,
    values: pd.Series,
    subjects: pd.Series,
    ledger: Ledger,
) -> pd.Series:
    """Return values of another source for each subject, one row a subject."""
    theirs = subject_ids(config, source, ledger)
    _require_one_row(config["adsl"]["subject"], source, theirs, ledger)
    known = [str(subject) for subject in subjects if subject is not None]
    for row, subject in numbered(theirs):
        if subject is not None and subject not in known:
            set_unknown_aside(config, source, row, subject, known, ledger)
    for subject in subjects:
        if subject is not None and subject not in set(theirs):
            ledger.query(
                "no row",
                source.name,
                subject=subject,
                finding="the subject has no row in this source",
                resolution="its variables are missing",
            )
    lookup = dict(zip(theirs, values, strict=True))
    found = [lookup.get(subject) for subject in subjects]
    return pd.Series(found, index=subjects.index, dtype=object)


def set_unknown_aside(
    config: Config,
    source: Source,
    row: int,
    subject: str,
    known: Iterable[str],
    ledger: Ledger,
) -> None:
    """Set a row aside whose subject was never randomised.

    A subject that is only written in another way (1 for 001, fm-001 for FM-001) is an
    error: its data would be lost in silence.
    """
    written = [other for other in known if _alike(other) == _alike(subject)]
    if written:
        ledger.problem(
            f"subject written in another way: elsewhere it is {written[0]!r}",
            source.name,
            row=row,
            column=config["adsl"]["subject"],
            value=subject,
            remedy="write it the same everywhere; a spreadsheet may have changed it, "
            "so format the column as text",
        )
        return
    ledger.set_aside(
        source.name,
        row,
        rule="unknown subject",
        reason=f"subject {subject} is not in the subject-level source",
    )
    ledger.query(
        "unknown subject",
        source.name,
        row=row,
        subject=str(subject),
        finding="the subject is not in the subject-level source",
        resolution="set aside",
    )


def _alike(subject: str) -> tuple[str, ...]:
    """Return what identifies a subject, however a person or a spreadsheet writes it.

    >>> _alike("FM-001") == _alike("fm 1"), _alike("1-11") == _alike("11-1")
    (True, False)
    >>> _alike("1.0") == _alike("001")
    True
    """
    plain = re.sub(r"^(\d+)\.0+$", r"\1", subject.casefold())
    parts = re.findall(r"\d+|[^\W\d_]+", plain)
    return tuple(part.lstrip("0") or "0" for part in parts)


def _require_order_of_periods(
    config: Config, adsl: pd.DataFrame, source: Source, ledger: Ledger
) -> None:
    """Refuse a period that does not start after the one before it."""
    names = config.get("periods", [])
    variables = config["adsl"]["variables"]
    for earlier, later in pairwise(names):
        for row, (first, second) in zip(
            adsl.index, adsl[[earlier, later]].to_numpy(), strict=True
        ):
            if first is not None and second is not None and second <= first:
                ledger.problem(
                    f"period {names.index(later) + 1} does not start after the "
                    f"period before it ({first})",
                    source.name,
                    row=row,
                    column=variables[later]["column"],
                    value=as_text(second),
                    remedy="mend one of the two dates",
                )


def _query_outside_sets(config: Config, adsl: pd.DataFrame, ledger: Ledger) -> None:
    """Name every subject that an analysis set leaves out."""
    for name, condition in config["analysis_sets"].items():
        for subject in adsl.loc[adsl[set_flag(name)] != "Y", "USUBJID"]:
            ledger.query(
                "outside an analysis set",
                config["adsl"]["from"],
                subject=subject,
                finding=f"not in {name}: {condition} does not hold",
                resolution=f"left out of the analyses of {name}",
            )


def _dtypes(config: Config, adsl: pd.DataFrame) -> dict[str, str]:
    kinds = {"number": "Float64", "integer": "Int64", "date": "datetime64[s]"}
    types = dict.fromkeys(adsl.columns, "str")
    for name, variable in config["adsl"]["variables"].items():
        types[name] = kinds.get(variable.get("type", "text"), "str")
    return types


def _yes_no(condition: pd.Series) -> pd.Series:
    return condition.map({True: "Y", False: "N"}).astype("str")
