"""A model of dependent effects computed once more, from the rows of a synthesis."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trialstats.analyses.dependent_effects import SEPARATOR
from trialstats.records import Record, find
from trialstats.second_engine.check import Check
from trialstats.second_engine.levels import check_levels, check_weights


def dependent_checks(
    effects: Sequence[Record],
    own: Sequence[Record],
    shared: Sequence[Record],
    stored: Mapping[str, float | None],
    *,
    level: float,
    restricted: bool,
) -> Iterator[Check]:
    """Yield the checks of a model of dependent effects.

    Parameters
    ----------
    effects : sequence of mapping
        Rows of the effects that entered.
    own : sequence of mapping
        Rows of the model: its weights have the groups of each effect, and its variance
        components the variances.
    shared : sequence of mapping
        Rows of the covariances of effects.
    stored : mapping
        Numbers of the first engine by the names of `check_levels`.
    level : float
        Confidence level.
    restricted : bool
        Whether the variances maximise the restricted likelihood.
    """
    weights = {_place(row): row for row in find(own, statistic="weight")}
    chosen = [weights[_place(row)] for row in effects]
    components = find(own, statistic="variance_component")
    variances = [row["estimate"] for row in components]
    paths = [str(row["subgroup"]).split(SEPARATOR) for row in chosen]
    # A group is named by its whole path: inner labels may repeat.
    groups = [
        [SEPARATOR.join(path[: depth + 1]) for path in paths]
        for depth in range(len(components))
    ]
    covariance = _covariance(effects, shared)
    slopes = {
        f"slope of the likelihood in variance {number}": row["row_id"]
        for number, row in enumerate(components, start=1)
    }
    for check in check_levels(
        [row["estimate"] for row in effects],
        covariance,
        groups,
        variances,
        stored,
        level=level,
        restricted=restricted,
    ):
        row_id = slopes.get(check["quantity"])
        yield check if row_id is None else {"row_id": row_id, **check}
    yield check_weights(
        covariance, groups, variances, [row["estimate"] for row in chosen]
    )


def _place(row: Record) -> tuple[Any, ...]:
    """Return what tells an effect from the others of a synthesis."""
    return tuple(row[name] for name in ("trial", "analysis", "group"))


def _covariance(
    effects: Sequence[Record], shared: Sequence[Record]
) -> list[list[float]]:
    """Return the covariance of the errors of effects as the rows have it."""
    known = {
        frozenset([_place(row), (row["trial"], row["analysis"], row["subgroup"])]): row
        for row in shared
    }
    matrix = []
    for one in effects:
        line = []
        for other in effects:
            row = known.get(frozenset([_place(one), _place(other)]))
            between = 0.0 if row is None else row["estimate"]
            line.append(one["standard_error"] ** 2 if one is other else between)
        matrix.append(line)
    return matrix
