"""Find everything that is wrong with the data of a trial in one look.

Cleaning stops after the first step that has errors. Here the steps go on with what is
sound: a source with an error of its own is left out of those that follow, so that no
error is told that another one has caused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialstats.clean.account import Ledger
from trialstats.clean.adae import build_adae
from trialstats.clean.adsl import DTYPES, build_adsl, subject_source
from trialstats.clean.adtte import build_adtte
from trialstats.clean.bds import build_bds
from trialstats.clean.preparing import Prepared, join_sources
from trialstats.clean.sources import Source, open_sources
from trialstats.clean.subjects import (
    Roster,
    require_subjects,
    roster_of,
    subject_ids,
)
from trialstats.clean.trial import CleanTrial, clean_trial, prepared_source
from trialstats.config.declared import subject_columns
from trialstats.config.raw_files import files_of
from trialstats.errors import ConfigError, DataError
from trialstats.expressions import parse
from trialstats.raw import RawTable

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look at the data of a trial has found.

    Attributes
    ----------
    clean : CleanTrial or None
        The datasets, when nothing is wrong.
    problems : list of str
        What is wrong, with file, row, column, value and remedy.
    unlisted : int
        Further problems of kinds that are listed.
    """

    clean: CleanTrial | None
    problems: list[str]
    unlisted: int = 0


def check_trial(config: Config, tables: Mapping[str, list[RawTable]]) -> Checked:
    """Clean a trial, or say everything that keeps it from being cleaned.

    Parameters
    ----------
    config : mapping
        The trial's configuration, checked.
    tables : mapping of str to list of RawTable
        The files of each source; of those that could not be read nothing.
    """
    if set(tables) == set(config["sources"]):
        try:
            return Checked(clean_trial(config, tables), [])
        except (ConfigError, DataError) as reason:
            first = str(reason)
    else:
        first = ""
    ledger = Ledger(subject_column=config["adsl"]["subject"], collecting=True)
    sources = _opened(config, tables, ledger)
    _build(config, sources, ledger)
    problems, unlisted = ledger.problems()
    return Checked(None, problems or [first] * bool(first), unlisted)


def _opened(
    config: Config, tables: Mapping[str, list[RawTable]], ledger: Ledger
) -> dict[str, Source]:
    """Return the sources that can be opened."""
    prepared: dict[str, Prepared] = {}
    for name, spec in config["sources"].items():
        if name not in tables:
            continue
        with ledger.noting():
            prepared[name] = prepared_source(spec, tables[name])
            files = list(files_of(spec).values())
            source = prepared[name]
            ledger.receive(name, files, source.file_of, source.row_of)
            ledger.show(name, source.frame)
    for name, spec in config["sources"].items():
        joins = spec.get("join", [])
        if name not in prepared or not joins:
            continue
        if all(join["source"] in prepared for join in joins):
            one = {**config, "sources": {name: spec}}
            prepared = join_sources(one, prepared, ledger)
        taken = [column for join in joins for column in join["columns"]]
        if not set(taken) <= set(prepared[name].frame.columns):
            del prepared[name]
    sources: dict[str, Source] = {}
    for name in prepared:
        one = {**config, "sources": {name: config["sources"][name]}}
        with ledger.noting():
            sources |= open_sources(one, prepared, ledger)
    return sources


def _build(config: Config, sources: dict[str, Source], ledger: Ledger) -> None:
    """Make every dataset as far as its sources are sound."""
    config = {
        **config,
        "bds": _sound_parameters(config, sources),
        "responders": {},
        "adtte": _sound(config.get("adtte", {}), sources),
    }
    adsl, roster = _people(config, sources, ledger)
    for code in config["bds"]:
        own = {c: config["bds"][c] for c in _made_of(config["bds"], code)}
        with ledger.noting():
            build_bds({**config, "bds": own}, adsl, sources, roster, ledger)
    if config.get("adae", {}).get("from") in sources:
        with ledger.noting():
            build_adae(config, adsl, sources, roster, ledger)
    for code, spec in config["adtte"].items():
        with ledger.noting():
            build_adtte(
                {**config, "adtte": {code: spec}}, adsl, sources, roster, ledger
            )


def _people(
    config: Config, sources: dict[str, Source], ledger: Ledger
) -> tuple[pd.DataFrame, Roster]:
    """Return ADSL and everybody in it; without it, all subjects of the sources."""
    if config["adsl"]["from"] in sources:
        with ledger.noting():
            main = subject_source(config, sources)
            roster = roster_of(subject_ids(config, main, ledger).dropna())
            require_subjects(config, roster, ledger)
            if roster.subjects:
                return build_adsl(config, sources, roster, ledger), roster
    subject = config["adsl"]["subject"]
    named = [s.frame[subject] for s in sources.values() if subject in s.frame]
    everybody = pd.concat(named).dropna().unique() if named else []
    adsl = pd.DataFrame({"USUBJID": pd.Series(everybody, dtype="str")})
    adsl["STUDYID"] = config["trial"]
    for name, kind in subject_columns(config).items():
        if name not in adsl:
            adsl[name] = pd.Series(None, index=adsl.index, dtype=DTYPES[kind])
    # However a subject is written, here nobody is unknown.
    return adsl, Roster(frozenset(everybody), {})


def _sound(specs: Config, sources: Mapping[str, Source]) -> dict[str, Any]:
    return {
        code: spec
        for code, spec in specs.items()
        if "from" not in spec or spec["from"] in sources
    }


def _sound_parameters(config: Config, sources: Mapping[str, Source]) -> dict[str, Any]:
    """Return the measurements whose sources, and whose parts, are sound."""
    sound = _sound(config.get("bds", {}), sources)
    return {
        code: spec
        for code, spec in sound.items()
        if all(part in sound for part in _made_of(config["bds"], code))
    }


def _made_of(parameters: Config, code: str) -> list[str]:
    """Return a measurement with those that it is combined from, in their order."""
    spec = parameters[code]
    needed = {code}
    if "combine" in spec:
        for name in parse(spec["combine"]).names:
            needed |= set(_made_of(parameters, name))
    return [name for name in parameters if name in needed]
