"""The methods that ran are told with what they are from."""

import re

import pytest

from trialstats.report import methods
from trialstats.report.citations import REFERENCES
from trialstats.report.methods import GUIDANCE, methods_as_run, references_of
from trialstats.report.references import bibtex

#: Words as rows state them -> works that must be cited.
WORDS = {
    "Mixed model for repeated measures (MMRM) of CHG on treatment; unstructured "
    "covariance within subjects; REML; Kenward-Roger degrees of freedom": [
        "mallinckrodt2008",
        "kenward1997",
    ],
    "random effects, REML; inverse-variance weights; 95% Hartung-Knapp interval": [
        "viechtbauer2005",
        "knapp2003",
    ],
    "equal effects; Q-profile interval": ["viechtbauer2007"],
    "risk ratio; interval for the true effect in a new trial": ["higgins2009"],
    "mean difference; from tau-squared": ["higgins2002"],
    "Mantel-Haenszel; 95% normal interval": ["mantel1959"],
    "Kaplan-Meier estimate": ["kaplan1958"],
    "Proportional hazards (Cox); ties by Efron": ["cox1972"],
    "Sample odds ratio; 95% conditional exact interval; Fisher's exact test": [
        "fisher1922"
    ],
}


@pytest.mark.parametrize("words", WORDS)
def test_the_words_of_a_row_are_cited(words):
    cited = {key for m in methods_as_run({"A": [words]}) for key in m.cites}
    assert cited >= set(WORDS[words])


def test_what_did_not_run_is_not_told():
    assert methods_as_run({"A": ["Number of subjects in the model"]}) == ()


def test_a_paragraph_lists_what_ran_and_where():
    ran = {
        "A": ["x; unstructured covariance within subjects; MMRM"],
        "B": ["MMRM; compound symmetry covariance within subjects"],
        "C": ["ANCOVA"],
    }
    first, *_ = methods_as_run(ran)
    assert first.used == ("A", "B")
    assert first.text.endswith(
        "Covariance within participants: unstructured and compound symmetry."
    )


def test_every_work_cited_is_listed_once_in_the_order_of_citation():
    told = methods_as_run({"A": list(WORDS)}, ["estimands", "syntheses"])
    works = references_of(told)
    assert works[0].key == "iche9r1"
    assert len({w.key for w in works}) == len(works)
    assert {k for m in told for k in m.cites} == {w.key for w in works}


def test_every_work_can_be_cited_and_every_citation_is_a_work():
    cited = {key for m in methods._METHODS for key in m.cites}
    cited |= {key for m in GUIDANCE.values() for key in m.cites}
    assert cited == set(REFERENCES)


@pytest.mark.parametrize("work", REFERENCES.values(), ids=lambda w: w.key)
def test_a_reference_is_complete(work):
    assert re.fullmatch(r"(19|20)\d\d", work.year)
    assert work.key.endswith(work.year) or work.key in ("iche9r1", "prisma2020")
    assert re.fullmatch(rf"{re.escape(work.author.split(' and ')[0])}.*", work.text)
    needed = {"article": "journal", "book": "publisher", "misc": "url"}[work.kind]
    assert work.fields[needed]
    assert re.fullmatch(r"|10\.\d{4,5}/\S+", work.fields.get("doi", ""))
    assert "None" not in work.text


def test_the_bibliography_is_one_entry_a_work_with_balanced_braces():
    text = bibtex(REFERENCES.values())
    assert re.findall(r"^@\w+\{(\w+),$", text, re.MULTILINE) == list(REFERENCES)
    assert text.count("{") == text.count("}")
    assert not re.search(r"(?<!\\)[&%#]", re.sub(r"(doi|url) = .*", "", text))
