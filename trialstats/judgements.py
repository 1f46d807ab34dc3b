"""The vocabulary of judgements: RoB 2 and GRADE.

A judgement is made by people who read the trials. Nothing here makes one: it says which
words a judgements file may use, and how domains add up.
"""

from collections.abc import Mapping

#: Printed where nobody has judged.
NOT_JUDGED = "not judged"

#: Tool of the risk-of-bias judgements, with its version.
ROB_TOOL = "RoB 2 (22 August 2019)"

#: Domains of RoB 2 for parallel trials, and S for the carry-over of crossover trials.
ROB_DOMAINS: Mapping[str, str] = {
    "D1": "bias arising from the randomization process",
    "DS": "bias arising from period and carry-over effects (crossover trials)",
    "D2": "bias due to deviations from intended interventions",
    "D3": "bias due to missing outcome data",
    "D4": "bias in measurement of the outcome",
    "D5": "bias in selection of the reported result",
    "overall": "overall risk of bias",
}

#: Judgements of RoB 2, from the best to the worst.
ROB_JUDGEMENTS = ("low", "some concerns", "high")

#: Domains of GRADE that lower certainty, and those that may raise it.
GRADE_DOWN = (
    *("risk of bias", "inconsistency", "indirectness", "imprecision"),
    "publication bias",
)
GRADE_UP = ("large effect", "dose response", "opposing confounding")

#: Certainty by the number of points that are left; randomised trials start with 4.
CERTAINTY: Mapping[int, str] = {4: "high", 3: "moderate", 2: "low", 1: "very low"}

#: Signs of the certainty, as summary-of-findings tables print them.
CERTAINTY_SIGNS: Mapping[str, str] = {
    "high": "⊕⊕⊕⊕",
    "moderate": "⊕⊕⊕◯",
    "low": "⊕⊕◯◯",
    "very low": "⊕◯◯◯",
}


def certainty(levels: Mapping[str, int], *, start: int = 4) -> str | None:
    """Return the certainty that GRADE gives for the levels of all domains.

    Parameters
    ----------
    levels : mapping of str to int
        Domain of GRADE -> 0, -1 or -2, or +1 or +2 for one that raises it.
    start : int
        4 for randomised trials, 2 for observational studies.

    Returns
    -------
    str or None
        ``high``, ``moderate``, ``low`` or ``very low``; None while a domain that may
        lower certainty is not judged.

    Examples
    --------
    >>> certainty(dict.fromkeys(GRADE_DOWN, 0) | {"imprecision": -2})
    'low'
    >>> certainty({"imprecision": -2}) is None
    True
    """
    if any(domain not in levels for domain in GRADE_DOWN):
        return None
    return CERTAINTY[min(4, max(1, start + sum(levels.values())))]


def missing_domains(levels: Mapping[str, int]) -> list[str]:
    """Return the domains of GRADE that must be judged and are not."""
    return [domain for domain in GRADE_DOWN if domain not in levels]
