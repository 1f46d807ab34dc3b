"""The design of a meta-regression: an intercept and the moderators of k trials."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from trialstats.errors import DataError, NotEstimableError, RankDeficientError
from trialstats.meta.inputs import FloatArray, check_data, numbers, unmasked

if TYPE_CHECKING:
    from trialstats.fixed_effects.design import Design

INTERCEPT = "Intercept"

#: Stands for the effect on the left side of a formula.
_RESPONSE = "effect_of_the_trial"


@dataclass(frozen=True, slots=True, eq=False)
class Moderators:
    """Columns of the design.

    Attributes
    ----------
    design : ndarray of shape (k, p)
        Read-only.
    names : tuple of p str
        Coefficients.
    terms : mapping of str to tuple of int
        Term of the formula, or column, -> its columns.
    formula : Design or None
        The formula's design, which makes rows of new moderators.
    """

    design: FloatArray
    names: tuple[str, ...]
    terms: dict[str, tuple[int, ...]]
    formula: "Design | None" = None

    @property
    def intercept(self) -> int | None:
        """Position of the intercept, None when there is none."""
        return self.names.index(INTERCEPT) if INTERCEPT in self.names else None

    def take(self, rows: Any) -> "Moderators":
        """Return the design of some of the trials, by position or as a mask."""
        chosen = np.asarray(rows)
        if chosen.dtype != bool:
            chosen = chosen.astype(np.intp)
        design = self.design[chosen]
        design.flags.writeable = False
        return Moderators(design, self.names, self.terms, self.formula)

    def columns_of(self, wanted: Any) -> list[int]:
        """Return the columns of terms or coefficients, by name or position."""
        found: list[int] = []
        for one in [wanted] if np.ndim(wanted) == 0 else wanted:
            if isinstance(one, str) and one in self.terms:
                found += self.terms[one]
            elif isinstance(one, str) and one in self.names:
                found.append(self.names.index(one))
            elif _is_position(one) and 0 <= one < len(self.names):
                found.append(int(one))
            else:
                known = dict.fromkeys([*self.terms, *self.names])
                raise DataError(
                    f"no term or coefficient {one!r}",
                    remedy=f"use one of {', '.join(known)}, or positions from 0",
                )
        return list(dict.fromkeys(found))

    def rows_for(self, new: Any) -> FloatArray:
        """Return rows of the design for new values of the moderators, (j, p)."""
        if self.formula is not None:
            if not isinstance(new, pd.DataFrame):
                new = self._frame_of_one(new)
            return self.formula.rows_for(new)
        rest = [name for name in self.names if name != INTERCEPT]
        if isinstance(new, pd.DataFrame):
            absent = [name for name in rest if name not in new]
            if absent:
                raise DataError(f"no column {', '.join(absent)} among the new values")
            columns = [numbers(name, name, data=new) for name in rest]
        else:
            try:
                values = np.asarray(unmasked(new), dtype=object)
            except ValueError:
                raise DataError(
                    "the new values differ in number from row to row",
                    remedy=f"give {', '.join(rest)} in this order",
                ) from None
            if len(rest) == 1:
                values = values.reshape(-1, 1)
            values = np.atleast_2d(values)
            if values.shape[1] != len(rest):
                raise DataError(
                    f"{values.shape[1]} new values a row for {len(rest)} moderators",
                    remedy=f"give {', '.join(rest)} in this order",
                )
            columns = [
                numbers(name, values[:, i], data=None) for i, name in enumerate(rest)
            ]
        if self.intercept is not None:
            columns.insert(self.intercept, np.ones(len(columns[0])))
        return np.column_stack(columns)

    def _frame_of_one(self, new: Any) -> pd.DataFrame:
        assert self.formula is not None  # noqa: S101
        variables = list(self.formula.variables)
        if len(variables) != 1:
            raise DataError(
                "new values of several moderators stand in a frame",
                remedy=f"give a DataFrame with the columns {', '.join(variables)}",
            )
        return pd.DataFrame({variables[0]: np.asarray(new).reshape(-1)})


def _is_position(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def only_intercept(k: int) -> Moderators:
    """Return the design without moderators."""
    design = np.ones((k, 1))
    design.flags.writeable = False
    return Moderators(design, (INTERCEPT,), {INTERCEPT: (0,)})


def read_moderators(moderators: Any, data: pd.DataFrame | None, k: int) -> Moderators:
    """Return the design that the argument `moderators` of `pool` describes.

    Parameters
    ----------
    moderators : str, DataFrame, array_like, Moderators or None
        A formula such as ``"~ year + C(allocation)"`` with `data`, or columns; to
        columns an intercept is added.
    data : DataFrame or None
        One row a trial.
    k : int
        Number of trials.

    Raises
    ------
    DataError
        For a formula without data, rows that differ in number from the trials, and
        missing values.
    RankDeficientError
        When a column depends on those before it; the message names it.
    NotEstimableError
        For as many coefficients as trials, or more.
    """
    if moderators is None:
        return only_intercept(k)
    if isinstance(moderators, Moderators):
        found = moderators
    elif isinstance(moderators, str):
        found = _from_formula(moderators, data)
    else:
        found = _from_columns(moderators)
    if len(found.design) != k:
        raise DataError(
            f"the moderators have {len(found.design)} rows and there are {k} trials"
        )
    if len(found.names) >= k and len(found.names) > 1:
        raise NotEstimableError(
            f"{len(found.names)} coefficients ({', '.join(found.names)}) need more "
            f"than {len(found.names)} trials, got {k}"
        )
    _check_rank(found)
    found.design.flags.writeable = False
    return found


def _from_formula(formula: str, data: pd.DataFrame | None) -> Moderators:
    # Formulas cost the import of their parser, which few syntheses need.
    from trialstats.fixed_effects.design import build_design

    if data is None:
        raise DataError(
            f"moderators={formula!r} is a formula but there is no data",
            remedy="pass data=, or the columns themselves",
        )
    check_data(data)
    right = formula.strip()
    if not right.startswith("~"):
        right = f"~ {right}"
    frame = data.assign(**{_RESPONSE: 0.0})
    design = build_design(f"{_RESPONSE} {right}", frame)
    if design.n_left_out:
        used = frame[list(design.variables)].isna()
        row = int(np.flatnonzero(used.any(axis=1).to_numpy())[0])
        raise DataError(
            f"a moderator is missing (rows with a missing one: {design.n_left_out})",
            row=f"{row + 1} (counting from 1)",
            column=str(used.columns[int(np.argmax(used.iloc[row].to_numpy()))]),
            remedy="supply the value, or leave the trial out and say so",
        )
    terms = {
        term.name: tuple(range(len(design.names))[term.columns])
        for term in design.terms
    }
    return Moderators(design.matrix(), design.names, terms, design)


def _from_columns(moderators: Any) -> Moderators:
    names: Iterable[str]
    if isinstance(moderators, pd.DataFrame | pd.Series):
        frame = pd.DataFrame(moderators)
        names = [str(name) for name in frame.columns]
        columns = [
            numbers(name, frame.iloc[:, i], data=None) for i, name in enumerate(names)
        ]
    else:
        values = np.asarray(unmasked(moderators), dtype=object)
        if values.ndim not in (1, 2):
            raise DataError(
                f"moderators are neither a formula nor columns but "
                f"{type(moderators).__name__} of shape {values.shape}",
                remedy="pass a formula with data=, a DataFrame, or a (k, p) array",
            )
        values = values.reshape(-1, 1) if values.ndim == 1 else values
        names = [f"x{i + 1}" for i in range(values.shape[1])]
        columns = [
            numbers(name, values[:, i], data=None) for i, name in enumerate(names)
        ]
    if INTERCEPT in names:
        raise DataError(
            f"a column is named {INTERCEPT}", remedy="leave it out; one is added"
        )
    if len(set(names)) < len(columns):
        twice = sorted(name for name in set(names) if list(names).count(name) > 1)
        raise DataError(
            f"several moderators are named {', '.join(twice)}",
            remedy="give each column a name of its own",
        )
    if not columns:
        raise DataError("there are no moderators", remedy="leave moderators out")
    design = np.column_stack([np.ones(len(columns[0])), *columns])
    all_names = (INTERCEPT, *names)
    return Moderators(design, all_names, {n: (i,) for i, n in enumerate(all_names)})


def _check_rank(moderators: Moderators) -> None:
    if len(moderators.names) == 1 and moderators.intercept is not None:
        return
    from trialstats.fixed_effects.rank import aliased_columns, check_rank

    if moderators.formula is not None:
        check_rank(moderators.design, moderators.formula)
        return
    aliased = [moderators.names[j] for j in aliased_columns(moderators.design)]
    if aliased:
        raise RankDeficientError(
            f"The data cannot tell {', '.join(aliased)} from the columns before "
            f"{'it' if len(aliased) == 1 else 'them'}; a moderator that is the same in "
            "every trial is one with the intercept.",
            aliased,
        )
