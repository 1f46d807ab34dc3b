"""Our analyses of the calls of R's meta package, under the names of its results.

A call is read into the columns of the data and its options; what it asks for is
computed by trialstats.meta, and renamed here. Weights are compared as shares: meta
does not scale them, and its sum is taken.
"""

import math
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logit, ndtr, ndtri, stdtrit

from tests.library.meta.meta_package_calls import (
    ARGUMENTS,
    Request,
    Trials,
    parts_of,
    read,
    trials_of,
)
from trialstats.errors import NotEstimableError
from trialstats.meta.asymmetry import asymmetry_test
from trialstats.meta.cochran import cochran_rate_ratio
from trialstats.meta.effect_sizes import effect_sizes
from trialstats.meta.groups import subgroups
from trialstats.meta.heterogeneity_around import heterogeneity_around
from trialstats.meta.heterogeneity_intervals import (
    between_share,
    h_from_q,
    heterogeneity_measures,
    i_squared_from_q,
)
from trialstats.meta.leaving_out import cumulative, leave_one_out
from trialstats.meta.mantel_haenszel import mantel_haenszel
from trialstats.meta.one_stage import one_stage
from trialstats.meta.peto import peto
from trialstats.meta.pooling import Pooled, pool
from trialstats.meta.proportion_intervals import proportion_interval
from trialstats.meta.rank_test import RankTest
from trialstats.meta.sample_size_weights import sample_size_weights
from trialstats.meta.trim_and_fill import trim_and_fill

#: (method.random.ci, adhoc.hakn.ci) -> ours.
INFERENCE = {
    ("classic", ""): "wald",
    ("HK", ""): "knapp_hartung",
    ("HK", "se"): "knapp_hartung_adhoc",
    ("HK", "ci"): "knapp_hartung_adhoc_ci",
    ("HK", "IQWiG6"): "knapp_hartung_adhoc_iqwig",
    ("KR", ""): "kenward_roger",
}
#: method.tau.ci -> ours; of trials that are no clusters meta takes QP for PL.
TAU_INTERVALS = {
    "QP": "q_profile",
    "PL": "q_profile",
    "J": "jackson",
    "BJ": "biggerstaff_jackson",
}
#: method.ci of a proportion -> ours.
PROPORTIONS = {
    "CP": "clopper_pearson",
    "WS": "wilson",
    "WSCC": "wilson_corrected",
    "AC": "agresti_coull",
    "SA": "simple",
    "SACC": "simple_corrected",
}


def fitted(ask: Request, effect: Any, variance: Any, **more: Any) -> Pooled:
    """Return the random-effects model of a call."""
    key = (ask.word("method.random.ci", "classic"), ask.word("adhoc.hakn.ci"))
    method = ask.word("method.tau", "REML")
    interval = ask.word("method.tau.ci", "J" if method == "DL" else "QP")
    options = {
        "tau_squared": method,
        "inference": INFERENCE[key],
        "prediction": ask.word("method.predict", "V"),
        "tau_squared_interval": TAU_INTERVALS[interval],
        "level": ask.level,
    }
    found: Pooled = pool(effect, variance, **(options | more))
    return found


def or_infinite(df: float) -> float:
    """Return degrees of freedom, infinite for a normal test."""
    return math.inf if math.isnan(df) else df


def reach(df: float, level: float = 0.95) -> float:
    """Return the quantile of an interval."""
    above = (1 + level) / 2
    return float(ndtri(above) if math.isinf(df) else stdtrit(df, above))


def normal(name: str, effect: Any, error: Any, level: float) -> dict[str, Any]:
    """Return an effect with normal test and interval, by meta's names."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = effect / error
    half = reach(math.inf, level) * error
    return {
        f"TE{name}": effect,
        f"seTE{name}": error,
        f"lower{name}": effect - half,
        f"upper{name}": effect + half,
        f"statistic{name}": z,
        f"pval{name}": 2 * ndtr(-np.abs(z)),
    }


def estimate(name: str, found: Any) -> dict[str, Any]:
    """Return our pooled effect by meta's names."""
    return {
        f"TE.{name}": found.estimate,
        f"seTE.{name}": found.standard_error,
        f"lower.{name}": found.ci_lower,
        f"upper.{name}": found.ci_upper,
        f"statistic.{name}": found.statistic,
        f"pval.{name}": found.p_value,
    }


def prediction(fit: Pooled) -> dict[str, Any]:
    """Return the prediction interval at 95 %, whatever the level of the fit."""
    row = fit.predict(level=0.95).iloc[0]
    df = or_infinite(row["prediction_df"])
    half = (row["prediction_upper"] - row["prediction_lower"]) / 2
    return {
        "seTE.predict": half / reach(df),
        "df.predict": df,
        "lower.predict": row["prediction_lower"],
        "upper.predict": row["prediction_upper"],
    }


def spread(ask: Request, fit: Pooled) -> dict[str, Any]:
    """Return tau2, Q and what follows from them, at 95 % but for R_b."""
    source = {"Q": "q", "tau2": "tau_squared"}[ask.word("method.I2", "Q")]
    table = heterogeneity_measures(fit, source=source, level=0.95)
    limits = fit.heterogeneity(level=0.95).loc["tau_squared"]
    found = {
        "k": fit.k,
        "k.study": fit.k,
        "Q": fit.q,
        "df.Q": fit.q_df,
        "pval.Q": fit.q_p_value,
        "tau2": fit.tau_squared,
        "se.tau2": fit.tau_squared_standard_error,
        "lower.tau2": limits["ci_lower"],
        "upper.tau2": limits["ci_upper"],
        "tau": math.sqrt(fit.tau_squared),
    }
    for name, row in (("H", "h"), ("I2", "i_squared")):
        found |= three(name, table.loc[row, ["estimate", "ci_lower", "ci_upper"]])
    return found | three("Rb", between_share(fit))


def three(name: str, values: Any) -> dict[str, Any]:
    """Return an estimate with limits by meta's names."""
    return dict(zip((name, f"lower.{name}", f"upper.{name}"), values, strict=True))


def shares(weights: Any, theirs: Any, there: np.ndarray) -> np.ndarray:
    """Return our weights, which add to 1, with the sum of theirs."""
    filled = np.zeros(len(there))
    filled[there] = weights
    return filled * sum(theirs)


def common_of(ask: Request, trials: Trials) -> Any:
    """Return the common effect and its weights for all rows."""
    here, columns = trials.there, ask.columns
    plain = fitted(
        ask,
        trials.effect[here],
        trials.variance[here],
        tau_squared="EE",
        inference="wald",
    )
    full = np.zeros(len(here))
    full[here] = plain.weights
    if ask.method in ("Inverse", "GLMM"):
        return plain, full
    if ask.method == "SSW":
        weights = sample_size_weights(n1i=columns["n1i"], n2i=columns["n2i"])
        found = ssw(ask, trials, weights, "EE")
        full[here] = found.weights
        return found, full
    if ask.method == "Peto":
        found = peto(**columns, level=ask.level)
    elif ask.method == "Cochran":
        found = cochran_rate_ratio(**columns, level=ask.level)
    else:
        exact = ask.word("MH.exact") == "TRUE"
        found = mantel_haenszel(
            ask.measure,
            **columns,
            add=(0.5, 0.5),
            to=(ask.rule, "none" if exact else ask.rule),
            drop00=(True, ask.measure == "OR"),
            rd_variance="greenland_robins",
            level=ask.level,
        )
        if ask.measure == "RD" and ask.rule == "all" and not exact:
            return difference_with_constants(ask, trials, found)
    return found, found.weights


def difference_with_constants(ask: Request, trials: Trials, found: Any) -> Any:
    """Return the mean of plain differences with weights that have the constant."""
    mean = fitted(
        ask, trials.effect, trials.variance, weights=found.weights, tau_squared="EE"
    )
    half = reach(math.inf, ask.level) * found.standard_error
    z = mean.estimate / found.standard_error

    mixed = SimpleNamespace(
        estimate=mean.estimate,
        standard_error=found.standard_error,
        ci_lower=mean.estimate - half,
        ci_upper=mean.estimate + half,
        statistic=z,
        p_value=float(2 * ndtr(-abs(z))),
    )
    return mixed, found.weights


def ssw(ask: Request, trials: Trials, weights: Any, tau_squared: Any) -> Pooled:
    """Return a mean with sample size weights."""
    here = trials.there
    return fitted(
        ask,
        trials.effect[here],
        trials.variance[here],
        weights=weights[here],
        tau_squared=tau_squared,
        inference="wald",
        tau_squared_interval="none",
        prediction="t",
    )


def analysed(ask: Request, theirs: dict[str, Any]) -> dict[str, Any]:
    """Return a meta-analysis by meta's names."""
    trials = trials_of(ask)
    here = trials.there
    y, v = trials.effect[here], trials.variance[here]
    common, weights = common_of(ask, trials)
    around: dict[str, Any] = {}
    if ask.method == "MH" and ask.word("method.tau") == "DL":
        near = heterogeneity_around(y, v, common.estimate)
        fit = fitted(ask, y, v, tau_squared=near.tau_squared)
        around = {"Q": near.q, "df.Q": near.df, "pval.Q": near.p_value}
        around |= three("H", h_from_q(near.q, near.df))
        around |= three("I2", i_squared_from_q(near.q, near.df))
        around |= three("Rb", between_share(fit, q=near.q))
        around |= {"tau2": near.tau_squared, "tau": math.sqrt(near.tau_squared)}
        around |= {"k": fit.k, "k.study": fit.k}
    else:
        fit = fitted(ask, y, v)
        around = spread(ask, fit)
    random = fit
    if ask.method == "SSW":
        sizes = sample_size_weights(n1i=ask.columns["n1i"], n2i=ask.columns["n2i"])
        random = ssw(ask, trials, sizes, fit.tau_squared)
    found = {
        **own_effects(ask, trials),
        **estimate("common", common),
        **estimate("random", random),
        **prediction(fit),
        **around,
        "df.random": or_infinite(random.df),
        # Reported as zero where what is pooled receives none.
        "incr.e": trials.added * (ask.word("MH.exact") != "TRUE"),
        "incr.c": trials.added * (ask.word("MH.exact") != "TRUE"),
        "k.MH": int((np.asarray(weights) > 0).sum()),
    }
    if "w.common" in theirs:
        every = np.ones(len(here), dtype=bool)
        found["w.common"] = shares(weights, theirs["w.common"], every)
        found["w.random"] = shares(random.weights, theirs["w.random"], here)
    if ask.function == "metabin":
        test = mantel_haenszel("OR", **ask.columns, correct=False).cochran_test
        found |= {"Q.CMH": test.statistic, "pval.Q.CMH": test.p_value}
    if ask.function == "metaprop":
        for name in ("common", "random"):
            found[f"statistic.{name}"] = found[f"pval.{name}"] = None
    return found


def own_effects(ask: Request, trials: Trials) -> dict[str, Any]:
    """Return the trials' own effects with tests and intervals."""
    found = normal("", trials.effect, np.sqrt(trials.variance), ask.level)
    kind = ask.word("method.ci", "CP")
    if ask.function == "metaprop" and kind != "NAsm":
        x, n = (ask.columns[name].to_numpy(dtype=float) for name in ("xi", "ni"))
        limits = proportion_interval(xi=x, ni=n, interval=PROPORTIONS[kind])
        found["lower"], found["upper"] = (TO[ask.sm](p, n) for p in limits)
    if ask.function == "metaprop":
        # There is no hypothesis to test.
        found["statistic"] = found["pval"] = np.full(len(trials.effect), np.nan)
    return found


def _by_escalc(measure: str) -> Callable[[Any, Any], Any]:
    return lambda p, n: effect_sizes(measure, xi=p * n, ni=n)["effect"].to_numpy()


def _logarithm(p: Any, n: Any) -> Any:
    with np.errstate(divide="ignore"):
        return np.log(p)


#: From a proportion of n to the scale of the analysis.
TO: dict[str, Callable[[Any, Any], Any]] = {
    "PLOGIT": lambda p, n: logit(p),
    "PLN": _logarithm,
    "PRAW": lambda p, n: p,
    "PAS": _by_escalc("PAS"),
    "PFT": _by_escalc("PFT"),
}


def one_stage_of(ask: Request, theirs: dict[str, Any]) -> dict[str, Any]:
    """Return a one-stage model by meta's names."""
    trials, columns = trials_of(ask), ask.columns
    # glmer integrates with 7 points, and a single proportion is the model's own form.
    options: dict[str, Any] = {"n_quadrature": 7, "inference": "wald"}
    if ask.function != "metaprop":
        options["model"] = "UM.FS"
    fit = one_stage(ask.measure, **columns, **options)
    equal = one_stage(ask.measure, **columns, **options, tau_squared="EE")
    found = {
        **own_effects(ask, trials),
        **estimate("common", equal),
        **estimate("random", fit),
        "df.random": or_infinite(fit.df),
        "df.predict": fit.prediction_df,
        "seTE.predict": (fit.prediction_upper - fit.prediction_lower)
        / 2
        / reach(fit.prediction_df),
        "lower.predict": fit.prediction_lower,
        "upper.predict": fit.prediction_upper,
        "k": fit.k,
        "k.study": fit.k,
        "Q": [fit.q, fit.likelihood_ratio],
        "df.Q": [fit.q_df, fit.q_df],
        "pval.Q": [fit.q_p_value, fit.likelihood_ratio_p_value],
        "tau2": fit.tau_squared,
        # metafor gives none for this model.
        "se.tau2": None,
        "tau": math.sqrt(fit.tau_squared),
        **three("H", h_from_q(fit.q, fit.q_df)),
        **three("I2", i_squared_from_q(fit.q, fit.q_df)),
        "incr.e": trials.added,
        "incr.c": trials.added,
    }
    if ask.function == "metabin":
        test = mantel_haenszel("OR", **columns, correct=False).cochran_test
        found |= {"Q.CMH": test.statistic, "pval.Q.CMH": test.p_value}
    if ask.function == "metaprop":
        for name in ("common", "random"):
            found[f"statistic.{name}"] = found[f"pval.{name}"] = None
    return found


def subgroups_of(ask: Request, theirs: dict[str, Any]) -> dict[str, Any]:
    """Return a meta-analysis with its subgroups by meta's names."""
    trials = trials_of(ask)
    labels = ask.data[ask.word("subgroup")]
    order = pd.Categorical(labels, categories=labels.drop_duplicates())
    here = trials.there
    split = subgroups(
        trials.effect[here],
        trials.variance[here],
        order[here],
        common_tau_squared=ask.one_tau,
        inference="wald",
    )
    table, equal = split.groups, split.common
    names = [str(name) for name in table["group"]]
    heterogeneity = [
        i_squared_from_q(q, df) for q, df in zip(equal["q"], equal["q_df"], strict=True)
    ]
    found = analysed(ask, theirs) | {
        "subgroup_levels": names,
        "k.w": table["k"],
        "TE.random.w": table["estimate"],
        "seTE.random.w": table["standard_error"],
        "lower.random.w": table["ci_lower"],
        "upper.random.w": table["ci_upper"],
        "Q.w": equal["q"],
        "tau2.w": table["tau_squared"],
        "I2.w": [share.estimate for share in heterogeneity],
        "Q.w.common": split.q_within,
        "df.Q.w": split.q_within_df,
        "pval.Q.w.common": split.q_within_p_value,
        "df.Q.b": split.between.df,
        "Q.b.random": split.between.statistic,
        "df.Q.b.random": split.between.df,
        "pval.Q.b.random": split.between.p_value,
    }
    return found | common_of_subgroups(ask, labels, names, split)


def common_of_subgroups(
    ask: Request, labels: pd.Series, names: list[str], split: Any
) -> dict[str, Any]:
    """Return the common effects of subgroups and the test that they are the same."""
    fits = []
    for name in names:
        part = Request(ask.function, ask.given, ask.data[labels.astype(str) == name])
        fits.append(common_of(part, trials_of(part))[0])
    between = pool(
        [fit.estimate for fit in fits],
        [fit.standard_error**2 for fit in fits],
        tau_squared="EE",
    )
    return {
        "TE.common.w": [fit.estimate for fit in fits],
        "seTE.common.w": [fit.standard_error for fit in fits],
        "lower.common.w": [fit.ci_lower for fit in fits],
        "upper.common.w": [fit.ci_upper for fit in fits],
        "Q.b.common": between.q,
        "pval.Q.b.common": between.q_p_value,
    }


def sequence(ask: Request, kind: str) -> dict[str, Any]:
    """Return metainf or metacum of the random-effects model."""
    trials = trials_of(ask)
    every = fitted(ask, trials.effect, trials.variance)
    refits = leave_one_out(every) if kind == "metainf" else cumulative(every)
    sets = np.eye(every.k) == 0 if kind == "metainf" else np.tri(every.k) > 0
    rows = [one_of_sequence(ask, trials, chosen) for chosen in sets]
    found = {name: [row[name] for row in rows] for name in rows[0]}
    return found | {
        "TE": refits["estimate"],
        "seTE": refits["standard_error"],
        "lower": refits["ci_lower"],
        "upper": refits["ci_upper"],
        "statistic": refits["statistic"],
        "pval": refits["p_value"],
        "k": refits["k"],
        "k.study": refits["k"],
        "k.MH": refits["k"],
        "tau2": refits["tau_squared"],
        "tau": np.sqrt(refits["tau_squared"]),
        "df.random": refits["df"],
    }


def one_of_sequence(ask: Request, trials: Trials, chosen: Any) -> dict[str, Any]:
    """Return the spread and prediction of some of the trials."""
    fit = fitted(ask, trials.effect[chosen], trials.variance[chosen])
    wanted = ("se.tau2", "lower.tau2", "upper.tau2", "I2", "lower.I2", "upper.I2", "Rb")
    ahead = ("lower.predict", "upper.predict", "df.predict")
    if fit.k == 1:
        return dict.fromkeys((*wanted, *ahead), math.nan)
    found = spread(ask, fit) | prediction(fit)
    return {name: found[name] for name in (*wanted, *ahead)}


def filled(ask: Request, kind: str, theirs: dict[str, Any]) -> dict[str, Any]:
    """Return trimfill by meta's names."""
    trials = trials_of(ask)
    fit = fitted(ask, trials.effect, trials.variance)
    result = trim_and_fill(fit, estimator=f"{kind}0", centre="EE")
    all_of_them, y, v = result.filled, result.effect, result.variance
    common = fitted(ask, y, v, tau_squared="EE", inference="wald")
    every = np.ones(len(y), dtype=bool)
    return {
        **normal("", y, np.sqrt(v), ask.level),
        **estimate("common", common),
        **estimate("random", all_of_them),
        **prediction(all_of_them),
        **spread(ask, all_of_them),
        "df.random": or_infinite(all_of_them.df),
        "w.common": shares(common.weights, theirs["w.common"], every),
        "w.random": shares(all_of_them.weights, theirs["w.random"], every),
    }


def bias_of(ask: Request, name: str) -> dict[str, Any]:
    """Return metabias by meta's names."""
    trials, columns = trials_of(ask), ask.columns
    here = trials.there
    sizes = {
        key: columns[key][here] for key in ("ai", "n1i", "ci", "n2i") if key in columns
    }
    fit = fitted(ask, trials.effect[here], trials.variance[here])
    test = asymmetry_test(fit, name, **sizes)
    if isinstance(test, RankTest):
        estimates = {"ks": test.score, "se.ks": test.score_standard_error}
        df, tau2 = None, None
    else:
        estimates = {"bias": test.estimate, "se.bias": test.standard_error}
        df = test.df
        tau2 = test.tau_squared if name == "Thompson" else test.dispersion
    return {
        "method": name,
        "statistic": test.statistic,
        "df": df,
        "pval": test.p_value,
        "estimate": estimates,
        "tau2": tau2,
    }


def computed(case: dict[str, Any], data: pd.DataFrame) -> dict[str, Any]:
    """Return our results of a case in the shape of meta's."""
    call, theirs = case["call"], case["results"]
    name, arguments = parts_of(call)
    if name not in ARGUMENTS:
        ask = read(arguments[0], data)
        word = {
            key: match.group(1)
            for key in ("method.bias", "type")
            if (match := re.search(rf'{key} = "(\w+)"', call))
        }
        if name == "metabias":
            return bias_of(ask, word["method.bias"])
        if name == "trimfill":
            return filled(ask, word["type"], theirs)
        return sequence(ask, name)
    ask = read(call, data)
    if ask.function == "metainc" and (ask.sm, ask.method) == ("IRD", "Cochran"):
        raise NotEstimableError("Cochran's weights are for rate ratios")
    if ask.method == "GLMM":
        return one_stage_of(ask, theirs)
    if ask.word("subgroup"):
        return subgroups_of(ask, theirs)
    return analysed(ask, theirs)
