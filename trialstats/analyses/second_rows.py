"""What the second engine has for one row, and how it chooses its data anew."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialstats.analyses.second_records import records_anew

Config = Mapping[str, Any]

#: Both engines are exact or iterate to the last digits.
TIGHT = (1e-6, "Both engines are exact or iterate far below this.")


@dataclass(frozen=True, slots=True)
class Second:
    """What the second engine has for one row."""

    where: Mapping[str, Any]
    quantities: Mapping[str, float | None]
    engine: str
    tolerance: tuple[float, str] = TIGHT


def chosen_rows(
    config: Config, name: str, adsl: pd.DataFrame, bds: pd.DataFrame
) -> pd.DataFrame:
    """Return the rows of an analysis, chosen anew."""
    return _with_subjects(records_anew(config, name, adsl, bds), adsl)


def _with_subjects(rows: pd.DataFrame, adsl: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the columns of ADSL that they lack."""
    further = [name for name in adsl if name not in rows]
    return rows.merge(adsl[["USUBJID", *further]], on="USUBJID", how="left")


def model_arguments(config: Config, name: str) -> dict[str, Any]:
    """Return response, arms and level of an analysis."""
    settings = config["analyses"][name]
    return {
        "response": settings["response"],
        "control": config["arms"]["control"],
        "treatments": config["arms"]["treatments"],
        "level": settings["model"].get("level", 0.95),
    }


def contrast_of(config: Config, treatment: str) -> str:
    """Return the comparison of a treatment with the control in words."""
    return f"{treatment} versus {config['arms']['control']}"
