"""A work that is cited, and how it is written in a list and as BibTeX."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reference:
    """A work.

    Attributes
    ----------
    key : str
        Its key in ``report.bib``.
    kind : str
        Type of the BibTeX entry.
    author, year, title : str
        Authors are joined by " and ", each family name first.
    fields : dict of str to str
        Further BibTeX fields: journal, volume, number, pages, publisher, doi, url.
    """

    key: str
    kind: str
    author: str
    year: str
    title: str
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where it can be found: its DOI as an address, else its own."""
        doi = self.fields.get("doi")
        return f"https://doi.org/{doi}" if doi else self.fields.get("url", "")

    @property
    def text(self) -> str:
        """The reference as it stands in a list."""
        place = self.fields.get("journal") or self.fields.get("publisher", "")
        volume = self.fields.get("volume", "")
        if number := self.fields.get("number"):
            volume += f"({number})"
        pages = self.fields.get("pages", "").replace("--", "-")
        where = ":".join(part for part in (volume, pages) if part)
        found = ";".join(part for part in (self.year, where) if part)
        authors = self.author.replace(" and others", ", et al").replace(" and ", ", ")
        return f"{authors}. {self.title}. {place}. {found}."


def bibtex(references: Iterable[Reference]) -> str:
    r"""Return references as a BibTeX file.

    >>> work = Reference("a1", "book", "Öst A", "2000", "R & D", {"publisher": "P"})
    >>> print(bibtex([work]), end="")
    @book{a1,
      author = {Öst A},
      title = {{R \& D}},
      year = {2000},
      publisher = {P},
    }
    """
    return "\n".join(_entry(work) for work in references)


def _entry(work: Reference) -> str:
    told = {
        "author": work.author,
        "title": f"{{{work.title}}}",
        "year": work.year,
        **work.fields,
    }
    plain = ("doi", "url")
    lines = [
        f"  {name} = {{{text if name in plain else _escaped(text)}}},"
        for name, text in told.items()
    ]
    return "\n".join([f"@{work.kind}{{{work.key},", *lines, "}", ""])


def _escaped(text: str) -> str:
    return re.sub(r"([&%$#_])", r"\\\1", text)
