"""Build ADSL: one row per subject."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from trialstats.clean.account import Ledger
from trialstats.clean.adsl_checks import (
    query_date_order,
    query_outside_sets,
    require_arm,
    require_order_of_periods,
)
from trialstats.clean.sources import Source
from trialstats.clean.subject_rows import variable_of_rows
from trialstats.clean.subjects import (
    Roster,
    first_rows,
    of_known_subjects,
    of_subjects,
    subject_ids,
)
from trialstats.clean.values import read_column
from trialstats.clean.wording import origin_of
from trialstats.config.declared import period_treatments, set_flag
from trialstats.expressions import condition, value
from trialstats.rows import TEXT, TYPES, field

Config = Mapping[str, Any]

#: pandas types by the type of a variable; numbers may be missing.
DTYPES = {
    "text": "str",
    "number": "Float64",
    "integer": "Int64",
    "date": "datetime64[s]",
}


def build_adsl(
    config: Config, sources: Mapping[str, Source], roster: Roster, ledger: Ledger
) -> pd.DataFrame:
    """Return one row per subject with the configured variables, flags and sets.

    Parameters
    ----------
    config : mapping
        The trial's configuration.
    sources : mapping of str to Source
        Open sources.
    roster : Roster
        Everybody in the trial.
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
    main = subject_source(config, sources)
    subjects = subject_ids(config, main, ledger)
    if not spec.get("repeated", False):
        require_one_row(spec["subject"], main, subjects, ledger)
    ledger.use(main.name, main.positions)
    first = ~subjects.duplicated() & subjects.notna()
    people = subjects[first]
    adsl = pd.DataFrame({"STUDYID": config["trial"], "USUBJID": people})
    for name, variable in spec["variables"].items():
        with ledger.noting():
            adsl[name] = _variable(
                config, name, variable, adsl, sources, main, roster, ledger
            )
        if name not in adsl:
            adsl[name] = _missing(variable, adsl)
        if "partial" in variable:
            adsl[f"{name}F"] = _imputation_flag(variable, adsl, sources, main, ledger)
    adsl = _with_treatments(config, adsl)
    arm = spec["variables"]["TRTSEQP" if _crossed(config) else "TRT01P"]
    if arm.get("source", main.name) in sources:
        require_arm(config, adsl, main, ledger)
    require_order_of_periods(config, adsl, main, ledger)
    ledger.stop_on_problems()
    for name, flag in spec.get("flags", {}).items():
        adsl[name] = _yes_no(condition(flag["when"], adsl))
    for name, text in config["analysis_sets"].items():
        adsl[set_flag(name)] = _yes_no(condition(text, adsl))
    query_outside_sets(config, adsl, ledger)
    query_date_order(config, adsl, ledger)
    ordered = adsl.sort_values("USUBJID", kind="stable").reset_index(drop=True)
    return ordered[list(adsl_schema(config).names)]


def subject_source(config: Config, sources: Mapping[str, Source]) -> Source:
    """Return the rows of the subject-level source that are subjects."""
    spec = config["adsl"]
    return sources[spec["from"]].where(spec.get("where"))


def _variable(
    config: Config,
    name: str,
    spec: Config,
    adsl: pd.DataFrame,
    sources: Mapping[str, Source],
    main: Source,
    roster: Roster,
    ledger: Ledger,
) -> pd.Series:
    """Return one variable on the index of `adsl`."""
    kind = spec.get("type", "text")
    own = spec.get("source", config["adsl"]["from"])
    if "derive" in spec and "source" not in spec and "take" not in spec:
        derived = value(spec["derive"], adsl)
        return _typed(name, derived, kind, main, ledger)
    if own not in sources:
        # The source has errors of its own, which are being collected.
        return _missing(spec, adsl)
    source = main if own == config["adsl"]["from"] else sources[own]
    if "take" in spec:
        rows, theirs = of_known_subjects(config, source, roster, ledger)
        ledger.use(source.name, rows.positions)
        found = variable_of_rows(spec, rows, theirs, ledger)
    else:
        values = read_column(source, spec, ledger)
        if source is main:
            found = _of_main(config, spec, main, values, ledger)
        else:
            found = _of_other(config, source, values, adsl, roster, ledger)
    return _typed(name, of_subjects(adsl["USUBJID"], found), kind, main, ledger)


def _missing(spec: Config, adsl: pd.DataFrame) -> pd.Series:
    """Return a variable that nobody has."""
    dtype: Any = DTYPES[spec.get("type", "text")]
    none: pd.Series = pd.Series(None, index=adsl.index, dtype=dtype)
    return none


def _crossed(config: Config) -> bool:
    return bool(config["design"] == "crossover")


def _typed(
    name: str, values: pd.Series, kind: str, main: Source, ledger: Ledger
) -> pd.Series:
    """Return values in the type of their variable; a fraction is no whole number."""
    if kind == "integer":
        numbers = values.astype("float64")
        broken = numbers.notna() & (numbers % 1 != 0)
        if broken.any():
            ledger.problem(
                f"{name} is not a whole number",
                main.name,
                positions=values.index[broken],
                values=values[broken],
                remedy="write `type: number`, or round(…) in its expression",
            )
            values = numbers.mask(broken)
    dtype: Any = DTYPES[kind]
    typed: pd.Series = values.astype(dtype)
    return typed


def _of_main(
    config: Config, spec: Config, main: Source, values: pd.Series, ledger: Ledger
) -> pd.Series:
    """Return the value of each subject, the same in all rows that hold one."""
    subjects = main.frame[config["adsl"]["subject"]]
    known = values.notna() & subjects.notna()
    held, theirs = values[known], subjects[known]
    first = first_rows(theirs)
    differs = (held != held.reindex(first.to_numpy()).to_numpy()).to_numpy()
    if differs.any() and config["adsl"].get("repeated", False):
        ledger.problem(
            "the subject has another value in an earlier row",
            main.name,
            positions=held.index[differs],
            column=spec["column"],
            values=held[differs],
            remedy="make the rows of a subject agree, or say under `take` which counts",
        )
    found = pd.Series(held.to_numpy(), index=theirs.to_numpy(), dtype=held.dtype)
    once: pd.Series = found[~found.index.duplicated()]
    return once


def _of_other(
    config: Config,
    source: Source,
    values: pd.Series,
    adsl: pd.DataFrame,
    roster: Roster,
    ledger: Ledger,
) -> pd.Series:
    """Return the value of each subject from another source, one row a subject."""
    rows, theirs = of_known_subjects(config, source, roster, ledger)
    require_one_row(config["adsl"]["subject"], source, theirs, ledger)
    ledger.use(source.name, rows.positions)
    absent = adsl["USUBJID"][~adsl["USUBJID"].isin(theirs)]
    if len(absent):
        ledger.query(
            "no row",
            source.name,
            subjects=absent,
            finding="the subject has no row in this source",
            resolution="its variables are missing",
        )
    found = values.loc[theirs.index].set_axis(theirs.to_numpy())
    return found[~found.index.duplicated()]


def _imputation_flag(
    spec: Config,
    adsl: pd.DataFrame,
    sources: Mapping[str, Source],
    main: Source,
    ledger: Ledger,
) -> pd.Series:
    """Return M or D where month and day, or the day, of a date were put in."""
    from trialstats.clean.dates import missing_parts

    if spec.get("source", main.name) not in sources:
        return pd.Series(None, index=adsl.index, dtype="str")
    source = sources[spec["source"]] if "source" in spec else main
    subject = ledger.subject_column
    cells = source.column(spec["column"])
    flags = cells.map({t: missing_parts(t) for t in cells.dropna().unique()})
    own = flags.set_axis(source.frame[subject].to_numpy()).dropna()
    return of_subjects(adsl["USUBJID"], own[~own.index.duplicated()]).astype("str")


def adsl_schema(config: Config) -> pa.Schema:
    """Return names, types, labels and units of a trial's ADSL."""
    fields = [
        field("STUDYID", TEXT, "Study identifier", required=True, origin="Assigned"),
        field(
            "USUBJID",
            TEXT,
            "Unique subject identifier",
            required=True,
            origin="Collected",
            source=f"{config['adsl']['from']}.{config['adsl']['subject']}",
        ),
    ]
    if config["design"] == "crossover":
        fields += [
            field(
                name,
                TEXT,
                f"Planned treatment for period {period:02d}",
                origin="Derived",
                derivation="The treatment of the period in TRTSEQP",
            )
            for period, name in enumerate(period_treatments(config), start=1)
        ]
    for name, variable in config["adsl"]["variables"].items():
        fields += _variable_fields(config, name, variable)
    flags = config["adsl"].get("flags", {})
    for name, flag in flags.items():
        fields.append(_flag_field(name, flag["label"], flag["when"]))
    for name, text in config["analysis_sets"].items():
        if set_flag(name) not in {*flags, *config["adsl"]["variables"]}:
            fields.append(_flag_field(set_flag(name), f"Analysis set {name}", text))
    return pa.schema(fields)


def _variable_fields(config: Config, name: str, spec: Config) -> list[pa.Field]:
    type_ = TYPES[spec.get("type", "text")]
    described: dict[str, Any] = {"unit": spec.get("unit")} | origin_of(
        spec, spec.get("source", config["adsl"]["from"])
    )
    fields = [field(name, type_, spec["label"], **described)]
    if "partial" in spec:
        label = f"{spec['label'][:22]}, imputation flag"
        derivation = "D: the day was put in; M: month and day"
        fields.append(
            field(f"{name}F", TEXT, label, origin="Derived", derivation=derivation)
        )
    return fields


def _flag_field(name: str, label: str, text: str) -> pa.Field:
    derivation = f"Y where {text}, else N"
    return field(
        name, TEXT, label, origin="Derived", derivation=derivation, codelist=["Y", "N"]
    )


def _with_treatments(config: Config, adsl: pd.DataFrame) -> pd.DataFrame:
    """Add the treatment of each period of a crossover, from the sequence."""
    if config["design"] != "crossover":
        return adsl
    for position, name in enumerate(period_treatments(config)):
        order = {s: t[position] for s, t in config["sequences"].items()}
        adsl[name] = adsl["TRTSEQP"].map(order).astype("str")
    return adsl


def require_one_row(
    column: str, source: Source, subjects: pd.Series, ledger: Ledger
) -> None:
    """Record an error for each further row of a subject."""
    twice = subjects.notna() & subjects.duplicated()
    if not twice.any():
        return
    first = first_rows(subjects)[twice].to_numpy()
    rows = ledger.sources[source.name].row_of[first]
    ledger.problem(
        [f"duplicated subject: row {row} has the same subject" for row in rows],
        source.name,
        positions=subjects.index[twice],
        column=column,
        values=subjects[twice],
        remedy="keep one row per subject",
    )


def _yes_no(holds: pd.Series) -> pd.Series:
    return holds.map({True: "Y", False: "N"}).astype("str")
