"""Trials in which the examples of the schema are run: each key stands in one."""

import copy
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from tests.library.config.example_files import FILES
from trialstats import io
from trialstats.analyses.trial import fit_analysis
from trialstats.clean.files import dataset_schemas
from trialstats.clean.trial import CleanTrial, clean_trial
from trialstats.config.checking import check, with_defaults
from trialstats.config.consistency import trial_problems
from trialstats.config.estimands import resolved_estimands
from trialstats.config.keys import ANY_ENTRY, ANY_NAME
from trialstats.config.loading import SCHEMAS
from trialstats.config.narrowing import analysis_settings, dataset_settings
from trialstats.config.raw_files import files_of
from trialstats.config.reading import load_yaml
from trialstats.tables.declared import analyses_of_table, declared_table
from trialstats.tables.trial import analysis_table

BASES = Path(__file__).resolve().parents[2] / "reference/configurations"
SCHEMA = load_yaml(SCHEMAS / "trial.schema.yaml")

#: A place in a configuration: names of keys and numbers of entries.
Place = tuple[str | int, ...]


@cache
def _loaded(base: str) -> Any:
    return load_yaml(BASES / f"{base}.yaml")


def configuration(base: str) -> dict[str, Any]:
    """Return a configuration that a test may change."""
    return copy.deepcopy(_loaded(base))


def places(path: Sequence[str]) -> Iterator[tuple[str, Place, Any]]:
    """Yield where a key stands in the trials, and its value there."""
    for base in FILES:
        for place, value in places_in(_loaded(base), tuple(path)):
            yield base, place, value


def places_in(node: Any, path: tuple[str, ...]) -> Iterator[tuple[Place, Any]]:
    """Yield where a key stands in a configuration, and its value there."""
    if not path:
        yield (), node
        return
    if path[0] == ANY_NAME and isinstance(node, dict):
        parts: Any = node.items()
    elif path[0] == ANY_ENTRY and isinstance(node, list):
        parts = enumerate(node)
    elif isinstance(node, dict) and path[0] in node:
        parts = [(path[0], node[path[0]])]
    else:
        return
    for name, inner in parts:
        for place, value in places_in(inner, path[1:]):
            yield (name, *place), value


def changed(base: str, place: Place, value: Any, *, among: bool = False) -> Any:
    """Return the configuration with another value at a place, None to leave it out.

    With `among`, a mapping of names chosen freely is put among those that are there.
    """
    config = configuration(base)
    node: Any = config
    for part in place[:-1]:
        node = node[part]
    if value is None:
        del node[place[-1]]
    elif among:
        node[place[-1]] = {**node[place[-1]], **value}
    else:
        node[place[-1]] = value
    return config


def checked(base: str, config: Any) -> dict[str, Any]:
    """Return a configuration after the checks that a run makes, with its defaults."""
    check(config, SCHEMA, file=base)
    filled = with_defaults(config, SCHEMA) | {"id": base}
    problems = trial_problems(filled, file=base)
    assert not problems, "\n".join(problems)
    return resolved_estimands(filled)


@cache
def _raw(base: str, folder: Path) -> Path:
    for file, content in FILES[base]().items():
        (folder / base / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / base / file).write_bytes(content)
    return folder / base


def cleaned(base: str, config: Any, folder: Path) -> CleanTrial:
    """Clean the raw files of a trial as a configuration says."""
    root = _raw(base, folder)
    return clean_trial(
        config,
        {
            name: [
                io.read_raw(root / file, io.RawOptions.of(spec), name=file)
                for file in files_of(spec).values()
            ]
            for name, spec in config["sources"].items()
        },
    )


def fitted(config: Any, name: str, clean: CleanTrial) -> pd.DataFrame:
    """Return the rows of one analysis; what its model gives must be there."""
    rows = fit_analysis(config, name, clean.adsl, clean.bds, clean.adae, clean.adtte)
    assert len(rows)
    assert rows["estimate"].notna().any()
    return rows


def outcome(
    base: str,
    config: Any,
    folder: Path,
    analyses: Sequence[str],
    *,
    tables: bool = False,
) -> str:
    """Return everything that a configuration makes, as text.

    With `tables`, the declared tables of these analyses too.
    """
    made = checked(base, config)
    clean, said = _datasets(base, json.dumps(dataset_settings(made)), folder)
    if tables:
        rows = {name: _fitted_once(base, made, name, folder) for name in analyses}
        return "\n".join([said, *_declared(made, rows, clean)])
    texts = [fitted(made, name, clean).to_csv() for name in analyses]
    return "\n".join([said, *texts])


#: Rows of analyses by their settings: those of a table change none of them.
_KNOWN_ROWS: dict[str, pd.DataFrame] = {}


def _fitted_once(base: str, config: Any, name: str, folder: Path) -> pd.DataFrame:
    settings = json.dumps([base, name, analysis_settings(config, name)])
    if settings not in _KNOWN_ROWS:
        clean, _ = _datasets(base, json.dumps(dataset_settings(config)), folder)
        _KNOWN_ROWS[settings] = fitted(config, name, clean)
    return _KNOWN_ROWS[settings]


def declared_tables(config: Any, names: Iterable[str]) -> list[str]:
    """Return the declared tables that are made from these analyses, or from none."""
    return [
        table
        for table, spec in config.get("tables", {}).items()
        if set(analyses_of_table(spec)) <= set(names)
    ]


def _declared(
    config: Any, rows: Mapping[str, pd.DataFrame], clean: CleanTrial
) -> Iterator[str]:
    """Yield the tables that can be made from these rows, as text."""
    datasets = {"adsl": clean.adsl, "bds": clean.bds, "adae": clean.adae}
    for name in declared_tables(config, rows):
        made = declared_table(
            pd.concat(rows.values()) if rows else pd.DataFrame(),
            trial=config,
            name=name,
            usual=analysis_table,
            datasets=datasets,
        )
        yield str(made)


@cache
def _datasets(base: str, settings: str, folder: Path) -> tuple[CleanTrial, str]:
    """Return the cleaned data of a trial, once for all its analyses, and as text."""
    made = json.loads(settings)
    clean = cleaned(base, made, folder)
    said = []
    for name, schema in dataset_schemas(made).items():
        frame = getattr(clean, name)
        said += [frame.to_csv(), schema.to_string(show_schema_metadata=True)]
        said += [str(field.metadata) for field in schema]
    return clean, "\n".join(said)
