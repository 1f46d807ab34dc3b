"""From what a trial published, or what was fitted to its data, to one effect.

Effects are LDN minus (or, on the log scale, over) control. Counts enter as they are;
means as `effects_of_means` says; a fitted trial with its fitted contrast.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from trialstats.analyses.effects_of_means import effect_of_means
from trialstats.analyses.trial_effect import (
    Input,
    Settings,
    TrialEffect,
    effect_of_row,
)
from trialstats.config.checking import suggestion
from trialstats.errors import ConfigError
from trialstats.meta.effect_sizes import effect_sizes
from trialstats.parts import own_rows
from trialstats.records import Record, none_if_missing, records

#: The row of a fitted trial that each measure takes.
FITTED = {
    "MD": "difference",
    "SMD": "standardized_mean_difference",
    "RR": "risk_ratio",
    "OR": "odds_ratio",
    "RD": "risk_difference",
}

#: Measures of counts that have no value when neither arm has an event.
_RELATIVE = ("RR", "OR")


def published_effects(rows: Sequence[Record], settings: Settings) -> list[TrialEffect]:
    """Return the effects of published rows, in their order.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of schema `evidence_rows.EFFECTS`, null as None.
    settings : Settings
        Measure and rules.

    Returns
    -------
    list of TrialEffect
        A trial whose numbers give no effect stays, with the reason.
    """
    if settings.measure in ("RR", "OR", "RD"):
        return _from_counts(rows, settings)
    return [effect_of_means(row, settings) for row in rows]


def fitted_effects(
    name: str,
    rows: pd.DataFrame,
    settings: Settings,
    treatments: Sequence[str] | None = None,
) -> list[TrialEffect]:
    """Return the effects of a trial that was analysed from individual data.

    Parameters
    ----------
    name : str
        ``trial.analysis``.
    rows : DataFrame
        Its rows, schema `rows.ESTIMATES`.
    settings : Settings
        The measure chooses the fitted contrasts that enter.
    treatments : sequence of str, optional
        The treatments that enter, of several; otherwise all.

    Returns
    -------
    list of TrialEffect
        One for each treatment, with the estimate and standard error of its fitted
        contrast with the control; effects of one trial have their covariances.

    Raises
    ------
    ConfigError
        When the analysis has no such contrast, several of one treatment, or not a
        treatment that is named.
    """
    statistic = FITTED[settings.measure]
    rows = own_rows(rows)
    found = rows.loc[rows["statistic"].eq(statistic)]
    if found["contrast"].duplicated().any():
        # A model over visits: the visit that has the role of the analysis.
        found = found.loc[found["role"].ne("descriptive")]
    if found.empty or found["contrast"].duplicated().any():
        listed = ", ".join(found["row_id"]) or ", ".join(rows["statistic"].unique())
        raise ConfigError(
            f"analysis {name!r} has {len(found)} rows {statistic!r}, and one must "
            f"enter for each treatment (measure {settings.measure}); found: {listed}"
        )
    by_arm = {_treatment_of(row): row for row in records(found)}
    for treatment in treatments or ():
        if treatment not in by_arm:
            raise ConfigError(
                f"analysis {name!r} has no treatment {treatment!r}, named under "
                f"contrasts; {suggestion(treatment, by_arm)}"
            )
    shared = _covariances_of(rows, statistic, found["visit"])
    return [
        TrialEffect(**_of_contrast(name, row), **_of_shared(arm, by_arm, shared))
        for arm, row in by_arm.items()
        if not treatments or arm in treatments
    ]


def _treatment_of(row: Record) -> str:
    """Return the treatment of a contrast, "LDN 6 mg versus Placebo"."""
    return str(row["contrast"]).rpartition(" versus ")[0]


def _covariances_of(
    rows: pd.DataFrame, statistic: str, visits: pd.Series
) -> dict[str, list[tuple[str, Record]]]:
    """Return, for each treatment, the others with the rows of their covariance."""
    chosen = (
        rows["statistic"].eq("contrast_covariance")
        & rows["subgroup"].eq(statistic)
        & rows["visit"].isin(visits)
    )
    shared: dict[str, list[tuple[str, Record]]] = {}
    for row in records(rows.loc[chosen]):
        first, second = _treatment_of(row), str(row["group"])
        shared.setdefault(first, []).append((second, row))
        shared.setdefault(second, []).append((first, row))
    return shared


def _of_contrast(name: str, row: Record) -> dict[str, Any]:
    """Return what the effect of one contrast is."""
    trial, analysis = name.split(".", maxsplit=1)
    absent = row["not_estimable"]
    error = row["standard_error"]
    return {
        "trial": trial,
        "analysis": analysis,
        "parameter": row["parameter"] or analysis,
        "visit": row["visit"],
        "unit": row["unit"],
        "effect": None if absent else row["estimate"],
        "variance": None if absent or error is None else error**2,
        "n_subjects": row["n_subjects"],
        "method": "estimate and standard error of the contrast fitted to individual "
        f"data ({row['method']})",
        "data_status": row["data_status"],
        "not_estimable": absent,
    }


def _of_shared(
    arm: str,
    by_arm: Mapping[str, Record],
    shared: Mapping[str, Sequence[tuple[str, Record]]],
) -> dict[str, Any]:
    """Return what one of several contrasts shares with the others."""
    if len(by_arm) == 1:
        return {}
    others = shared.get(arm, ())
    n_control = None
    for other, found in others:
        sizes = [by_arm[a]["n_subjects"] for a in (arm, other)]
        both = found["n_subjects"]
        if both is not None and None not in sizes:
            n_control = sum(sizes) - both
    return {
        "arm": arm,
        "n_control": n_control,
        "covariances": {
            other: found["estimate"]
            for other, found in others
            if found["estimate"] is not None
        },
    }


def _from_counts(rows: Sequence[Record], settings: Settings) -> list[TrialEffect]:
    """Return effects of counts, all at once: a zero-cell rule may look at all."""
    columns = ("events_ldn", "n_ldn", "events_placebo", "n_placebo")
    complete = [r for r in rows if all(r[name] is not None for name in columns)]
    values = [[r[name] for r in complete] for name in columns]
    drop = settings.double_zero == "not_estimable" and settings.measure in _RELATIVE
    sizes: Iterator[Any] = iter(())
    if complete:
        events, n, control_events, control_n = values
        frame = effect_sizes(
            settings.measure,
            ai=events,
            n1i=n,
            ci=control_events,
            n2i=control_n,
            add=settings.add,
            to=settings.to,
            drop00=drop,
        )
        sizes = frame.itertuples(index=False)
    return [
        _of_counts(row, next(sizes)) if row in complete else _without_counts(row)
        for row in rows
    ]


def _of_counts(row: Record, size: Any) -> TrialEffect:
    note = none_if_missing(size.note)
    absent = None
    if math.isnan(size.effect) or size.variance == 0:
        absent = str(note).removeprefix("not estimable: ")
        note = None
    inputs = tuple(
        Input(statistic, row[f"{statistic}_{arm}"], arm)
        for arm in ("ldn", "placebo")
        for statistic in ("events", "n")
    )
    return effect_of_row(
        row,
        effect=None if absent else size.effect,
        variance=None if absent else size.variance,
        method="from the events and participants of each arm"
        + (f"; {note}" if note else ""),
        statuses=(row["evidence_status"],),
        not_estimable=absent,
        inputs=inputs,
    )


def _without_counts(row: Record) -> TrialEffect:
    return effect_of_row(
        row,
        method="no counts for both arms",
        statuses=(row["evidence_status"],),
        not_estimable="the counts of both arms are not published",
    )
