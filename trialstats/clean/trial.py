"""Clean one trial: raw tables in, datasets and their account out.

What is derived of a subject depends on no other subject, so that a trial can be cleaned
in parts, some subjects at a time; what all subjects together tell is found at the end.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialstats.clean.account import Ledger, account_counts
from trialstats.clean.adae import build_adae
from trialstats.clean.adsl import build_adsl, subject_source
from trialstats.clean.adtte import build_adtte
from trialstats.clean.bds import build_bds, unseen_visits, without_unseen
from trialstats.clean.findings import find_overall
from trialstats.clean.preparing import (
    Prepared,
    join_sources,
    prepare,
    stacked,
)
from trialstats.clean.sources import open_sources
from trialstats.clean.subjects import (
    Roster,
    query_alike,
    require_subjects,
    roster_of,
    subject_ids,
)
from trialstats.config.raw_files import files_of
from trialstats.raw import RawTable

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CleanPart:
    """The datasets of some subjects of a trial."""

    adsl: pd.DataFrame
    bds: pd.DataFrame
    adae: pd.DataFrame
    adtte: pd.DataFrame


@dataclass(frozen=True, slots=True)
class CleanTrial:
    """The datasets of one trial and the account of its raw rows.

    Attributes
    ----------
    adsl, bds, adae, adtte : DataFrame
        Subjects, measurements, adverse events, times to events.
    account, set_aside, queries : DataFrame
        What became of every raw row; the rows not used; findings about quality.
    """

    adsl: pd.DataFrame
    bds: pd.DataFrame
    adae: pd.DataFrame
    adtte: pd.DataFrame
    account: pd.DataFrame
    set_aside: pd.DataFrame
    queries: pd.DataFrame


def clean_trial(config: Config, tables: Mapping[str, Any]) -> CleanTrial:
    """Clean the raw sources of one trial, all subjects at once.

    Parameters
    ----------
    config : mapping
        The trial's configuration, checked.
    tables : mapping of str to RawTable or list of RawTable
        The files of each source as `trialstats.io.read_raw` returns them.

    Returns
    -------
    CleanTrial

    Raises
    ------
    DataError
        With every error of the data that was found, each with file, row, column,
        value and remedy.
    """
    ledger = Ledger(subject_column=config["adsl"]["subject"])
    prepared = {
        name: prepared_source(spec, _listed(tables[name]))
        for name, spec in config["sources"].items()
    }
    for name, source in prepared.items():
        files = list(files_of(config["sources"][name]).values())
        ledger.receive(name, files, source.file_of, source.row_of)
        ledger.show(name, source.frame)
    prepared = join_sources(config, prepared, ledger)
    part = clean_part(config, prepared, None, ledger)
    finish(config, ledger)
    account = ledger.account()
    account_counts(account)
    return CleanTrial(
        adsl=part.adsl,
        bds=without_unseen(part.bds, unseen_visits(config, ledger)),
        adae=part.adae,
        adtte=part.adtte,
        account=account,
        set_aside=ledger.set_aside_rows(),
        queries=ledger.query_rows(),
    )


def _listed(tables: RawTable | Iterable[RawTable]) -> list[RawTable]:
    return [tables] if isinstance(tables, RawTable) else list(tables)


def prepared_source(spec: Config, tables: list[RawTable]) -> Prepared:
    """Return the files of a source as one table."""
    parts, first = [], 0
    for number, (table, name) in enumerate(zip(tables, files_of(spec), strict=True)):
        parts.append(prepare(spec, table, number=number, name=name, first=first))
        first += table.num_rows
    return stacked(parts, files_of(spec).values())


def clean_part(
    config: Config,
    prepared: Mapping[str, Prepared],
    roster: Roster | None,
    ledger: Ledger,
    *,
    keep: Iterable[str] = (),
) -> CleanPart:
    """Clean all rows of some subjects.

    Parameters
    ----------
    config : mapping
        The trial's configuration.
    prepared : mapping of str to Prepared
        Their rows in each source.
    roster : Roster or None
        Everybody in the trial; None when these are all.
    ledger : Ledger
        Has received the sources.
    keep : iterable of str
        Sources whose unused rows later parts may use.
    """
    sources = open_sources(config, prepared, ledger)
    if roster is None:
        main = subject_source(config, sources)
        roster = roster_of(subject_ids(config, main, ledger).dropna())
        query_alike(config, roster, ledger)
        require_subjects(config, roster, ledger)
    adsl = build_adsl(config, sources, roster, ledger)
    bds = build_bds(config, adsl, sources, roster, ledger)
    adae = build_adae(config, adsl, sources, roster, ledger)
    adtte = build_adtte(config, adsl, sources, roster, ledger)
    later = set(keep)
    own = {name: source for name, source in prepared.items() if name not in later}
    set_unused_aside(own, ledger)
    return CleanPart(adsl, bds, adae, adtte)


def set_unused_aside(prepared: Mapping[str, Prepared], ledger: Ledger) -> None:
    """Set rows aside that no dataset holds: nothing is lost in silence."""
    for name, source in prepared.items():
        positions = source.frame.index.to_numpy(dtype=np.int64)
        unused = positions[~ledger.sources[name].used[positions]]
        ledger.set_aside(
            name,
            unused,
            rule="not used",
            reason="no dataset of the configuration holds the row",
        )


def finish(config: Config, ledger: Ledger) -> None:
    """Find what all subjects together tell, when every part is cleaned."""
    find_overall(config, ledger)
