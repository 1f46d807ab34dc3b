"""Write the report as one self-contained HTML page."""

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from trialstats.figures.fonts import faces_used, font_css
from trialstats.formatting import undirected
from trialstats.report.content import ReportContent, Section
from trialstats.report.embedding import embedded_rows
from trialstats.report.inline_svg import inline_svg
from trialstats.report.marking import LIBRARY, Marker, data_row
from trialstats.tables.render import to_html
from trialstats.tables.style import TABLE_STYLE
from trialstats.tables.table import Table

#: What the page may do: draw and run what it carries, and ask for nothing.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:; "
    "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)

#: Where the words of headings and captions are from.
_CAPTIONS = "Words of a heading or caption, from the configuration or the library"


def write_report(content: ReportContent) -> str:
    """Return the report as one HTML page.

    Parameters
    ----------
    content : ReportContent
        What it says.

    Returns
    -------
    str
        A page that loads nothing: style, figures, glyphs, rows and the script that
        follows a number are inside. Without the script it reads the same. The same
        content gives the same text.
    """
    environment = Environment(
        loader=PackageLoader("trialstats.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["table"] = _table
    prefixes = {f.id: f"f{n}" for n, f in enumerate(content.figures)}
    environment.filters["inline"] = lambda figure, mark: Markup(
        inline_svg(figure, mark, prefixes[figure.id])
    )
    loader = PackageLoader("trialstats.report")
    parts = {
        name: loader.get_source(environment, name)[0]
        for name in ("report.css", "screen.css", "print.css", "report.js")
    }
    sections = (*content.syntheses, *content.trials)
    mark = Marker(content.by_id, content.given)
    glyphs = font_css(faces_used(f.svg for f in content.figures))
    made = environment.get_template("report.html").render(
        content=content,
        conditions=_by_condition(content.syntheses),
        mark=mark,
        wide_mark=mark.knowing([g for s in sections for g in s.given]),
        marks={s.id: mark.knowing(s.given) for s in sections},
        numbers={work.key: n for n, work in enumerate(content.references, start=1)},
        data_row=data_row,
        library=LIBRARY,
        captions=_CAPTIONS,
        open_menu=True,
        style=Markup(glyphs + TABLE_STYLE + parts["report.css"]),
        screen_style=Markup(parts["screen.css"]),
        print_style=Markup(parts["print.css"]),
        script=Markup(parts["report.js"]),
        policy=_POLICY,
        rows=embedded_rows(
            content.estimates,
            content.records,
            origins=content.origins,
            digests=content.digests,
        ),
    )
    return undirected(made)


def _table(table: Table, mark: Marker) -> Markup:
    """Return a table as HTML, which `to_html` has escaped."""
    return Markup(to_html(table, mark))


def _by_condition(syntheses: tuple[Section, ...]) -> list[tuple[str, list[Section]]]:
    """Group syntheses under their condition, in order of first appearance."""
    groups: dict[str, list[Section]] = {}
    for synthesis in syntheses:
        name = synthesis.condition
        groups.setdefault(name[:1].upper() + name[1:], []).append(synthesis)
    return list(groups.items())
