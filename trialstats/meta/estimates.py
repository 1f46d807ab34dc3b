"""Effects that a paper states: an estimate with its interval, error, test or p-value.

Hazard ratios and adjusted effects come this way. A ratio is stated as a ratio and
analysed as a logarithm.
"""

import numpy as np

from trialstats.errors import DataError
from trialstats.meta.inputs import FloatArray, refuse
from trialstats.meta.measures import Call, Measure, Notes, Rows, no_notes, read_columns
from trialstats.meta.standard_errors import errors_of

#: What the sources of an error are called here.
_NAMES = {"t": "zi", "effect": "estimate"}

#: Arguments that mean an effect is stated.
STATED = ("yi", "estimate")
_ON_SCALE = ("yi", "vi", "sei")
_AS_PRINTED = ("estimate", "ci_lower", "ci_upper")
_TESTS = ("zi", "p_value", "df", "level")


def _refuse_all(measure: Measure, _: Call) -> Rows:
    raise DataError(
        f"a {measure.words} is stated: it has no formula from counts or means",
        remedy="give estimate with ci_lower and ci_upper, p_value or sei, or yi and vi",
    )


def _stated(words: str, scale: str) -> Measure:
    return Measure(words, scale, _refuse_all, lambda x: x)


#: Measures that only papers can state.
STATED_MEASURES: dict[str, Measure] = {
    "HR": _stated("hazard ratio", "log"),
    "HD": _stated("hazard difference", "natural"),
    "GEN": _stated("effect", "natural"),
}


def is_stated(call: Call) -> bool:
    """Return whether a call states effects."""
    return any(call.has(name) for name in STATED)


def stated_effects(
    name: str, measure: Measure, call: Call
) -> tuple[FloatArray, FloatArray, Notes, FloatArray]:
    """Return effects, variances, notes and sizes of stated effects.

    A row's effect is yi, or estimate (its logarithm for a ratio); its variance is vi,
    sei squared, or what interval, zi or p_value imply, in this order.

    Raises
    ------
    DataError
        For a measure on another scale, a row without effect or error, a ratio or
        limit of zero or less, a variance of zero or less.
    """
    if measure.scale not in ("natural", "log"):
        raise DataError(
            f"{name} cannot be stated: it stands on the scale {measure.scale!r}",
            remedy="give what it is computed from, or measure='GEN' with yi and vi",
        )
    columns = read_columns(call, [], (*_ON_SCALE, *_AS_PRINTED, *_TESTS, "ni"))
    k = max(len(values) for values in columns.values())
    absent = np.full(k, np.nan)
    log = measure.scale == "log"
    printed = {x: _analysed(x, columns[x], log) for x in _AS_PRINTED if x in columns}
    estimate = printed.get("estimate", absent)
    yi = columns.get("yi", estimate)
    effect = np.where(np.isnan(yi), estimate, yi)
    refuse(
        np.isnan(effect),
        "the row has no effect",
        column="estimate" if "estimate" in columns else "yi",
        values=effect,
        remedy="supply it, or leave the row out and say so",
    )
    variance, note = _variances(columns, printed, effect)
    return effect, variance, note, columns.get("ni", absent)


def _analysed(column: str, values: FloatArray, log: bool) -> FloatArray:
    """Return printed numbers on the scale of the analysis."""
    if not log:
        return values
    refuse(
        values <= 0,
        "a ratio is above zero",
        column=column,
        values=values,
        remedy="give ratios as printed; logarithms go into yi",
    )
    return np.asarray(np.log(values))


def _variances(
    columns: dict[str, FloatArray], printed: dict[str, FloatArray], effect: FloatArray
) -> tuple[FloatArray, Notes]:
    k = len(effect)
    absent = np.full(k, np.nan)
    for name in ("vi", "sei"):
        values = columns.get(name, absent)
        refuse(values <= 0, "it is not above zero", column=name, values=values)
    variance = columns.get("vi", absent)
    variance = np.where(np.isnan(variance), columns.get("sei", absent) ** 2, variance)
    note, open_ = no_notes(k), np.isnan(variance)
    used = ("ci_lower", "ci_upper", "zi", "p_value")
    known = [~np.isnan(columns[name]) for name in used if name in columns]
    refuse(
        open_ & ~np.any([np.zeros(k, dtype=np.bool_), *known], axis=0),
        "nothing gives the variance",
        column="vi",
        values=absent,
        remedy="supply vi or sei, an interval, zi or p_value",
    )
    if open_.any():
        sources: dict[str, FloatArray] = {"effect": effect}
        for name in ("ci_lower", "ci_upper"):
            if name in printed:
                sources[name] = printed[name]
        for name, source in (
            ("zi", "t"),
            *((x, x) for x in ("p_value", "df", "level")),
        ):
            if name in columns:
                sources[source] = columns[name]
        error, how = errors_of(sources, open_, _NAMES)
        variance = np.where(open_, error**2, variance)
        note[open_] = how[open_]
    return variance, note


def refuse_unused(call: Call) -> None:
    """Raise a DataError for arguments of stated effects without an effect."""
    left = [x for x in (*_ON_SCALE, *_AS_PRINTED, "zi", "p_value") if call.has(x)]
    if left:
        raise DataError(
            f"{', '.join(left)} given without an effect",
            remedy="give estimate (as printed) or yi (on the scale of the analysis)",
        )
