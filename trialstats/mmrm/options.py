"""What may be written into the options of `fit_mmrm`."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from trialstats.errors import DataError
from trialstats.linear_model import check_level
from trialstats.mmrm.inference import check_inference
from trialstats.mmrm.structures import NamedStructure, structure_named

METHODS = ("reml", "ml")


def check_options(
    *,
    data: Any,
    columns: dict[str, Any],
    method: Any,
    df: Any,
    vcov: Any,
    level: Any,
    constrained_baseline: Any,
    stop: Any,
) -> None:
    """Raise DataError when an option is none that `fit_mmrm` knows.

    `columns` holds the options that name a column; subject and visit must be there.
    """
    if not isinstance(data, pd.DataFrame):
        raise DataError(f"the data are no DataFrame but {type(data).__name__}")
    for option, name in columns.items():
        if name is None and option not in ("subject", "visit"):
            continue
        if not isinstance(name, str):
            raise DataError(
                f"the {option} is not the name of a column: {type(name).__name__}",
                remedy=f"write {option}='the name of one column'",
            )
    check_level(level)
    if method not in METHODS:
        raise DataError(f"unknown method {method!r}", remedy="write 'reml' or 'ml'")
    check_inference(df, vcov, method)
    if stop not in (None, "sas"):
        raise DataError(f"unknown stop {stop!r}", remedy="write 'sas' or leave it out")
    pair = constrained_baseline
    if pair is not None and not (isinstance(pair, tuple) and len(pair) == 2):
        raise DataError(
            f"a constrained baseline is not {pair!r}",
            remedy="write (column of the treatment, label of the baseline visit)",
        )


def ladder_of(covariance: str | Sequence[str]) -> list[NamedStructure]:
    """Return the structures to try, or raise DataError."""
    if not isinstance(covariance, str | list | tuple) or not covariance:
        raise DataError(
            f"no covariance structure is named: {covariance!r}",
            remedy="write a name, or a list of names as a ladder",
        )
    names = [covariance] if isinstance(covariance, str) else list(covariance)
    structures = [structure_named(name) for name in names]
    if len({chosen.structure.spatial for chosen in structures}) > 1:
        raise DataError(
            "a ladder has structures of one kind",
            value=", ".join(names),
            remedy="do not mix spatial structures, whose visit is a time, with others",
        )
    return structures
