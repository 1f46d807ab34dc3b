"""Draft the configuration of a trial from the files that were received."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from trialstats.describe.analyses import draft_analyses
from trialstats.describe.arms import Arms, arms_of
from trialstats.describe.columns import Column, columns_of
from trialstats.describe.crossover import Crossover, crossover_of
from trialstats.describe.domains import draft_domains
from trialstats.describe.event_tables import draft_events, draft_times
from trialstats.describe.measurements import draft_measurements
from trialstats.describe.received import Received, source_names, stem, trial_name
from trialstats.describe.sheet import Sheet
from trialstats.describe.sources import draft_sources, draft_unused
from trialstats.describe.stacking import stacked
from trialstats.describe.study import Study
from trialstats.describe.subject_table import (
    draft_sets,
    draft_subjects,
    draft_treatment,
)
from trialstats.describe.subjects import Table, contained, linked
from trialstats.describe.words import label, says
from trialstats.describe.writing import written
from trialstats.errors import DataError


@dataclass(frozen=True)
class Draft:
    """A configuration to begin with.

    Attributes
    ----------
    text : str
        YAML; every guess has a comment that begins with ``guess:`` above it.
    config : dict
        What the text says.
    """

    text: str
    config: dict[str, Any]


def describe(files: Sequence[Received], *, trial: str | None = None) -> Draft:
    """Return a draft of the configuration of a trial.

    What the cells hold counts first, then what columns are called. The draft fits the
    schema of trial configurations, and says above each guess what speaks for it.

    Parameters
    ----------
    files : sequence of Received
        The files of the trial.
    trial : str, optional
        Name of the trial; made from the folder of the first file when not given.

    Returns
    -------
    Draft

    Raises
    ------
    DataError
        When no column can be the treatment, or a table has no column with values.
    """
    if not files:
        raise DataError("no file to describe", remedy="name at least one file")
    name = trial or trial_name(files[0].path)
    heading = _heading(len(files))
    files = stacked(files)
    sheet, study = _begun(files)
    crossover = crossover_of(study.tables, study.main)
    found = crossover or arms_of(study.tables, study.main)
    if found is None:
        raise DataError(
            "no column with the treatment was found: one of few values, the same in "
            "all rows of a subject, with about as many subjects each",
            file=files[study.subjects.number].path,
            remedy="add the file that says who was treated with what, or the column",
        )
    _head(sheet, name, files, found)
    draft_sources(study, files, name)
    group = draft_treatment(study, found)
    draft_domains(study)
    draft_times(study)
    draft_events(study)
    draft_measurements(study, crossover)
    draft_subjects(study, group)
    draft_unused(study)
    draft_sets(study, "TRTSEQP" if crossover else "TRT01P")
    draft_analyses(study, crossover)
    config = {key: sheet.config[key] for key in _ORDER if key in sheet.config}
    ordered = Sheet(config, sheet.remarks)
    return Draft(written(ordered, heading), config)


_MADE_UP = {"synthetic", "simulated", "dummy", "fake"}

_ORDER = [
    *("trial", "title", "data_status", "design", "condition", "arms", "sequences"),
    *("periods", "missing_codes", "date_formats", "sources", "adsl", "bds", "adae"),
    *("adtte", "analysis_sets", "analyses"),
]


def _heading(number: int) -> list[str]:
    return [
        f"Draft from {number} file{'s' if number > 1 else ''}. "
        "What was guessed is marked `guess:`, with the",
        "evidence; check it, write what it should be, and take the comment away.",
    ]


def _begun(files: Sequence[Received]) -> tuple[Sheet, Study]:
    """Return an empty draft and the tables that belong to one trial."""
    sheet = Sheet()
    columns = [columns_of(file) for file in files]
    for file, found in zip(files, columns, strict=True):
        if not any(c.levels for c in found.values()):
            raise DataError(
                "no column holds a value",
                file=file.path,
                remedy="leave the file out, or send it with its rows",
            )
    columns = _labelled(columns)
    inside = contained(columns)
    kept = [n for n in range(len(files)) if n not in inside]
    tables, out, main = linked([columns[n] for n in kept])
    tables = [Table(kept[t.number], t.columns, t.subject) for t in tables]
    short = [PurePath(file.path).name for file in files]
    for small, large in inside.items():
        what = f"{short[small]} is left out: all its rows are in {short[large]}"
        sheet.remark(("sources",), what)
    for number in out:
        what = f"{short[kept[number]]} is left out: no column holds the subjects"
        sheet.remark(("sources",), what)
    names = source_names(files)
    subject = tables[main].subject or _free_name("subject", tables[main].columns)
    study = Study(
        tables,
        main,
        [names[t.number] for t in tables],
        subject,
        sheet,
        [set() for _ in tables],
    )
    return sheet, study


def _free_name(name: str, taken: Collection[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _labelled(files: Sequence[dict[str, Column]]) -> list[dict[str, Column]]:
    """Return columns with the label that a column of the same name has elsewhere."""
    labels: dict[str, str] = {}
    for columns in files:
        for name, column in columns.items():
            if column.label:
                labels.setdefault(name, column.label)
    return [
        {
            name: replace(column, label=column.label or labels.get(name))
            for name, column in columns.items()
        }
        for columns in files
    ]


def _head(
    sheet: Sheet,
    name: str,
    files: Sequence[Received],
    group: Arms | Crossover,
) -> None:
    plain = name.replace("_", "-").upper()
    sheet.put(("trial",), plain, guess="the name of the folder or file")
    sheet.put(
        ("title",), label(name.lower()), guess="from the name; write a full title"
    )
    made_up = all(says(stem(file.path), _MADE_UP) for file in files)
    if made_up:
        sheet.put(("data_status",), "synthetic", guess="the names of the files")
    else:
        sheet.put(("data_status",), "individual")
    crossover = isinstance(group, Crossover)
    sheet.put(("design",), "crossover" if crossover else "parallel")
    sheet.put(("condition",), "not stated", guess="no file says it")
    arms = {"control": group.control, "treatments": group.treatments}
    if isinstance(group, Crossover):
        sheet.remark(("design",), f"guess: {group.evidence}")
        sheet.put(("arms",), arms, guess="which of them is the control")
        sheet.put(("sequences",), group.sequences)
    else:
        sheet.put(("arms",), arms, guess=f"the control: {group.why_control}")
