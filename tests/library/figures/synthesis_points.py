"""Rows that some figures of a synthesis draw beside those of `synthesis_samples`."""

import json
import math
from itertools import combinations

import numpy as np
import pandas as pd
from figure_samples import row
from synthesis_samples import moments, synthesis

from trialstats.judgements import ROB_DOMAINS, ROB_JUDGEMENTS
from trialstats.rows import SUBSETS, estimates_frame, frame_of

PRISMA = {
    "identified": {"databases": 380, "registers": 20},
    "duplicates": 70,
    "ineligible_by_automation": 8,
    "removed_for_other_reasons": 2,
    "screened": 320,
    "excluded": 250,
    "sought": 70,
    "not_retrieved": 5,
    "assessed": 65,
    "excluded_reports": {"wrong population": 30, "no control group": 26},
    "other_methods": {
        "identified": {"websites": 1, "citation searching": 3},
        "sought": 4,
        "not_retrieved": 1,
        "assessed": 3,
        "excluded_reports": {"protocol only": 2},
    },
    "previous": {"studies": 3, "reports": 4},
    "included": {"studies": 8, "reports": 10},
}


def with_points(k, **about):
    """Return rows and labels of a synthesis, with risks of arms and radial points."""
    rows, labels = synthesis(k, **about)
    listed = rows.to_dict("records")
    extra = []
    numbers = {
        (r["trial"], r["group"], r["statistic"]): r["estimate"]
        for r in listed
        if r["statistic"] in ("events", "n")
    }
    for (trial, arm, statistic), events in numbers.items():
        if statistic == "events":
            risk = events / numbers[trial, arm, "n"]
            extra.append(row("risk", trial=trial, group=arm, estimate=risk))
    effects = [
        r
        for r in listed
        if r["statistic"] == "effect" and not math.isnan(r["estimate"])
    ]
    y = np.array([r["estimate"] for r in effects])
    v = np.array([r["standard_error"] ** 2 for r in effects])
    if len(y) > 1:
        error = np.sqrt(v + moments(y, v)[2])
        for r, e in zip(effects, error, strict=True):
            about_trial = {"trial": r["trial"], "model_id": "DL.wald"}
            extra.append(row("radial_precision", estimate=1 / e, **about_trial))
            extra.append(
                row("radial_effect", estimate=r["estimate"] / e, **about_trial)
            )
    kept = [{n: v for n, v in r.items() if not pd.isna(v)} for r in listed]
    return estimates_frame([*kept, *extra]), labels


def subsets(rows, most=300):
    """Return fits to subsets of the trials, by moments; at most so many."""
    effects = rows[(rows["statistic"] == "effect") & rows["estimate"].notna()]
    y = effects["estimate"].to_numpy()
    v = effects["standard_error"].to_numpy() ** 2
    names = effects["trial"].tolist()
    made = []
    for k in range(2, len(y) + 1):
        for own in combinations(range(len(y)), k):
            if len(made) == most:
                break
            index = list(own)
            estimate, _, tau, q, _ = moments(y[index], v[index])
            made.append(
                {
                    "synthesis": "vaccine",
                    "subset": len(made) + 1,
                    "k": k,
                    "estimate": float(estimate),
                    "tau_squared": tau,
                    "i_squared": max(0.0, 1 - (k - 1) / q) if q else 0.0,
                    "members": json.dumps([names[i] for i in index]),
                    "sampled": len(y) > 15,
                }
            )
    return frame_of(made, SUBSETS)


def judged(trials, seed=3):
    """Return judgements of trials in every domain of parallel trials."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        [
            {
                "trial": trial,
                "outcome": None,
                "domain": domain,
                "judgement": ROB_JUDGEMENTS[random.integers(3)],
                "reason": "made up",
            }
            for trial in trials
            for domain in ROB_DOMAINS
            if domain != "DS"
        ]
    )
