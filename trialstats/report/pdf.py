"""The report on paper: the page as a PDF with page numbers and a running title."""

import logging
from importlib import import_module
from pathlib import Path
from typing import Any

import matplotlib as mpl

from trialstats.errors import ConfigError
from trialstats.figures.theme import FONT

#: Files of the font of the figures, which matplotlib brings: the same everywhere.
_FACES = (
    ("DejaVuSans.ttf", 400, "normal"),
    ("DejaVuSans-Bold.ttf", 700, "normal"),
    ("DejaVuSans-Oblique.ttf", 400, "italic"),
)

#: What a PDF has and the page has not, after the styles of the page.
_PAPER = """
body{font-family:'DejaVu Sans';font-size:8.5pt}
.mono,code,tbody .code{font-family:'DejaVu Sans';font-size:6.5pt}
h1{string-set:running content()}
@page{@top-left{content:string(running);font:7.5pt 'DejaVu Sans';color:#57606a}
@bottom-right{content:counter(page) " of " counter(pages);font:7.5pt 'DejaVu Sans';
color:#57606a}}
@page:first{@top-left{content:""}}
table{font-size:6.5pt}
.footnotes,.preface,figcaption{font-size:6.5pt}
script{display:none}
"""


def to_pdf(page: str) -> bytes:
    """Return the report as a PDF.

    Parameters
    ----------
    page : str
        The page that `trialstats.report.page.write_report` returns.

    Returns
    -------
    bytes
        The same page gives the same bytes.

    Raises
    ------
    ConfigError
        When weasyprint, or the library pango that it draws with, is not installed.
    """
    weasyprint = _weasyprint()
    style = f"<style>{_font_faces()}{_PAPER}</style></head>"
    document = weasyprint.HTML(
        string=page.replace("</head>", style, 1), url_fetcher=_own_fonts_only
    )
    log = logging.getLogger("weasyprint")
    level = log.level
    # Properties of SVG are none of CSS; each of thousands would be a line of the log.
    log.setLevel(logging.ERROR)
    try:
        made: bytes = document.write_pdf()
    finally:
        log.setLevel(level)
    return made


def _weasyprint() -> Any:
    """Return weasyprint, whose import fails where pango is absent."""
    try:
        return import_module("weasyprint")
    except (ImportError, OSError) as reason:
        raise ConfigError(
            f"the report cannot be written as a PDF: {reason}. Install weasyprint "
            "(pip install weasyprint) and the system library pango (Debian and "
            "Ubuntu: apt-get install libpango-1.0-0 libpangoft2-1.0-0; macOS: brew "
            "install pango), or write report: {pdf: false} in config/config.yaml"
        ) from reason


def _font_faces() -> str:
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    return "".join(
        f"@font-face{{font-family:'{FONT}';font-weight:{weight};font-style:{style};"
        f"src:url({(folder / name).as_uri()})}}"
        for name, weight, style in _FACES
    )


def _own_fonts_only(url: str, *arguments: Any, **named: Any) -> Any:
    """Fetch what the page carries in itself and the fonts, and nothing else."""
    if url.startswith(("data:", Path(mpl.get_data_path()).as_uri())):
        return import_module("weasyprint").default_url_fetcher(url, *arguments, **named)
    raise ValueError(f"{url} is not part of the report")
