"""Mixed models of a trial by the second engine."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from trialstats.analyses.second_rows import (
    TIGHT,
    Config,
    Second,
    chosen_rows,
    contrast_of,
    model_arguments,
)
from trialstats.analyses.trial_models import CONSTRAINED_TERMS, TERMS
from trialstats.errors import NotEstimableError
from trialstats.records import Record, find
from trialstats.second_engine import dense, statsmodels_engine
from trialstats.second_engine.visit_model import Settings, visit_model
from trialstats.vocabulary import AVERAGE_OVER_VISITS, COVARIANCES

#: Of what the second engine differentiates numerically.
DIFFERENTIATED = (
    1e-5,
    "The second engine differentiates numerically, with errors of about 1e-7.",
)

#: Of statsmodels' MixedLM.
LOOSE = (
    1e-3,
    "The optimisers of MixedLM stop where the gradient is about 1e-5.",
)

SCORING = "Fisher scoring with numerical differentiation"
DENSE = "dense-matrix REML"
MIXEDLM = "statsmodels MixedLM"


def mmrm_seconds(
    config: Config, name: str, adsl: pd.DataFrame, bds: pd.DataFrame, part: list[Record]
) -> Iterator[Second]:
    """Yield means, differences, likelihood and covariance of a model over visits."""
    settings = config["analyses"][name]
    made = visit_model(
        chosen_rows(config, name, adsl, bds), _visit_settings(config, name, part)
    )
    for (visit, arm), found in made.means.items():
        where = {"visit": visit or AVERAGE_OVER_VISITS, "group": arm}
        yield from _mixed("mean", "ls_mean", where, found, SCORING)
    for (visit, arm), found in made.differences.items():
        where = {"visit": visit or AVERAGE_OVER_VISITS}
        where["contrast"] = contrast_of(config, arm)
        yield from _mixed("difference", "difference", where, found, SCORING)
    height = {"estimate": made.log_likelihood}
    yield Second({"statistic": "log_likelihood"}, height, SCORING)
    parameters = find(part, statistic="covariance_parameter")
    unstructured = [r for r in parameters if r["subgroup"].startswith("covariance ")]
    if not unstructured:
        return
    for group, matrix in made.covariances.items():
        for i, one in enumerate(matrix.index):
            for other in matrix.index[: i + 1]:
                place: dict[str, Any] = {
                    "statistic": "covariance_parameter",
                    "subgroup": f"covariance {one}, {other}",
                    "group": group if "group" in settings["model"] else None,
                }
                value = {"estimate": float(matrix.loc[one, other])}
                yield Second(place, value, SCORING)


def _visit_settings(config: Config, name: str, part: list[Record]) -> Settings:
    """Return the settings, with the structure that the first engine came to."""
    settings = config["analyses"][name]
    model = settings["model"]
    arguments = model_arguments(config, name)
    constrained = bool(model.get("constrained_baseline"))
    terms = model.get("terms") or (CONSTRAINED_TERMS if constrained else TERMS)
    used = [r for r in find(part, statistic="covariance_structure") if r["estimate"]]
    words = {text: code for code, text in COVARIANCES.items()}
    structure = words[str(used[0]["subgroup"])] if used else "unstructured"
    robust = "vcov" in model
    return Settings(
        terms=terms,
        covariance=structure,
        group=model.get("group"),
        weights=model.get("weights"),
        restricted=model.get("method", "reml") == "reml",
        rule="robust" if robust else model.get("df", "kenward_roger"),
        baseline=(
            config["bds"][settings["parameter"]]["baseline"] if constrained else None
        ),
        averaged=model.get("averaged_over"),
        **arguments,
    )


def _mixed(
    what: str,
    statistic: str,
    where: Mapping[str, Any],
    found: Mapping[str, float],
    engine: str,
    tolerance: tuple[float, str] = DIFFERENTIATED,
) -> Iterator[Second]:
    """Yield the estimate and its error, and what the small sample makes of them."""
    yield Second(
        {"statistic": statistic, **where}, {"estimate": found["estimate"]}, engine
    )
    yield Second(
        {"statistic": f"standard_error_of_{what}", **where},
        {"estimate": found["unadjusted"]},
        engine,
    )
    rest = {k: v for k, v in found.items() if k not in ("estimate", "unadjusted")}
    if what == "mean":
        rest.pop("p_value", None)
    if rest:
        yield Second({"statistic": statistic, **where}, rest, engine, tolerance)


def crossover_seconds(
    config: Config, name: str, adsl: pd.DataFrame, bds: pd.DataFrame, part: list[Record]
) -> Iterator[Second]:
    """Yield means, effects and variances of a crossover, by two further engines."""
    model = config["analyses"][name]["model"]
    data = chosen_rows(config, name, adsl, bds)
    made = dense.crossover(
        data,
        subject="USUBJID",
        treatment="TRTP",
        period="APERIOD",
        sequence="TRTSEQP",
        baseline=model.get("baseline"),
        rule=model.get("df", "kenward_roger"),
        **model_arguments(config, name),
    )
    if made.fit.between == 0 and model.get("boundary", "error") == "error":
        raise NotEstimableError("The variance between subjects is zero.")
    for arm, found in made.means.items():
        yield from _mixed("mean", "ls_mean", {"group": arm}, found, DENSE, TIGHT)
    for (statistic, level), found in made.effects.items():
        if statistic == "difference":
            where = {"contrast": contrast_of(config, level)}
            yield from _mixed("difference", statistic, where, found, DENSE, TIGHT)
            continue
        said = f"Period {level}" if statistic == "period_effect" else str(level)
        rows = find(part, statistic=statistic)
        named = [r for r in rows if str(r["contrast"]).startswith(f"{said} versus ")]
        where = {"row_id": named[0]["row_id"]} if named else {"statistic": statistic}
        kept = {k: v for k, v in found.items() if k != "unadjusted"}
        yield Second(where, kept, DENSE)
    for statistic, value in made.variances.items():
        yield Second({"statistic": statistic}, {"estimate": value}, DENSE)
    if made.fit.between > 0:
        yield from _by_statsmodels(config, made)


def _by_statsmodels(config: Config, made: dense.Crossed) -> Iterator[Second]:
    """Yield the differences and variances of MixedLM, one more opinion.

    At zero variance between subjects it has none: its optimisers lose their way.
    """
    fit = statsmodels_engine.random_intercept(
        made.fit.y,
        made.fit.design,
        [int(row.argmax()) for row in made.fit.together],
    )
    # Columns of the treatments follow the mean, the control first; the last treatment
    # is the reference. The errors are no comparison: MixedLM inverts the information
    # of coefficients and variances together.
    treatments = config["arms"]["treatments"]
    for i, arm in enumerate(treatments, start=1):
        own = float(fit.beta[1 + i]) if i < len(treatments) else 0.0
        yield Second(
            {"statistic": "difference", "contrast": contrast_of(config, arm)},
            {"estimate": own - float(fit.beta[1])},
            MIXEDLM,
            LOOSE,
        )
    for statistic, value in (
        ("variance_between_subjects", fit.between),
        ("variance_within_subjects", fit.within),
    ):
        yield Second({"statistic": statistic}, {"estimate": value}, MIXEDLM, LOOSE)
