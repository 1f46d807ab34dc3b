"""Methods and results of a synthesis as a paragraph; every number is that of a row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialstats.formatting import format_level
from trialstats.records import Record, find
from trialstats.report.phrases import (
    Sentence,
    estimate_text,
    ids,
    label_of,
    limits_text,
    p_text,
    point_text,
)
from trialstats.tables.cells import number_text, significant_text
from trialstats.tables.synthesis import Synthesised, measure_words, synthesised
from trialstats.vocabulary import (
    lower_first,
    sentence_list,
    short_review,
    upper_first,
)


@dataclass(frozen=True, slots=True)
class Told:
    """What the paragraph is about: rows, their main model, and names."""

    made: Synthesised
    main: Record
    synthesis: Mapping[str, Any]
    labels: Mapping[str, str]


def synthesis_paragraph(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> tuple[Sentence, ...]:
    """Say how trials were combined and what came out, ready for a paper.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, schema `ESTIMATES`.
    synthesis : mapping
        Configuration of the synthesis.
    labels : mapping of str to str
        Trial to author and year.

    Returns
    -------
    tuple of Sentence
        Methods first, then results. Empty where nothing was pooled.
    """
    made = synthesised(rows)
    if made.main is None or made.main["estimate"] is None:
        return ()
    told = Told(made, made.main, synthesis, labels)
    several = (made.main["n_trials"] or 0) > 1
    said: list[Sentence] = []
    for part in _METHODS + _RESULTS:
        if several or part in _OF_ONE_TRIAL:
            said += part(told)
    return tuple(said)


Part = Callable[[Told], list[Sentence]]


def _trials(told: Told) -> list[Sentence]:
    arms = told.synthesis["comparison"]
    k, n = told.main["n_trials"], told.main["n_subjects"]
    people = "" if n is None else f" with {n} participants"
    noun = "trial" if k == 1 else "trials"
    if told.synthesis.get("evidence") == "observational":
        noun = "study" if k == 1 else "studies"
    text = f"{k} {noun}{people} compared {_arm(arms['treatment'])} with "
    return [Sentence(f"{text}{_arm(arms['control'])}.", ids(told.main))]


def _arm(name: str) -> str:
    return lower_first(str(name))


def _model(told: Told) -> list[Sentence]:
    text = f"Effects were combined thus: {lower_first(str(told.main['method']))}."
    said = [Sentence(text, ids(told.main))]
    prediction = told.made.beside(told.main, "prediction_interval")
    if prediction and prediction["ci_lower"] is not None:
        text = "The prediction interval takes the normal distribution."
        if prediction["df"] is not None:
            df = number_text(prediction["df"], 0)
            text = f"The prediction interval takes t with {df} degrees of freedom."
        said.append(Sentence(text, ids(prediction)))
    return said


def _result(told: Told) -> list[Sentence]:
    outcome = told.synthesis["outcome"]
    time = f" at {outcome['timepoint']}" if outcome.get("timepoint") else ""
    pooled = "pooled " if (told.main["n_trials"] or 0) > 1 else ""
    measure = measure_words(told.synthesis)
    text = (
        f"The {pooled}{measure} for {lower_first(outcome['name'])}{time} "
        f"was {estimate_text(told.main)}."
    )
    return [Sentence(text, ids(told.main))]


def _heterogeneity(told: Told) -> list[Sentence]:
    q = told.made.beside(told.main, "q")
    if q is None or q["test_statistic"] is None:
        return []
    rows, words = [q], f"Q = {number_text(q['test_statistic'], 2)}"
    words += f" with {number_text(q['df'], 0)} degrees of freedom, {p_text(q)}"
    tau_squared = told.made.beside(told.main, "tau_squared")
    if tau_squared and tau_squared["estimate"] is not None:
        rows.append(tau_squared)
        words += f"; τ² {number_text(tau_squared['estimate'], 3)}"
        if tau_squared["ci_lower"] is not None:
            words += f" ({limits_text(tau_squared, 3)})"
    i_squared = told.made.beside(told.main, "i_squared")
    if i_squared and i_squared["estimate"] is not None:
        rows.append(i_squared)
        words += f"; I² {number_text(100 * i_squared['estimate'], 0)}%"
    said = [Sentence(f"Heterogeneity: {words}.", ids(*rows))]
    prediction = told.made.beside(told.main, "prediction_interval")
    if prediction and prediction["ci_lower"] is not None:
        level = format_level(prediction["confidence_level"], "prediction interval")
        text = f"The {level} runs from {limits_text(prediction)}."
        said.append(Sentence(text, ids(prediction)))
    return said


def _levels(told: Told) -> list[Sentence]:
    found = [
        row
        for row in _estimated(find(told.made.rows, statistic="variance_component"))
        if row["model_id"] == told.main["model_id"]
    ]
    if not found:
        return []
    listed = sentence_list(
        f"{number_text(row['estimate'], 3)} for {row['group']}" for row in found
    )
    return [Sentence(f"The variances of the levels are {listed}.", ids(*found))]


def _subgroups(told: Told) -> list[Sentence]:
    effects = [
        row
        for row in find(told.made.rows, statistic="subgroup_effect")
        if row["estimate"] is not None
    ]
    tests = find(told.made.rows, statistic="subgroup_test")
    if not effects:
        return []
    listed = sentence_list(
        f"{row['subgroup']} {estimate_text(row)}, k = {row['n_trials']}"
        for row in effects
    )
    name = lower_first(str(told.synthesis["subgroups"]["name"]))
    said = [Sentence(f"By {name}: {listed}.", ids(*effects))]
    for test in tests:
        if test["p_value"] is not None:
            text = f"Test of the difference between the subgroups: {p_text(test)}."
            said.append(Sentence(text, ids(test)))
    return said


def _regression(told: Told) -> list[Sentence]:
    found = [
        row
        for row in find(told.made.rows, statistic="coefficient")
        if row["estimate"] is not None and row["group"] != "Intercept"
    ]
    if not found:
        return []
    log = "log " if found[0]["scale"] == "log" else ""
    changes = sentence_list(
        f"{row['group']} {significant_text(row['estimate'], 3)} "
        f"({format_level(row['confidence_level'])} "
        f"{significant_text(row['ci_lower'], 3)} to "
        f"{significant_text(row['ci_upper'], 3)}; {p_text(row)})"
        for row in found
    )
    text = (
        f"In a meta-regression of the {log}{measure_words(told.synthesis)} the "
        f"coefficients were: {changes}."
    )
    said = [Sentence(text, ids(*found))]
    share = find(told.made.rows, statistic="r_squared")
    if share and share[0]["estimate"] is not None:
        percent = number_text(100 * share[0]["estimate"], 0)
        text = f"The moderators explain {percent}% of the variance between trials."
        said.append(Sentence(text, ids(share[0])))
    return said


def _without_one(told: Told) -> list[Sentence]:
    found = _estimated(find(told.made.rows, statistic="leave_one_out_effect"))
    if len(found) < 2:
        return []
    low = min(found, key=lambda row: row["estimate"])
    high = max(found, key=lambda row: row["estimate"])
    text = (
        f"Without one trial at a time the estimate ran from {estimate_text(low)} "
        f"(without {label_of(low, told.labels)}) to {estimate_text(high)} "
        f"(without {label_of(high, told.labels)})."
    )
    said = [Sentence(text, ids(low, high))]
    marked = [r for r in find(told.made.rows, statistic="influential") if r["estimate"]]
    if marked:
        names = sentence_list(label_of(row, told.labels) for row in marked)
        said.append(Sentence(f"Influential: {names}.", ids(*marked)))
    return said


def _estimated(rows: Sequence[Record]) -> list[Record]:
    return [row for row in rows if row["estimate"] is not None]


def _grid(told: Told) -> list[Sentence]:
    found = _estimated(find(told.made.rows, statistic="grid_effect"))
    if not found:
        return []
    low = min(found, key=lambda row: row["estimate"])
    high = max(found, key=lambda row: row["estimate"])
    text = (
        "Over the estimators of τ² and the kinds of interval the estimate ran from "
        f"{point_text(low)} ({low['group']}) to {point_text(high)} ({high['group']})"
    )
    widest = max(found, key=lambda row: row["ci_upper"] - row["ci_lower"])
    text += f"; the widest interval is that of {widest['model_id']}, "
    return [Sentence(f"{text}{limits_text(widest)}.", ids(low, high, widest))]


def _bayesian(told: Told) -> list[Sentence]:
    return [
        Sentence(
            f"A Bayesian model ({lower_first(_prior(row))}) gives "
            f"{point_text(row)} "
            f"({format_level(row['confidence_level'], 'credible interval')} "
            f"{limits_text(row)}).",
            ids(row),
        )
        for row in _estimated(told.made.pooled)
        if str(row["model_id"]).startswith("bayesian")
    ]


def _prior(row: Record) -> str:
    """Return the part of a method that names the prior."""
    parts = str(row["method"]).split("; ")
    return next((part for part in parts if part.startswith("tau ")), parts[-1])


def _small_study(told: Told) -> list[Sentence]:
    said = []
    for statistic, words in (
        ("egger_test", "Egger's regression test"),
        ("begg_test", "Begg's rank test"),
    ):
        for row in find(told.made.rows, statistic=statistic):
            if row["p_value"] is not None:
                said.append(Sentence(f"{words} of asymmetry: {p_text(row)}.", ids(row)))
    filled = _estimated(find(told.made.rows, statistic="trim_and_fill_missing"))
    adjusted = _estimated(find(told.made.rows, statistic="trim_and_fill_effect"))
    if filled and adjusted:
        number = number_text(filled[0]["estimate"], 0)
        text = (
            f"Trim and fill adds {number} {'trial' if number == '1' else 'trials'}; "
            f"the estimate is then {estimate_text(adjusted[0])}."
        )
        said.append(Sentence(text, ids(filled[0], adjusted[0])))
    return said


def _published(told: Told) -> list[Sentence]:
    pools = _estimated(told.made.published_pools)
    if not pools:
        return []
    listed = "; ".join(
        f"{short_review(str(pool['group']))}, {pool['parameter']}: "
        f"{pool['unit']} {estimate_text(pool)}"
        for pool in pools
    )
    return [Sentence(f"Published reviews pooled: {listed}.", ids(*pools))]


def _people(told: Told) -> list[Sentence]:
    said = []
    for treated in _estimated(find(told.made.rows, statistic="risk_with_treatment")):
        control = find(
            told.made.rows, statistic="risk_with_control", group=treated["group"]
        )[0]
        risk = number_text(1000 * control["estimate"], 0)
        numbers = [
            number_text(1000 * treated[name], 0)
            for name in ("estimate", "ci_lower", "ci_upper")
        ]
        text = (
            f"Of 1000 people, {risk} would have the outcome with "
            f"{_arm(told.synthesis['comparison']['control'])} "
            f"({lower_first(str(control['method']))}) and {numbers[0]} "
            f"({format_level(treated['confidence_level'])} {numbers[1]} to "
            f"{numbers[2]}) with {_arm(told.synthesis['comparison']['treatment'])}."
        )
        said.append(Sentence(upper_first(text), ids(control, treated)))
    return said


_METHODS: list[Part] = [_trials, _model]
_RESULTS: list[Part] = [
    _result,
    _heterogeneity,
    _levels,
    _people,
    _subgroups,
    _regression,
    _without_one,
    _grid,
    _bayesian,
    _small_study,
    _published,
]

#: What is said of a single trial too.
_OF_ONE_TRIAL: list[Part] = [_trials, _result, _people, _published]
