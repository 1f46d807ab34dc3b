"""How far a result depends on estimator and interval, and what Bayes' rule gives."""

from collections.abc import Iterator, Mapping
from typing import Any

from trialstats.analyses.synthesis_beside import Beside, tested
from trialstats.analyses.synthesis_rows import Row
from trialstats.errors import ConvergenceError, NotEstimableError
from trialstats.meta.bayesian import PooledBayesian, pool_bayesian
from trialstats.meta.pooling import pool

#: Estimators of tau-squared and intervals that are shown beside each other.
ESTIMATORS = ("EE", "DL", "PM", "REML", "ML", "HE", "SJ")
INTERVALS = ("wald", "knapp_hartung", "knapp_hartung_adhoc")

#: Scale of the half-normal prior of tau for effects without a unit (Friede 2017,
#: Research Synthesis Methods 8, 79-91): 0.5 allows for anything but extreme
#: heterogeneity of log ratios and standardized differences.
USUAL_PRIOR: Mapping[str, Any] = {"prior": "half_normal", "scale": 0.5}
WITHOUT_UNIT = ("SMD", "RR", "OR", "HR", "IRR", "ROM")


def grid_rows(beside: Beside) -> Iterator[Row]:
    """Yield the pooled effect for each estimator with each interval.

    Parameters
    ----------
    beside : Beside
        The main model; its effects are pooled again.
    """
    fit = beside.fit
    for estimator in ESTIMATORS:
        # Hartung-Knapp is derived for random effects.
        for inference in ("wald",) if estimator == "EE" else INTERVALS:
            about: dict[str, Any] = {
                "group": estimator,
                "model_id": f"{estimator}.{inference}",
                "role": "sensitivity",
            }
            try:
                other = pool(
                    fit.effect,
                    fit.variance,
                    tau_squared=estimator,
                    inference=inference,
                    level=fit.level,
                )
            except (NotEstimableError, ConvergenceError) as reason:
                yield beside.row(
                    "grid_effect",
                    **about,
                    on_scale=True,
                    method=f"{estimator}, {inference}",
                    not_estimable=str(reason),
                )
                continue
            yield beside.row(
                "grid_effect",
                **about,
                on_scale=True,
                method=other.method,
                n_trials=other.k,
                **tested(other),
            )
            yield from _spread(beside, other, about)


def _spread(beside: Beside, other: Any, about: dict[str, Any]) -> Iterator[Row]:
    yield beside.row(
        "grid_tau_squared",
        **about,
        method=other.method,
        estimate=other.tau_squared,
        ci_lower=other.tau_squared_lower,
        ci_upper=other.tau_squared_upper,
    )
    yield beside.row(
        "grid_i_squared", **about, method=other.method, estimate=other.i_squared
    )


def prior_of(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the prior of tau for a synthesis, empty where its unit must decide."""
    given: Mapping[str, Any] | None = config.get("bayesian")
    if given is not None:
        return given
    return USUAL_PRIOR if config["measure"] in WITHOUT_UNIT else {}


def bayesian_rows(beside: Beside) -> Iterator[Row]:
    """Yield the posterior of the pooled effect, of tau and of each trial's effect.

    The prior is that of the configuration; without one, half-normal with scale 0.5 for
    effects that have no unit, and nothing for others, whose unit decides.
    """
    prior = prior_of(beside.config)
    if not prior:
        return
    fit = beside.fit
    about: dict[str, Any] = {
        "model_id": f"bayesian.{prior['prior']}.{prior['scale']:g}",
        "role": "sensitivity",
    }
    try:
        posterior = pool_bayesian(
            fit.effect, fit.variance, level=fit.level, **dict(prior)
        )
    except (NotEstimableError, ConvergenceError) as reason:
        yield beside.row(
            "pooled_effect",
            **about,
            on_scale=True,
            method=f"Bayesian random effects; prior {prior['prior']}",
            not_estimable=str(reason),
        )
        return
    yield from _posterior(beside, posterior, about)
    shrunk = posterior.shrinkage.to_dict("records")
    for effect, row in zip(beside.entered, shrunk, strict=True):
        yield beside.row(
            "shrinkage_effect",
            of=effect,
            **about,
            on_scale=True,
            method=f"posterior of the trial's own effect; {posterior.method}",
            estimate=float(row["estimate"]),
            standard_error=float(row["standard_deviation"]),
            ci_lower=float(row["ci_lower"]),
            ci_upper=float(row["ci_upper"]),
        )


def _posterior(
    beside: Beside, posterior: PooledBayesian, about: dict[str, Any]
) -> Iterator[Row]:
    about = about | {"n_trials": posterior.k, "n_subjects": beside.about["n_subjects"]}
    yield beside.row(
        "pooled_effect",
        **about,
        on_scale=True,
        method=posterior.method,
        estimate=posterior.estimate,
        standard_error=posterior.standard_error,
        ci_lower=posterior.ci_lower,
        ci_upper=posterior.ci_upper,
    )
    yield beside.row(
        "prediction_interval",
        **about,
        on_scale=True,
        method=f"{posterior.method}; interval for the true effect in a new trial",
        ci_lower=posterior.prediction_lower,
        ci_upper=posterior.prediction_upper,
    )
    yield beside.row(
        "tau_squared",
        **about,
        method=f"{posterior.method}; square of the median and limits of tau",
        estimate=posterior.tau_squared,
        ci_lower=posterior.tau_squared_lower,
        ci_upper=posterior.tau_squared_upper,
    )
    yield beside.row(
        "i_squared", **about, method=posterior.method, estimate=posterior.i_squared
    )
    below = posterior.probability_below(0.0)
    yield beside.row(
        "probability_below_no_effect",
        **about,
        method=f"{posterior.method}; posterior probability of an effect below none",
        estimate=below,
    )
