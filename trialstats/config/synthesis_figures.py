"""Figures of a synthesis: which it can have, and whether a flow of records adds up."""

from collections.abc import Iterator, Mapping
from typing import Any

Counts = Mapping[str, Any]

_REMOVED = ("duplicates", "ineligible_by_automation", "removed_for_other_reasons")


def prisma_problems(synthesis: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every box of ``prisma`` that does not follow from those before it.

    Parameters
    ----------
    synthesis : mapping
        A synthesis that fits its schema.

    Yields
    ------
    tuple of str
        The place, and what is wrong.
    """
    flow = synthesis.get("prisma")
    if not flow:
        return
    removed = sum(flow.get(key, 0) for key in _REMOVED)
    identified = sum(flow["identified"].values())
    yield from _unequal(
        "prisma.screened",
        flow["screened"],
        identified - removed,
        f"{identified} identified less {removed} removed",
    )
    yield from _unequal(
        "prisma.sought",
        flow["sought"],
        flow["screened"] - flow["excluded"],
        f"{flow['screened']} screened less {flow['excluded']} excluded",
    )
    yield from _retrieved("prisma", flow)
    eligible = _eligible(flow)
    other = flow.get("other_methods")
    if other:
        found = sum(other["identified"].values())
        place = "prisma.other_methods"
        yield from _unequal(
            f"{place}.sought", other["sought"], found, f"{found} identified"
        )
        yield from _retrieved(place, other)
        eligible += _eligible(other)
    yield from _unequal(
        "prisma.included.reports",
        flow["included"]["reports"],
        eligible,
        "the reports assessed less those excluded",
    )
    for key in ("included", "previous"):
        counts = flow.get(key)
        if counts and counts["studies"] > counts["reports"]:
            yield (
                f"prisma.{key}",
                f"{counts['studies']} studies cannot have {counts['reports']} reports; "
                "a study has one report or more",
            )


def _eligible(flow: Counts) -> int:
    return int(flow["assessed"] - sum(flow.get("excluded_reports", {}).values()))


def _retrieved(place: str, flow: Counts) -> Iterator[tuple[str, str]]:
    sought, lost = flow["sought"], flow.get("not_retrieved", 0)
    yield from _unequal(
        f"{place}.assessed",
        flow["assessed"],
        sought - lost,
        f"{sought} sought less {lost} not retrieved",
    )


def _unequal(
    place: str, written: int, right: int, why: str
) -> Iterator[tuple[str, str]]:
    if written != right:
        yield place, f"is {written}, but {why} make {right}; correct one of them"


#: Figures that a model must be able to give, and what they need.
_OF_MODELS = ("radial", "baujat", "influence", "leave_one_out", "gosh")


def figure_problems(synthesis: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield figures that are asked for and that a synthesis cannot have.

    Parameters
    ----------
    synthesis : mapping
        A synthesis that fits its schema.

    Yields
    ------
    tuple of str
        The place, and what is wrong.
    """
    model = synthesis.get("model") or {}
    plain = model.get("method", "inverse_variance") == "inverse_variance"
    for number, name in enumerate(synthesis.get("figures") or ()):
        place = f"figures.{number}"
        if name == "prisma" and "prisma" not in synthesis:
            yield place, "a flow diagram needs its counts under `prisma`"
        if name == "labbe" and synthesis["measure"] not in ("RR", "OR", "RD"):
            what = f"needs RR, OR or RD, not {synthesis['measure']}"
            yield place, f"a L'Abbé plot {what}; leave it out"
        if name not in _OF_MODELS:
            continue
        needs = f"{name} needs a model of independent effects by their variances"
        if not synthesis["pooling"] or not plain or "levels" in model:
            yield place, f"{needs}; leave it out"
        elif name != "gosh" and not synthesis.get("diagnostics", True):
            yield place, f"{name} needs `diagnostics`; leave it out, or set them true"
