"""The flow of records through a review, as the configuration counts it."""

from collections.abc import Iterator, Mapping
from typing import Any

from trialstats.analyses.synthesis_rows import Row, Subject

#: Key of ``prisma`` -> what it counts. Keys whose value is a mapping have a row each.
_BOXES = {
    "identified": "records identified",
    "duplicates": "records removed before screening: duplicates",
    "ineligible_by_automation": "records removed before screening: marked as "
    "ineligible by automation tools",
    "removed_for_other_reasons": "records removed before screening: other reasons",
    "screened": "records screened",
    "excluded": "records excluded",
    "sought": "reports sought for retrieval",
    "not_retrieved": "reports not retrieved",
    "assessed": "reports assessed for eligibility",
    "excluded_reports": "reports excluded",
    "previous": "in the previous version of the review",
    "included": "newly included in the review",
    "total": "included in the review in total",
}


def flow_rows(config: Mapping[str, Any], subject: Subject) -> Iterator[Row]:
    """Yield the counts of a PRISMA 2020 flow diagram.

    Parameters
    ----------
    config : mapping
        The synthesis; nothing comes of one without ``prisma``.
    subject : Subject
        What all rows of the synthesis share.

    Yields
    ------
    mapping
        ``prisma_<key>``, those of other methods ``prisma_other_<key>``; `group` says
        which source, reason or unit is counted.
    """
    prisma = dict(config.get("prisma") or {})
    if not prisma:
        return
    other = prisma.pop("other_methods", {})
    if "previous" in prisma:
        prisma["total"] = {
            unit: prisma["previous"][unit] + prisma["included"][unit]
            for unit in ("studies", "reports")
        }
    yield from _counted("prisma", prisma, subject)
    yield from _counted("prisma_other", other, subject)


def _counted(start: str, counts: Mapping[str, Any], subject: Subject) -> Iterator[Row]:
    for key, words in _BOXES.items():
        if key not in counts:
            continue
        value = counts[key]
        listed = value if isinstance(value, Mapping) else {None: value}
        for group, n in listed.items():
            statistic = f"{start}_{key}"
            yield subject.row(
                statistic,
                group,
                parameter=words,
                group=group,
                statistic=statistic,
                scale="natural",
                estimate=float(n),
                method="counted by the reviewers, as configured",
                data_status="published",
            )
