"""How many subjects a model leaves out because a covariate is missing."""

import re
from collections.abc import Iterator, Sequence

import pandas as pd

from trialstats.analyses.trial_models import terms_of
from trialstats.analyses.trial_rows import Analysis, Row

_NAME = re.compile(r"[A-Za-z_]\w*")


def needed_columns(analysis: Analysis) -> list[str]:
    """Return the columns beside the response that a row of the model must have.

    Covariates, a baseline and strata; of a model over visits every name in its terms,
    the group of its covariance and its weights.
    """
    model = analysis.model
    single = [model[key] for key in ("baseline", "group", "weights") if key in model]
    several = [*model.get("covariates", ()), *model.get("strata", ())]
    terms = terms_of(analysis) if analysis.over_visits else ()
    named = [name for term in terms for name in _NAME.findall(term)]
    return list(dict.fromkeys([*several, *named, *single]))


def incomplete_columns(
    data: pd.DataFrame, response: str, columns: Sequence[str]
) -> list[str]:
    """Return the columns that are missing in rows with a response.

    >>> rows = pd.DataFrame({"CHG": [1.0, None], "SEX": [None, "F"], "AGE": [30, None]})
    >>> incomplete_columns(rows, "CHG", ["SEX", "AGE"])
    ['SEX']
    """
    seen = data[data[response].notna()]
    return [name for name in columns if name in seen and seen[name].isna().any()]


def left_out_rows(
    analysis: Analysis, data: pd.DataFrame, response: str, *, arm: str = "TRT01P"
) -> Iterator[Row]:
    """Yield, for each arm, who has a response and is left out for a covariate.

    Parameters
    ----------
    analysis : Analysis
    data : DataFrame
        Records of the analysis with `needed_columns`.
    response : str
        Column of the response.
    arm : str
        Column of the arm.

    Yields
    ------
    dict
        A row for each arm when somebody is left out, otherwise none.
    """
    needed = needed_columns(analysis)
    names = incomplete_columns(data, response, needed) if needed else []
    if not names:
        return
    seen = data[data[response].notna()]
    gone = seen[seen[names].isna().any(axis=1)]
    for label in analysis.arms:
        yield analysis.row(
            "n_without_covariate",
            group=label,
            estimate=gone.loc[gone[arm] == label, "USUBJID"].nunique(),
            n_subjects=seen.loc[seen[arm] == label, "USUBJID"].nunique(),
            method=f"Number of subjects with {response} who are left out of the model "
            f"where {' or '.join(names)} is missing",
        )
