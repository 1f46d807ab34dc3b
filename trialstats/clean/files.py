"""Clean a trial from its raw files to its datasets, however large they are."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from trialstats import io
from trialstats.clean.account import Ledger
from trialstats.clean.adsl import adsl_schema
from trialstats.clean.bds import unseen_visits, without_unseen
from trialstats.clean.schemas import adae_schema, adtte_schema, bds_schema
from trialstats.clean.streaming import (
    LARGE,
    PART,
    Staged,
    clean_in_parts,
    must_be_whole,
)
from trialstats.clean.trial import CleanTrial, clean_trial, finish
from trialstats.config.raw_files import files_of
from trialstats.raw import RawTable
from trialstats.rows import ACCOUNT, QUERIES, SET_ASIDE

Config = Mapping[str, Any]

#: Batches of a source, each with the number of its file.
Batches = Iterator[tuple[int, RawTable]]


def dataset_schemas(config: Config) -> dict[str, pa.Schema]:
    """Return the schema of every file that cleaning makes, by its name."""
    return {
        "adsl": adsl_schema(config),
        "bds": bds_schema(config),
        "adae": adae_schema(config),
        "adtte": adtte_schema(config),
        "account": ACCOUNT,
        "set_aside": SET_ASIDE,
        "queries": QUERIES,
    }


def read_batches(spec: Config, *, root: str | Path = ".") -> Batches:
    """Yield the rows of a source, file by file."""
    for number, file in enumerate(files_of(spec).values()):
        batches = io.raw_batches(
            Path(root) / file, io.RawOptions.of(spec), name=file, rows=200_000
        )
        for table in batches:
            yield number, table


def read_sources(
    config: Config, *, root: str | Path = "."
) -> dict[str, list[RawTable]]:
    """Return the files of every source, whole."""
    return {
        name: [
            io.read_raw(Path(root) / file, io.RawOptions.of(spec), name=file)
            for file in files_of(spec).values()
        ]
        for name, spec in config["sources"].items()
    }


def clean_files(
    config: Config,
    outputs: Mapping[str, str],
    *,
    root: str | Path = ".",
    large: int = LARGE,
    part: int = PART,
) -> None:
    """Clean the raw files of a trial and write its datasets and their account.

    Parameters
    ----------
    config : mapping
        The trial's configuration, checked.
    outputs : mapping of str to str
        File to write, by the names of `dataset_schemas`.
    root : path
        Folder of the dossier.
    large : int
        Rows from which on the trial is cleaned in parts.
    part : int
        Rows of a part.

    Raises
    ------
    DataError
        With every error of the data that was found; then no file is written.
    """
    if must_be_whole(config):
        _write(clean_trial(config, read_sources(config, root=root)), config, outputs)
        return
    held, rest = _read_until(config, root, large)
    if rest is None:
        _write(clean_trial(config, _joined(config, held)), config, outputs)
        return
    with io.Staging() as store:
        staged = Staged(config, store, part)
        for name in list(held):
            staged.read(name, iter(held.pop(name)))
        for name, batches in rest:
            staged.read(name, batches)
        _write_parts(config, staged, outputs)


def _read_until(
    config: Config, root: str | Path, large: int
) -> tuple[dict[str, list[tuple[int, RawTable]]], Iterator[tuple[str, Batches]] | None]:
    """Return the batches of sources up to `large` rows, and what is still to read."""
    held: dict[str, list[tuple[int, RawTable]]] = {}
    total = 0
    names = list(config["sources"])
    for place, name in enumerate(names):
        batches = read_batches(config["sources"][name], root=root)
        held[name] = []
        for number, table in batches:
            held[name].append((number, table))
            total += table.num_rows
            if total >= large:
                return held, _rest(config, root, name, batches, names[place + 1 :])
    return held, None


def _rest(
    config: Config, root: str | Path, name: str, batches: Batches, names: list[str]
) -> Iterator[tuple[str, Batches]]:
    yield name, batches
    for other in names:
        yield other, read_batches(config["sources"][other], root=root)


def _joined(
    config: Config, held: Mapping[str, list[tuple[int, RawTable]]]
) -> dict[str, list[RawTable]]:
    """Return the batches of each file as one table."""
    return {
        name: [
            RawTable.concat([table for place, table in held[name] if place == number])
            for number in range(len(files_of(spec)))
        ]
        for name, spec in config["sources"].items()
    }


def _write(clean: CleanTrial, config: Config, outputs: Mapping[str, str]) -> None:
    for name, schema in dataset_schemas(config).items():
        io.write_table(getattr(clean, name), outputs[name], schema)


def _write_parts(config: Config, staged: Staged, outputs: Mapping[str, str]) -> None:
    schemas = dataset_schemas(config)
    ledger = Ledger(subject_column=config["adsl"]["subject"])
    made = ("adsl", "bds", "adae", "adtte")
    with ExitStack() as stack:
        write: dict[str, Callable[[pd.DataFrame], None]] = {
            name: stack.enter_context(io.table_writer(outputs[name], schemas[name]))
            for name in made
        }
        for part in clean_in_parts(config, staged, ledger):
            for name in made:
                if len(getattr(part, name)):
                    write[name](getattr(part, name))
        finish(config, ledger)
    unseen = unseen_visits(config, ledger)
    if unseen:
        _rewrite(outputs["bds"], schemas["bds"], unseen)
    with io.table_writer(outputs["account"], ACCOUNT) as append:
        for rows in ledger.account_parts():
            append(rows)
    io.write_table(ledger.set_aside_rows(), outputs["set_aside"], SET_ASIDE)
    io.write_table(ledger.query_rows(), outputs["queries"], QUERIES)


def _rewrite(path: str, schema: pa.Schema, unseen: set[tuple[str, str]]) -> None:
    """Leave out the derived records at visits that nobody has."""
    with io.table_writer(path, schema) as append:
        for frame in io.table_parts(path):
            append(without_unseen(frame, unseen))
