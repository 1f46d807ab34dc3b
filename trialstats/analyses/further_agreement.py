"""Models beside means over visits and proportions, by the second engine."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from trialstats.analyses.category_agreement import cmh_seconds, shift_seconds
from trialstats.analyses.mixed_agreement import DENSE
from trialstats.analyses.second_rows import (
    Config,
    Second,
    chosen_rows,
    contrast_of,
    model_arguments,
)
from trialstats.errors import NotEstimableError
from trialstats.expressions import condition
from trialstats.records import Record
from trialstats.second_engine import dense, logistic_engine, survival_engine

IRLS = "iterated weighted least squares"
STATSMODELS = "statsmodels survfunc"
NEWTON = "partial likelihood by Newton's method"
SCIPY = "scipy.stats"
NUMPY = "numpy least squares"


def logistic_seconds(
    config: Config, name: str, adsl: pd.DataFrame, bds: pd.DataFrame, part: list[Record]
) -> Iterator[Second]:
    """Yield odds ratios and the deviance of a logistic regression."""
    arguments, model = (
        model_arguments(config, name),
        config["analyses"][name]["model"],
    )
    columns = ["TRT01P", *model.get("covariates", [])]
    response = arguments["response"]
    data = chosen_rows(config, name, adsl, bds).dropna(subset=[response, *columns])
    _require_arms(config, data)
    design, names = logistic_engine.design_of(
        data, columns, {"TRT01P": config["arms"]["control"]}
    )
    fit = logistic_engine.logistic(
        data[response].to_numpy(dtype=float), design, names, arguments["level"]
    )
    for arm in arguments["treatments"]:
        where = {"statistic": "odds_ratio", "contrast": contrast_of(config, arm)}
        yield Second(where, fit.coefficients[f"TRT01P={arm}"], IRLS)
    yield Second({"statistic": "deviance"}, {"estimate": fit.deviance}, IRLS)


def _require_arms(config: Config, data: pd.DataFrame) -> None:
    arms = {config["arms"]["control"], *config["arms"]["treatments"]}
    absent = arms - set(data["TRT01P"])
    if absent:
        raise NotEstimableError(f"No data in {', '.join(sorted(absent))}.")


def survival_seconds(
    config: Config,
    name: str,
    adsl: pd.DataFrame,
    bds: pd.DataFrame,
    part: list[Record],
    *,
    adtte: pd.DataFrame,
) -> Iterator[Second]:
    """Yield medians, the log-rank test and hazard ratios."""
    settings = config["analyses"][name]
    model, control = settings["model"], config["arms"]["control"]
    members = _members(settings, adsl, bds)
    further = [c for c in adsl if c not in adtte]
    own = adtte[adtte["PARAMCD"].eq(settings["parameter"])]
    data = own.merge(members[["USUBJID", *further]], on="USUBJID")
    if "where" in settings:
        data = data[condition(settings["where"], data)]
    _require_arms(config, data)
    time = data["AVAL"].to_numpy(dtype=float)
    event = 1.0 - data["CNSR"].to_numpy(dtype=float)
    for arm in (control, *config["arms"]["treatments"]):
        here = data["TRT01P"].eq(arm).to_numpy()
        half = survival_engine.median(time[here], event[here])
        where = {"statistic": "median_time", "group": arm}
        yield Second(where, {"estimate": half}, STATSMODELS)
    strata = model.get("strata", [])
    known = data.dropna(subset=strata)
    test = survival_engine.log_rank(
        known["AVAL"].to_numpy(dtype=float),
        1.0 - known["CNSR"].to_numpy(dtype=float),
        list(known["TRT01P"]),
        _joined(known, strata) if strata else None,
    )
    yield Second({"statistic": "log_rank_test"}, test, STATSMODELS)
    columns = ["TRT01P", *model.get("covariates", [])]
    complete = known.dropna(subset=columns)
    design, names = logistic_engine.design_of(complete, columns, {"TRT01P": control})
    fitted = survival_engine.cox(
        complete["AVAL"].to_numpy(dtype=float),
        1.0 - complete["CNSR"].to_numpy(dtype=float),
        design,
        _joined(complete, strata),
        ties=model.get("ties", "efron"),
        level=model.get("level", 0.95),
    )
    for label, found in zip(names, fitted, strict=True):
        if label.startswith("TRT01P="):
            contrast = contrast_of(config, label.removeprefix("TRT01P="))
            where = {"statistic": "hazard_ratio", "contrast": contrast}
            yield Second(where, found, NEWTON)


def _joined(data: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Return the combination of the columns of each row as one label."""
    if not columns:
        return [""] * len(data)
    rows = data[list(columns)].astype(str).itertuples(index=False, name=None)
    return ["\x1f".join(row) for row in rows]


def _members(settings: Config, adsl: pd.DataFrame, bds: pd.DataFrame) -> pd.DataFrame:
    """Return the subjects of the analysis set who have the values that it needs."""
    people = adsl.loc[adsl[f"{settings['analysis_set'].upper()}FL"].eq("Y")]
    seen = bds.loc[bds["AVAL"].notna() & bds["ANL01FL"].eq("Y") & bds["DTYPE"].isna()]
    for code, visits in settings.get("having", {}).items():
        for visit in visits:
            here = seen.loc[seen["PARAMCD"].eq(code) & seen["AVISIT"].eq(visit)]
            people = people.loc[people["USUBJID"].isin(list(here["USUBJID"]))]
    return people


def bioequivalence_seconds(
    config: Config, name: str, adsl: pd.DataFrame, bds: pd.DataFrame, part: list[Record]
) -> Iterator[Second]:
    """Yield the ratio of a bioequivalence trial by either method."""
    model = config["analyses"][name]["model"]
    level = model.get("level", 0.9)
    arguments = model_arguments(config, name) | {"level": level}
    data = chosen_rows(config, name, adsl, bds).dropna(subset=["AVAL"])
    data = data.assign(AVAL=np.log(data["AVAL"].to_numpy(dtype=float)))
    if model["method"] == "A":
        yield from _within(config, data, level)
        return
    made = dense.crossover(
        data,
        subject="USUBJID",
        treatment="TRTP",
        period="APERIOD",
        sequence="TRTSEQP",
        baseline=None,
        rule=model.get("df", "kenward_roger"),
        **arguments,
    )
    if made.fit.between == 0 and model.get("boundary", "error") == "error":
        raise NotEstimableError("The variance between subjects is zero.")
    for (statistic, arm), found in made.effects.items():
        if statistic == "difference":
            contrast = contrast_of(config, arm)
            where = {"statistic": "geometric_mean_ratio", "contrast": contrast}
            kept = {k: v for k, v in found.items() if k != "unadjusted"}
            yield Second(where, kept, DENSE)


def _within(config: Config, data: pd.DataFrame, level: float) -> Iterator[Second]:
    """Yield the differences with an indicator for each subject."""
    control, treatments = config["arms"]["control"], config["arms"]["treatments"]
    columns = [(data["TRTP"] == arm).to_numpy(dtype=float) for arm in treatments]
    for period in sorted(data["APERIOD"].unique())[1:]:
        columns.append((data["APERIOD"] == period).to_numpy(dtype=float))
    for subject in sorted(data["USUBJID"].unique()):
        columns.append((data["USUBJID"] == subject).to_numpy(dtype=float))
    x, y = np.column_stack(columns), data["AVAL"].to_numpy(dtype=float)
    beta, _, rank, _ = np.linalg.lstsq(x, y, rcond=None)
    df = len(y) - int(rank)
    if rank < x.shape[1] or df <= 0 or not (data["TRTP"] == control).any():
        raise NotEstimableError("The treatments cannot be told from the subjects.")
    variance = float(((y - x @ beta) ** 2).sum()) / df
    inverse = np.linalg.inv(x.T @ x)
    quantile = float(stats.t.ppf((1 + level) / 2, df))
    for i, arm in enumerate(treatments):
        error = float((variance * inverse[i, i]) ** 0.5)
        estimate = float(beta[i])
        found = {
            "estimate": estimate,
            "standard_error": error,
            "ci_lower": estimate - quantile * error,
            "ci_upper": estimate + quantile * error,
            "p_value": float(2 * stats.t.sf(abs(estimate / error), df)),
        }
        contrast = contrast_of(config, arm)
        where = {"statistic": "geometric_mean_ratio", "contrast": contrast}
        yield Second(where, found, NUMPY)


def two_period_seconds(
    config: Config, name: str, adsl: pd.DataFrame, bds: pd.DataFrame, part: list[Record]
) -> Iterator[Second]:
    """Yield the adjusted and the paired difference within subjects."""
    arguments = model_arguments(config, name)
    data = chosen_rows(config, name, adsl, bds).dropna(subset=[arguments["response"]])
    wide = data.pivot_table(
        index=["USUBJID", "TRTSEQP"], columns="TRTP", values=arguments["response"]
    ).dropna()
    treatment, control = arguments["treatments"][0], arguments["control"]
    if treatment not in wide or control not in wide or len(wide) < 3:
        raise NotEstimableError("Fewer than three subjects have both treatments.")
    gaps = wide[treatment] - wide[control]
    groups = [part.to_numpy() for _, part in gaps.groupby(level="TRTSEQP")]
    if len(groups) != 2:
        raise NotEstimableError("There are not two sequences.")
    # Half the sum of the two sequences' means: the period effect cancels.
    test = stats.ttest_ind(groups[0], -groups[1])
    estimate = float((groups[0].mean() + groups[1].mean()) / 2)
    limits = test.confidence_interval(arguments["level"])
    where = {"statistic": "difference", "contrast": contrast_of(config, treatment)}
    found = {
        "estimate": estimate,
        "ci_lower": float(limits.low) / 2,
        "ci_upper": float(limits.high) / 2,
        "p_value": float(test.pvalue),
    }
    yield Second(where, found, SCIPY)
    paired = stats.ttest_1samp(gaps, 0.0)
    found = {"estimate": float(gaps.mean()), "p_value": float(paired.pvalue)}
    yield Second({**where, "statistic": "paired_difference"}, found, SCIPY)


def description_seconds(
    config: Config, name: str, adsl: pd.DataFrame, bds: pd.DataFrame, part: list[Record]
) -> Iterator[Second]:
    """Yield the chi-square tests of counted levels, from the counts themselves."""
    tested = [r for r in part if r["statistic"] == "chi_square_test"]
    for row in tested:
        if row["not_estimable"]:
            continue
        counts = [
            r
            for r in part
            if r["statistic"] == "count"
            and r["parameter"] == row["parameter"]
            and r["group"] != "Total"
        ]
        table = _table(counts, [r for r in counts if r["subgroup"] is None])
        found = stats.chi2_contingency(table, correction=False)
        quantities = {
            "estimate": float(found.statistic),
            "p_value": float(found.pvalue),
        }
        yield Second({"row_id": row["row_id"]}, quantities, SCIPY)


def _table(counts: Sequence[Record], alone: Sequence[Record]) -> list[list[int]]:
    """Return counts by level and arm; of one line, of those on it and the others."""
    if alone:
        on = [int(r["estimate"]) for r in alone]
        off = [int(r["n_subjects"]) - int(r["estimate"]) for r in alone]
        return [on, off]
    rows: dict[Any, list[int]] = {}
    for r in counts:
        rows.setdefault(r["subgroup"], []).append(int(r["estimate"]))
    return [row for row in rows.values() if any(row)]


#: Second engines, under the names of the model types.
FURTHER: Mapping[str, Any] = {
    "logistic": logistic_seconds,
    "survival": survival_seconds,
    "bioequivalence": bioequivalence_seconds,
    "two_period": two_period_seconds,
    "summary": description_seconds,
    "characteristics": description_seconds,
    "counts": description_seconds,
    "cmh": cmh_seconds,
    "shift": shift_seconds,
}
