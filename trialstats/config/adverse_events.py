"""Analyses of adverse events: variables, orders and conditions that exist."""

from collections.abc import Iterator, Mapping
from typing import Any

from trialstats.config.checking import unknown_name
from trialstats.config.formulas import condition_problems

Config = Mapping[str, Any]
Found = Iterator[tuple[str, str]]

#: Orders of terms that need no arm.
ORDERS = ("frequency", "alphabet")

#: Variables of ADAE that are there whatever the trial recorded.
_ALWAYS = {
    "USUBJID": "text",
    "TRT01P": "text",
    "TRTP": "text",
    "AEDECOD": "text",
    "ASTDT": "date",
    "ASTDY": "integer",
    "TRTEMFL": "text",
}


def adverse_event_problems(trial: Config, place: str, analysis: Config) -> Found:
    """Yield place and sentence where an analysis of adverse events cannot be made."""
    model, at = analysis["model"], f"{place}.model"
    dated = {"ASTDT": "date", "AENDT": "date"}
    variables = trial.get("adae", {}).get("variables", {})
    known = {name: dated.get(name, "text") for name in variables} | _ALWAYS
    levels = [name for name, kind in known.items() if kind == "text"]
    for name in model.get("by", ()):
        yield from unknown_name(f"{at}.by", "ADAE variable", name, levels)
    for key in ("severity", "relation"):
        if key in model:
            yield from unknown_name(
                f"{at}.{key}", "ADAE variable", model[key], variables
            )
    for name, text in model.get("overview", {}).items():
        where = f"{at}.overview.{name}"
        yield from condition_problems(where, text, known, kind="ADAE variable")
    yield from _order_problems(trial, at, model)
    if "test" in model and trial["design"] == "crossover":
        what = "the treatments of a crossover have the same subjects"
        yield f"{at}.test", f"{what}, and Fisher's test needs others; leave it out"
    elif model.get("test", "fisher") != "fisher":
        yield f"{at}.test", "adverse events are tested by fisher"


def _order_problems(trial: Config, at: str, model: Config) -> Found:
    given = model.get("order", [])
    orders = [given] if isinstance(given, str) else given
    arms = [*trial["arms"]["treatments"], trial["arms"]["control"]]
    for order in orders:
        yield from unknown_name(f"{at}.order", "order", order, [*ORDERS, *arms])
    by = model.get("by", ["AETERM"])
    if not isinstance(given, str) and orders and len(orders) != len(by):
        what = f"{len(orders)} orders for {len(by)} level(s) of terms"
        yield f"{at}.order", f"{what}; write one for each of {', '.join(by)}, or one"
