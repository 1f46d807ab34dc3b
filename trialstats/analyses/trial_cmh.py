"""Rows of a categorical parameter compared between arms over strata."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialstats.analyses.trial_categories import Categories, categories_of
from trialstats.analyses.trial_counts import n_analysed, require_one_row
from trialstats.analyses.trial_rows import Analysis, Row
from trialstats.cochran_mantel_haenszel import (
    ALTERNATIVES,
    SCORES,
    cmh_test,
    is_informative,
)
from trialstats.errors import NotEstimableError
from trialstats.rows import distinct_keys
from trialstats.stratified_effects import (
    MEASURES,
    homogeneity_tests,
    stratified_effect,
)
from trialstats.vocabulary import sentence_list

#: Statistic of the rows of each test.
TESTS = {name: f"cmh_{name}_test" for name in ALTERNATIVES}

_TESTED = {
    "correlation": "the scores of arm and category are correlated",
    "row_means": "mean scores differ between the arms",
    "general_association": "arm and category are associated in any way",
}

_EFFECTS = {
    "risk_difference": "Mantel-Haenszel risk difference, Sato's variance",
    "risk_ratio": "Mantel-Haenszel risk ratio, variance of Greenland and Robins",
    "odds_ratio": "Mantel-Haenszel odds ratio, variance of Robins, Breslow and "
    "Greenland",
}


@dataclass(frozen=True, slots=True)
class Counted:
    """Counts by stratum, arm and category.

    Attributes
    ----------
    tables : ndarray of shape (k, r, c)
        Arms in the order of `arms`, categories in that of `labels`.
    arms, labels, strata : tuple of str
    scores : tuple of float
        Table scores of the categories.
    said : str
        What they are, in words.
    """

    tables: np.ndarray
    arms: tuple[str, ...]
    labels: tuple[str, ...]
    strata: tuple[str, ...]
    scores: tuple[float, ...]
    said: str

    def of_arms(self, arms: Sequence[str]) -> "Counted":
        """Return the counts of some arms alone, in their order."""
        places = [self.arms.index(arm) for arm in arms]
        return Counted(
            self.tables[:, places],
            tuple(arms),
            *(self.labels, self.strata, self.scores, self.said),
        )


def cmh_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield counts by arm and category, tests, and effects of two categories."""
    response, strata = analysis.settings["response"], _strata(analysis)
    data = analysis.observations(columns=strata).dropna(subset=[response])
    require_one_row(data, analysis)
    found = categories_of(analysis, data, response)
    data = data.assign(_category=found.of_record).dropna(subset=strata)
    counted = _counted(analysis, data, found, strata)
    yield from _count_rows(analysis, counted)
    absent = [
        arm for i, arm in enumerate(counted.arms) if not counted.tables[:, i].any()
    ]
    why = None
    if absent:
        why = f"{absent[0]} has no subject with {response}."
    several = len(analysis.treatments) > 1
    if several:
        yield from _comparison_rows(analysis, counted, None, why)
    for arm in analysis.treatments:
        pair = counted.of_arms((analysis.control, arm))
        contrast = analysis.contrast(arm)
        yield from _comparison_rows(analysis, pair, contrast, why)
        if len(found.labels) == 2:
            yield from _effect_rows(analysis, pair, contrast, why)


def cmh_method(analysis: Analysis, statistic: str) -> str:
    """Return the method of a statistic in words."""
    if statistic in _EFFECTS:
        said = f"{_EFFECTS[statistic]}; nothing added to zero cells"
        return f"{said}; {_over(analysis)}; {analysis.percent} normal interval"
    name = next(name for name, own in TESTS.items() if own == statistic)
    said = f"Cochran-Mantel-Haenszel test that {_TESTED[name]}"
    return f"{said}; {_over(analysis)}"


def cmh_test_rows(
    analysis: Analysis,
    counted: Counted,
    contrast: str | None,
    why: str | None,
    *,
    over: str,
    role: str = "descriptive",
) -> Iterator[Row]:
    """Yield the tests that the model names, of all arms or of one comparison.

    Parameters
    ----------
    analysis : Analysis
    counted : Counted
        The counts of the arms compared.
    contrast : str or None
        The comparison; None for all arms together.
    why : str or None
        Why there is no test.
    over : str
        What the strata are, in words.
    role : str
        Role of the first test.
    """
    kind = analysis.model.get("scores", "table")
    doses, of_arms = _arm_scores(analysis, counted.arms)
    columns = SCORES[kind] if kind != "table" else f"table scores ({counted.said})"
    rows = SCORES[kind] if kind != "table" else f"table scores ({of_arms})"
    scored = {
        "correlation": f"categories: {columns}; arms: {rows}; ",
        "row_means": f"{columns}; ",
        "general_association": "",
    }
    for name in statistics_of(analysis, len(counted.labels)):
        shared: Row = {
            "contrast": contrast,
            "role": role,
            "n_subjects": int(counted.tables.sum()),
            "method": f"Cochran-Mantel-Haenszel test that {_TESTED[name]}; "
            f"{scored[name]}{over}",
        }
        try:
            if why:
                raise NotEstimableError(why)
            test = cmh_test(
                counted.tables,
                name,
                scores=kind,
                row_values=doses,
                column_values=counted.scores,
            )
        except NotEstimableError as reason:
            yield analysis.row(TESTS[name], not_estimable=str(reason), **shared)
        else:
            yield analysis.row(
                TESTS[name],
                estimate=test.statistic,
                test_statistic=test.statistic,
                df=float(test.df),
                p_value=test.p_value,
                **shared,
            )
        role = "descriptive"


def strata_rows(
    analysis: Analysis, counted: Counted, contrast: str | None
) -> Iterator[Row]:
    """Yield how many strata there are, and each that has no information, by name."""
    tables = counted.tables
    filled = tables.sum(axis=(1, 2)) > 0
    informative = is_informative(tables)
    keys = distinct_keys(counted.strata)
    for statistic, number, words in (
        ("n_strata", filled.sum(), "Number of strata with subjects of these arms"),
        (
            "n_strata_informative",
            informative.sum(),
            "Number of strata with subjects in two arms and in two categories; the "
            "others add nothing to the tests",
        ),
    ):
        yield analysis.row(
            statistic,
            contrast=contrast,
            estimate=int(number),
            n_subjects=int(tables.sum()),
            method=words,
        )
    for place, stratum in enumerate(counted.strata):
        if not filled[place] or informative[place]:
            continue
        one_arm = (tables[place].sum(axis=1) > 0).sum() < 2
        yield analysis.row(
            "n_in_stratum_without_information",
            key=[keys[stratum]],
            contrast=contrast,
            subgroup=stratum,
            estimate=int(tables[place].sum()),
            n_subjects=int(tables.sum()),
            method="Number of subjects in a stratum that adds nothing to the tests: "
            + ("all are in one arm" if one_arm else "all are in one category"),
        )


def statistics_of(analysis: Analysis, n_categories: int) -> list[str]:
    """Return the tests that the model names, else those that differ from each other.

    Of two categories the mean scores of the arms differ when the arms are associated
    with them, and of two arms one correlation says the same.
    """
    usual = ["row_means", "correlation", "general_association"]
    if n_categories == 2:
        usual = ["general_association"]
        usual += ["correlation"] if len(analysis.treatments) > 1 else []
    return list(analysis.model.get("statistics", usual))


def _strata(analysis: Analysis) -> list[str]:
    return list(analysis.model.get("strata", ()))


def _over(analysis: Analysis) -> str:
    strata = _strata(analysis)
    return f"stratified by {sentence_list(strata)}" if strata else "one stratum"


def _arm_scores(
    analysis: Analysis, arms: Sequence[str]
) -> tuple[tuple[float, ...], str]:
    """Return the table scores of the arms: their doses where all have one."""
    doses: Mapping[str, Any] = analysis.config["arms"].get("doses", {})
    if all(arm in doses for arm in analysis.arms):
        return tuple(float(doses[arm]) for arm in arms), "doses"
    order = [analysis.control, *analysis.treatments]
    places = tuple(float(order.index(arm) + 1) for arm in arms)
    return places, "1, 2, ... in the order control, treatments"


def _counted(
    analysis: Analysis, data: pd.DataFrame, found: Categories, strata: list[str]
) -> Counted:
    names = stratum_names(data, strata)
    arms = (analysis.control, *analysis.treatments)
    listed = tuple(sorted(names.unique())) if strata else tuple(names.unique())
    tables = np.zeros((len(listed), len(arms), len(found.labels)), dtype=np.int64)
    cells = zip(
        pd.Categorical(names, listed).codes,
        pd.Categorical(data["TRT01P"], arms).codes,
        pd.Categorical(data["_category"], found.labels).codes,
        strict=True,
    )
    for stratum, arm, category in cells:
        tables[stratum, arm, category] += 1
    return Counted(tables, arms, found.labels, listed, found.scores, found.said)


def stratum_names(data: pd.DataFrame, strata: Sequence[str]) -> pd.Series:
    """Return the stratum of each row in words; all are in one without any.

    >>> rows = pd.DataFrame({"SEX": ["F", "M"], "AGEGR": ["<65", ">=65"]})
    >>> list(stratum_names(rows, ["SEX", "AGEGR"]))
    ['SEX F, AGEGR <65', 'SEX M, AGEGR >=65']
    """
    if not strata:
        return pd.Series("All", index=data.index, dtype="str")
    named = [f"{column} " + data[column].map(_plain) for column in strata]
    whole = named[0]
    for further in named[1:]:
        whole = whole + ", " + further
    return whole


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.12g}"


def _count_rows(analysis: Analysis, counted: Counted) -> Iterator[Row]:
    keys = distinct_keys(counted.labels)
    of_arm = {arm: counted.tables[:, i].sum(0) for i, arm in enumerate(counted.arms)}
    for arm in analysis.arms:
        numbers = of_arm[arm]
        n = int(numbers.sum())
        yield n_analysed(analysis, arm, n)
        for label, number in zip(counted.labels, numbers, strict=True):
            yield analysis.row(
                "count",
                key=[keys[label]],
                group=arm,
                subgroup=label,
                estimate=int(number),
                n_subjects=n,
                method="Number of subjects in the category; percentages are of those "
                "analysed in the arm",
            )


def _comparison_rows(
    analysis: Analysis, counted: Counted, contrast: str | None, why: str | None
) -> Iterator[Row]:
    yield from strata_rows(analysis, counted, contrast)
    # Of two categories the effects have the role, and the test stands beside them.
    leads = contrast is not None and len(counted.labels) != 2
    role = analysis.settings["role"] if leads else "descriptive"
    over = _over(analysis)
    yield from cmh_test_rows(analysis, counted, contrast, why, over=over, role=role)


def _effect_rows(
    analysis: Analysis, counted: Counted, contrast: str, why: str | None
) -> Iterator[Row]:
    """Yield common effects of the second category, and the tests that there is one."""
    tables = counted.tables[:, ::-1, ::-1]
    event = f"the event is {counted.labels[1]!r}"
    for statistic in MEASURES:
        found = stratified_effect(tables, statistic, level=analysis.level)
        reason = why or found.not_estimable
        shared: Row = {
            "contrast": contrast,
            "role": analysis.settings["role"],
            "scale": "natural" if statistic == "risk_difference" else "log",
            "n_subjects": int(tables.sum()),
            "method": f"{cmh_method(analysis, statistic)}; {event}",
        }
        if reason:
            yield analysis.row(statistic, not_estimable=reason, **shared)
            continue
        yield analysis.row(
            statistic,
            estimate=found.estimate,
            standard_error=found.standard_error,
            test_statistic=found.statistic,
            p_value=found.p_value,
            confidence_level=analysis.level,
            ci_lower=found.ci_lower,
            ci_upper=found.ci_upper,
            **shared,
        )
    if not _strata(analysis):
        return
    tests = homogeneity_tests(tables)
    for statistic, test, words in (
        ("breslow_day_test", tests.breslow_day, "Breslow and Day's test"),
        ("tarone_test", tests.tarone, "Breslow and Day's test, Tarone's correction,"),
    ):
        method = f"{words} that one odds ratio holds; {_over(analysis)}; {event}"
        own: Row = {"contrast": contrast, "method": method}
        if why or test is None:
            reason = why or tests.not_estimable
            yield analysis.row(statistic, not_estimable=reason, **own)
            continue
        yield analysis.row(
            statistic,
            estimate=test.statistic,
            test_statistic=test.statistic,
            df=float(test.df),
            p_value=test.p_value,
            n_subjects=int(tables.sum()),
            **own,
        )
