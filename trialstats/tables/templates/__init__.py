"""Layouts of declared tables: rows of the estimates in, columns and rows out."""

from collections.abc import Callable, Mapping

from trialstats.tables.table import Column, Row
from trialstats.tables.templates.characteristics import characteristics_layout
from trialstats.tables.templates.counts import counts_layout
from trialstats.tables.templates.estimates import estimates_layout
from trialstats.tables.templates.listing import listing_layout
from trialstats.tables.templates.means import ancova_layout, mmrm_layout
from trialstats.tables.templates.responder import responder_layout
from trialstats.tables.templates.sheet import Sheet, sheet_of
from trialstats.tables.templates.time_to_event import time_to_event_layout
from trialstats.tables.templates.visits import change_layout, summary_layout

#: Template -> its layout, of those that lay out rows of the estimates themselves.
LAYOUTS: Mapping[str, Callable[[Sheet], tuple[list[Column], list[Row]]]] = {
    "counts": counts_layout,
    "characteristics": characteristics_layout,
    "ancova": ancova_layout,
    "mmrm": mmrm_layout,
    "responder": responder_layout,
    "time_to_event": time_to_event_layout,
    "summary": summary_layout,
    "change": change_layout,
    "estimates": estimates_layout,
}

__all__ = ["LAYOUTS", "Sheet", "listing_layout", "sheet_of"]
