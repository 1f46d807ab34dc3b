"""Small frames in the shape of the rows. The numbers are invented and easy to read.

They are no results: the tests ask whether what is printed is what stands in the row.
"""

import math

import pandas as pd

from trialstats.cleaning_rows import CHANGES, PUBLISHED_WARNINGS, STEPS
from trialstats.evidence_rows import EFFECTS, PUBLISHED_TRIALS
from trialstats.exports import DATA_DICTIONARY
from trialstats.rows import (
    AGREEMENT,
    QUERIES,
    SET_ASIDE,
    estimates_frame,
    frame_of,
)
from trialstats.vocabulary import NOT_TRIED

HOSTILE = "<script>alert('x')</script> & \"quotes\""
ARMS = ("LDN 6 mg", "Placebo")
CONTRAST = "LDN 6 mg versus Placebo"

ESTIMAND = {
    "treatment": "LDN 6 mg versus placebo",
    "population": "women with fibromyalgia, as randomised",
    "variable": "change in pain from baseline to week 12",
    "intercurrent_events": {"discontinuation of treatment": "treatment policy"},
    "summary": "difference in means",
}

PARALLEL = {
    "id": "demo_parallel",
    "trial": "DEMO-PARALLEL",
    "title": "A parallel trial (synthetic)",
    "data_status": "synthetic",
    "design": "parallel",
    "condition": "fibromyalgia",
    "arms": {"control": "Placebo", "treatments": ["LDN 6 mg"]},
    "adsl": {
        "variables": {
            "AGE": {"label": "Age", "unit": "years"},
            "SEX": {"label": "Sex"},
        }
    },
    "bds": {
        "PAINNRS": {"label": "Average pain", "unit": "NRS 0-10", "better": "lower"}
    },
    "analysis_sets": {"ITT": "RANDFL == 'Y'", "Safety": "SAFFL == 'Y'"},
    "analyses": {
        "pain_week12": {
            "title": "Change in pain at week 12",
            "role": "primary",
            "estimand": ESTIMAND,
            "parameter": "PAINNRS",
            "model": {"type": "ancova"},
        },
        "pain_over_time": {
            "title": "Change in pain over time",
            "role": "secondary",
            "estimand": ESTIMAND,
            "parameter": "PAINNRS",
            "model": {"type": "mmrm"},
        },
        "responders": {
            "title": "Pain lower by 30% or more",
            "role": "secondary",
            "estimand": ESTIMAND,
            "model": {"type": "proportions"},
        },
        "adverse_events": {
            "title": "Adverse events",
            "role": "descriptive",
            "model": {"type": "adverse_events"},
        },
    },
}

CROSSOVER = {
    **PARALLEL,
    "id": "demo_crossover",
    "trial": "DEMO-CROSSOVER",
    "title": "A crossover trial (synthetic)",
    "design": "crossover",
    "sequences": {
        "LDN then placebo": ["LDN 6 mg", "Placebo"],
        "Placebo then LDN": ["Placebo", "LDN 6 mg"],
    },
    "analyses": {
        "pain_week6": {
            "title": "Pain in the last week",
            "role": "primary",
            "estimand": ESTIMAND,
            "parameter": "PAINNRS",
            "model": {"type": "crossover"},
        }
    },
}

SYNTHESIS = {
    "id": "demo_pain",
    "synthesis": "demo_pain",
    "title": "Pain in fibromyalgia",
    "question": "Does LDN lower pain?",
    "condition": "fibromyalgia",
    "comparison": {"treatment": "LDN", "control": "Placebo"},
    "measure": "MD",
    "outcome": {
        "name": "Pain intensity",
        "scale": "0-10",
        "better": "lower",
        "timepoint": "12 weeks",
    },
    "pooling": True,
    "favours": {"lower": "LDN", "higher": "placebo"},
    "notes": ["The trials disagree."],
}

SERIOUS = {
    **SYNTHESIS,
    "id": "demo_serious",
    "synthesis": "demo_serious",
    "title": "Serious adverse events",
    "measure": "RR",
    "outcome": {"name": "Serious adverse events", "better": "lower"},
}

CROHN = {
    **SYNTHESIS,
    "id": "demo_crohn",
    "synthesis": "demo_crohn",
    "title": "Crohn's disease",
    "condition": "Crohn's disease",
    "measure": "RR",
    "outcome": {"name": "Clinical response", "better": "higher"},
    "pooling": False,
    "favours": {"lower": "placebo", "higher": "LDN"},
}

LABELS = {"T1": "Alpha 2024", "T2": "Beta 2025", "T3": "Gamma 2011"}


def _key(*parts: object) -> str:
    texts = [str(p).lower() for p in parts if p is not None]
    return ".".join(
        "".join(c if c.isalnum() or c == "_" else "-" for c in t) for t in texts
    )


def trial_row(trial: str, analysis: str, statistic: str, **values: object) -> dict:
    """Return a row of a trial with a row_id as the contract makes it."""
    where = [values.get(n) for n in ("visit", "group", "contrast")]
    more = [values.get("parameter"), values.get("subgroup")]
    row = {
        "row_id": _key(trial, analysis, *where, *more, statistic),
        "kind": "trial",
        "trial": trial,
        "analysis": analysis,
        "statistic": statistic,
        "analysis_set": "ITT",
        "role": "descriptive",
        "scale": "natural",
        "method": "Count or moment of the analysis set",
        "data_status": "synthetic",
    }
    if "ci_lower" in values:
        row["confidence_level"] = 0.95
    return row | values


def baseline_rows(trial: str, groups: tuple[str, ...] = (*ARMS, "Total")) -> list[dict]:
    rows = []
    for n, group in enumerate(groups):
        moments = {
            "n": 49 + n,
            "n_missing": 1,
            "mean": 50.25 + n,
            "standard_deviation": 8.8,
            "median": 51.0,
            "minimum": 22.0,
            "maximum": 64.0,
        }
        rows += [
            trial_row(
                trial,
                "baseline",
                s,
                group=group,
                parameter="AGE",
                estimate=v,
                n_subjects=50 + n,
            )
            for s, v in moments.items()
        ]
        rows.append(
            trial_row(
                trial,
                "baseline",
                "count",
                group=group,
                parameter="SEX",
                subgroup="F",
                estimate=30 + n,
                n_subjects=40 + n,
            )
        )
        rows.append(
            trial_row(
                trial, "baseline", "n_missing", group=group, parameter="SEX", estimate=0
            )
        )
    return rows


def disposition_rows(trial: str, groups: tuple[str, ...] = ARMS) -> list[dict]:
    counts = (
        ("randomised", None, 49),
        ("treated", None, 49),
        ("completed", None, 44),
        ("discontinued", None, 5),
        ("discontinued", "Adverse event", 3),
        ("discontinued", HOSTILE, 2),
    )
    return [
        trial_row(
            trial,
            "disposition",
            "count",
            group=group,
            parameter=parameter,
            subgroup=reason,
            estimate=count,
            n_subjects=49,
        )
        for group in groups
        for parameter, reason, count in counts
    ]


ANCOVA = "ANCOVA of CHG on treatment and BASE; least squares; 95% t interval"


def ancova_rows(trial: str) -> list[dict]:
    rows = []
    for group, mean in zip(ARMS, (-1.3, -0.004), strict=True):
        here = {"visit": "Week 12", "group": group, "method": ANCOVA}
        rows += [
            trial_row(trial, "pain_week12", "n_analysed", estimate=49, **here),
            trial_row(trial, "pain_week12", "n_with_data", estimate=45, **here),
            trial_row(trial, "pain_week12", "mean", estimate=mean, **here),
            trial_row(
                trial, "pain_week12", "standard_deviation", estimate=1.57, **here
            ),
            trial_row(
                trial,
                "pain_week12",
                "ls_mean",
                estimate=mean,
                standard_error=0.22,
                ci_lower=mean - 0.44,
                ci_upper=mean + 0.44,
                **here,
            ),
        ]
    there = {"visit": "Week 12", "contrast": CONTRAST, "method": ANCOVA}
    rows.append(
        trial_row(
            trial,
            "pain_week12",
            "difference",
            role="primary",
            estimate=-0.34,
            standard_error=0.31,
            df=95.0,
            p_value=0.27,
            ci_lower=-0.95,
            ci_upper=0.27,
            n_subjects=98,
            **there,
        )
    )
    rows.append(
        trial_row(
            trial,
            "pain_week12",
            "standardized_mean_difference",
            estimate=-0.23,
            ci_lower=-0.63,
            ci_upper=0.17,
            **there,
        )
    )
    return rows


MIXED = "MMRM of CHG; Toeplitz covariance; REML; Kenward-Roger; 95% t interval"


def mixed_rows(trial: str, weeks: tuple[int, ...] = (4, 8, 12)) -> list[dict]:
    rows = []
    for week in (*weeks, None):
        visit = f"Week {week}" if week else "Average over visits"
        week = week or 9
        for n, group in enumerate(ARMS):
            here = {"visit": visit, "group": group, "method": MIXED}
            if visit.startswith("Week"):
                rows += [
                    trial_row(trial, "pain_over_time", name, estimate=count, **here)
                    for name, count in (("n_with_data", 45), ("n_analysed", 44))
                ]
            rows += [
                trial_row(
                    trial,
                    "pain_over_time",
                    "ls_mean",
                    estimate=-0.1 * week + 0.2 * n,
                    standard_error=0.2,
                    ci_lower=-0.1 * week + 0.2 * n - 0.4,
                    ci_upper=-0.1 * week + 0.2 * n + 0.4,
                    **here,
                ),
            ]
        rows.append(
            trial_row(
                trial,
                "pain_over_time",
                "difference",
                visit=visit,
                contrast=CONTRAST,
                role="secondary",
                method=MIXED,
                estimate=-0.2,
                standard_error=0.28,
                df=250.5,
                p_value=0.0004 * week,
                ci_lower=-0.75,
                ci_upper=0.35,
            )
        )
    steps = {
        "unstructured": (None, "it did not converge."),
        "Toeplitz": (3, None),
        "compound symmetry": (None, NOT_TRIED),
    }
    for structure, (number, reason) in steps.items():
        rows.append(
            trial_row(
                trial,
                "pain_over_time",
                "covariance_structure",
                subgroup=structure,
                estimate=number,
                not_estimable=reason,
            )
        )
    rows.append(
        trial_row(
            trial,
            "pain_over_time",
            "type_3_test",
            subgroup="treatment by visit",
            estimate=2.345,
            numerator_df=2,
            df=88.04,
            p_value=0.0312,
            method=MIXED,
        )
    )
    for statistic, value in (
        ("log_likelihood", -512.345),
        ("aic", 1030.69),
        ("bic", 1038.5),
        ("n_subjects", 93),
        ("n_observations", 265),
    ):
        rows.append(
            trial_row(trial, "pain_over_time", statistic, estimate=value, method=MIXED)
        )
    return rows


def binary_rows(trial: str, *, estimable: bool = True) -> list[dict]:
    rows = []
    for group, events in zip(ARMS, (12, 8), strict=True):
        here = {"visit": "Week 12", "group": group}
        rows += [
            trial_row(trial, "responders", "n_analysed", estimate=48, **here),
            trial_row(trial, "responders", "n_with_data", estimate=44, **here),
            trial_row(
                trial, "responders", "events", estimate=events, n_subjects=48, **here
            ),
            trial_row(
                trial,
                "responders",
                "risk",
                estimate=events / 48,
                ci_lower=0.05,
                ci_upper=0.5,
                **here,
            ),
        ]
    there = {"visit": "Week 12", "contrast": CONTRAST, "role": "secondary"}
    rows.append(
        trial_row(
            trial,
            "responders",
            "risk_difference",
            estimate=1 / 12,
            ci_lower=-0.08,
            ci_upper=0.25,
            p_value=0.3,
            method="Risk difference; Newcombe interval",
            **there,
        )
    )
    ratio = {"scale": "log", "method": "Log risk ratio; Wald interval", **there}
    if estimable:
        rows.append(
            trial_row(
                trial,
                "responders",
                "risk_ratio",
                estimate=math.log(1.5),
                ci_lower=math.log(0.7),
                ci_upper=math.log(3.2),
                **ratio,
            )
        )
    else:
        rows.append(
            trial_row(
                trial,
                "responders",
                "risk_ratio",
                not_estimable="no event in either arm",
                **ratio,
            )
        )
    return rows


def adverse_event_rows(trial: str) -> list[dict]:
    rows = []
    for parameter in ("Any adverse event", "Any serious adverse event", "Nausea"):
        for group in ARMS:
            here = {"group": group, "parameter": parameter, "analysis_set": "Safety"}
            rows += [
                trial_row(
                    trial,
                    "adverse_events",
                    "subjects_with_event",
                    estimate=10,
                    n_subjects=49,
                    **here,
                ),
                trial_row(trial, "adverse_events", "events", estimate=15, **here),
            ]
        if parameter.startswith("Any"):
            rows.append(
                trial_row(
                    trial,
                    "adverse_events",
                    "risk_difference",
                    contrast=CONTRAST,
                    parameter=parameter,
                    estimate=-0.0001,
                    ci_lower=-0.15,
                    ci_upper=0.15,
                )
            )
    return rows


def parallel_rows(trial: str = "demo_parallel") -> pd.DataFrame:
    return estimates_frame(
        [
            *baseline_rows(trial),
            *disposition_rows(trial),
            *ancova_rows(trial),
            *mixed_rows(trial),
            *binary_rows(trial),
            *adverse_event_rows(trial),
        ]
    )


def crossover_rows(trial: str = "demo_crossover") -> pd.DataFrame:
    sequences = ("LDN then placebo", "Placebo then LDN")
    method = "Mixed model of AVAL on treatment, period and sequence; REML"
    rows = [
        *baseline_rows(trial, (*sequences, "Total")),
        *disposition_rows(trial, sequences),
    ]
    for group in ARMS:
        here = {"visit": "Week 6", "group": group, "method": method}
        rows += [
            trial_row(trial, "pain_week6", "n_analysed", estimate=31, **here),
            trial_row(trial, "pain_week6", "n_with_data", estimate=29, **here),
            trial_row(
                trial,
                "pain_week6",
                "ls_mean",
                estimate=4.5,
                standard_error=0.3,
                ci_lower=3.9,
                ci_upper=5.1,
                **here,
            ),
        ]
    for statistic, value in (
        ("variance_between_subjects", 1.234),
        ("variance_within_subjects", 0.876),
    ):
        rows.append(
            trial_row(trial, "pain_week6", statistic, estimate=value, method=method)
        )
    for statistic, contrast in (
        ("difference", CONTRAST),
        ("first_period_difference", CONTRAST),
        ("period_effect", "Period 2 versus Period 1"),
        ("sequence_effect", None),
    ):
        rows.append(
            trial_row(
                trial,
                "pain_week6",
                statistic,
                visit="Week 6",
                contrast=contrast,
                role="primary" if statistic == "difference" else "descriptive",
                method=method,
                estimate=-0.5,
                standard_error=0.25,
                df=27.0,
                p_value=0.056,
                ci_lower=-1.01,
                ci_upper=0.01,
            )
        )
    return estimates_frame(rows)


def synthesis_row(synthesis: str, statistic: str, **values: object) -> dict:
    parts = [values.get("model_id"), values.get("trial"), values.get("group")]
    row = {
        "row_id": ".".join(
            [_key(synthesis), *(str(p) for p in parts if p), _key(statistic)]
        ).replace(" ", "-"),
        "kind": "synthesis",
        "synthesis": synthesis,
        "statistic": statistic,
        "role": "descriptive",
        "scale": "natural",
        "method": "as published",
        "data_status": "published",
    }
    if "ci_lower" in values:
        row["confidence_level"] = 0.95
    return row | values


MAIN = {"model_id": "REML.knapp_hartung", "role": "primary"}
EQUAL = {"model_id": "EE.wald", "role": "sensitivity"}


def pain_rows(synthesis: str = "demo_pain") -> pd.DataFrame:
    """Two trials that point in opposite directions, pooled by two models."""
    rows = []
    for trial, effect, status in (("T1", -0.34, "published"), ("T2", 0.49, "derived")):
        for group, mean in (("LDN", -1.3), ("Placebo", -0.9)):
            here = {"trial": trial, "group": group, "parameter": "Pain intensity"}
            rows.append(synthesis_row(synthesis, "mean", estimate=mean, **here))
            rows.append(synthesis_row(synthesis, "n", estimate=49, **here))
            if trial == "T1":
                rows.append(
                    synthesis_row(
                        synthesis, "standard_deviation", estimate=1.57, **here
                    )
                )
        rows.append(
            synthesis_row(
                synthesis,
                "effect",
                trial=trial,
                parameter="Pain intensity",
                estimate=effect,
                ci_lower=effect - 0.61,
                ci_upper=effect + 0.61,
                n_subjects=98,
                data_status=status,
                method="published difference, standard error from its interval",
            )
        )
        rows.append(
            synthesis_row(synthesis, "weight", trial=trial, estimate=0.5, **MAIN)
        )
    rows += [
        synthesis_row(
            synthesis,
            "pooled_effect",
            estimate=0.031,
            ci_lower=-5.21,
            ci_upper=5.27,
            p_value=0.95,
            n_trials=2,
            n_subjects=197,
            method="Random effects, REML, Hartung-Knapp, 95% CI",
            **MAIN,
        ),
        synthesis_row(
            synthesis, "prediction_interval", ci_lower=-9.1, ci_upper=9.2, **MAIN
        ),
        synthesis_row(
            synthesis,
            "tau_squared",
            estimate=0.211,
            ci_lower=0.0,
            ci_upper=350.1,
            **MAIN,
        ),
        synthesis_row(synthesis, "i_squared", estimate=0.61, **MAIN),
        synthesis_row(
            synthesis,
            "pooled_effect",
            estimate=-0.04,
            ci_lower=-0.53,
            ci_upper=0.45,
            p_value=0.87,
            n_trials=2,
            n_subjects=197,
            method="Equal effects, Wald",
            **EQUAL,
        ),
        synthesis_row(
            synthesis,
            "published_pool",
            group="Review 2024 (PMID 1)",
            unit="MD",
            subgroup="MD",
            parameter="pain",
            estimate=-0.9,
            ci_lower=-1.5,
            ci_upper=-0.3,
            n_trials=2,
            data_status="recalled",
            method="MD, random effects",
        ),
    ]
    return estimates_frame(rows)


def serious_rows(synthesis: str = "demo_serious") -> pd.DataFrame:
    """One trial with events, one without any in either arm."""
    reason = "no event in either arm"
    needs = "needs at least 2 trials"
    rows = []
    for trial, events in (("T1", (2, 1)), ("T2", (0, 0))):
        for group, count in zip(("LDN", "Placebo"), events, strict=True):
            here = {"trial": trial, "group": group, "parameter": "serious"}
            rows.append(synthesis_row(synthesis, "events", estimate=count, **here))
            rows.append(synthesis_row(synthesis, "n", estimate=49, **here))
        effect = {"trial": trial, "scale": "log", "parameter": "serious"}
        known = (
            {"estimate": math.log(2), "ci_lower": math.log(0.19), "n_subjects": 98}
            | {"ci_upper": math.log(21.3)}
            if events[0]
            else {"not_estimable": reason}
        )
        rows.append(synthesis_row(synthesis, "effect", **effect, **known))
    rows.append(
        synthesis_row(
            synthesis,
            "pooled_effect",
            scale="log",
            estimate=math.log(2),
            ci_lower=math.log(0.19),
            ci_upper=math.log(21.3),
            n_trials=1,
            n_subjects=98,
            method="The trial's own effect: one trial, nothing pooled",
            **MAIN,
        )
    )
    rows += [
        synthesis_row(synthesis, s, not_estimable=needs, **MAIN)
        for s in ("prediction_interval", "tau_squared", "i_squared")
    ]
    return estimates_frame(rows)


def crohn_rows(synthesis: str = "demo_crohn") -> pd.DataFrame:
    """Two outcomes of one trial, shown and not pooled."""
    rows = []
    outcomes = (("clinical remission", 1.48, 5, 3), ("clinical response", 2.22, 15, 6))
    for outcome, ratio, first, second in outcomes:
        for group, events, n in (("LDN", first, 18), ("Placebo", second, 16)):
            for statistic, value in (("events", events), ("n", n)):
                row = synthesis_row(
                    synthesis,
                    statistic,
                    trial="T3",
                    group=group,
                    parameter=outcome,
                    estimate=value,
                    data_status="recalled",
                )
                row["row_id"] += "." + _key(outcome)
                rows.append(row)
        row = synthesis_row(
            synthesis,
            "effect",
            trial="T3",
            parameter=outcome,
            scale="log",
            estimate=math.log(ratio),
            ci_lower=math.log(ratio) - 0.7,
            ci_upper=math.log(ratio) + 0.7,
            n_subjects=34,
            data_status="recalled",
            method="counts",
        )
        row["row_id"] += "." + _key(outcome)
        rows.append(row)
    return estimates_frame(rows)


def agreement_rows() -> pd.DataFrame:
    shared = {
        "quantity": "estimate",
        "engine": "dense-matrix solution",
        "estimate": -0.34,
        "tolerance": 1e-6,
        "tolerance_reason": "closed form in both",
        "agrees": True,
    }
    rows = [
        shared
        | {
            "row_id": f"demo_parallel.pain_week12.difference-{n}",
            "second_estimate": -0.34,
            "relative_difference": n * 1e-13,
        }
        for n in (1, 3, 2)
    ]
    return frame_of(rows, AGREEMENT)


def account_steps() -> pd.DataFrame:
    """Two sources; of the second seven rows are set aside in two steps."""
    rows = []
    for source, received, asides, changed in (
        ("demographics", 101, [], 4),
        (
            "diary",
            900,
            [("resubmission", None, 5), ("not used", "no dataset holds it", 2)],
            15,
        ),
    ):
        left = received
        steps = [("received", None, 0), *asides, ("used", None, 0)]
        for position, (rule, reason, number) in enumerate(steps):
            rows.append(
                {
                    "source": source,
                    "files": f"data/raw/{source}.csv",
                    "step": position,
                    "rule": rule,
                    "reason": reason,
                    "n_in": left,
                    "n_set_aside": number,
                    "n_out": left - number,
                    "n_changed": changed if rule == "used" else None,
                }
            )
            left -= number
    return frame_of(rows, STEPS)


def changed_values() -> pd.DataFrame:
    row = {
        "source": "diary",
        "rule": "unit conversion",
        "column": "pain",
        "reason": HOSTILE,
        "n": 15,
        "examples": "row 3: 34 \N{RIGHTWARDS ARROW} 3.4",
    }
    return frame_of([row], CHANGES)


def dictionary_rows() -> pd.DataFrame:
    shared = {"dataset": "ADSL", "n_rows": 101, "type": "text", "n_missing": 0}
    rows = [
        shared
        | {"position": 1, "variable": "USUBJID", "label": "Subject", "key": 1}
        | {"origin": "Collected", "source": "demographics.subject"},
        shared
        | {"position": 2, "variable": "AGE", "label": HOSTILE, "unit": "years"}
        | {"type": "number", "origin": "Derived", "derivation": "BRTHDT to RANDDT"}
        | {"values": "18 to 64", "n_missing": 3},
    ]
    return frame_of(rows, DATA_DICTIONARY)


def warning_rows() -> pd.DataFrame:
    row = {
        "kind": "SD beyond the scale",
        "trial": "T1",
        "label": "Alpha 2024",
        "endpoint": "pain intensity",
        "outcome": HOSTILE,
        "file": "data/published/outcomes_continuous.csv",
        "row": 7,
        "column": "sd_ldn",
        "value": 15.7,
        "finding": "15.7, and the scale NRS 0-10 allows 5.05",
        "look": "the standard deviation, and the range of the scale",
    }
    return frame_of([row], PUBLISHED_WARNINGS)


def query_rows() -> pd.DataFrame:
    row = {
        "kind": "impossible value",
        "source": "diary",
        "file": "data/raw/diary.csv",
        "row": 17,
        "USUBJID": "DEMO-001",
        "column": "pain",
        "value": HOSTILE,
        "finding": "outside 0 to 10",
        "resolution": "set aside",
    }
    return frame_of([row], QUERIES)


def set_aside_rows() -> pd.DataFrame:
    row = {
        "source": "diary",
        "file": "data/raw/diary.csv",
        "row": 17,
        "rule": "range",
        "reason": "outside 0 to 10",
        "raw": '{"subject": "001", "pain": "55", "note": null}',
    }
    return frame_of([row], SET_ASIDE)


def published_trials() -> pd.DataFrame:
    shared = {
        "citation": "Alpha A. A trial. J Trials 2024",
        "condition": "fibromyalgia",
        "condition_group": "Chronic pain",
        "design": "RCT, double-blind",
        "comparator": "placebo",
        "use": "ship",
        "evidence_status": "seen",
    }
    rows = [
        shared
        | {
            "trial": "T1",
            "label": "Alpha 2024",
            "doi": "10.1000/x<y",
            "pmid": "38258677",
            "registry": "NCT04270877; EudraCT 2019-000702-30",
            "dose": "6",
            "weeks": "12",
            "n_randomised": 99,
            "n_analysed_ldn": 49,
            "n_analysed_placebo": 50,
        },
        shared | {"trial": "T2", "label": "Beta 2025", "use_note": HOSTILE},
        shared
        | {
            "trial": "T3",
            "label": "Gamma 2011",
            "condition_group": "Autoimmune disease",
            "evidence_status": "recalled",
        },
    ]
    return frame_of(rows, PUBLISHED_TRIALS)


def published_effects() -> pd.DataFrame:
    row = {
        "trial": "T1",
        "label": "Alpha 2024",
        "condition": "fibromyalgia",
        "design": "parallel",
        "comparator": "placebo",
        "endpoint": "pain intensity",
        "outcome": "pain",
        "type": "change",
        "evidence_status": "seen",
        "file": "outcomes_continuous.csv",
        "row": 2,
    }
    return frame_of([row], EFFECTS)


def evidence_rows() -> pd.DataFrame:
    """Two trials as the evidence map has them."""
    return pd.DataFrame(
        {
            "group": ["chronic pain", "mental health"],
            "condition_group": ["fibromyalgia", "depression"],
            "trial": ["T1", "T2"],
            "label": ["Alpha 2024", "Beta 2025"],
            "design_class": ["randomised parallel", "randomised crossover"],
            "comparator": ["placebo", HOSTILE],
            "dose": ["6", None],
            "weeks": ["12", "12 v 4"],
            "n": [99, 31],
            "n_how": ["randomised", "analysed"],
            "offers": ["pooled", "no usable number"],
            "syntheses": ["demo_pain", None],
            "reason": [None, "No number was published or found."],
            "remark": ["One remark.", None],
            "use": ["ship", "not usable"],
            "evidence_status": ["seen", "recalled"],
        }
    )
