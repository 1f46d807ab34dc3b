r"""Print tables as LaTeX, with the packages longtable, booktabs and array.

A table is written in commands of its own, such as ``\tablenumber`` and
``\tablefootnote``. They are defined where they are not yet, so that a journal's style
may define them otherwise.
"""

from collections.abc import Iterator, Sequence

from trialstats.tables.formats.drawn import hang, spanner_runs, title_lines
from trialstats.tables.formats.latex_text import escaped, escaped_part
from trialstats.tables.formats.layout import INDENT, NUMBERS, Layout, Part
from trialstats.tables.formats.page import POINTS, Page
from trialstats.tables.formats.texts import head_lines, plain
from trialstats.tables.table import Cell, Row, Table

#: Ems that a character takes on average in a Roman font; a figure takes 0.5.
_EM = 0.55

#: Points on either side of the text of a cell.
_PADDING = 4.0

#: The commands of the tables.
COMMANDS = r"""\providecommand{\tableprotocol}[1]{#1}
\providecommand{\tablepopulation}[1]{#1}
\providecommand{\tablenumber}[1]{\centering\textbf{#1}}
\providecommand{\tabletitle}[1]{\centering\textbf{#1}}
\providecommand{\tabletitlefurther}[1]{\tabletitle{#1}}
\providecommand{\tablesubtitle}[1]{\centering #1}
\providecommand{\tablepreface}[3]{\parbox[t]{#1}{\raggedright\textbf{#2}}%
  \parbox[t]{\dimexpr\textwidth-#1}{\raggedright #3}}
\providecommand{\tablespanner}[1]{\textbf{#1}}
\providecommand{\tablelabel}[1]{\textbf{#1}}
\providecommand{\tableheading}[1]{\textbf{#1}}
\providecommand{\tablestub}[2]{\hangindent=\dimexpr#1+1em\hspace*{#1}#2}
\providecommand{\tablealigned}[3]{\makebox[#1][r]{#2}#3}
\providecommand{\tablemarks}[1]{\textsuperscript{#1}}
\providecommand{\tablefootnote}[2]{\raggedright\textsuperscript{#1}#2}
\providecommand{\tablesource}[1]{\raggedright Source: #1}
\providecommand{\tableline}[2]{\multicolumn{#1}{c}{\makebox[0pt]{%
  \parbox[t]{\textwidth}{\strut\ignorespaces #2\strut}}}}
\providecommand{\tableotherfont}{}
\providecommand{\tableother}[2]{\ifdefined\XeTeXversion{\tableotherfont #2}\else
  \ifdefined\directlua{\tableotherfont #2}\else[U+#1]\fi\fi}
"""

_DOCUMENT = r"""\documentclass[10pt]{article}
\usepackage[%(paper)s,%(lies)s,margin=%(margin)sin,headsep=6pt]{geometry}
\usepackage{longtable,booktabs,array}
\ifdefined\XeTeXversion\usepackage{fontspec}\else
\ifdefined\directlua\usepackage{fontspec}\else
\usepackage[T1]{fontenc}\usepackage{lmodern}\fi\fi
\ifdefined\newfontfamily
\IfFontExistsTF{DejaVu Sans}{\newfontfamily\tableotherfont{DejaVu Sans}}{}\fi
\makeatletter
\def\ps@tables{\def\@oddhead{\hfill Page \thepage{} of \pageref{tables:end}}%%
\def\@oddfoot{}}
\makeatother
\pagestyle{tables}
\setlength{\parindent}{0pt}
\begin{document}
\fontsize{%(size)d}{%(leading)s}\selectfont
"""


def to_latex(table: Table, *, page: Page | None = None) -> str:
    r"""Return a table as LaTeX to be input into a document.

    Parameters
    ----------
    table : Table
        The table.
    page : Page, optional
        Size of the page and the type, for the widths of columns; its font does not
        matter. Landscape Letter, 9 points when absent.

    Returns
    -------
    str
        One ``longtable``, or several where the columns do not fit the page. No text of
        the table is read as a command.
    """
    return COMMANDS + "\n".join(_Longtables(table, page or Page()).lines()) + "\n"


def latex_document(tables: Sequence[Table], *, page: Page | None = None) -> str:
    """Return tables as a LaTeX document that pdfTeX, XeTeX and LuaTeX compile.

    Parameters
    ----------
    tables : sequence of Table
        Each begins a page.
    page : Page, optional
        As of `to_latex`.
    """
    page = page or Page()
    start = _DOCUMENT % {
        "paper": f"{page.paper}paper",
        "lies": page.orientation,
        "margin": f"{page.margin:g}",
        "size": page.size,
        "leading": f"{1.2 * page.size:g}",
    }
    made = (to_latex(t, page=page).removeprefix(COMMANDS) for t in tables)
    body = "\\clearpage\n".join(made)
    return f"{start}{COMMANDS}{body}\\label{{tables:end}}\n\\end{{document}}\n"


class _Longtables:
    """The parts of one table."""

    def __init__(self, table: Table, page: Page) -> None:
        self.table, self.page = table, page
        self.character = _EM * page.size
        gap = 2 * _PADDING / self.character + 0.4
        capacity = page.text_width * POINTS / self.character
        self.layout = Layout(table, capacity, gap)

    def lines(self) -> Iterator[str]:
        """Yield the lines of all parts."""
        yield "\\begingroup\\renewcommand{\\arraystretch}{1.1}%"
        yield f"\\setlength{{\\tabcolsep}}{{{_PADDING:g}pt}}%"
        yield "\\setlength{\\LTpre}{0pt}\\setlength{\\LTpost}{0pt}"
        for number, part in enumerate(self.layout.parts):
            yield from ("\\clearpage",) if number else ()
            yield from self._part(part, first=number == 0)
        yield "\\endgroup"

    def _part(self, part: Part, *, first: bool) -> Iterator[str]:
        over = len(part.columns)
        titles = list(self._titles(over, first))
        head = list(self._head(part))
        yield f"\\begin{{longtable}}{{{''.join(self._columns(part))}}}"
        yield from (*titles, *(self._preface(over) if first else ()))
        yield from (*head, "\\endfirsthead", *titles, *head, "\\endhead")
        yield from ("\\bottomrule", *self._footnotes(over), "\\endfoot")
        for n, row in enumerate(self.table.rows):
            yield self._row(n, row, part)
        yield "\\end{longtable}"

    def _titles(self, over: int, first: bool) -> Iterator[str]:
        if self.table.protocol:
            text = f"\\tableprotocol{{{escaped(self.table.protocol)}}}"
            yield f"\\tableline{{{over}}}{{{text}}}\\\\"
        for style, text in title_lines(self.table, first):
            command = _COMMAND_OF[style]
            yield f"\\tableline{{{over}}}{{\\{command}{{{escaped(text)}}}}}\\\\"

    def _preface(self, over: int) -> Iterator[str]:
        left = f"{hang(self.table) * _EM:.2f}em"
        for label, cell in self.table.preface:
            text = f"{{{escaped(label)}}}{{{_content(cell)}}}"
            yield f"\\tableline{{{over}}}{{\\tablepreface{{{left}}}{text}}}\\\\"
        yield from ("\\addlinespace",) if self.table.preface else ()

    def _footnotes(self, over: int) -> Iterator[str]:
        for mark, text in self.table.footnotes:
            note = f"\\tablefootnote{{{escaped(mark)}}}{{{escaped(text)}}}"
            yield f"\\tableline{{{over}}}{{{note}}}\\\\"
        if self.table.source:
            source = f"\\tablesource{{{escaped(self.table.source)}}}"
            yield f"\\tableline{{{over}}}{{{source}}}\\\\"

    def _head(self, part: Part) -> Iterator[str]:
        columns = [self.table.columns[k] for k in part.columns]
        runs = spanner_runs(columns)
        yield "\\toprule"
        if any(text for text, _, _ in runs):
            yield " & ".join(self._spanner(*run, part) for run in runs) + "\\\\"
            yield "".join(
                f"\\cmidrule(lr){{{first + 1}-{end}}}"
                for text, first, end in runs
                if text
            )
        labels = []
        for k, column in enumerate(columns):
            lines = "\\newline ".join(map(escaped, head_lines(column.label)))
            side = "\\centering" if column.align in NUMBERS and k else "\\raggedright"
            shape = f"{{>{{{side}\\arraybackslash}}b{{{self._em(part.widths[k])}}}}}"
            labels.append(f"\\multicolumn{{1}}{shape}{{\\tablelabel{{{lines}}}}}")
        yield " & ".join(labels) + "\\\\"
        yield "\\midrule"

    def _spanner(self, text: str, first: int, end: int, part: Part) -> str:
        wide = self._together(part.widths[first:end])
        shape = f"{{>{{\\centering\\arraybackslash}}b{{{wide}}}}}"
        lines = "\\newline ".join(map(escaped, head_lines(text)))
        return f"\\multicolumn{{{end - first}}}{shape}{{\\tablespanner{{{lines}}}}}"

    def _columns(self, part: Part) -> Iterator[str]:
        for k, wide in zip(part.columns, part.widths, strict=True):
            align = self.table.columns[k].align if k else "left"
            block = self.layout.blocks[k]
            if block is not None and block.width <= wide - self.layout.gap:
                align = "left"
            side = {"right": "\\raggedleft", "center": "\\centering"}.get(
                align, "\\raggedright"
            )
            yield f">{{{side}\\arraybackslash}}p{{{self._em(wide)}}}"

    def _row(self, n: int, row: Row, part: Part) -> str:
        if row.heading:
            shape = f"{{p{{{self._together(part.widths)}}}}}"
            text = f"\\tableheading{{{_content(row.cells[0])}}}"
            # A star: no page ends between a heading and the row below it.
            return f"\\multicolumn{{{len(part.columns)}}}{shape}{{{text}}}\\\\*"
        stub = f"{INDENT * row.indent * _EM:.2f}em"
        cells = [f"\\tablestub{{{stub}}}{{{_content(row.cells[0])}}}"]
        for k, wide in zip(part.columns[1:], part.widths[1:], strict=True):
            cells.append(self._cell(n, k, row.cells[k], wide - self.layout.gap))
        return " & ".join(cells) + "\\\\"

    def _cell(self, n: int, k: int, cell: Cell, room: float) -> str:
        block, text = self.layout.blocks[k], plain(cell.text)
        indent = block.indent(n, room) if block else None
        if block is None or indent is None or not text:
            return _content(cell)
        place = f"{(indent + block.before[n]) * _EM:.2f}em"
        point = min(block.points[n], len(text))
        before, after = escaped_part(text[:point]), escaped_part(text[point:])
        return f"\\tablealigned{{{place}}}{{{before}}}{{{after}}}{_marks(cell)}"

    def _em(self, wide: float) -> str:
        return f"{(wide - self.layout.gap) * _EM:.2f}em"

    def _together(self, widths: Sequence[float]) -> str:
        ems = sum(round((w - self.layout.gap) * _EM, 2) for w in widths)
        between = 2 * (len(widths) - 1)
        return f"\\dimexpr{ems:.2f}em+{between}\\tabcolsep"


_COMMAND_OF = {
    "Population": "tablepopulation",
    "Table Number": "tablenumber",
    "Table Title": "tabletitle",
    "Table Title of Further Columns": "tabletitlefurther",
    "Table Subtitle": "tablesubtitle",
}


def _content(cell: Cell) -> str:
    return escaped(cell.text) + _marks(cell)


def _marks(cell: Cell) -> str:
    return f"\\tablemarks{{{escaped(cell.marks)}}}" if cell.marks else ""
