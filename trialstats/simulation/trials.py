"""The true values of the three synthetic trials.

Sizes and spreads are patterned on published trials; the effects are chosen.
"""

import math
from collections.abc import Sequence

from trialstats.simulation.crossover import CrossoverDesign
from trialstats.simulation.designs import (
    ChangeModel,
    Dropout,
    ParallelDesign,
    Responder,
)
from trialstats.simulation.events import TermRisk


def _linear(final: float, weeks: Sequence[int]) -> tuple[float, ...]:
    """Return an effect that grows in proportion to the week up to `final`."""
    return tuple(final * week / weeks[-1] for week in weeks)


def _levelling(final: float, weeks: Sequence[int], rate: float) -> tuple[float, ...]:
    """Return a change that falls fast at first and reaches `final` at the end."""
    end = 1 - math.exp(-rate * weeks[-1])
    return tuple(final * (1 - math.exp(-rate * week)) / end for week in weeks)


_WEEKLY = tuple(range(1, 13))
_MONTHLY = (4, 8, 12)

#: Published: 99 women; change in pain -1.3 under 6 mg and -0.9 under placebo with
#: standard deviations near 1.6; pain of 4 or more at inclusion.
FM_PARALLEL = ParallelDesign(
    trial="FM-PARALLEL",
    n_treatment=49,
    n_control=50,
    last_week=12,
    outcomes={
        "PAINNRS": ChangeModel(
            weeks=_WEEKLY,
            control_change=_levelling(-0.9, _WEEKLY, 1 / 3),
            difference=_linear(-0.5, _WEEKLY),
            baseline_low=4.0,
            baseline_high=9.0,
            baseline_shape=(2.0, 2.0),
            slope=-0.3,
            sd_between=1.05,
            sd_within=0.95,
        ),
        "FIQR": ChangeModel(
            weeks=_MONTHLY,
            control_change=_levelling(-6.0, _MONTHLY, 1 / 4),
            difference=_linear(-4.0, _MONTHLY),
            baseline_low=35.0,
            baseline_high=80.0,
            baseline_shape=(2.0, 2.0),
            slope=-0.25,
            sd_between=9.0,
            sd_within=8.0,
        ),
    },
    correlation=0.5,
    # About 8 % leave, more of those with more pain at baseline.
    dropout=Dropout("PAINNRS", log_odds=-2.5, slope=0.35),
    responders={"PAIN30": Responder("PAINNRS", lambda base: -0.3 * base)},
)

#: Published: forty adults, CDAI of 220 or more at inclusion.
CD_PARALLEL = ParallelDesign(
    trial="CD-PARALLEL",
    n_treatment=20,
    n_control=20,
    last_week=12,
    outcomes={
        "CDAI": ChangeModel(
            weeks=_MONTHLY,
            control_change=_levelling(-60.0, _MONTHLY, 1 / 5),
            difference=_linear(-50.0, _MONTHLY),
            baseline_low=220.0,
            baseline_high=450.0,
            baseline_shape=(2.0, 3.0),
            slope=-0.3,
            sd_between=55.0,
            sd_within=50.0,
        ),
        "LOGCRP": ChangeModel(
            weeks=_MONTHLY,
            control_change=_levelling(-0.15, _MONTHLY, 1 / 5),
            difference=_linear(-0.25, _MONTHLY),
            baseline_low=math.log(4.0),
            baseline_high=math.log(70.0),
            baseline_shape=(2.0, 2.5),
            slope=-0.2,
            sd_between=0.40,
            sd_within=0.35,
        ),
        "STOOLS": ChangeModel(
            weeks=_MONTHLY,
            control_change=_levelling(-5.0, _MONTHLY, 1 / 5),
            difference=_linear(-5.0, _MONTHLY),
            baseline_low=22.0,
            baseline_high=50.0,
            baseline_shape=(2.0, 2.5),
            slope=-0.3,
            sd_between=4.0,
            sd_within=4.0,
        ),
    },
    correlation=0.4,
    # One in ten leaves, completely at random.
    dropout=Dropout("CDAI", log_odds=math.log(1 / 9)),
    responders={
        "REMISS": Responder("CDAI", lambda base: 150.0 - base),
        "RESP70": Responder("CDAI", lambda base: 0.0 * base - 70.0),
        "RESP100": Responder("CDAI", lambda base: 0.0 * base - 100.0),
    },
)

#: Published: 31 women, 16 with the active treatment first.
FM_CROSSOVER = CrossoverDesign(
    trial="FM-CROSSOVER",
    n_treatment_first=16,
    n_control_first=15,
    weeks=6,
    washout_weeks=2,
    baseline_pain=6.4,
    control_change=_levelling(-0.6, range(1, 7), 1 / 2),
    difference=_linear(-0.8, range(1, 7)),
    period_effect=-0.2,
    sd_subject=1.1,
    sd_subject_period=0.6,
    sd_day=0.8,
    dropout_probability=0.1,
    baseline_impact=57.0,
    impact_control_change=-5.0,
    impact_difference=-6.0,
    impact_period_effect=-1.0,
    impact_sd_subject=10.0,
    impact_sd_within=7.0,
)

#: Risk of each event under treatment and under control during the trial, or during
#: one period of the crossover trial.
EVENTS: dict[str, tuple[TermRisk, ...]] = {
    "FM-PARALLEL": (
        TermRisk("Headache", 0.33, 0.30),
        TermRisk("Vivid dreams", 0.31, 0.14),
        TermRisk("Nausea", 0.27, 0.20),
        TermRisk("Dizziness", 0.20, 0.18),
        TermRisk("Insomnia", 0.18, 0.15),
        TermRisk("Fatigue", 0.14, 0.20),
        TermRisk("Diarrhoea", 0.12, 0.10),
        TermRisk("Nasopharyngitis", 0.12, 0.15),
    ),
    "FM-CROSSOVER": (
        TermRisk("Vivid dreams", 0.30, 0.12),
        TermRisk("Headache", 0.16, 0.10),
        TermRisk("Nausea", 0.10, 0.08),
        TermRisk("Insomnia", 0.08, 0.06),
        TermRisk("Dizziness", 0.06, 0.06),
    ),
    "CD-PARALLEL": (
        TermRisk("Headache", 0.20, 0.18),
        TermRisk("Nausea", 0.18, 0.15),
        TermRisk("Insomnia", 0.25, 0.12),
        TermRisk("Abdominal pain", 0.10, 0.20),
        TermRisk("Fatigue", 0.12, 0.12),
        TermRisk("Vivid dreams", 0.15, 0.05),
        TermRisk("Arthralgia", 0.06, 0.08),
    ),
}

#: The one serious event of each trial; its subject, and so its arm, is drawn.
SERIOUS = {
    "FM-PARALLEL": "Cholecystitis",
    "FM-CROSSOVER": "Wrist fracture",
    "CD-PARALLEL": "Intestinal obstruction",
}
