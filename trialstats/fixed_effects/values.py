"""Values of a model's variables in the rows that have all of them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialstats.errors import NotEstimableError
from trialstats.fixed_effects.columns import IntArray, Labels, cells_of
from trialstats.linear_model import FloatArray


def complete(n: int, absent: Iterable[Any]) -> IntArray | None:
    """Return the positions without a missing value; None when all n are."""
    missing = np.zeros(n, dtype=bool)
    for each in absent:
        if each is not None:
            missing |= each
    return np.flatnonzero(~missing) if missing.any() else None


def absent_labels(labels: Labels) -> Any:
    """Return which rows miss a label; None when none does."""
    codes = labels.codes
    return codes < 0 if len(codes) and codes.min() < 0 else None


def absent_numbers(values: FloatArray) -> Any:
    """Return which rows miss a number; None when none does."""
    absent = np.isnan(values)
    return absent if absent.any() else None


@dataclass(frozen=True, slots=True)
class UsedLevels:
    """The levels that occur, and their combinations.

    Attributes
    ----------
    levels : dict of str to tuple
    codes : dict of str to (n,) array
    cells : (n,) array of int
        Combination of levels in each row.
    combinations : (n_cells, k) array of int
        Codes of each combination, the last factor fastest.
    """

    levels: dict[str, tuple[Any, ...]]
    codes: dict[str, Any]
    cells: Any
    combinations: Any


def used_levels(labels: Mapping[str, Labels], n: int) -> UsedLevels:
    """Return what occurs of the levels in n rows, of each factor two at least."""
    codes = {name: label.codes for name, label in labels.items()}
    cells, combinations = cells_of(
        list(codes.values()), [len(label.levels) for label in labels.values()], n
    )
    levels = {}
    for number, (name, label) in enumerate(labels.items()):
        found = np.unique(combinations[:, number])
        if len(found) < 2:
            raise NotEstimableError(
                f"Only one level of {name} has data: {label.levels[found[0]]}."
            )
        if len(found) < len(label.levels):
            place = np.zeros(len(label.levels), dtype=np.intp)
            place[found] = np.arange(len(found))
            codes[name] = place[label.codes]
            combinations[:, number] = place[combinations[:, number]]
        levels[name] = tuple(label.levels[i] for i in found)
    return UsedLevels(levels, codes, cells, combinations)


class Values(Mapping[str, Any]):
    """Values of the variables; labels become a Categorical for who asks for them.

    Few factors do: the design needs their codes only.
    """

    def __init__(
        self,
        codes: Mapping[str, Any],
        levels: Mapping[str, tuple[Any, ...]],
        numbers: Mapping[str, FloatArray],
    ) -> None:
        self.codes, self.levels, self.numbers = codes, levels, numbers

    def __getitem__(self, name: str) -> Any:
        """Return the numbers of a variable, or its Categorical."""
        if name in self.numbers:
            return self.numbers[name]
        return labelled({name: self.codes[name]}, self.levels)[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter([*self.codes, *self.numbers])

    def __len__(self) -> int:
        """Return the number of names."""
        return len(self.codes) + len(self.numbers)


def labelled(
    codes: Mapping[str, Any], levels: Mapping[str, tuple[Any, ...]]
) -> dict[str, Any]:
    """Return the Categorical of each variable from its codes and levels."""
    return {
        name: pd.Categorical.from_codes(code, categories=pd.Index(levels[name]))
        for name, code in codes.items()
    }
