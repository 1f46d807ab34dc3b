"""Which covariates of an analysis are numbers, and which are factors."""

from collections.abc import Sequence

import pandas as pd

from trialstats.analyses.trial_rows import Analysis
from trialstats.errors import ConfigError
from trialstats.vocabulary import COLUMN_WORDS, sentence_list


def covariates_of(analysis: Analysis) -> list[str]:
    """Return the covariates that an analysis names, in its order."""
    return list(analysis.model.get("covariates", ()))


def split_covariates(
    analysis: Analysis, data: pd.DataFrame
) -> tuple[list[str], list[str]]:
    """Return the covariates that hold numbers, and those that hold labels.

    Parameters
    ----------
    analysis : Analysis
    data : DataFrame
        With a column for each covariate.

    Returns
    -------
    tuple of (list of str, list of str)
        Numbers enter with one slope; text is a factor.

    Raises
    ------
    ConfigError
        When a covariate is no column, or holds dates.
    """
    numbers: list[str] = []
    factors: list[str] = []
    for name in covariates_of(analysis):
        place = f"{analysis.place}.model.covariates"
        if name not in data:
            raise ConfigError(
                f"{place}: there is no column {name!r}; name a variable of ADSL or a "
                "column of the measurements"
            )
        if pd.api.types.is_datetime64_any_dtype(data[name]):
            raise ConfigError(
                f"{place}: {name} holds dates; name a column of numbers or of text"
            )
        number = pd.api.types.is_numeric_dtype(data[name])
        (numbers if number else factors).append(name)
    return numbers, factors


def with_subjects(
    rows: pd.DataFrame, adsl: pd.DataFrame, columns: Sequence[str]
) -> pd.DataFrame:
    """Return rows with those columns of ADSL that they lack."""
    absent = [name for name in columns if name not in rows and name in adsl]
    people = adsl.set_index("USUBJID")
    return rows.assign(**{name: rows["USUBJID"].map(people[name]) for name in absent})


def covariates_in_words(names: Sequence[str]) -> str:
    """Return treatment and covariates as words join them.

    >>> covariates_in_words(["BASE", "SITEGR1"])
    'treatment, BASE and SITEGR1'
    """
    return sentence_list(["treatment", *names])


def in_words(column: str) -> str:
    """Return a column in words, as it is where it has none.

    >>> in_words("BASE"), in_words("AGE")
    ('baseline', 'AGE')
    """
    return COLUMN_WORDS.get(column, column)
