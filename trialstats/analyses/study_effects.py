"""From a table of studies to effects, as a synthesis takes them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from trialstats.analyses.trial_effect import Input, Settings, TrialEffect
from trialstats.clean.studies import ROLES
from trialstats.errors import DataError
from trialstats.meta.effect_sizes import effect_sizes
from trialstats.meta.published import standard_error_from
from trialstats.records import Record, none_if_missing, records
from trialstats.vocabulary import MEASURES

Config = Mapping[str, Any]

#: Roles that are arguments of `trialstats.meta.effect_sizes`.
ARGUMENTS = tuple(
    role
    for role in ROLES
    if role
    not in (
        *("effect", "variance", "standard_error", "ci_lower", "ci_upper"),
        "participants",
    )
)

#: What the rows of a study's arms are called, and from which roles they come.
_ARMS: Mapping[str, Mapping[str, str]] = {
    "events": {"treatment": "ai", "control": "ci"},
    "mean": {"treatment": "m1i", "control": "m2i"},
    "standard_deviation": {"treatment": "sd1i", "control": "sd2i"},
    "person_time": {"treatment": "t1i", "control": "t2i"},
}


def study_effects(
    frame: pd.DataFrame, config: Config, settings: Settings
) -> list[TrialEffect]:
    """Return the effects of a table of studies, in its order.

    Parameters
    ----------
    frame : DataFrame
        As `trialstats.clean.studies.build_studies` gives it.
    config : mapping
        The synthesis, with the key ``studies``.
    settings : Settings
        Measure and zero-cell rule.

    Returns
    -------
    list of TrialEffect
        A study whose numbers give no effect stays, with the reason.

    Raises
    ------
    DataError
        For effects without an error, or limits that are not in order.
    """
    listed = records(frame)
    given = config["studies"]
    if "effect" in given["columns"]:
        return [_of_effect(row, config, settings) for row in listed]
    arguments = [role for role in given["columns"] if role in ARGUMENTS]
    drop = settings.double_zero == "not_estimable" and settings.measure in ("RR", "OR")
    sizes = effect_sizes(
        settings.measure,
        **{role: frame[role].astype("float64").to_numpy() for role in arguments},
        add=settings.add,
        to=settings.to,
        drop00=drop,
    )
    return [
        _of_numbers(row, size, config)
        for row, size in zip(listed, sizes.itertuples(index=False), strict=True)
    ]


def _of_numbers(row: Record, size: Any, config: Config) -> TrialEffect:
    note = none_if_missing(getattr(size, "note", None))
    absent = None
    if math.isnan(size.effect) or not size.variance > 0:
        absent = str(note or "its numbers give no effect")
        absent, note = absent.removeprefix("not estimable: "), None
    return _effect(
        row,
        config,
        effect=None if absent else float(size.effect),
        variance=None if absent else float(size.variance),
        not_estimable=absent,
        method="from the numbers of each arm" + (f"; {note}" if note else ""),
        inputs=tuple(_inputs(row)),
    )


def _inputs(row: Record) -> Sequence[Input]:
    """Return the numbers of the arms as the table has them."""
    sides = {"treatment": "ldn", "control": "placebo"}
    found = []
    for side, group in sides.items():
        for statistic, roles in _ARMS.items():
            value = row.get(roles[side])
            if value is not None:
                found.append(Input(statistic, float(value), group))
        size = _size_of(row, side)
        if size is not None:
            found.append(Input("n", size, group))
    return found


def _size_of(row: Record, side: str) -> float | None:
    total, events, others = {
        "treatment": ("n1i", "ai", "bi"),
        "control": ("n2i", "ci", "di"),
    }[side]
    if row.get(total) is not None:
        return float(row[total])
    if row.get(events) is not None and row.get(others) is not None:
        return float(row[events] + row[others])
    return None


def _of_effect(row: Record, config: Config, settings: Settings) -> TrialEffect:
    """Return an effect as published, with its error or one that follows from it."""
    given = config["studies"]
    log = MEASURES[settings.measure].log and given["scale"] == "natural"
    numbers = {n: row.get(n) for n in ("effect", "ci_lower", "ci_upper")}
    if log:
        for name, value in numbers.items():
            if value is not None and not value > 0:
                raise DataError(
                    "a ratio is above zero",
                    file=row["file"],
                    row=row["row"],
                    column=given["columns"][name],
                    value=value,
                    remedy="write the ratio, or say `scale: log`",
                )
        numbers = {n: None if v is None else math.log(v) for n, v in numbers.items()}
    variance, method = _variance(row, numbers, given["level"])
    absent = None
    if numbers["effect"] is None or variance is None:
        absent, variance = "the effect or its error is not published", None
    words = "as published, on the log scale" if log else "as published"
    return _effect(
        row,
        config,
        effect=None if absent else numbers["effect"],
        variance=variance,
        not_estimable=absent,
        method=f"{words}; {method}" if method else words,
    )


def _variance(
    row: Record, numbers: Mapping[str, float | None], level: float
) -> tuple[float | None, str]:
    """Return the variance of an effect and how it is known."""
    if row.get("variance") is not None:
        return row["variance"], ""
    if row.get("standard_error") is not None:
        return row["standard_error"] ** 2, ""
    if numbers["ci_lower"] is None or numbers["ci_upper"] is None:
        return None, ""
    try:
        derived = standard_error_from(
            effect=numbers["effect"],
            ci_lower=numbers["ci_lower"],
            ci_upper=numbers["ci_upper"],
            level=level,
        )
    except DataError as problem:
        raise DataError(
            problem.what, file=row["file"], row=row["row"], remedy=problem.remedy
        ) from None
    return derived.standard_error**2, derived.how


def _effect(row: Record, config: Config, **values: Any) -> TrialEffect:
    sizes = [_size_of(row, side) for side in ("treatment", "control")]
    people = row.get("participants")
    if people is None and None not in sizes:
        people = sum(size for size in sizes if size is not None)
    return TrialEffect(
        trial=row["study"],
        parameter=config["outcome"]["name"],
        n_subjects=None if people is None else int(people),
        data_status=row["data_status"],
        covariates={name: row[name] for name in config["studies"]["covariates"]},
        **values,
    )
