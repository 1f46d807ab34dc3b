"""Every row that the page prints, in the page: columns of indices into their values.

Most columns of the estimates repeat few values, so that a value stands once and the
rows name it by its place.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from markupsafe import Markup

from trialstats.records import Record
from trialstats.report.origins import KINDS, Origin, Origins
from trialstats.rows import ESTIMATES

#: Name of the set of rows of the estimates.
_ESTIMATES = "estimates"


def embedded_rows(
    estimates: Iterable[Record],
    others: Mapping[str, Record],
    *,
    origins: Origins,
    digests: Iterable[tuple[str, str]],
) -> Markup:
    """Return rows and their origins as JSON that may stand in a ``<script>``.

    Parameters
    ----------
    estimates : iterable of mapping
        Rows of the estimates.
    others : mapping of str to mapping
        Rows of other files by their ``row_id``, which says their kind first.
    origins : Origins
        Where rows come from.
    digests : iterable of (str, str)
        File as received and its SHA-256.

    Returns
    -------
    Markup
        ``sets``: by kind the labels of the columns, and of each column its distinct
        values and for each row the place of its value, 0 for null; ``origins`` and
        ``files``, to which the rows and the origins refer by place.
    """
    files = list(digests)
    made = _Origins({name: n for n, (name, _) in enumerate(files)})
    grouped: dict[str, list[tuple[Record, int]]] = {}
    for row in estimates:
        place = made.place(origins.of_estimate(row))
        grouped.setdefault(_ESTIMATES, []).append((row, place))
    for row_id, row in others.items():
        kind = row_id.split(":")[0]
        place = made.place(origins.of_other(row_id, row))
        grouped.setdefault(kind, []).append(({**row, "row_id": row_id}, place))
    sets = {
        kind: _set(kind, [r for r, _ in listed], [p for _, p in listed])
        for kind, listed in grouped.items()
    }
    return _in_script({"sets": sets, "origins": made.listed, "files": files})


class _Origins:
    """Collects origins, each once."""

    def __init__(self, files: Mapping[str, int]) -> None:
        self.listed: list[dict[str, Any]] = []
        self._files = files
        self._places: dict[Origin, int] = {}

    def place(self, origin: Origin) -> int:
        if origin not in self._places:
            self._places[origin] = len(self.listed)
            inputs = [self._files[f] for f in origin.inputs if f in self._files]
            self.listed.append(
                {
                    "parquet": origin.parquet,
                    "rule": origin.rule,
                    "script": origin.script,
                    "files": inputs,
                }
            )
        return self._places[origin]


def _set(kind: str, rows: Sequence[Record], places: list[int]) -> dict[str, Any]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: _column([row.get(name) for row in rows]) for name in names}
    return {"labels": _labels(kind), "columns": columns, "origin": places}


def _labels(kind: str) -> dict[str, str]:
    """Return the labels of the columns; without a schema a column has its name."""
    known = KINDS.get(kind)
    schema: pa.Schema | None = ESTIMATES if kind == _ESTIMATES else None
    if known is not None:
        schema = known.schema
    if schema is None:
        return {}
    labels = {f.name: (f.metadata or {}).get(b"label", b"").decode() for f in schema}
    return labels | {"row_id": "Stable, readable key", "of": "Row that was checked"}


def _column(values: list[Any]) -> dict[str, list[Any]]:
    """Return the distinct values of a column, and the place of each row's, from 1."""
    places: dict[tuple[type, Any], int] = {}
    rows = []
    for value in values:
        told = _told(value)
        if told is None:
            rows.append(0)
            continue
        rows.append(places.setdefault((type(told), told), len(places) + 1))
    return {"v": [value for _, value in places], "i": rows}


def _told(value: Any) -> Any:
    """Return a value as JSON has it."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < 1e15
        return int(value) if whole else value
    return value.item() if hasattr(value, "item") else str(value)


def _in_script(value: Any) -> Markup:
    """Return JSON that cannot end the element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # nothing in it reads as markup
