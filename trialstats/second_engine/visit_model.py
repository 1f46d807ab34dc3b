"""The model over visits of a configured analysis, by the second engine.

The design is formulaic's whole matrix in the coding of the last arm and the last visit
as references; the first engine takes the first ones and never forms the matrix.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from formulaic import Formula
from numpy.typing import NDArray

from trialstats.errors import NotEstimableError
from trialstats.one_thread import one_thread
from trialstats.second_engine.covariances import covariance_named
from trialstats.second_engine.repeated_measures import (
    Block,
    FloatArray,
    Model,
    Quantities,
    inference,
    scored,
)

#: Columns of a trial's measurements.
SUBJECT, TREATMENT, VISIT, NUMBER = "USUBJID", "TRT01P", "AVISIT", "AVISITN"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the configuration says of a model over visits.

    Attributes
    ----------
    baseline : str or None
        The visit at which the arms share one mean.
    averaged : sequence of str or None
        Visits over which means are averaged; all but the baseline when None.
    """

    response: str
    terms: Sequence[str]
    control: str
    treatments: Sequence[str]
    covariance: str
    group: str | None = None
    weights: str | None = None
    restricted: bool = True
    rule: str = "kenward_roger"
    baseline: str | None = None
    averaged: Sequence[str] | None = None
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class Found:
    """Means and differences by (visit, arm), the likelihood and the covariances.

    The visit of an average is None; covariances are by group, visits in order.
    """

    means: Mapping[tuple[str | None, str], Quantities]
    differences: Mapping[tuple[str | None, str], Quantities]
    log_likelihood: float
    covariances: Mapping[str, pd.DataFrame]


def visit_model(data: pd.DataFrame, settings: Settings) -> Found:
    """Fit a model over visits and return its means and differences.

    Parameters
    ----------
    data : DataFrame
        One row per subject and visit.
    settings : Settings

    Returns
    -------
    Found

    Raises
    ------
    NotEstimableError
        When an arm has no data at a visit, a factor has one level, the design has not
        full rank, or the likelihood no maximum.
    """
    rows, visits = _rows(data, settings)
    design = _Design(rows, visits, settings)
    matrix = design.of(rows)
    if np.linalg.matrix_rank(matrix) < matrix.shape[1]:
        raise NotEstimableError("The design of the model has not full rank.")
    y = rows[settings.response].to_numpy(dtype=float)
    start = float(np.mean((y - matrix @ np.linalg.lstsq(matrix, y)[0]) ** 2))
    times = rows.groupby(VISIT, observed=True)[NUMBER].first().loc[visits]
    covariance = covariance_named(settings.covariance, times.to_numpy(dtype=float))
    groups = sorted(rows[settings.group].unique()) if settings.group else ["all"]
    model = Model(
        blocks=_blocks(rows, matrix, visits, groups, settings),
        covariance=covariance,
        n_groups=len(groups),
        n=len(rows),
        p=matrix.shape[1],
        restricted=settings.restricted,
        log_weights=float(np.log(_weights(rows, settings)).sum()),
    )
    with one_thread():
        starts = covariance.starts(start)
        state = scored(model, [np.tile(one, len(groups)) for one in starts])
        made = inference(model, state, settings.rule)
    arms = [settings.control, *settings.treatments]
    after = [visit for visit in visits if visit != settings.baseline]
    averaged = [v for v in after if v in (settings.averaged or after)]
    mean: dict[tuple[str | None, str], FloatArray] = {
        (visit, arm): design.mean(visit, arm) for visit in visits for arm in arms
    }
    for arm in arms:
        mean[None, arm] = np.mean([mean[v, arm] for v in averaged], axis=0)
    return Found(
        means={
            key: made.quantities(weights, settings.level)
            for key, weights in mean.items()
        },
        differences={
            (visit, arm): made.quantities(
                mean[visit, arm] - mean[visit, settings.control], settings.level
            )
            for visit in (*after, None)
            for arm in settings.treatments
        },
        # The restricted likelihood holds the determinant of the scaled columns.
        log_likelihood=state.height
        - (float(np.log(design.size).sum()) if settings.restricted else 0.0),
        covariances={
            str(group): pd.DataFrame(
                covariance.matrix(part), index=visits, columns=visits
            )
            for group, part in zip(groups, model.split(state.theta), strict=True)
        },
    )


def _rows(data: pd.DataFrame, settings: Settings) -> tuple[pd.DataFrame, list[str]]:
    """Return the complete rows, and the visits in order."""
    needed = [settings.response, settings.group, settings.weights]
    formula = Formula(" + ".join(settings.terms))
    needed += [str(name) for name in formula.required_variables]
    present = dict.fromkeys(name for name in needed if name)
    rows = data.dropna(subset=[n for n in present if n in data])
    pairs = rows[[NUMBER, VISIT]].drop_duplicates().sort_values(NUMBER)
    visits = pairs[VISIT].astype(str).tolist()
    seen = set(zip(rows[VISIT], rows[TREATMENT], strict=True))
    wanted = product(visits, (settings.control, *settings.treatments))
    absent = [f"{arm} at {visit}" for visit, arm in wanted if (visit, arm) not in seen]
    if absent or not visits:
        raise NotEstimableError(f"No data: {', '.join(absent) or 'no visit'}.")
    return rows, visits


class _Design:
    """The design of given rows, and of means at the covariates' means."""

    def __init__(
        self, rows: pd.DataFrame, visits: list[str], settings: Settings
    ) -> None:
        self.visits, self.settings = visits, settings
        self.labels = {
            TREATMENT: [*settings.treatments[::-1], settings.control],
            VISIT: visits[::-1],
        }
        formula = Formula(" + ".join(settings.terms))
        names = [str(n) for n in formula.required_variables if n in rows]
        others = [n for n in names if n not in self.labels]
        self.numeric = {
            name: float(rows[name].astype(float).mean())
            for name in others
            if pd.api.types.is_numeric_dtype(rows[name])
        }
        for name in others:
            if name not in self.numeric:
                self.labels[name] = sorted(rows[name].astype(str).unique())
        alone = [n for n in names if len(self.labels.get(n, "two or more")) < 2]
        if alone:
            raise NotEstimableError(f"Only one level of {', '.join(alone)}.")
        first = formula.get_model_matrix(self._typed(rows))
        self.spec = first.model_spec
        values = first.to_numpy(dtype=float)
        # Arms that share a mean at baseline leave columns that are zero everywhere.
        size = np.abs(values).max(axis=0)
        self.kept = np.flatnonzero(size > 0)
        # Means do not depend on the unit of a column, but its rank among others does.
        self.size = size[self.kept]

    def of(self, rows: pd.DataFrame) -> FloatArray:
        """Return the design of rows."""
        made = self.spec.get_model_matrix(self._typed(rows))
        return np.asarray(made.to_numpy(dtype=float)[:, self.kept] / self.size)

    def mean(self, visit: str, arm: str) -> FloatArray:
        """Return the weights of a mean: other factors at equal weight."""
        others = [n for n in self.labels if n not in (TREATMENT, VISIT)]
        grid = pd.DataFrame(
            list(product(*(self.labels[n] for n in others))) or [()], columns=others
        )
        grid = grid.assign(**{TREATMENT: arm, VISIT: visit}, **self.numeric)
        return np.asarray(self.of(grid).mean(axis=0))

    def _typed(self, rows: pd.DataFrame) -> pd.DataFrame:
        if self.settings.baseline is not None:
            at = rows[VISIT] == self.settings.baseline
            same = rows[TREATMENT].mask(at, self.settings.control)
            rows = rows.assign(**{TREATMENT: same})
            # The arm that all share must be the reference.
            labels = [self.settings.control, *self.settings.treatments]
            self.labels[TREATMENT] = labels
        typed = {
            name: pd.Categorical(rows[name].astype(str), categories=labels)
            for name, labels in self.labels.items()
        }
        return rows.assign(**typed)


def _weights(rows: pd.DataFrame, settings: Settings) -> NDArray[np.float64]:
    if settings.weights is None:
        return np.ones(len(rows))
    return rows[settings.weights].to_numpy(dtype=float)


def _blocks(
    rows: pd.DataFrame,
    matrix: FloatArray,
    visits: list[str],
    groups: Sequence[Any],
    settings: Settings,
) -> list[Block]:
    """Return subjects by group and visits seen; weights scale their rows."""
    scale = np.sqrt(_weights(rows, settings))
    slot = rows[VISIT].astype(str).map({v: i for i, v in enumerate(visits)}).to_numpy()
    y = rows[settings.response].to_numpy(dtype=float) * scale
    x = matrix * scale[:, None]
    group = np.zeros(len(rows), dtype=np.int64)
    if settings.group:
        group = (
            rows[settings.group].map({g: i for i, g in enumerate(groups)}).to_numpy()
        )
    alike: dict[tuple[int, tuple[int, ...]], list[NDArray[np.int64]]] = {}
    places = pd.Series(np.arange(len(rows)), index=rows[SUBJECT].to_numpy())
    for _, own in places.groupby(level=0):
        where = own.to_numpy()
        where = where[np.argsort(slot[where])]
        key = (int(group[where[0]]), tuple(int(s) for s in slot[where]))
        alike.setdefault(key, []).append(where)
    return [
        Block(number, np.array(seen), y[np.array(members)], x[np.array(members)])
        for (number, seen), members in alike.items()
    ]
