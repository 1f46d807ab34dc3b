"""Rows of the flow of participants: enrolled, allocated, treated, analysed or not.

What `disposition_rows` counts is not counted again; see CONSORT 2025 for what a flow
diagram shows.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from trialstats.analyses.trial_left_out import needed_columns
from trialstats.analyses.trial_rows import Analysis, Row
from trialstats.analyses.trial_survival import subject_times
from trialstats.config.declared import set_flag
from trialstats.rows import distinct_keys

#: Roles of the analyses that a flow diagram may end with.
MAIN_ROLES = ("primary", "secondary")

#: Models whose analysed subjects are those with a complete record.
_OF_RECORDS = frozenset(
    {
        *("ancova", "mmrm", "crossover", "two_period"),
        *("bioequivalence", "proportions", "logistic", "cmh"),
    }
)

#: Their statistics, which are counts of subjects.
FLOW_STATISTICS = ("flow_count", "flow_analysed", "flow_excluded")


def enrolment_rows(
    analysis: Analysis, column: str, groups: list[str], randomised: pd.DataFrame
) -> Iterator[Row]:
    """Yield who was enrolled and not randomised, or never treated, with reasons.

    Parameters
    ----------
    analysis : Analysis
        Under the name ``disposition``.
    column : str
        Column of the groups.
    groups : list of str
        Arms, or sequences of a crossover.
    randomised : DataFrame
        Their ADSL rows.
    """
    adsl = analysis.adsl
    outside = adsl[~adsl["USUBJID"].isin(randomised["USUBJID"])]
    if len(outside):
        whole: Row = {"group": "Total", "n_subjects": len(adsl)}
        yield _flow(analysis, "enrolled", None, len(adsl), "subjects in ADSL", whole)
        words = "subjects without a date of randomisation"
        yield from _reasons(analysis, "not randomised", outside, words, whole)
    if "TRTSDT" in adsl:
        for group in groups:
            own = randomised[randomised[column] == group]
            never = own[own["TRTSDT"].isna()]
            words = "randomised subjects without a date of first treatment"
            where: Row = {"group": group, "n_subjects": len(own)}
            yield _flow(analysis, "not treated", None, len(never), words, where)
    if analysis.crossover:
        yield from _period_rows(analysis, randomised)


def _reasons(
    analysis: Analysis, what: str, gone: pd.DataFrame, words: str, where: Row
) -> Iterator[Row]:
    yield _flow(analysis, what, None, len(gone), words, where)
    if "DCSREAS" not in gone:
        return
    for reason, number in gone["DCSREAS"].value_counts(sort=False).items():
        yield _flow(analysis, what, str(reason), int(number), words, where)


def _period_rows(analysis: Analysis, randomised: pd.DataFrame) -> Iterator[Row]:
    """Yield how many of each sequence began each period: a date, or a record in it."""
    dates = analysis.config.get("periods") or []
    for sequence, treatments in analysis.config["sequences"].items():
        own = randomised[randomised["TRTSEQP"] == sequence]
        for number, treatment in enumerate(treatments, start=1):
            if dates:
                began = int(own[dates[number - 1]].notna().sum())
                words = f"randomised subjects with {dates[number - 1]}"
            else:
                here = analysis.bds.loc[analysis.bds["APERIOD"] == number, "USUBJID"]
                began = int(own["USUBJID"].isin(here).sum())
                words = f"randomised subjects with a record in period {number}"
            where: Row = {"group": sequence, "n_subjects": len(own)}
            yield _flow(
                analysis, f"period {number}", str(treatment), began, words, where
            )


def _flow(
    analysis: Analysis,
    what: str,
    which: str | None,
    number: int,
    words: str,
    where: Mapping[str, Any],
) -> Row:
    return analysis.row(
        "flow_count",
        key=[what, which],
        parameter=what,
        subgroup=which,
        estimate=number,
        method=f"Number of {words}",
        **where,
    )


def analysed_rows(
    analysis: Analysis, column: str, groups: list[str], randomised: pd.DataFrame
) -> Iterator[Row]:
    """Yield who of the randomised an analysis takes, and why it leaves out the others.

    Parameters
    ----------
    analysis : Analysis
        A configured analysis; there are rows when its role is a main one.
    column, groups, randomised
        As for `enrolment_rows`.

    Yields
    ------
    dict
        For each group ``flow_analysed`` and ``flow_excluded``, of a crossover
        ``flow_analysed`` for each period too, and ``flow_excluded`` for each reason
        that somebody has. Analysed and excluded add up to the randomised.
    """
    kind = analysis.model["type"]
    if analysis.settings["role"] not in MAIN_ROLES:
        return
    if kind in _OF_RECORDS:
        seen, complete = _records(analysis)
    elif kind == "survival":
        seen = complete = subject_times(analysis)
    else:
        return
    reasons = _left_out(analysis, randomised["USUBJID"], seen, complete)
    keys = distinct_keys(r for r in reasons if reasons[r].any())
    for group in groups:
        here = (randomised[column] == group).to_numpy()
        whole: Row = {"group": group, "n_subjects": int(here.sum())}
        out = sum(int(found[here].sum()) for found in reasons.values())
        yield analysis.row(
            "flow_analysed",
            estimate=int(here.sum()) - out,
            method="Number of randomised subjects in the model",
            **whole,
        )
        if analysis.crossover:
            members = randomised.loc[here, "USUBJID"]
            yield from _analysed_periods(analysis, complete, members, whole)
        said = "Number of randomised subjects who are not in the model"
        yield analysis.row("flow_excluded", estimate=out, method=said, **whole)
        for reason, key in keys.items():
            yield analysis.row(
                "flow_excluded",
                key=[key],
                subgroup=reason,
                estimate=int(reasons[reason][here].sum()),
                method=f"{said}, by the first reason that applies",
                **whole,
            )


def _records(analysis: Analysis) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the records with a response, and those of them that a model can take."""
    needed = needed_columns(analysis)
    data = analysis.observations(columns=needed)
    seen = data[data[analysis.settings["response"]].notna()]
    complete = seen.dropna(subset=[name for name in needed if name in seen])
    if analysis.model["type"] == "two_period":
        periods = complete.groupby("USUBJID")["APERIOD"].transform("nunique")
        complete = complete[periods == 2]
    return seen, complete


def _left_out(
    analysis: Analysis, people: pd.Series, seen: pd.DataFrame, complete: pd.DataFrame
) -> dict[str, Any]:
    """Return, by reason, which of the people are left out; each has one reason."""
    inside = people.isin(_of_set(analysis))
    members, subjects = analysis.members(), analysis.subjects()
    tests = {
        f"not in the analysis set {analysis.settings['analysis_set']}": inside,
        "without the values that the analysis asks for": people.isin(
            members["USUBJID"]
        ),
        "outside the principal stratum": people.isin(subjects["USUBJID"]),
        _no_value(analysis): people.isin(seen["USUBJID"]),
        _incomplete(analysis): people.isin(complete["USUBJID"]),
    }
    still = pd.Series(True, index=people.index)
    reasons = {}
    for reason, passes in tests.items():
        reasons[reason] = (still & ~passes).to_numpy()
        still &= passes
    return reasons


def _of_set(analysis: Analysis) -> pd.Series:
    flag = set_flag(analysis.settings["analysis_set"])
    return analysis.adsl.loc[analysis.adsl[flag] == "Y", "USUBJID"]


def _no_value(analysis: Analysis) -> str:
    if analysis.model["type"] == "survival":
        return "no time to the event"
    at = analysis.settings.get("at")
    if analysis.over_visits:
        return "no value at a visit after baseline"
    visits = [at] if isinstance(at, str) else list(at or [])
    return f"no value at {' or '.join(visits)}"


def _incomplete(analysis: Analysis) -> str:
    if analysis.model["type"] == "two_period":
        return "no value in both periods"
    return f"{' or '.join(needed_columns(analysis)) or 'a covariate'} missing"


def _analysed_periods(
    analysis: Analysis, complete: pd.DataFrame, members: pd.Series, whole: Row
) -> Iterator[Row]:
    own = complete[complete["USUBJID"].isin(members)]
    treatments = analysis.config["sequences"][whole["group"]]
    for number in range(1, len(treatments) + 1):
        here = own.loc[own["APERIOD"] == number, "USUBJID"]
        yield analysis.row(
            "flow_analysed",
            key=[f"period {number}"],
            subgroup=f"period {number}",
            estimate=here.nunique(),
            method=f"Number of randomised subjects in the model in period {number}",
            **whole,
        )
