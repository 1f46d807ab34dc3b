"""Rows of a whole synthesis: subgroups, influence, tests of asymmetry, other models.

Trials are drawn at random around different true effects. The results follow from plain
closed forms (moments for the variance between trials), so that what is drawn hangs
together; no figure is compared with them as statistics.
"""

import math
from functools import cache

import numpy as np
import pandas as pd
from figure_samples import BINARY, arm, effect, row, totals

from trialstats.evidence_rows import RISK_OF_BIAS
from trialstats.judgements import ROB_DOMAINS, ROB_JUDGEMENTS
from trialstats.rows import estimates_frame, frame_of

GROUPS = ("randomised", "alternate allocation", "systematic")

WHOLE = BINARY | {
    "synthesis": "vaccine",
    "title": "Tuberculosis after vaccination: vaccine versus no vaccination",
    "condition": "people at risk",
    "comparison": {"treatment": "Vaccine", "control": "No vaccination"},
    "outcome": {
        "name": "Tuberculosis",
        "better": "lower",
        "timepoint": "end of follow-up",
    },
    "favours": {"lower": "vaccine", "higher": "no vaccination"},
    "sensitivity": [{"name": "equal effects", "tau_squared": "EE"}],
    "notes": [],
}

GROUPED = WHOLE | {"subgroups": {"name": "Allocation", "by": "allocation"}}

MAIN = {"model_id": "DL.wald", "role": "primary", "confidence_level": 0.95}
SENSITIVE = {"role": "sensitivity", "scale": "log", "confidence_level": 0.95}


def counts(k, seed=7, true=0.45):
    """Return events and totals of both arms of k trials, a column each."""
    random = np.random.default_rng(seed)
    sizes = np.exp(random.uniform(3.6, 7.5, size=(k, 2))).astype(int)
    control = random.uniform(0.05, 0.25, size=k)
    ratio = np.exp(random.normal(-0.6, true, size=k))
    treated = np.clip(control * ratio, 0.0, 0.9)
    events = np.stack(
        [random.binomial(sizes[:, 0], treated), random.binomial(sizes[:, 1], control)],
        axis=1,
    )
    return np.maximum(events, 1), sizes


def moments(y, v):
    """Return estimate, standard error, tau-squared, Q and weights by moments."""
    w = 1 / v
    mean = (w * y).sum() / w.sum()
    q = float((w * (y - mean) ** 2).sum())
    scale = w.sum() - (w**2).sum() / w.sum()
    tau = max(0.0, (q - len(y) + 1) / scale) if len(y) > 1 else 0.0
    w = 1 / (v + tau)
    return (w * y).sum() / w.sum(), w.sum() ** -0.5, tau, q, w / w.sum()


def ends(estimate, error, z=1.959964):
    return {
        "estimate": float(estimate),
        "standard_error": float(error),
        "ci_lower": float(estimate - z * error),
        "ci_upper": float(estimate + z * error),
    }


def p_of(z):
    return math.erfc(abs(float(z)) / math.sqrt(2))


def tested(estimate, error):
    z = float(estimate / error)
    return ends(estimate, error) | {"test_statistic": z, "p_value": p_of(z)}


def synthesis(k, *, groups=0, label="Author {i} {year}", seed=7):
    """Return the rows and labels of a synthesis of k trials with everything.

    Every eleventh trial has no event; with `groups`, that many subgroups.
    """
    rows, labels = _synthesis(k, groups, label, seed)
    return rows.copy(), dict(labels)


@cache
def _synthesis(k, groups, label, seed):
    events, sizes = counts(k, seed)
    empty = np.array([i % 11 == 10 for i in range(k)])
    names = [f"T{i}" for i in range(k)]
    labels = {n: label.format(i=i, year=1948 + i % 70) for i, n in enumerate(names)}
    y = np.log(events[:, 0] / sizes[:, 0] / (events[:, 1] / sizes[:, 1]))
    v = (1 / events - 1 / sizes).sum(axis=1)
    group = [GROUPS[(i * 7) % groups] if groups else None for i in range(k)]
    listed = []
    for i, name in enumerate(names):
        for j, side in enumerate(("Vaccine", "No vaccination")):
            number = 0 if empty[i] else int(events[i, j])
            listed += arm(name, side, events=number, n=int(sizes[i, j]))
        about = {"scale": "log", "subgroup": group[i], "parameter": "tuberculosis"}
        if empty[i]:
            missing = effect(name, None, None, None, **about)
            listed.append(missing | {"not_estimable": "no events in either arm"})
            continue
        error = math.sqrt(v[i])
        status = ("published", "published", "derived")[i % 3]
        values = ends(y[i], error) | {"data_status": status} | about
        listed.append(row("effect", trial=name, confidence_level=0.95, **values))
    kept = [n for n, e in zip(names, empty, strict=True) if not e]
    grouped = [g for g, e in zip(group, empty, strict=True) if not e]
    y, v = y[~empty], v[~empty]
    if len(y) > 1:
        listed += model_rows(y, v, kept)
        listed += influence_rows(y, v, kept)
        listed += other_models(y, v)
        listed += asymmetry_rows(y, v)
        if groups:
            listed += subgroup_rows(y, v, grouped)
    return estimates_frame([*listed, *totals(listed)]), labels


def model_rows(y, v, names):
    estimate, error, tau, q, weights = moments(y, v)
    k = len(y)
    about = MAIN | {"scale": "log", "n_trials": k}
    half = 2.1 * math.sqrt(tau + error**2)
    yield from (
        row("weight", **MAIN, trial=n, estimate=float(w))
        for n, w in zip(names, weights, strict=True)
    )
    yield row("pooled_effect", **about, **tested(estimate, error))
    yield row(
        "prediction_interval",
        **about,
        ci_lower=estimate - half,
        ci_upper=estimate + half,
        df=k - 1.0,
    )
    plain = MAIN | {"n_trials": k}
    yield row(
        "tau_squared",
        **plain,
        estimate=tau,
        ci_lower=tau / 2.7,
        ci_upper=tau * 3.1 + 0.1,
        method="Q-profile interval",
    )
    yield row(
        "i_squared",
        **plain,
        estimate=max(0.0, 1 - (k - 1) / q),
        method="from tau-squared",
    )
    yield row(
        "q",
        **plain,
        estimate=q,
        test_statistic=q,
        df=k - 1.0,
        p_value=p_of((q - k + 1) / math.sqrt(2 * k)),
    )


def subgroup_rows(y, v, group):
    between, shares = 0.0, moments(y, v)[4]
    overall = moments(y, v)[0]
    for name in dict.fromkeys(group):
        own = np.array([g == name for g in group])
        estimate, error, tau, q, _ = moments(y[own], v[own])
        k = int(own.sum())
        about = {"subgroup": name, "model_id": MAIN["model_id"], "n_trials": k}
        between += float((estimate - overall) ** 2 / error**2)
        yield row(
            "subgroup_effect",
            scale="log",
            confidence_level=0.95,
            **about,
            **tested(estimate, error),
        )
        yield row("subgroup_weight", **about, estimate=float(shares[own].sum()))
        if k > 1:
            yield row(
                "subgroup_tau_squared",
                **about,
                estimate=tau,
                ci_lower=0.0,
                ci_upper=3 * tau + 0.2,
                confidence_level=0.95,
                method="Q-profile interval",
            )
            yield row(
                "subgroup_i_squared",
                **about,
                estimate=max(0.0, 1 - (k - 1) / q),
                method="from tau-squared",
            )
            p = p_of((q - k + 1) / math.sqrt(2 * k))
            yield row(
                "subgroup_q", **about, test_statistic=q, df=k - 1.0, p_value=max(p, 0.0)
            )
    yield row(
        "subgroup_test",
        model_id=MAIN["model_id"],
        test_statistic=between,
        df=float(len(set(group)) - 1),
        p_value=p_of(math.sqrt(between)),
        method="chi-squared test between subgroups",
    )


def influence_rows(y, v, names):
    whole, error, tau, _, weights = moments(y, v)
    for i, name in enumerate(names):
        rest = np.arange(len(y)) != i
        if not rest.any():
            continue
        estimate, without, less, q_less, _ = moments(y[rest], v[rest])
        k = len(y) - 1
        about = {"trial": name, "model_id": MAIN["model_id"]}
        yield row(
            "leave_one_out_effect",
            scale="log",
            confidence_level=0.95,
            n_trials=k,
            **about,
            **tested(estimate, without),
        )
        yield row("leave_one_out_tau_squared", **about, estimate=less)
        share = max(0.0, 1 - (k - 1) / q_less) if k > 1 else 0.0
        yield row(
            "leave_one_out_i_squared",
            **about,
            estimate=share,
            method="from tau-squared",
        )
        residual = (y[i] - estimate) / math.sqrt(v[i] + less + without**2)
        hat = float(weights[i])
        dffits = float(residual * math.sqrt(hat / (1 - hat + 1e-9)))
        values = {
            "studentized_residual": residual,
            "dffits": dffits,
            "cook_distance": dffits**2,
            "covariance_ratio": without**2 / error**2,
            "tau_squared_deleted": less,
            "q_deleted": q_less,
            "hat": hat,
            "influence_weight": hat,
            "dfbetas": dffits,
            "influential": float(abs(residual) > 1.75),
            "baujat_heterogeneity": (y[i] - whole) ** 2 / (v[i] + tau),
            "baujat_influence": (whole - estimate) ** 2 / without**2,
        }
        for statistic, value in values.items():
            yield row(statistic, **about, estimate=float(value))


def other_models(y, v):
    estimate, error, tau, *_ = moments(y, v)
    fixed = (y / v).sum() / (1 / v).sum()
    k = len(y)
    yield row(
        "pooled_effect",
        model_id="EE.wald",
        n_trials=k,
        **SENSITIVE,
        **tested(fixed, (1 / v).sum() ** -0.5),
    )
    for prior, scale in (("half_normal", "0.5"), ("half_cauchy", "0.3")):
        yield row(
            "pooled_effect",
            model_id=f"bayesian.{prior}.{scale}",
            n_trials=k,
            **SENSITIVE,
            **ends(0.97 * estimate, 1.1 * error),
        )
    factors = {"DL": 1.0, "REML": 1.08, "PM": 1.15, "HE": 1.4, "SJ": 1.2, "EB": 1.15}
    widths = {"wald": 1.0, "knapp_hartung": 1.2, "knapp_hartung_adhoc": 1.25}
    for estimator, factor in factors.items():
        for inference, wide in widths.items():
            weight = 1 / (v + factor * tau)
            mean, se = (weight * y).sum() / weight.sum(), weight.sum() ** -0.5
            about = {"model_id": f"{estimator}.{inference}", "group": estimator}
            about |= {"role": "sensitivity", "n_trials": k}
            yield row(
                "grid_effect",
                scale="log",
                confidence_level=0.95,
                **about,
                **tested(mean, wide * se),
            )
            yield row("grid_tau_squared", **about, estimate=factor * tau)
            share = factor * tau / (factor * tau + float(np.median(v)))
            yield row("grid_i_squared", **about, estimate=share)


def asymmetry_rows(y, v):
    k, error = len(y), np.sqrt(v)
    if k > 2:
        _, intercept = np.polyfit(1 / error, y / error, 1)
        t = intercept / 0.9
        yield row(
            "egger_test",
            estimate=float(intercept),
            standard_error=0.9,
            df=k - 2.0,
            test_statistic=float(t),
            p_value=p_of(t),
            method="Egger: regression of the standardised effect on precision",
        )
        yield row(
            "begg_test",
            estimate=0.18,
            p_value=0.39,
            method="Begg and Mazumdar: Kendall's rank correlation",
        )
        yield row(
            "harbord_test",
            estimate=-0.4,
            standard_error=0.8,
            df=k - 2.0,
            test_statistic=-0.5,
            p_value=0.62,
            method="Harbord: regression of the score on its variance",
        )
    estimate, se, *_ = moments(y, v)
    filled = 2 if k > 4 else 0
    yield row(
        "trim_and_fill_effect",
        scale="log",
        confidence_level=0.95,
        **tested(estimate + 0.08, se),
        method="trim and fill, L0, right side",
    )
    yield row(
        "trim_and_fill_missing",
        estimate=float(filled),
        method="trim and fill, L0 estimator, right side",
    )
    for i in range(filled):
        at = int(np.argsort(y)[i])
        yield row(
            "trim_and_fill_filled",
            group=f"filled {i + 1}",
            scale="log",
            estimate=float(2 * estimate - y[at]),
            standard_error=float(error[at]),
        )


def judged(labels, *, crossover=False):
    """Return judgements of all trials but every seventh; one domain is left open."""
    listed = []
    domains = [d for d in ROB_DOMAINS if crossover or d != "DS"]
    for i, trial in enumerate(labels):
        if i % 7 == 6:
            continue
        for j, domain in enumerate(domains):
            if (i + j) % 9 == 8:
                continue
            listed.append(
                {
                    "trial": trial,
                    "domain": domain,
                    "judgement": ROB_JUDGEMENTS[(i * 2 + j * j) % 5 % 3],
                    "reason": "made up",
                    "file": "judgements.csv",
                    "row": len(listed) + 2,
                }
            )
    return frame_of(listed, RISK_OF_BIAS)


def continuous(k, *, scale=1.0, seed=3):
    """Return rows, labels and configuration of means whose unit is `scale`."""
    random = np.random.default_rng(seed)
    listed, labels = [], {}
    values, errors = [], []
    for i in range(k):
        n, m = (int(x) for x in random.integers(15, 200, size=2))
        sd = scale * random.uniform(1.2, 2.2)
        means = scale * np.array([random.normal(-1.3, 0.4), random.normal(-0.8, 0.3)])
        error = sd * math.sqrt(1 / n + 1 / m)
        name = f"T{i}"
        labels[name] = f"Author {i} {1990 + i}"
        for side, mean, number in zip(("LDN", "Placebo"), means, (n, m), strict=True):
            listed += arm(
                name, side, n=number, mean=float(mean), standard_deviation=float(sd)
            )
        difference = float(means[0] - means[1])
        values.append(difference)
        errors.append(error)
        listed.append(
            row(
                "effect",
                trial=name,
                confidence_level=0.95,
                n_subjects=n + m,
                **ends(difference, error),
            )
        )
    if k > 1:
        y, v = np.array(values), np.array(errors) ** 2
        listed += [r | {"scale": "natural"} for r in model_rows(y, v, list(labels))]
    return estimates_frame(listed), labels


def without(rows, *statistics):
    """Return rows but those of some statistics."""
    return pd.DataFrame(rows[~rows["statistic"].isin(statistics)])
