"""The true values of a trial, and what its README says, as plain mappings and text."""

from collections import Counter
from typing import Any

from trialstats.simulation import trials
from trialstats.simulation.crossover import CrossoverDesign, CrossoverTrial
from trialstats.simulation.designs import ChangeModel, ParallelTrial, true_risk
from trialstats.simulation.events import risk_of_any

#: Names of outcomes that are drawn on another scale than they are recorded on.
_SCALES = {"LOGCRP": "natural logarithm of CRP in mg/L"}
_DIGITS = 9


def parallel_truth(trial: ParallelTrial) -> dict[str, Any]:
    """Return the true values of a parallel trial and what happened in this one."""
    design = trial.design
    outcomes = {name: _outcome(name, m) for name, m in design.outcomes.items()}
    how = (
        "integral over the distribution of the baseline of (1 - probability of "
        "leaving early) x normal probability of the response given the baseline; "
        "values before rounding; leaving early counts as no response"
    )
    responders = {
        name: {"how": how}
        | _risks(*(true_risk(design, name, treated=t) for t in (True, False)))
        for name in design.responders
    }
    leaving = design.dropout
    return {
        "model": "change given the observed baseline = control change + difference x "
        "treatment + slope x (baseline - mean) + subject + error; normal, independent",
        "true_effects": outcomes,
        "responders": responders,
        "adverse_events": _event_risks(design.trial),
        "dropout": {
            "mechanism": f"log odds {leaving.log_odds:.4g} + {leaving.slope:g} x "
            f"(baseline of {leaving.outcome} - mean); week 1 to 11 at random",
        },
        "this_trial": {
            "treatment": int(trial.treated.sum()),
            "control": int((~trial.treated).sum()),
            "discontinued_treatment": int((~trial.completed & trial.treated).sum()),
            "discontinued_control": int((~trial.completed & ~trial.treated).sum()),
        },
    }


def _outcome(name: str, model: ChangeModel) -> dict[str, Any]:
    def by_week(values: tuple[float, ...]) -> dict[str, float]:
        pairs = zip(model.weeks, values, strict=True)
        return {f"Week {week}": round(value, _DIGITS) for week, value in pairs}

    return {
        "scale": _SCALES.get(name, "as recorded"),
        "difference": by_week(model.difference),
        "control_change": by_week(model.control_change),
        "baseline_mean": round(model.baseline_mean, _DIGITS),
        "slope": model.slope,
        "sd_between": model.sd_between,
        "sd_within": model.sd_within,
    }


def crossover_truth(trial: CrossoverTrial) -> dict[str, Any]:
    """Return the true values of a crossover trial and what happened in this one."""
    design: CrossoverDesign = trial.design
    by_week = {
        f"Week {week}": round(value, _DIGITS)
        for week, value in enumerate(design.difference, start=1)
    }
    return {
        "model": "daily pain = mean + change of the week + difference x treatment + "
        "period + subject + subject in the period + day; normal, independent",
        "true_effects": {
            "PAINWK": {
                "difference": by_week,
                "period_effect": design.period_effect,
                "sequence_effect": 0.0,
                "sd_subject": design.sd_subject,
                "sd_subject_period": design.sd_subject_period,
                "sd_day": design.sd_day,
            },
            "FIQR": {
                "difference": {"Week 6": design.impact_difference},
                "period_effect": design.impact_period_effect,
                "sequence_effect": 0.0,
                "sd_subject": design.impact_sd_subject,
                "sd_within": design.impact_sd_within,
            },
        },
        "adverse_events": _event_risks(design.trial),
        "dropout": {
            "mechanism": "completely at random; study day 15 to 90 at random",
        },
        "this_trial": {
            "treatment_first": int(trial.treatment_first.sum()),
            "control_first": int((~trial.treatment_first).sum()),
            "discontinued": int((~trial.completed).sum()),
        },
    }


def _risks(treatment: float, control: float) -> dict[str, float]:
    odds = treatment / (1 - treatment) / (control / (1 - control))
    values = {
        "treatment": treatment,
        "control": control,
        "risk_difference": treatment - control,
        "risk_ratio": treatment / control,
        "odds_ratio": odds,
    }
    return {name: round(value, _DIGITS) for name, value in values.items()}


def _event_risks(trial: str) -> dict[str, Any]:
    terms = trials.EVENTS[trial]
    period = " in one period" if trial == trials.FM_CROSSOVER.trial else ""
    how = f"1 - product over the terms of (1 - risk of the term){period}"
    any_event = [risk_of_any(terms, treated=treated) for treated in (True, False)]
    return {
        "Any adverse event": {"how": how} | _risks(*any_event),
        "terms": {
            t.term: {"treatment": t.treatment, "control": t.control} for t in terms
        },
        "serious": f"one, {trials.SERIOUS[trial]}, in a subject drawn from those with "
        "an event: its arm is chance",
    }


def readme(document: dict[str, Any], folder: str) -> str:
    """Return the README of a trial's raw files."""
    kinds = Counter(entry["kind"] for entry in document["planted"])
    lines = [
        f"# {document['trial']}: synthetic raw files",
        "",
        "No person stands behind these numbers. They were drawn by",
        f"`{document['made_by']}` (seed {document['seed']}) from the models in",
        "`trialstats/simulation/`, and imitate what a site sends, errors included.",
        "Running the script again writes the same bytes; a test compares them.",
        "The true effects and every planted error stand in",
        f"`data/truth/{folder}.yaml`.",
        "",
        "| file | rows |",
        "|---|---|",
        *(
            f"| `{path.rsplit('/', 1)[-1]}` | {about['rows']} |"
            for path, about in document["files"].items()
        ),
        "",
        "Planted: "
        + ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
        + ".",
        "CSV dates come in four formats, one for each subject and column; Excel dates",
        "are dates of Excel, but for the text dates listed. Rows count without header.",
        "",
    ]
    return "\n".join(lines)
