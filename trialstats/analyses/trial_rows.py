"""What the rows of one trial's analysis share, and how each gets its key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialstats.clean.adsl import set_flag
from trialstats.errors import DataError
from trialstats.linear_model import Estimate
from trialstats.rows import row_key

Row = dict[str, Any]

#: How a value may come about and still count as observed.
OBSERVED_DTYPES = ("AVERAGE",)

#: Opens the reason of a row at a visit that nobody has.
NOBODY = "Nobody in "


@dataclass(frozen=True, slots=True)
class Analysis:
    """One configured analysis of a trial with the data that it may use.

    Attributes
    ----------
    config : mapping
        Configuration of the trial, with its `id`.
    name : str
        Key of the analysis, or ``baseline`` or ``disposition``.
    adsl, bds, adae : DataFrame
        The trial's datasets.
    """

    config: Mapping[str, Any]
    name: str
    adsl: pd.DataFrame
    bds: pd.DataFrame
    adae: pd.DataFrame

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings of the analysis."""
        settings: Mapping[str, Any] = self.config["analyses"][self.name]
        return settings

    @property
    def model(self) -> Mapping[str, Any]:
        """Settings of its model."""
        model: Mapping[str, Any] = self.settings["model"]
        return model

    @property
    def level(self) -> float:
        """Confidence level."""
        return float(self.model.get("level", 0.95))

    @property
    def percent(self) -> str:
        """Confidence level in words."""
        return f"{100 * self.level:g}%"

    @property
    def control(self) -> str:
        """Label of the control arm."""
        return str(self.config["arms"]["control"])

    @property
    def treatments(self) -> list[str]:
        """Labels of the other arms."""
        return list(self.config["arms"]["treatments"])

    @property
    def arms(self) -> list[str]:
        """All arms, treatments before control."""
        return [*self.treatments, self.control]

    @property
    def crossover(self) -> bool:
        """Whether every subject is to have every treatment."""
        return bool(self.config["design"] == "crossover")

    @property
    def unit(self) -> str | None:
        """Unit of the parameter analysed."""
        unit = self.config["bds"].get(self.settings.get("parameter"), {}).get("unit")
        return None if unit is None else str(unit)

    def subjects(self) -> pd.DataFrame:
        """Return the ADSL rows of the analysis set."""
        flag = set_flag(self.settings["analysis_set"])
        if flag not in self.adsl:
            raise DataError(
                f"ADSL has no column {flag}",
                column=flag,
                remedy=f"define {self.settings['analysis_set']} under analysis_sets",
            )
        return self.adsl[self.adsl[flag] == "Y"]

    @property
    def over_visits(self) -> bool:
        """Whether the model takes all visits after baseline."""
        return bool(self.model["type"] == "mmrm")

    def observations(self, *, columns: Sequence[str] = ()) -> pd.DataFrame:
        """Return the BDS rows to analyse: set, parameter, visit, flagged.

        Parameters
        ----------
        columns : sequence of str
            Columns that the model needs; those that BDS lacks come from ADSL.

        Returns
        -------
        DataFrame
            At the visit of the analysis; after baseline when it is over visits.
        """
        bds = self.bds
        chosen = (
            (bds["PARAMCD"] == self.settings["parameter"])
            & (bds["ANL01FL"] == "Y")
            & bds["USUBJID"].isin(self.subjects()["USUBJID"])
        )
        here = bds["AVISITN"] > 0
        if not self.over_visits:
            here = bds["AVISIT"] == self.settings["at"]
        elif self.model.get("constrained_baseline"):
            here |= bds["ABLFL"] == "Y"
        rows: pd.DataFrame = bds[chosen & here]
        absent = [name for name in columns if name not in rows and name in self.adsl]
        subjects = self.adsl.set_index("USUBJID")
        joined = {name: rows["USUBJID"].map(subjects[name]) for name in absent}
        return rows.assign(**joined)

    def contrast(self, treatment: str) -> str:
        """Return the comparison in words."""
        return f"{treatment} versus {self.control}"

    def row(
        self,
        statistic: str,
        *,
        key: Sequence[str | None] = (),
        role: str = "descriptive",
        **values: Any,
    ) -> Row:
        """Return a row of the estimates.

        Parameters
        ----------
        statistic : str
            Name of the statistic.
        key : sequence of str
            Further parts of the row's key, where visit and group are not enough.
        role : str
            Role of the row.
        **values
            Other columns of `rows.ESTIMATES`.

        Returns
        -------
        dict
        """
        values = self._configured() | values
        where = values.get("group") or values.get("contrast")
        parts = [self.name, values.get("visit"), where, *key, statistic]
        return {
            "row_id": row_key(self.config["id"], *parts),
            "kind": "trial",
            "trial": self.config["id"],
            "analysis": self.name,
            "role": role,
            "statistic": statistic,
            "scale": "natural",
            "data_status": self.config["data_status"],
            **values,
        }

    def _configured(self) -> Row:
        settings = self.config.get("analyses", {}).get(self.name)
        if settings is None:
            return {}
        shared = {
            "estimand": estimand_in_words(settings.get("estimand")),
            "analysis_set": settings["analysis_set"],
            "model_id": settings["model"]["type"],
        }
        if "parameter" in settings:
            shared["parameter"] = settings["parameter"]
        if "parameter" in settings and not self.over_visits:
            shared["visit"] = settings["at"]
        return shared


def estimand_in_words(estimand: Mapping[str, Any] | None) -> str | None:
    """Return the five attributes of an estimand as one sentence.

    >>> estimand_in_words({"variable": "pain", "treatment": "A versus B",
    ...     "population": "adults", "summary": "difference in means",
    ...     "intercurrent_events": {"stopping": "treatment policy"}})
    'difference in means of pain, A versus B, in adults; stopping: treatment policy'
    """
    if not estimand:
        return None
    events = "; ".join(
        f"{event}: {strategy}"
        for event, strategy in (estimand.get("intercurrent_events") or {}).items()
    )
    sentence = (
        f"{estimand['summary']} of {estimand['variable']}, {estimand['treatment']}, "
        f"in {estimand['population']}"
    )
    return f"{sentence}; {events}" if events else sentence


def estimate_columns(found: Estimate) -> Row:
    """Return the columns of an estimate with its t interval and test."""
    return mean_columns(found) | {
        "test_statistic": found.statistic,
        "p_value": found.p_value,
    }


def mean_columns(found: Estimate) -> Row:
    """Return the columns of an adjusted mean: no test, since zero is no hypothesis."""
    return {
        "estimate": found.estimate,
        "standard_error": found.standard_error,
        "df": found.df,
        "confidence_level": found.level,
        "ci_lower": found.ci_lower,
        "ci_upper": found.ci_upper,
    }


def squared(unit: str | None) -> str | None:
    """Return the unit of a variance."""
    return None if unit is None else f"({unit}) squared"


def observed(bds: pd.DataFrame) -> pd.DataFrame:
    """Return the rows whose value was observed, or is a mean of observed values."""
    real = bds["DTYPE"].isna() | bds["DTYPE"].isin(OBSERVED_DTYPES)
    return bds[real & bds["AVAL"].notna()]
