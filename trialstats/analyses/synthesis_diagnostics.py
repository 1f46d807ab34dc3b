"""What single trials do to a pooled effect, and whether small trials differ."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from trialstats.analyses.combining import counts_of
from trialstats.analyses.synthesis_beside import Beside, tested
from trialstats.analyses.synthesis_rows import Row
from trialstats.errors import ConvergenceError, DataError, NotEstimableError
from trialstats.meta.asymmetry import asymmetry_test
from trialstats.meta.excess_significance import excess_significance
from trialstats.meta.fail_safe import fail_safe_n
from trialstats.meta.influential import baujat, influence
from trialstats.meta.leaving_out import leave_one_out
from trialstats.meta.rank_test import rank_test
from trialstats.meta.small_study import regression_test
from trialstats.meta.trim_and_fill import trim_and_fill


def leave_one_out_rows(beside: Beside) -> Iterator[Row]:
    """Yield the main model without each trial in turn."""
    about: dict[str, Any] = {"role": "sensitivity"}
    table = leave_one_out(beside.fit)
    for effect, found in zip(beside.entered, table.to_dict("records"), strict=True):
        reason = str(found["reason"]) or None
        own = about | {"of": effect, "method": f"without this trial; {beside.words}"}
        yield beside.row(
            "leave_one_out_effect",
            **own,
            on_scale=True,
            n_trials=int(found["k"]),
            not_estimable=reason if np.isnan(found["estimate"]) else None,
            **tested(found),
        )
        for name in ("tau_squared", "i_squared"):
            value = float(found[name])
            yield beside.row(
                f"leave_one_out_{name}",
                **own,
                estimate=value,
                not_estimable=_absent(value, reason),
            )


def _absent(value: float, reason: str | None) -> str | None:
    """Return why there is no number: for one trial alone there is no spread."""
    if not np.isnan(value):
        return None
    return reason or "needs at least 2 trials"


#: Statistics of influence and the columns of `trialstats.meta.influence`.
_INFLUENCE = {
    "studentized_residual": "studentized_residual",
    "dffits": "dffits",
    "cook_distance": "cooks_distance",
    "covariance_ratio": "covariance_ratio",
    "tau_squared_deleted": "tau_squared_deleted",
    "q_deleted": "q_deleted",
    "hat": "hat",
    "influence_weight": "weight",
}

#: What makes a trial influential, in words (Viechtbauer, Cheung 2010).
_RULE = (
    "DFFITS beyond 3 sqrt(p/(k - p)), or Cook's distance beyond the median of "
    "chi-squared, or a hat value beyond 3 p/k, or a DFBETAS beyond 1"
)


def influence_rows(beside: Beside) -> Iterator[Row]:
    """Yield what each trial does to the fit, and the coordinates of Baujat's plot."""
    if beside.fit.k < _FEWEST:
        return
    measured = influence(beside.fit)
    places = baujat(beside.fit)
    deltas = measured.dfbetas.iloc[:, 0]
    for i, effect in enumerate(beside.entered):
        found = measured.trials.iloc[i]
        reason = str(found["reason"]) or None
        values = {n: float(found[column]) for n, column in _INFLUENCE.items()}
        values["dfbetas"] = float(deltas.iloc[i])
        for axis in ("heterogeneity", "influence"):
            values[f"baujat_{axis}"] = float(places[axis].iloc[i])
        for statistic, value in values.items():
            yield beside.row(
                statistic,
                of=effect,
                method=f"main model with and without this trial; {beside.words}",
                estimate=value,
                not_estimable=reason if np.isnan(value) else None,
            )
        yield beside.row(
            "influential",
            of=effect,
            method=_RULE,
            estimate=float(bool(found["influential"])),
        )


#: Trials from which on leaving one out leaves a spread to speak of.
_FEWEST = 3

_Values = Mapping[str, Any]


def small_study_rows(beside: Beside) -> Iterator[Row]:
    """Yield tests of small-study effects and what adjusting for them gives.

    A test that these trials do not allow is a row with its reason.
    """
    for statistic, compute in _TESTS.items():
        try:
            values: _Values = compute(beside)
        except (NotEstimableError, ConvergenceError, DataError) as reason:
            words = _WORDS.get(statistic, statistic.replace("_", " "))
            values = {"method": words, "not_estimable": str(reason)}
        if values:
            yield beside.row(statistic, **values)
    yield from _trim_and_fill_rows(beside)


def _of_regression(test: Any) -> _Values:
    return {
        "estimate": test.estimate,
        "standard_error": test.standard_error,
        "df": test.df,
        "test_statistic": test.statistic,
        "p_value": test.p_value,
        "method": test.method,
    }


def _egger(beside: Beside) -> _Values:
    return _of_regression(regression_test(beside.fit, model="weighted_regression"))


def _begg(beside: Beside) -> _Values:
    test = rank_test(beside.fit)
    return {
        "estimate": test.tau,
        "test_statistic": test.statistic,
        "p_value": test.p_value,
        "method": test.method,
    }


def _named(name: str) -> Callable[[Beside], _Values]:
    """Return a test of tables of counts; nothing where a trial has no counts."""

    def compute(beside: Beside) -> _Values:
        tables = [counts_of(effect) for effect in beside.entered]
        if beside.subject.measure not in ("OR", "RR") or None in tables:
            return {}
        columns: dict[str, Any] = {
            key: [table[key] for table in tables if table is not None]
            for key in ("ai", "n1i", "ci", "n2i")
        }
        return _of_regression(
            asymmetry_test(beside.fit, name, **columns, measure=beside.subject.measure)
        )

    return compute


def _excess(beside: Beside) -> _Values:
    test = excess_significance(beside.fit)
    return {
        "estimate": test.ratio,
        "p_value": test.p_value,
        "method": f"{test.method}; observed over expected",
    }


def _fail_safe(beside: Beside) -> _Values:
    found = fail_safe_n(beside.fit)
    return {"estimate": found.number, "method": found.method}


_TESTS: dict[str, Callable[[Beside], _Values]] = {
    "egger_test": _egger,
    "begg_test": _begg,
    "harbord_test": _named("Harbord"),
    "peters_test": _named("Peters"),
    "excess_significance": _excess,
    "fail_safe_n": _fail_safe,
}

_WORDS = {
    "egger_test": "regression test of Egger",
    "begg_test": "rank correlation test of Begg and Mazumdar",
    "harbord_test": "score test of Harbord",
    "peters_test": "regression test of Peters",
    "excess_significance": "test of excess significance",
    "fail_safe_n": "fail-safe number of Rosenthal",
}


def _trim_and_fill_rows(beside: Beside) -> Iterator[Row]:
    try:
        filled = trim_and_fill(beside.fit)
    except (NotEstimableError, ConvergenceError, DataError) as reason:
        for statistic in ("trim_and_fill_missing", "trim_and_fill_effect"):
            yield beside.row(
                statistic, method="trim and fill", not_estimable=str(reason)
            )
        return
    yield beside.row(
        "trim_and_fill_missing",
        method=filled.method,
        estimate=float(filled.missing),
        standard_error=filled.missing_standard_error,
    )
    yield beside.row(
        "trim_and_fill_effect",
        on_scale=True,
        method=filled.method,
        n_trials=filled.filled.k,
        **tested(filled.filled),
    )
    for number, place in enumerate(np.flatnonzero(filled.is_filled), start=1):
        yield beside.row(
            "trim_and_fill_filled",
            f"filled {number}",
            on_scale=True,
            group=f"filled {number}",
            method=filled.method,
            estimate=float(filled.effect[place]),
            standard_error=float(np.sqrt(filled.variance[place])),
        )
