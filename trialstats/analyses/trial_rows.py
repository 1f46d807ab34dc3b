"""What the rows of one trial's analysis share, and how each gets its key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from trialstats.analyses.estimand_events import Event, events_of, left_out
from trialstats.analyses.estimand_records import (
    NON_RESPONDER,
    Scope,
    Used,
    apply_strategies,
)
from trialstats.analyses.having import having_in_words, subjects_having
from trialstats.config.declared import set_flag
from trialstats.errors import ConfigError, DataError
from trialstats.estimands import (
    WHILE_ON_TREATMENT,
    Handling,
    estimand_in_words,
    estimand_of,
    handlings_of,
    strategies_in_words,
)
from trialstats.expressions import condition, parse
from trialstats.linear_model import Estimate
from trialstats.rows import ADTTE, SUMMARY_DTYPES, frame_of, is_observed, row_key
from trialstats.vocabulary import sentence_list

Row = dict[str, Any]

#: Records that need not be named: summaries of one visit, and what a missing
#: yes-or-no value stands for.
USED_UNNAMED = (*SUMMARY_DTYPES, NON_RESPONDER)

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
    adsl, bds, adae, adtte : DataFrame
        The trial's datasets; a trial without times to events has no `adtte`.
    """

    config: Mapping[str, Any]
    name: str
    adsl: pd.DataFrame
    bds: pd.DataFrame
    adae: pd.DataFrame
    adtte: pd.DataFrame = field(default_factory=lambda: frame_of([], ADTTE))

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
        usual = 0.9 if self.model["type"] == "bioequivalence" else 0.95
        return float(self.model.get("level", usual))

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
        code = self.settings.get("parameter")
        unit = self.config.get("bds", {}).get(code, {}).get("unit")
        return None if unit is None else str(unit)

    @property
    def handlings(self) -> tuple[Handling, ...]:
        """The intercurrent events of its estimand, each with its strategy."""
        return handlings_of(self.config, self.name)

    @property
    def derived(self) -> tuple[str, ...]:
        """DTYPE of the derived records that are used because they are named."""
        return tuple(self.settings.get("records", ()))

    @property
    def place(self) -> str:
        """Where the analysis stands in the configuration, for messages."""
        return f"config/trials/{self.config['id']}.yaml, at analyses.{self.name}"

    def members(self) -> pd.DataFrame:
        """Return the ADSL rows of the analysis set, of those who have the values."""
        flag = set_flag(self.settings["analysis_set"])
        if flag not in self.adsl:
            raise DataError(
                f"ADSL has no column {flag}",
                column=flag,
                remedy=f"define {self.settings['analysis_set']} under analysis_sets",
            )
        members = self.adsl[self.adsl[flag] == "Y"]
        wanted = self.settings.get("having")
        if not wanted:
            return members
        return members[members["USUBJID"].isin(subjects_having(self.bds, wanted))]

    def events(self) -> list[Event]:
        """Return the intercurrent events that are defined, with who had them."""
        return events_of(self.config, self.name, self.handlings, self.members())

    def subjects(self) -> pd.DataFrame:
        """Return the ADSL rows of the analysis set, of the principal stratum alone."""
        members, outside = self.members(), left_out(self.events())
        return members[~members["USUBJID"].isin(outside)] if outside else members

    @property
    def over_visits(self) -> bool:
        """Whether the model takes all visits after baseline."""
        return bool(self.model["type"] == "mmrm")

    def observations(self, *, columns: Sequence[str] = ()) -> pd.DataFrame:
        """Return the records to analyse, after the strategies of the estimand.

        Parameters
        ----------
        columns : sequence of str
            Columns that the model needs; those that BDS lacks come from ADSL.

        Returns
        -------
        DataFrame
            Flagged records of set and parameter at the visit of the analysis, or at
            several; after baseline when the model is over visits. Derived records are
            used when the analysis names them.
        """
        rows = self.used().records
        listed = self._visits()
        if listed is not None:
            here = rows["AVISIT"].isin(listed)
        else:
            here = rows["AVISITN"] > 0
            if self.model.get("constrained_baseline"):
                here |= rows["ABLFL"] == "Y"
        return self._with_subjects(rows[here], columns)

    def used(self) -> Used:
        """Return the records that the strategies leave and make, at all visits.

        Raises
        ------
        ConfigError
            When the model has no use for a strategy.
        """
        bds, listed = self.bds, self._visits()
        several = listed is None or len(listed) > 1
        chosen = (
            (bds["PARAMCD"] == self.settings["parameter"])
            & (bds["ANL01FL"] == "Y")
            & bds["USUBJID"].isin(self.subjects()["USUBJID"])
            & (bds["DTYPE"].isna() | bds["DTYPE"].isin([*USED_UNNAMED, *self.derived]))
        )
        rows = bds[chosen]
        rows = rows[self._fits(rows)]
        if several:
            self._refuse_last()
        seen = rows.loc[
            rows["AVISITN"] > 0 if listed is None else rows["AVISIT"].isin(listed)
        ]
        numbers = dict(zip(seen["AVISIT"], seen["AVISITN"], strict=True))
        scope = Scope(
            config=self.config,
            parameter=self.settings["parameter"],
            response=self.settings["response"],
            visits=dict(sorted(numbers.items(), key=lambda item: (item[1], item[0]))),
            people=self.subjects(),
            derived=self.derived,
            several=several,
            fits=self._fits,
        )
        return apply_strategies(rows, self.events(), scope)

    def _visits(self) -> list[str] | None:
        """Return the visits that are analysed; None when the model takes all."""
        if self.over_visits:
            return None
        at = self.settings["at"]
        return [at] if isinstance(at, str) else list(at)

    def _refuse_last(self) -> None:
        for handling in self.handlings:
            if handling.strategy == WHILE_ON_TREATMENT:
                raise ConfigError(
                    f"{self.place}.estimand: {handling.event!r} is handled while on "
                    "treatment, which has one value a subject, and the model takes "
                    "several visits; analyse one visit, or name another strategy"
                )

    def _fits(self, rows: pd.DataFrame) -> pd.Series:
        """Return which records meet the condition of the analysis."""
        where = self.settings.get("where")
        if where is None:
            return pd.Series(True, index=rows.index)
        return condition(where, self._with_subjects(rows, parse(where).names))

    def _with_subjects(
        self, rows: pd.DataFrame, columns: Sequence[str]
    ) -> pd.DataFrame:
        """Return rows with columns of ADSL that they lack."""
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
        said = self._records_in_words()
        if said and "method" in values and not statistic.startswith("n_"):
            values["method"] = f"{values['method']}; {said}"
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
            "estimand": estimand_in_words(
                estimand_of(self.config, self.name),
                self.handlings,
                crossover=self.crossover,
            ),
            "analysis_set": settings["analysis_set"],
            "model_id": settings["model"]["type"],
        }
        if "parameter" in settings:
            shared["parameter"] = settings["parameter"]
        if "parameter" in settings and not self.over_visits:
            at = settings.get("at")
            shared["visit"] = at if isinstance(at, str) else None
        return shared

    def _records_in_words(self) -> str | None:
        """Return which records are used where they are not simply those observed."""
        settings = self.config.get("analyses", {}).get(self.name, {})
        said = []
        if settings.get("having"):
            said.append(having_in_words(settings["having"]))
        if settings.get("records"):
            said.append(f"derived records used: {sentence_list(self.derived)}")
        if settings.get("where"):
            said.append(f"records where {settings['where']}")
        responder = self.config.get("responders", {}).get(settings.get("parameter"), {})
        if responder.get("missing") == "non_responder":
            said.append("a visit without a value counts as no response")
        done = strategies_in_words(self.handlings, crossover=self.crossover)
        return "; ".join([*said, *([done] if done else [])]) or None


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
    """Return the rows whose value was observed, or summarises observed values."""
    return bds[is_observed(bds["DTYPE"]) & bds["AVAL"].notna()]
