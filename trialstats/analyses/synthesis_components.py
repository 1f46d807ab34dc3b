"""The variances of a model with several levels, a row each."""

from collections.abc import Iterator, Mapping
from typing import Any

from trialstats.analyses.combining import Combined
from trialstats.analyses.synthesis_beside import known
from trialstats.analyses.synthesis_rows import Row, Subject


def component_rows(
    pooled: Combined, subject: Subject, about: Mapping[str, Any]
) -> Iterator[Row]:
    """Yield the variance of each level and its share; nothing for other models."""
    components = getattr(pooled.fit, "components", None)
    if components is None:
        return
    for found in components.to_dict("records"):
        level = str(found["term"])
        shared = {
            **about,
            "parameter": subject.outcome,
            "group": level,
            "contrast": subject.contrast,
            "scale": "natural",
        }
        lower, upper = known(found["ci_lower"]), known(found["ci_upper"])
        yield subject.row(
            about["model_id"],
            level,
            "variance_component",
            **shared,
            statistic="variance_component",
            estimate=known(float(found["estimate"])),
            ci_lower=lower,
            ci_upper=upper,
            confidence_level=None if lower is None else pooled.level,
            method=f"variance of {level}; profile-likelihood interval; {pooled.method}",
        )
        yield subject.row(
            about["model_id"],
            level,
            "variance_share",
            **shared,
            statistic="variance_share",
            estimate=known(float(found["i_squared"])),
            method=f"share of {level} in the variance of an effect; {pooled.method}",
        )
