"""What a pooled effect means for people: risks under control and under treatment."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from trialstats.analyses.combining import Combined
from trialstats.analyses.synthesis_rows import Row, Subject
from trialstats.analyses.trial_effect import TrialEffect
from trialstats.meta.absolute_effects import ABSOLUTE, risk_with_treatment
from trialstats.vocabulary import PROPORTION

Config = Mapping[str, Any]

#: Name of the group whose risk comes from the trials themselves.
MEDIAN_RISK = "median of the control arms"

_FROM_EFFECT = (
    "the pooled effect applied to the risk under control, its limits likewise; the "
    "risk under control is taken as known"
)


def findings_rows(
    pooled: Combined,
    effects: Sequence[TrialEffect],
    config: Config,
    subject: Subject,
    about: Mapping[str, Any],
) -> Iterator[Row]:
    """Yield risks with control and with treatment, and their difference.

    Parameters
    ----------
    pooled : Combined
        The main model.
    effects : sequence of TrialEffect
        The trials that entered; the counts of their control arms give the risk where
        the configuration names none.
    config : mapping
        The synthesis; ``findings.control_risks`` names risks under control.
    subject : Subject
        What all rows share.
    about : mapping
        What the rows of the main model share.

    Yields
    ------
    mapping
        Three rows for each risk under control; none for measures that give no risk.
    """
    if subject.measure not in ABSOLUTE:
        return
    found = [pooled.value(n) for n in ("estimate", "ci_lower", "ci_upper")]
    points = [value for value in found if value is not None]
    for group, risk, how in _control_risks(config, effects):
        if risk is None or len(points) < len(found):
            reason = how if risk is None else "there is no pooled effect"
            yield _row("risk_with_treatment", group, subject, about) | {
                "not_estimable": reason,
                "method": _FROM_EFFECT,
            }
            continue
        control = _row("risk_with_control", group, subject, about)
        yield control | {"estimate": risk, "method": how}
        risks = risk_with_treatment(subject.measure, points, risk)
        for statistic, shift in (("risk_with_treatment", 0.0), ("risk_change", risk)):
            estimate, lower, upper = (float(value) - shift for value in risks)
            yield _row(statistic, group, subject, about) | {
                "estimate": estimate,
                "ci_lower": lower,
                "ci_upper": upper,
                "confidence_level": pooled.level,
                "method": _FROM_EFFECT,
            }


def _row(statistic: str, group: str, subject: Subject, about: Mapping[str, Any]) -> Row:
    row = subject.row(
        about["model_id"],
        group,
        statistic,
        **about,
        parameter=subject.outcome,
        group=group,
        contrast=subject.contrast,
        statistic=statistic,
        scale="natural",
        unit=PROPORTION,
    )
    return row | {"role": "descriptive"}


def _control_risks(
    config: Config, effects: Sequence[TrialEffect]
) -> Iterator[tuple[str, float | None, str]]:
    """Yield name, risk and how it is known, or None and the reason."""
    named = (config.get("findings") or {}).get("control_risks")
    if named:
        for name, risk in named.items():
            yield name, float(risk), "risk under control as configured"
        return
    risks = [r for r in (_control_risk(effect) for effect in effects) if r is not None]
    if not risks:
        yield MEDIAN_RISK, None, "no trial gives the events of its control arm"
        return
    middle = median(risks)
    if not 0 < middle < 1:
        reason = (
            f"the median risk of the control arms is {middle:g}; name a risk under "
            "findings.control_risks"
        )
        yield MEDIAN_RISK, None, reason
        return
    arms = "the control arm" if len(risks) == 1 else f"{len(risks)} control arms"
    words = "risk" if len(risks) == 1 else "median risk"
    yield MEDIAN_RISK, middle, f"{words} of {arms}"


def _control_risk(effect: TrialEffect) -> float | None:
    """Return the share of the control arm that has the event."""
    numbers = {i.statistic: i.estimate for i in effect.inputs if i.group == "placebo"}
    if "events" not in numbers or not numbers.get("n"):
        return None
    return numbers["events"] / numbers["n"]
