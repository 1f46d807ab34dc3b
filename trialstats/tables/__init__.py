"""Rows in, tables out: computes nothing, rounds by `trialstats.formatting` only."""

from trialstats.tables.account import (
    account_table,
    agreement_table,
    changes_table,
)
from trialstats.tables.adverse_events import adverse_events_table
from trialstats.tables.cells import written_as
from trialstats.tables.declared import declared_table, listed_datasets, table_names
from trialstats.tables.dictionary import dictionary_table
from trialstats.tables.efficacy import efficacy_table
from trialstats.tables.findings import findings_tables
from trialstats.tables.formats.docx import to_docx
from trialstats.tables.formats.files import write_tables
from trialstats.tables.formats.latex import latex_document, to_latex
from trialstats.tables.formats.page import Page
from trialstats.tables.formats.rtf import to_rtf
from trialstats.tables.heterogeneity import (
    meta_regression_table,
    small_study_table,
    subgroups_table,
)
from trialstats.tables.of_synthesis import synthesis_tables
from trialstats.tables.participants import (
    baseline_table,
    disposition_table,
    labels_of,
)
from trialstats.tables.pools import published_pools_table
from trialstats.tables.published import evidence_table, trial_characteristics
from trialstats.tables.quality import (
    quality_table,
    queries_table,
    set_aside_table,
    warnings_table,
)
from trialstats.tables.render import to_csv_frame, to_html, to_page
from trialstats.tables.sensitivity import influence_table, sensitivity_table
from trialstats.tables.summary import summary_of_effects
from trialstats.tables.synthesis import trial_effects_table
from trialstats.tables.table import Cell, Column, Row, Table
from trialstats.tables.trial import trial_tables

__all__ = [
    "Cell",
    "Column",
    "Page",
    "Row",
    "Table",
    "account_table",
    "adverse_events_table",
    "agreement_table",
    "baseline_table",
    "changes_table",
    "declared_table",
    "dictionary_table",
    "disposition_table",
    "efficacy_table",
    "evidence_table",
    "findings_tables",
    "influence_table",
    "labels_of",
    "latex_document",
    "listed_datasets",
    "meta_regression_table",
    "published_pools_table",
    "quality_table",
    "queries_table",
    "sensitivity_table",
    "set_aside_table",
    "small_study_table",
    "subgroups_table",
    "summary_of_effects",
    "synthesis_tables",
    "table_names",
    "to_csv_frame",
    "to_docx",
    "to_html",
    "to_latex",
    "to_page",
    "to_rtf",
    "trial_characteristics",
    "trial_effects_table",
    "trial_tables",
    "warnings_table",
    "write_tables",
    "written_as",
]
