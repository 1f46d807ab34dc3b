"""Open the raw sources of a trial: columns, keys, resubmissions."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from trialstats.clean.account import Ledger, as_text
from trialstats.clean.values import Source
from trialstats.config.checking import suggestion

Config = Mapping[str, Any]


def open_sources(
    config: Config, cells: Mapping[str, pd.DataFrame], ledger: Ledger
) -> dict[str, Source]:
    """Return the sources of a trial, with resubmitted rows set aside.

    Parameters
    ----------
    config : mapping
        The trial's configuration.
    cells : mapping of str to DataFrame
        The cells of each source as `trialstats.io.read_cells` gives them.
    ledger : Ledger
        Opens the account of every row.

    Raises
    ------
    DataError
        When a column that the configuration names is missing, or two different rows
        share one key; all problems at once.
    """
    sources = {}
    for name, spec in config["sources"].items():
        ledger.receive(name, spec["file"], cells[name])
        missing = [c for c in _columns_used(config, name) if c not in cells[name]]
        for column in missing:
            ledger.problem(
                "missing column",
                name,
                column=column,
                remedy=suggestion(column, cells[name].columns),
            )
        if missing:
            continue
        used = _without_resubmissions(name, cells[name], spec["key"], ledger)
        codes = {**config.get("missing_codes", {}), **spec.get("missing_codes", {})}
        formats = spec.get("date_formats") or config.get("date_formats") or ["%Y-%m-%d"]
        sources[name] = Source(name, spec["file"], used, codes, tuple(formats))
    ledger.stop_on_problems()
    return sources


def _columns_used(config: Config, source: str) -> list[str]:
    """Return every column of a source that the configuration names, once."""
    adsl = config["adsl"]
    specs: list[Any] = [{"column": c} for c in config["sources"][source]["key"]]
    specs += [
        v for v in adsl["variables"].values() if v.get("source", adsl["from"]) == source
    ]
    for parameter in config["bds"].values():
        if parameter["from"] == source:
            specs += [parameter["value"], parameter["date"]]
            if "nominal" in parameter["visits"]:
                specs.append({"column": parameter["visits"]["nominal"]})
    if config.get("adae", {}).get("from") == source:
        specs += config["adae"]["variables"].values()
    names = [name for spec in specs for name in _named(spec)]
    return list(dict.fromkeys(names))


def _named(spec: Config) -> Iterator[str]:
    yield spec["column"]
    if "units" in spec:
        yield spec["units"]["column"]


def _without_resubmissions(
    source: str, cells: pd.DataFrame, key: list[str], ledger: Ledger
) -> pd.DataFrame:
    whole: dict[tuple[str | None, ...], int] = {}
    keys: dict[tuple[str | None, ...], int] = {}
    for row, values in zip(cells.index, cells.itertuples(index=False), strict=True):
        record = tuple(None if v is None else as_text(v).strip() for v in values)
        named = dict(zip(cells.columns, record, strict=True))
        identity = tuple(named[c] for c in key)
        if record in whole:
            first = whole[record]
            reason = f"identical to row {first}: submitted twice"
            ledger.set_aside(source, int(row), rule="resubmission", reason=reason)
            ledger.query(
                "duplicate",
                source,
                row=int(row),
                column=", ".join(key),
                value=", ".join(str(part) for part in identity),
                finding=f"identical to row {first}",
                resolution="set aside",
            )
        elif identity in keys:
            ledger.problem(
                f"duplicated key: row {keys[identity]} has it with other values",
                source,
                row=int(row),
                column=", ".join(key),
                value=", ".join(str(part) for part in identity),
                remedy="keep one of the two rows",
            )
        else:
            whole[record] = keys[identity] = int(row)
    aside = [row for name, row in ledger.aside if name == source]
    return cells.drop(index=aside)
