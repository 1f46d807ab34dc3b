"""Which published rows a synthesis depends on, and their digest.

The workflow asks this of every synthesis whenever it is read, so nothing beyond the
standard library is imported.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trialstats.vocabulary import BINARY_MEASURES

Config = Mapping[str, Any]
Cells = Mapping[str, str | None]


def evidence_digest(config: Config, cells: Mapping[str, Sequence[Cells]]) -> str:
    """Return a digest of exactly the published rows that a synthesis uses.

    Parameters
    ----------
    config : mapping
        A file of ``config/syntheses``.
    cells : mapping of str to sequence of mapping
        The rows of the published tables as text by column (`csv.DictReader`), under
        ``trials``, ``continuous``, ``binary`` and ``pools``.

    Returns
    -------
    str
        Hexadecimal SHA-256 over the rows of the trials named, their outcomes and the
        published pools shown. Editing any other row leaves it as it is.
    """
    digest = hashlib.sha256()
    for table, row in rows_used(config, cells):
        content = sorted((name, value or "") for name, value in row.items() if name)
        line = json.dumps([table, content], ensure_ascii=False)
        digest.update(line.encode("utf-8") + b"\n")
    return digest.hexdigest()


def judgements_digest(config: Config, rows: Sequence[Cells]) -> str:
    """Return a digest of the judgements about the trials of a synthesis.

    Parameters
    ----------
    config : mapping
        A file of ``config/syntheses``.
    rows : sequence of mapping
        The rows of the file of judgements as text by column.

    Returns
    -------
    str
        Hexadecimal SHA-256. The names of a table of studies are not known here, so that
        every row counts for a synthesis that has one.
    """
    names = {trial for trial, _ in named_rows(config)}
    names |= {name.split(".")[0] for name in config.get("analyses") or ()}
    every = "studies" in config
    digest = hashlib.sha256()
    for row in rows:
        if every or row.get("trial_id") in names:
            content = sorted((n, str(v or "")) for n, v in row.items() if n)
            line = json.dumps(content, ensure_ascii=False)
            digest.update(line.encode("utf-8") + b"\n")
    return digest.hexdigest()


def rows_used(
    config: Config, cells: Mapping[str, Sequence[Cells]]
) -> Iterator[tuple[str, Cells]]:
    """Yield the name of the table and the cells of each row that a synthesis uses."""
    wanted = named_rows(config)
    names = {trial for trial, _ in wanted}
    for row in cells.get("trials", ()):
        if row.get("trial_id") in names:
            yield "trials", row
    table = outcome_table(config)
    for row in cells.get(table, ()):
        if any(
            row.get("trial_id") == trial and fits(row, keys, time="timepoint_weeks")
            for trial, keys in wanted
        ):
            yield table, row
    for row in cells.get("pools", ()):
        if any(shows(pool, row) for pool in config.get("published_pools") or ()):
            yield "pools", row


def outcome_table(config: Config) -> str:
    """Return the table, ``binary`` or ``continuous``, that holds the outcomes."""
    return "binary" if config.get("measure") in BINARY_MEASURES else "continuous"


def named_rows(config: Config) -> list[tuple[str, dict[str, str]]]:
    """Return each trial named and what its row must say, in the order of the file.

    >>> named_rows({"published": {"endpoint": "pain", "trials": ["A"]}})
    [('A', {'endpoint': 'pain'})]
    """
    published = config.get("published") or {}
    endpoint = {"endpoint": str(published.get("endpoint"))}
    wanted = [(str(trial), endpoint) for trial in published.get("trials") or ()]
    for entry in published.get("rows") or ():
        keys = {name: str(value) for name, value in entry.items() if name != "trial"}
        wanted.append((str(entry["trial"]), keys))
    return wanted


def fits(row: Mapping[str, Any], keys: Mapping[str, str], *, time: str) -> bool:
    """Return whether a row says what `keys` ask; `time` names its column of weeks."""
    names = {"timepoint_weeks": time}
    return all(row.get(names.get(k, k)) == value for k, value in keys.items())


def shows(pool: Mapping[str, str], row: Mapping[str, Any]) -> bool:
    """Return whether a row of the published pools is the one that `pool` names."""
    review = str(row.get("review"))
    same = row.get("outcome") == pool["outcome"]
    return same and review.startswith(pool["review"])
