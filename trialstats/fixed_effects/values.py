"""Values of a model's variables in the rows that have all of them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from trialstats.errors import NotEstimableError
from trialstats.fixed_effects.columns import IntArray, Labels
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


def used_levels(
    labels: Mapping[str, Labels],
) -> tuple[dict[str, tuple[Any, ...]], dict[str, Any]]:
    """Return levels and codes of the levels that occur, two at least of each."""
    levels, codes = {}, {}
    for name, label in labels.items():
        found = np.flatnonzero(np.bincount(label.codes, minlength=len(label.levels)))
        if len(found) < 2:
            raise NotEstimableError(
                f"Only one level of {name} has data: {label.levels[found[0]]}."
            )
        place = np.zeros(len(label.levels), dtype=np.intp)
        place[found] = np.arange(len(found))
        complete = len(found) == len(label.levels)
        codes[name] = label.codes if complete else place[label.codes]
        levels[name] = tuple(label.levels[i] for i in found)
    return levels, codes


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
