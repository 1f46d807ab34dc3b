"""The schemas of every Parquet: names, types, labels and units.

A table is written and read against the same schema; label and unit travel in the
metadata of each field. UPPER case is CDISC's, snake_case is ours.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from trialstats.errors import DataError

TEXT, NUMBER, COUNT, DATE, FLAG = (
    pa.string(),
    pa.float64(),
    pa.int64(),
    pa.date32(),
    pa.bool_(),
)

#: Significant digits that are stored. Processors that order additions differently
#: agree to about 1e-13, so twelve digits make the bytes the same everywhere and lose
#: nothing that a reader can see.
STORED_DIGITS = 12

#: Names that a configuration may use for the type of a variable.
TYPES: dict[str, pa.DataType] = {
    "text": TEXT,
    "number": NUMBER,
    "integer": COUNT,
    "date": DATE,
}


def field(
    name: str,
    type_: pa.DataType,
    label: str,
    *,
    unit: str | None = None,
    required: bool = False,
    origin: str | None = None,
    source: str | None = None,
    derivation: str | None = None,
    codelist: Iterable[str] = (),
) -> pa.Field:
    """Return a field that carries its label, unit, origin and derivation.

    Parameters
    ----------
    name : str
    type_ : pyarrow.DataType
    label : str
    unit : str, optional
    required : bool
        Whether nulls are refused.
    origin : str, optional
        Collected, Derived, Assigned or Predecessor.
    source : str, optional
        Source and column that it was read from.
    derivation : str, optional
        How it was made, in words or as an expression.
    codelist : iterable of str
        The terms that it may hold.
    """
    told = {"unit": unit, "origin": origin, "source": source, "derivation": derivation}
    terms = list(codelist)
    if terms:
        told["codelist"] = json.dumps(terms, ensure_ascii=False)
    metadata = {"label": label} | {k: v for k, v in told.items() if v}
    return pa.field(name, type_, nullable=not required, metadata=metadata)


_SUBJECT = [
    field("STUDYID", TEXT, "Study identifier", required=True),
    field("USUBJID", TEXT, "Unique subject identifier", required=True),
]

ADSL_CORE = pa.schema(
    [
        *_SUBJECT,
        field("TRT01P", TEXT, "Planned treatment for period 01", required=True),
    ]
)

BDS = pa.schema(
    [
        *_SUBJECT,
        field("TRT01P", TEXT, "Planned treatment for period 01"),
        field("TRTP", TEXT, "Planned treatment"),
        field("PARAMCD", TEXT, "Parameter code", required=True),
        field("PARAM", TEXT, "Parameter with unit", required=True),
        field("AVISIT", TEXT, "Analysis visit"),
        field("AVISITN", NUMBER, "Analysis visit number"),
        field("ADT", DATE, "Analysis date"),
        field("ADY", COUNT, "Analysis relative day", unit="days"),
        field("AVAL", NUMBER, "Analysis value"),
        field("AVALC", TEXT, "Analysis value as text"),
        field("BASE", NUMBER, "Baseline value"),
        field("CHG", NUMBER, "Change from baseline"),
        field("PCHG", NUMBER, "Percent change from baseline", unit="%"),
        field("ABLFL", TEXT, "Baseline record flag"),
        field("ANL01FL", TEXT, "Analysis flag 01"),
        field("DTYPE", TEXT, "Derivation type"),
    ]
)

#: One row per subject and time to an event.
ADTTE = pa.schema(
    [
        *_SUBJECT,
        field("TRT01P", TEXT, "Planned treatment for period 01"),
        field("PARAMCD", TEXT, "Parameter code", required=True),
        field("PARAM", TEXT, "Parameter", required=True),
        field("STARTDT", DATE, "Time to event origin date"),
        field("ADT", DATE, "Date of event or censoring"),
        field("AVAL", NUMBER, "Time to event or censoring"),
        field("AVALU", TEXT, "Unit of the time"),
        field("CNSR", COUNT, "Censored: 0 event, 1 censored", required=True),
        field("EVNTDESC", TEXT, "Event or censoring described"),
    ]
)

CROSSOVER = [
    field("APERIOD", COUNT, "Period"),
    field("TRTSEQP", TEXT, "Planned sequence of treatments"),
]

ADAE = pa.schema(
    [
        *_SUBJECT,
        field("TRT01P", TEXT, "Planned treatment for period 01"),
        field("TRTP", TEXT, "Planned treatment at start of the event"),
        field("AESEQ", COUNT, "Sequence number within the subject", required=True),
        field("AETERM", TEXT, "Reported term", required=True),
        field("AEDECOD", TEXT, "Dictionary-derived term"),
        field("ASTDT", DATE, "Start date"),
        field("ASTDY", COUNT, "Start relative day", unit="days"),
        field("AESEV", TEXT, "Severity"),
        field("AESER", TEXT, "Serious event"),
        field("AEREL", TEXT, "Relation to treatment"),
        field("TRTEMFL", TEXT, "Treatment-emergent flag"),
    ]
)

#: Where the ends of adverse events are collected.
ADAE_END = field("AENDT", DATE, "End date")

#: Further variables of adverse events, where they are collected.
ADAE_FURTHER = [
    ADAE_END,
    field("AELLT", TEXT, "Lowest level term"),
    field("AEHLT", TEXT, "High level term"),
    field("AEHLGT", TEXT, "High level group term"),
    field("AEBODSYS", TEXT, "Body system or organ class"),
    field("AESOC", TEXT, "Primary system organ class"),
    field("AETOXGR", TEXT, "Toxicity grade"),
    field("AESDTH", TEXT, "Results in death"),
    field("AEACN", TEXT, "Action taken with study treatment"),
    field("AEOUT", TEXT, "Outcome of the event"),
]

#: One row per raw row and rule. `disposition` is the fate of the whole raw row and is
#: repeated on each of its rows; `action` is what this rule did.
ACCOUNT = pa.schema(
    [
        field("source", TEXT, "Name of the source", required=True),
        field("file", TEXT, "Raw file", required=True),
        field("row", COUNT, "Row of the file; the header is row 1", required=True),
        field("disposition", TEXT, "kept, changed or set aside", required=True),
        field("action", TEXT, "What this rule did", required=True),
        field("rule", TEXT, "Rule"),
        field("column", TEXT, "Column of the file"),
        field("old_value", TEXT, "Value as received"),
        field("new_value", TEXT, "Value as used"),
        field("reason", TEXT, "Reason"),
    ]
)

SET_ASIDE = pa.schema(
    [
        field("source", TEXT, "Name of the source", required=True),
        field("file", TEXT, "Raw file", required=True),
        field("row", COUNT, "Row of the file; the header is row 1", required=True),
        field("rule", TEXT, "Rule", required=True),
        field("reason", TEXT, "Reason", required=True),
        field("raw", TEXT, "The raw row as received, as JSON", required=True),
    ]
)

QUERIES = pa.schema(
    [
        field("kind", TEXT, "Kind of finding", required=True),
        field("source", TEXT, "Name of the source", required=True),
        field("file", TEXT, "Raw file", required=True),
        field("row", COUNT, "Row of the file; the header is row 1"),
        field("USUBJID", TEXT, "Unique subject identifier"),
        field("column", TEXT, "Column of the file"),
        field("value", TEXT, "Value as received"),
        field("finding", TEXT, "What was found", required=True),
        field("resolution", TEXT, "What was done", required=True),
    ]
)

#: One row per statistic, for trials and syntheses alike. Ratios stand on the log
#: scale with `scale` = log; not estimable is null with the reason beside it.
ESTIMATES = pa.schema(
    [
        field("row_id", TEXT, "Stable, readable key", required=True),
        field("kind", TEXT, "trial or synthesis", required=True),
        field("trial", TEXT, "Trial"),
        field("synthesis", TEXT, "Synthesis"),
        field("analysis", TEXT, "Analysis"),
        field("estimand", TEXT, "Estimand, in words"),
        field("analysis_set", TEXT, "Analysis set"),
        field("parameter", TEXT, "Parameter or outcome"),
        field("visit", TEXT, "Visit"),
        field("group", TEXT, "Arm, review or other group"),
        field("contrast", TEXT, "Contrast, treatment versus control"),
        field("subgroup", TEXT, "Subgroup"),
        field(
            "role",
            TEXT,
            "primary, secondary, sensitivity, descriptive or second_engine",
            required=True,
        ),
        field("statistic", TEXT, "Name of the statistic", required=True),
        field("scale", TEXT, "natural or log", required=True),
        field("unit", TEXT, "Unit of the estimate"),
        field("estimate", NUMBER, "Estimate"),
        field("standard_error", NUMBER, "Standard error"),
        field(
            "df", NUMBER, "Degrees of freedom; of an F test those of the denominator"
        ),
        field("numerator_df", NUMBER, "Numerator degrees of freedom of an F test"),
        field("test_statistic", NUMBER, "Test statistic"),
        field("p_value", NUMBER, "Two-sided p-value"),
        field("confidence_level", NUMBER, "Confidence level of the interval"),
        field("ci_lower", NUMBER, "Lower limit"),
        field("ci_upper", NUMBER, "Upper limit"),
        field("n_subjects", COUNT, "Number of subjects"),
        field("n_trials", COUNT, "Number of trials"),
        field("method", TEXT, "Method, in words, complete", required=True),
        field("model_id", TEXT, "Key of the model within the analysis"),
        field(
            "data_status",
            TEXT,
            "published, derived, recalled, synthetic or individual",
            required=True,
        ),
        field("not_estimable", TEXT, "Why there is no estimate"),
    ]
)

#: One row per observation that a mixed model used, with what its figure draws.
RESIDUALS = pa.schema(
    [
        field("trial", TEXT, "Trial", required=True),
        field("analysis", TEXT, "Analysis", required=True),
        field("USUBJID", TEXT, "Unique subject identifier", required=True),
        field("group", TEXT, "Arm, or treatment of the period", required=True),
        field("occasion", TEXT, "Visit, or period of a crossover", required=True),
        field("occasion_number", NUMBER, "Its number", required=True),
        field("fitted", NUMBER, "Fitted value", required=True),
        field(
            "residual",
            NUMBER,
            "Normalised residual: variance one, uncorrelated within the subject",
            required=True,
        ),
        field(
            "normal_quantile",
            NUMBER,
            "Quantile of the normal distribution at the residual's rank",
            required=True,
        ),
        field(
            "lower_quartile", NUMBER, "Lower quartile at the occasion", required=True
        ),
        field(
            "median", NUMBER, "Median of the residuals at the occasion", required=True
        ),
        field(
            "upper_quartile", NUMBER, "Upper quartile at the occasion", required=True
        ),
        field("data_status", TEXT, "synthetic or individual", required=True),
    ]
)

#: One row per subset of the trials of a synthesis to which its main model was fitted.
SUBSETS = pa.schema(
    [
        field("synthesis", TEXT, "Synthesis", required=True),
        field("subset", COUNT, "Number, the smallest subsets first", required=True),
        field("k", COUNT, "Number of trials", required=True),
        field("estimate", NUMBER, "Pooled effect; of ratios on the log scale"),
        field("tau_squared", NUMBER, "Variance between trials"),
        field("i_squared", NUMBER, "I-squared, from tau-squared"),
        field("members", TEXT, "Trials of the subset, as JSON"),
        field("sampled", FLAG, "Whether only a sample is fitted", required=True),
        field("reason", TEXT, "Why there is no estimate"),
    ]
)

#: One row per quantity computed by two engines.
AGREEMENT = pa.schema(
    [
        field("row_id", TEXT, "Row of the estimates", required=True),
        field("quantity", TEXT, "Column of that row, or the property checked"),
        field("engine", TEXT, "Second engine", required=True),
        field("estimate", NUMBER, "Value of the first engine"),
        field("second_estimate", NUMBER, "Value of the second engine"),
        field(
            "relative_difference",
            NUMBER,
            "Difference, relative to the first value or, when larger, its standard "
            "error",
        ),
        field("tolerance", NUMBER, "Largest difference allowed", required=True),
        field("tolerance_reason", TEXT, "Why this tolerance", required=True),
        field("agrees", FLAG, "Whether the engines agree", required=True),
    ]
)


#: Derivation types of what summarises the values observed at a visit.
SUMMARY_DTYPES = ("AVERAGE", "MEDIAN", "SUM", "LOWEST", "HIGHEST")


def is_observed(dtypes: pd.Series) -> pd.Series:
    """Return which records were observed, or summarise what was observed at a visit.

    >>> is_observed(pd.Series([None, "MEDIAN", "LOCF"], dtype="str")).tolist()
    [True, True, False]
    """
    return dtypes.isna() | dtypes.isin(SUMMARY_DTYPES)


def stored(value: float) -> float:
    """Return a number as it is stored, with twelve significant digits.

    >>> stored(100 * (4.2 - 6.0) / 6.0)
    -30.0
    """
    return float(f"{value:.{STORED_DIGITS - 1}e}")


def stored_numbers(values: np.ndarray) -> np.ndarray:
    """Return numbers as they are stored: `stored` of each, many at once.

    A number with twelve digits is a whole number divided by a power of ten. While that
    power is exact, so is the quotient; the few that lie between two whole numbers, and
    very large and very small ones, are rounded one by one.

    >>> stored_numbers(np.array([100 * (4.2 - 6.0) / 6.0, 0.0, np.nan])).tolist()
    [-30.0, 0.0, nan]
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        places = STORED_DIGITS - 1 - np.floor(np.log10(np.abs(values)))
        usual = (places >= 0) & (places <= 22)
        power = _POWERS[np.where(usual, places, 0).astype(int)]
        scaled = values * power
        whole = np.rint(scaled)
        between = np.abs(np.abs(scaled - np.trunc(scaled)) - 0.5) < 0.01
        found: np.ndarray = np.where(values == 0, values, whole / power)
    slow = np.isfinite(values) & (values != 0) & (~usual | between)
    found[slow] = [stored(float(value)) for value in values[slow]]
    return np.where(np.isfinite(values), found, values)


#: Powers of ten that a double holds exactly.
_POWERS = np.array([float(f"1e{power}") for power in range(23)])


def row_key(*parts: str | None) -> str:
    """Return a stable, readable `row_id`; parts that are None are left out.

    >>> row_key("fm", "pain_week12", None, "LDN 6 mg versus Placebo", "difference")
    'fm.pain-week12.ldn-6-mg-versus-placebo.difference'
    """
    slugs = (_slug(part) for part in parts if part)
    return ".".join(slug for slug in slugs if slug)


def distinct_keys(labels: Iterable[str]) -> dict[str, str]:
    """Return, for each label, a part of a `row_key` that no other label has.

    >>> distinct_keys(["Nausea", "nausea", "???"])
    {'Nausea': 'nausea', 'nausea': 'nausea-2', '???': 'other'}
    """
    keys: dict[str, str] = {}
    for label in labels:
        plain = _slug(label) or "other"
        number, key = 1, plain
        while key in keys.values():
            number += 1
            key = f"{plain}-{number}"
        keys[label] = key
    return keys


def _slug(part: str) -> str:
    return re.sub(r"[\W_]+", "-", part.lower()).strip("-")


def estimates_frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows of statistics as a frame with every column of `ESTIMATES`.

    Parameters
    ----------
    rows : iterable of mapping
        One mapping a statistic; columns not named are null.

    Returns
    -------
    DataFrame
        Columns and types of `ESTIMATES`, in the order given.

    Raises
    ------
    DataError
        When a mapping names an unknown column, or two rows share a `row_id`.
    """
    frame = frame_of(rows, ESTIMATES)
    repeated = frame.loc[frame["row_id"].duplicated(), "row_id"].tolist()
    if repeated:
        raise DataError(f"row_id is not unique: {', '.join(repeated)}")
    return frame


def frame_of(rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> pd.DataFrame:
    """Return mappings as a frame with exactly the columns of `schema`."""
    listed = list(rows)
    unknown = sorted({name for row in listed for name in row} - set(schema.names))
    if unknown:
        raise DataError(f"unknown columns: {', '.join(unknown)}")
    columns = {n: [row.get(n) for row in listed] for n in schema.names}
    return pd.DataFrame(columns, columns=schema.names)


def with_fields(schema: pa.Schema, extra: Iterable[pa.Field]) -> pa.Schema:
    """Return `schema` with the fields `extra` appended."""
    return pa.schema([*schema, *extra])
