"""Which subjects have values of certain parameters at certain visits."""

from collections.abc import Mapping, Sequence

import pandas as pd

from trialstats.rows import is_observed
from trialstats.vocabulary import visits_in_words


def subjects_having(
    bds: pd.DataFrame, wanted: Mapping[str, Sequence[str]]
) -> pd.Series:
    """Return the subjects with an observed value of each parameter at each visit.

    Parameters
    ----------
    bds : DataFrame
        The trial's measurements.
    wanted : mapping of str to sequence of str
        Parameter to its visits.

    Examples
    --------
    >>> bds = pd.DataFrame({"USUBJID": ["1", "2"], "PARAMCD": "PAIN",
    ...     "AVISIT": "Week 4", "AVAL": [3.0, None], "ANL01FL": "Y", "DTYPE": None})
    >>> subjects_having(bds, {"PAIN": ["Week 4"]}).tolist()
    ['1']
    """
    found = bds["USUBJID"].drop_duplicates()
    seen = bds[bds["AVAL"].notna() & (bds["ANL01FL"] == "Y")]
    seen = seen[is_observed(seen["DTYPE"])]
    for code, visits in wanted.items():
        for visit in visits:
            here = seen[(seen["PARAMCD"] == code) & (seen["AVISIT"] == visit)]
            found = found[found.isin(here["USUBJID"])]
    return found


def having_in_words(wanted: Mapping[str, Sequence[str]]) -> str:
    """Return who is analysed in words.

    >>> having_in_words({"PAIN": ["Week 4", "Week 8"]})
    'subjects with PAIN at weeks 4 and 8'
    """
    said = [f"{code} at {visits_in_words(visits)}" for code, visits in wanted.items()]
    return f"subjects with {' and '.join(said)}"
