"""Print a table as HTML or as a frame of text."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Protocol

import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from trialstats.formatting import MINUS, undirected
from trialstats.tables.formats.texts import plain as one_line
from trialstats.tables.style import TABLE_STYLE
from trialstats.tables.table import Cell, Column, Row, Table

_FRAGMENT = """\
{%- macro content(cell) -%}
{%- if cell.links -%}
{%- for text, address in cell.links -%}
{%- if address %}<a href="{{ address }}">{{ mark(text, cell.rows, printed) }}</a>
{%- else %}{{ mark(text, cell.rows, printed) }}{% endif -%}
{{- "; " if not loop.last -}}
{%- endfor -%}
{%- else -%}{{ mark(cell.text, cell.rows, printed) }}{%- endif -%}
{%- if cell.marks %}<sup>{{ mark(cell.marks, (), letters) }}</sup>{% endif -%}
{%- endmacro -%}
{%- macro source(rows) -%}
{%- if rows %} data-row="{{ rows | join(" ") }}"{% endif -%}
{%- endmacro -%}
<div class="table-block" id="table-{{ table.id }}">
{%- if table.preface %}
<p class="preface-title">{{ mark(table.title, (), titles) }}: estimand and model</p>
<dl class="preface">
{%- for label, cell in table.preface %}
<div><dt>{{ mark(label, (), titles) }}</dt><dd{{ source(cell.rows) }}>
{{- content(cell) }}</dd></div>
{%- endfor %}
</dl>
{%- endif %}
<div class="table-box" role="group" tabindex="0"
 aria-labelledby="caption-{{ table.id }}">
<table>
<caption id="caption-{{ table.id }}">
{%- for text in (table.protocol, table.number) if text -%}
<span class="number">{{ mark(text, (), titles) }}</span>
{% endfor -%}
<span class="title">{{ mark(table.title, (), titles) }}</span>
{% for text in (table.population, table.subtitle) if text -%}
<span class="subtitle">{{ mark(text, (), titles) }}</span>
{%- endfor -%}
</caption>
<thead>
{%- if spanners %}
<tr>
{%- for label, width, rows in spanners -%}
{%- if label -%}
<th scope="colgroup" colspan="{{ width }}" class="spanner"{{ source(rows) }}>
{{- mark(label, rows, titles) }}</th>
{%- else %}{% for _ in range(width) %}<td></td>{% endfor %}{% endif -%}
{%- endfor -%}
</tr>
{%- endif %}
<tr>
{%- for column in table.columns -%}
<th scope="col" class="{{ column.align }}"{{ source(column.rows) }}>
{{- mark(column.label, column.rows, titles) }}</th>
{%- endfor -%}
</tr>
</thead>
{%- for title, rows in bodies %}
<tbody>
{%- if title is not none %}
<tr class="group"><th scope="rowgroup" colspan="{{ table.columns | length }}"
{{- source(title.rows) }}>
{{- content(title) }}</th></tr>
{%- endif %}
{%- for row in rows %}
<tr>
{%- for column, cell in row -%}
{%- if loop.first -%}
<th scope="row" class="{{ column.align }} indent-{{ row.indent }}"
{{- source(cell.rows) }}>
{{- content(cell) }}</th>
{%- else -%}
<td class="{{ column.align }}"{{ source(cell.rows) }}>{{ content(cell) }}</td>
{%- endif -%}
{%- endfor -%}
</tr>
{%- endfor %}
</tbody>
{%- endfor %}
</table>
</div>
{%- if table.footnotes or table.source %}
<ul class="footnotes">
{%- for letter, text, rows in footnotes %}
<li{{ source(rows) }}>
{%- if letter %}<sup>{{ mark(letter, (), letters) }}</sup> {% endif %}
{{- mark(text, rows, titles) }}</li>
{%- endfor %}
{%- if table.source %}
<li class="source">Source: {{ mark(table.source, (), titles) }}</li>
{%- endif %}
</ul>
{%- endif %}
</div>
"""

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>{{ style }}</style>
</head>
<body>
<main>
<h1>{{ title }}</h1>
{%- for fragment in fragments %}
{{ fragment }}
{%- endfor %}
</main>
</body>
</html>
"""

_ENVIRONMENT = Environment(autoescape=True, undefined=StrictUndefined)
_TEMPLATE = _ENVIRONMENT.from_string(_FRAGMENT)
_PAGE_TEMPLATE = _ENVIRONMENT.from_string(_PAGE)


class Mark(Protocol):
    """Writes a text that prints rows as HTML."""

    def __call__(
        self, text: str, rows: tuple[str, ...] = (), given: str = ""
    ) -> Markup:
        """Return the text; `given` says where numbers are from that no row holds."""


def plain(text: str, rows: tuple[str, ...] = (), given: str = "") -> Markup:
    """Return a text escaped, its numbers unmarked."""
    return escape(text)


def to_html(table: Table, mark: Mark = plain) -> str:
    """Return a table as a fragment of HTML.

    Parameters
    ----------
    table : Table
        The table.
    mark : callable
        Writes a text as HTML; the report marks each number in it.

    Returns
    -------
    str
        A ``<table>`` with caption, scopes and, on each cell that prints a row of the
        estimates, its ``row_id`` as ``data-row``. Everything is escaped.
    """
    made = _TEMPLATE.render(
        table=table,
        spanners=_spanners(table.columns),
        bodies=_bodies(table),
        footnotes=_footnotes(table),
        mark=mark,
        printed=f"Printed from {table.source}" if table.source else "Cell of the table",
        titles=_WORDS_AROUND,
        letters="Mark of a footnote of the table",
    )
    return undirected(made)


def _footnotes(table: Table) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return mark, text and rows: numbers of rows are those of the file listed."""
    record = table.file_record
    named = () if record is None else (str(record["row_id"]),)
    return [
        (mark, text, named if any(c.isdigit() for c in text) else ())
        for mark, text in table.footnotes
    ]


#: Where the words around the body of a table are from.
_WORDS_AROUND = "Words of the table, from the configuration or the library; no result"


def to_page(tables: Sequence[Table], title: str) -> str:
    """Return tables as one HTML page that stands alone."""
    return _PAGE_TEMPLATE.render(
        title=undirected(title),
        style=Markup(TABLE_STYLE),  # our own constant
        fragments=[Markup(to_html(table)) for table in tables],  # escaped already
    )


def to_csv_frame(*tables: Table) -> pd.DataFrame:
    """Return the cells of tables as text.

    The cells are those of `to_html`, letters of footnotes in brackets, with a hyphen
    for the minus sign so that programs read the numbers. Heading rows become the column
    ``Section``, which is left out when no table has headings; several tables get a
    first column ``Table`` with their titles.

    Parameters
    ----------
    *tables : Table
        One table, or several that share a file.

    Returns
    -------
    DataFrame
        One row a row of the tables, every column text.
    """
    listed = [line for table in tables for line in _lines(table)]
    labels = dict.fromkeys(n for table in tables for n in _labels(table))
    frame = pd.DataFrame(listed, columns=["Table", "Section", *labels], dtype="str")
    frame = frame.fillna("")
    several, headed = len(tables) > 1, bool((frame["Section"] != "").any())
    absent = [] if several else ["Table"]
    return frame.drop(columns=absent if headed else [*absent, "Section"])


def _lines(table: Table) -> list[dict[str, str]]:
    labels = _labels(table)
    lines, section = [], ""
    for row in table.rows:
        if row.heading:
            section = _plain(row.cells[0])
            continue
        cells = [_plain(cell) for cell in row.cells]
        line = {"Table": one_line(table.title), "Section": section}
        lines.append(line | dict(zip(labels, cells, strict=True)))
    return lines


def _plain(cell: Cell) -> str:
    """Return a cell as text, its letters in brackets since nothing raises them."""
    letters = cell.marks.lstrip("†‡")
    symbols = cell.marks.removesuffix(letters)
    brackets = f" [{letters}]" if letters else ""
    text = one_line(f"{one_line(cell.text)}{symbols}{brackets}")
    return text.replace(MINUS, "-")


def _labels(table: Table) -> list[str]:
    """Name columns; those that have no heading, or share one, by their position."""
    labels = [one_line(c.full_label) for c in table.columns]
    seen: set[str] = set()
    names = []
    for position, label in enumerate(labels, start=1):
        name = label if label and label not in seen else f"{label} [{position}]".strip()
        seen.add(name)
        names.append(name)
    return names


def _spanners(columns: tuple[Column, ...]) -> list[tuple[str, int, tuple[str, ...]]]:
    """Return each heading over columns, its width, and the rows that it prints."""
    if not any(c.spanner for c in columns):
        return []
    runs = [(s, list(g)) for s, g in groupby(columns, key=lambda c: c.spanner)]
    return [(spanner, len(run), run[0].rows) for spanner, run in runs]


def _bodies(table: Table) -> list[tuple[object, list["_PairedRow"]]]:
    bodies: list[tuple[object, list[_PairedRow]]] = []
    for row in table.rows:
        if row.heading:
            bodies.append((row.cells[0], []))
            continue
        if not bodies:
            bodies.append((None, []))
        bodies[-1][1].append(_PairedRow(row, table.columns))
    return bodies


class _PairedRow(list[tuple[Column, Cell]]):
    """The cells of a row beside their columns, with its indentation."""

    def __init__(self, row: Row, columns: tuple[Column, ...]) -> None:
        super().__init__(zip(columns, _labelled(row.cells), strict=True))
        self.indent = row.indent


def _labelled(cells: Sequence[Cell]) -> Sequence[Cell]:
    """Return cells whose first, where it holds a digit, names the row of the next."""
    stub, *others = cells
    if stub.rows or not any(c.isdigit() for c in stub.text):
        return cells
    named = next((cell.rows[:1] for cell in others if cell.rows), ())
    return (replace(stub, rows=named), *others)
