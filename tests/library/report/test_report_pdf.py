"""The report on paper: all of it, the same bytes twice, and why it may not be."""

import re
import sys
import zlib
from dataclasses import replace

import pytest

from tests.library.report.test_report_page import content
from trialstats.errors import ConfigError
from trialstats.report.page import write_report
from trialstats.report.pdf import _own_fonts_only, to_pdf


def weasyprint():
    try:
        import weasyprint
    except (ImportError, OSError) as reason:
        pytest.skip(f"weasyprint cannot draw here: {reason}")
    return weasyprint


@pytest.fixture(scope="module")
def short_page():
    """Return the page with one trial and one synthesis: paper is slow."""
    whole = content()
    return write_report(
        replace(
            whole, syntheses=whole.syntheses[1:2], trials=whole.trials[1:], findings=()
        )
    )


def test_is_a_pdf_with_page_numbers_and_the_same_twice(short_page):
    weasyprint()
    made = to_pdf(short_page)
    assert made.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", _objects(made))) > 3
    assert to_pdf(short_page) == made


def _objects(pdf: bytes) -> bytes:
    """Return a PDF with what is packed in it unpacked."""
    found = [pdf]
    for packed in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            found.append(zlib.decompress(packed))
        except zlib.error:
            continue
    return b"\n".join(found)


@pytest.mark.parametrize("address", ["https://example.org/x", "file:///etc/hostname"])
def test_nothing_but_what_the_page_carries_is_read(address):
    with pytest.raises(ValueError, match="is not part of the report"):
        _own_fonts_only(address)


def test_without_pango_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(ConfigError, match=r"pango .*report: \{pdf: false\}"):
        to_pdf("<html></html>")
