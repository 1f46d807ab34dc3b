"""What stands beside the main model of a synthesis, and the shape of its rows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialstats.analyses.synthesis_rows import Row, Subject, of_trial, trial_columns
from trialstats.analyses.trial_effect import TrialEffect
from trialstats.meta.pooled import Pooled

#: Columns of an effect with its test, and where `trialstats.meta` has them.
TESTED = {
    "estimate": "estimate",
    "standard_error": "standard_error",
    "df": "df",
    "test_statistic": "statistic",
    "p_value": "p_value",
    "ci_lower": "ci_lower",
    "ci_upper": "ci_upper",
}


@dataclass(frozen=True, slots=True)
class Beside:
    """The main model, the trials that entered it, and what all rows share.

    Attributes
    ----------
    fit : Pooled
        The main model.
    entered : sequence of TrialEffect
        Its trials, in the order of `fit`.
    config : mapping
        The synthesis.
    subject : Subject
        What all rows of the synthesis share.
    about : mapping
        What the rows of the main model share.
    """

    fit: Pooled
    entered: Sequence[TrialEffect]
    config: Mapping[str, Any]
    subject: Subject
    about: Mapping[str, Any]

    def row(
        self,
        statistic: str,
        *key: str | None,
        of: TrialEffect | None = None,
        on_scale: bool = False,
        **values: Any,
    ) -> Row:
        """Return a row of a statistic.

        Parameters
        ----------
        statistic : str
            Its name.
        *key : str or None
            What tells it from other rows of the same statistic.
        of : TrialEffect, optional
            The trial it belongs to.
        on_scale : bool
            Whether it stands on the scale of the effects.
        **values
            Further columns; NaN becomes null.
        """
        subject = self.subject
        own = of_trial(of, subject) if of is not None else ()
        columns: Row = {
            "parameter": subject.outcome,
            "data_status": self.about["data_status"],
            "model_id": self.about["model_id"],
            "contrast": subject.contrast,
            "statistic": statistic,
            "unit": subject.unit if on_scale else None,
            "scale": subject.scale if on_scale else "natural",
        }
        if of is not None:
            columns |= trial_columns(of)
        columns |= {name: known(value) for name, value in values.items()}
        if columns.get("ci_lower") is not None:
            columns.setdefault("confidence_level", self.fit.level)
        row_key = (columns["model_id"], *own, *key, statistic)
        return subject.row(*row_key, **columns)

    @property
    def words(self) -> str:
        """The main model in words."""
        return self.fit.method


def known(value: Any) -> Any:
    """Return None for a number that does not exist.

    >>> known(float("nan")), known(0.5), known("text")
    (None, 0.5, 'text')
    """
    if isinstance(value, float) and math.isnan(value):
        return None
    return value


def tested(values: Any) -> dict[str, Any]:
    """Return the columns of an effect with its test, from anything that names them."""
    if not isinstance(values, Mapping):
        values = {name: getattr(values, name) for name in TESTED.values()}
    return {column: float(values[name]) for column, name in TESTED.items()}
