"""How a value is read: the keys of a variable or a measurement that fit together."""

from collections.abc import Iterator, Mapping
from typing import Any

from trialstats.config.formulas import condition_problems, value_problems
from trialstats.units import defined

Config = Mapping[str, Any]
Found = Iterator[tuple[str, str]]

#: Keys that only numbers have.
_OF_NUMBERS = ("range", "units", "corrections")

#: What several rows may be made into, by the type that this gives.
_TAKEN_NUMBERS = ("mean", "sum", "count")


def reading_problems(place: str, spec: Config, *, unit: str | None) -> Found:
    """Yield place and sentence for a value that cannot be read as it is described.

    Parameters
    ----------
    place : str
        Where it stands, such as ``bds.PAIN.value``.
    spec : mapping
        ``type`` and what the configuration says about the value.
    unit : str or None
        Unit of the value.
    """
    kind = spec.get("type", "text")
    if "column" in spec and "derive" in spec:
        what = "has both `column` and `derive`; leave one out"
        yield place, what
    if kind not in ("number", "integer"):
        for key in _OF_NUMBERS:
            if key in spec:
                remedy = "add `type: number`, or leave it out"
                yield f"{place}.{key}", f"is for numbers, not for {kind}; {remedy}"
    if kind == "date" and "recode" in spec:
        yield f"{place}.recode", "a date is not recoded; list it under `missing_codes`"
    if "partial" in spec and kind != "date":
        remedy = "add `type: date`, or leave it out"
        yield f"{place}.partial", f"is for dates, not for {kind}; {remedy}"
    if "derive" in spec and "column" not in spec:
        for key in ("recode", "units", "corrections", "partial"):
            if key in spec:
                what = "is for a column as received, not for an expression"
                yield f"{place}.{key}", f"{what}; leave it out"
    if kind in ("number", "integer"):
        yield from _recode_problems(place, spec, kind)
        if "units" in spec:
            yield from _unit_problems(f"{place}.units", spec["units"], unit)
    yield from _range_problems(place, spec)
    for number, one in enumerate(spec.get("corrections", [])):
        if "below" not in one and "above" not in one:
            what = "applies to no value; add `below` or `above`"
            yield f"{place}.corrections.{number}", what


def taking_problems(place: str, spec: Config) -> Found:
    """Yield place and sentence for one value a subject from several rows."""
    take, kind = spec.get("take"), spec.get("type", "text")
    if take is None:
        if "column" not in spec and "derive" not in spec:
            yield place, "missing key 'column' or 'derive'"
        for key in ("where", "by"):
            if key in spec:
                yield f"{place}.{key}", "is for `take`; add it, or leave this out"
        return
    if take != "any" and "column" not in spec and "derive" not in spec:
        yield place, f"missing key 'column': what is the {take} of?"
    if take == "any" and kind != "text":
        yield f"{place}.type", f"`take: any` gives Y or N, not {kind}; leave it out"
    if take in _TAKEN_NUMBERS and kind not in ("number", "integer"):
        yield f"{place}.take", f"{take} gives a number; add `type: number`"
    if take == "mean" and kind == "integer":
        yield f"{place}.type", "a mean is no whole number; write `type: number`"
    if "by" in spec and take not in ("first", "last"):
        yield f"{place}.by", f"orders rows for first and last, not for {take}"
    if "partial" in spec:
        what = "an imputation flag goes with one row of a subject, not with `take`"
        yield f"{place}.partial", f"{what}; leave one of the two out"
    if "where" in spec:
        yield from condition_problems(f"{place}.where", spec["where"], None)


def derived_problems(
    place: str, spec: Config, columns: Mapping[str, str] | None, *, kind: str
) -> Found:
    """Yield place and sentence for an expression that does not give its type."""
    if "derive" in spec:
        wanted = spec.get("type", "text")
        if spec.get("take") == "count":
            wanted = "any"
        yield from value_problems(
            f"{place}.derive", spec["derive"], columns, wanted, kind=kind
        )


def _recode_problems(place: str, spec: Config, kind: str) -> Found:
    for old, new in spec.get("recode", {}).items():
        at = f"{place}.recode.{old}"
        if isinstance(new, str):
            yield at, f"value {new!r} is no number, and the type is {kind}"
        elif kind == "integer" and new != int(new):
            yield at, f"value {new:g} is no whole number, and the type is integer"


def _unit_problems(place: str, units: Config, unit: str | None) -> Found:
    received, factors = units.get("received"), units.get("factors", {})
    if received is None and "column" not in units:
        what = "does not say which unit the values have"
        yield place, f"{what}; add `column` or `received`"
    if received is not None and "column" in units:
        yield place, "has both `column` and `received`; leave one out"
    for name, factor in factors.items():
        if factor == 0:
            yield f"{place}.factors.{name}", "0 makes every value 0"
    if unit is None and not factors:
        what = "the variable has no unit to convert to"
        yield place, f"{what}; add `unit` beside it, or `factors`"
    elif (
        received is not None
        and received not in factors
        and defined(received, unit) is None
    ):
        what = f"no conversion from {received!r} to {unit!r} is known"
        yield f"{place}.received", f"{what}; give its factor under `factors`"


def _range_problems(place: str, spec: Config) -> Found:
    low, high = spec.get("range", (0, 1))
    if low >= high:
        yield f"{place}.range", f"{low:g} is not below {high:g}"
