"""Define-XML 2.1: what the datasets and their variables mean, for reviewers' software.

An ODM 1.3.2 document with CDISC's extension of 2019. References between its elements
go by identifier: IG a dataset, IT a variable, CL a codelist, MT a derivation, COM a
comment, VL and WC the value lists of parameters and their conditions, LF a file.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from trialstats.errors import DataError, combined, located
from trialstats.exports.characters import control_characters
from trialstats.exports.codelists import FEW
from trialstats.exports.define_items import Parts, add_items, described, sas_name
from trialstats.exports.study import NO_TIME, Dataset, Study, checked_time
from trialstats.exports.variables import FIRST_ROW, Variable, variables_of
from trialstats.version import __version__

NAMESPACES = {
    "xmlns": "http://www.cdisc.org/ns/odm/v1.3",
    "xmlns:def": "http://www.cdisc.org/ns/def/v2.1",
    "xmlns:xlink": "http://www.w3.org/1999/xlink",
}

VERSION = "2.1.0"

SUBJECT_LEVEL = "SUBJECT LEVEL ANALYSIS DATASET"

#: Classes of analysis datasets.
CLASSES = (
    SUBJECT_LEVEL,
    "BASIC DATA STRUCTURE",
    "OCCURRENCE DATA STRUCTURE",
    "ADAM OTHER",
)

#: Subclass -> the class that it belongs to.
SUBCLASSES = {
    "TIME-TO-EVENT": "BASIC DATA STRUCTURE",
    "ADVERSE EVENT": "OCCURRENCE DATA STRUCTURE",
}

#: Who may have given a value.
COLLECTORS = ("Investigator", "Subject", "Vendor", "Sponsor")

CONTEXTS = ("Other", "Submission")

#: Implementation guides that the standard knows, and what may become of them.
STANDARDS = (
    *("ADaMIG", "BIMO", "SDTMIG", "SDTMIG-AP", "SDTMIG-MD"),
    *("SENDIG", "SENDIG-AR", "SENDIG-DART"),
)
STATUSES = ("Final", "Provisional", "Draft")

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Standard:
    """The standard that the datasets follow, in the terms of Define-XML.

    Attributes
    ----------
    name, version : str
        Such as ADaMIG and 1.3.
    status : str
        Final, Provisional or Draft.
    """

    name: str = "ADaMIG"
    version: str = "1.3"
    status: str = "Final"

    #: Identifier within the document.
    oid = "STD.1"


def to_define_xml(
    study: Study,
    datasets: Iterable[Dataset],
    *,
    files: Mapping[str, str] | None = None,
    standard: Standard | None = None,
    context: str = "Other",
    created: str = NO_TIME,
    originator: str | None = None,
    few: int = FEW,
    collected_by: str = "Investigator",
) -> bytes:
    """Return the Define-XML 2.1 of a study's datasets.

    Parameters
    ----------
    study : Study
    datasets : iterable of Dataset
        In the order in which they are listed. `AVAL` of a dataset with several
        parameters is described for each of them.
    files : mapping of str to str, optional
        Dataset -> its file, relative to the document; the default is adsl.xpt for ADSL.
    standard : Standard, optional
        The default is the ADaM implementation guide 1.3.
    context : str
        Other, or Submission when it goes to an agency.
    created : str
        Creation time, which ODM requires. By default one that is no time, so that the
        same datasets give the same bytes.
    originator : str, optional
        The organisation that made the datasets.
    few : int
        Most distinct values of a text without codelist that become one.
    collected_by : str
        Who gave the collected values whose field has no ``origin_source``.

    Returns
    -------
    bytes
        XML in UTF-8.

    Raises
    ------
    DataError
        When a variable cannot be exported (see `variables_of`), names clash, a class is
        unknown, or a text holds a control character; every problem of a stage in one
        message.
    """
    listed = tuple(datasets)
    standard = standard or Standard()
    _refuse(_document_problems(listed, files or {}))
    _refuse(_choice_problems(standard, context, collected_by))
    described_by = _variables(listed)
    _refuse(_naming_problems(listed, described_by))
    parts = Parts(collected_by=collected_by, few=few)
    for dataset, variables in zip(listed, described_by, strict=True):
        href = (files or {}).get(dataset.name, f"{dataset.name.lower()}.xpt")
        group = _item_group(dataset, standard)
        add_items(group, dataset, variables, parts)
        _close_item_group(group, dataset, href)
        parts.groups.append(group)
    root = ElementTree.Element(
        "ODM",
        {
            **NAMESPACES,
            "ODMVersion": "1.3.2",
            "FileType": "Snapshot",
            "FileOID": f"{study.file_oid}.define",
            "CreationDateTime": checked_time(created),
            **({"Originator": originator} if originator else {}),
            "SourceSystem": "trialstats",
            "SourceSystemVersion": __version__,
            "def:Context": context,
        },
    )
    _add_study(root, study, standard, parts)
    _refuse(_character_problems(root))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _refuse(problems: Iterable[str]) -> None:
    found = list(problems)
    if found:
        raise DataError(combined(found))


def _variables(datasets: Sequence[Dataset]) -> list[tuple[Variable, ...]]:
    """Return the variables of all datasets; the problems of all in one error."""
    found, problems = [], []
    for dataset in datasets:
        try:
            found.append(variables_of(dataset))
        except DataError as error:
            problems.append(str(error))
    _refuse(problems)
    return found


def _document_problems(
    datasets: Sequence[Dataset], files: Mapping[str, str]
) -> Iterator[str]:
    if not datasets:
        yield located("no datasets to describe", remedy="name one at least")
    names = [dataset.name for dataset in datasets]
    for name in sorted(files.keys() - set(names)):
        remedy = f"name one of {', '.join(names)}"
        yield located("a file of no dataset", value=name, remedy=remedy)


def _choice_problems(
    standard: Standard, context: str, collected_by: str
) -> Iterator[str]:
    for value, allowed, what in (
        (standard.name, STANDARDS, "standard"),
        (standard.status, STATUSES, "status of a standard"),
        (context, CONTEXTS, "context"),
        (collected_by, COLLECTORS, "collected_by"),
    ):
        if value not in allowed:
            remedy = f"write one of {', '.join(allowed)}"
            yield located(f"unknown {what}", value=value, remedy=remedy)


def _naming_problems(
    datasets: Sequence[Dataset], variables: Sequence[tuple[Variable, ...]]
) -> Iterator[str]:
    counts = Counter(dataset.name.upper() for dataset in datasets)
    for dataset, listed in zip(datasets, variables, strict=True):
        if counts[dataset.name.upper()] > 1:
            remedy = "give each dataset a name of its own"
            yield located("a name of several datasets", dataset.name, remedy=remedy)
        for name in (None, *(variable.name for variable in listed)):
            if not _NAME.fullmatch(dataset.name if name is None else name):
                what = "a name of other characters than letters, digits and _"
                remedy = "rename it; a letter begins it"
                yield located(what, dataset.name, column=name, remedy=remedy)
        for what in ("label", "structure"):
            if not getattr(dataset, what).strip():
                remedy = f"give Dataset a {what} in words"
                yield located(f"no {what}", dataset.name, remedy=remedy)
        yield from _class_problems(dataset)
        for variable in listed:
            if variable.name == "PARAMCD" and "" in variable.values:
                yield located(
                    "an empty parameter code",
                    dataset.name,
                    variable.values.index("") + FIRST_ROW,
                    variable.name,
                    remedy="write the code, or make it missing",
                )
            source = variable.origin_source
            if source is not None and source not in COLLECTORS:
                yield located(
                    "unknown origin_source",
                    dataset.name,
                    column=variable.name,
                    value=source,
                    remedy=f"write one of {', '.join(COLLECTORS)}",
                )


def _class_problems(dataset: Dataset) -> Iterator[str]:
    if dataset.class_ not in CLASSES:
        remedy = f"write one of {', '.join(CLASSES)}"
        yield located(
            "unknown class", dataset.name, value=dataset.class_, remedy=remedy
        )
    elif dataset.subclass is not None and (
        SUBCLASSES.get(dataset.subclass) != dataset.class_
    ):
        known = [name for name, of in SUBCLASSES.items() if of == dataset.class_]
        yield located(
            f"no subclass of {dataset.class_}",
            dataset.name,
            value=dataset.subclass,
            remedy=f"write {' or '.join(known)}" if known else "leave it out",
        )


def _item_group(dataset: Dataset, standard: Standard) -> ElementTree.Element:
    group = ElementTree.Element(
        "ItemGroupDef",
        {
            "OID": dataset.oid,
            "Name": dataset.name,
            "Repeating": "No" if dataset.class_ == SUBJECT_LEVEL else "Yes",
            "IsReferenceData": "No",
            **sas_name("SASDatasetName", dataset.name),
            "Purpose": "Analysis",
            "def:StandardOID": standard.oid,
            "def:Structure": dataset.structure,
            "def:ArchiveLocationID": f"LF.{dataset.name}",
        },
    )
    described(group, dataset.label)
    return group


def _close_item_group(group: ElementTree.Element, dataset: Dataset, href: str) -> None:
    class_ = ElementTree.SubElement(group, "def:Class", {"Name": dataset.class_})
    if dataset.subclass is not None:
        ElementTree.SubElement(class_, "def:SubClass", {"Name": dataset.subclass})
    leaf = {"ID": f"LF.{dataset.name}", "xlink:href": href}
    title = ElementTree.SubElement(
        ElementTree.SubElement(group, "def:leaf", leaf), "def:title"
    )
    title.text = href


def _add_study(
    root: ElementTree.Element, study: Study, standard: Standard, parts: Parts
) -> None:
    node = ElementTree.SubElement(root, "Study", {"OID": study.oid})
    globals_ = ElementTree.SubElement(node, "GlobalVariables")
    for tag, text in (
        ("StudyName", study.name),
        ("StudyDescription", study.title),
        ("ProtocolName", study.name),
    ):
        ElementTree.SubElement(globals_, tag).text = text
    version = {
        "OID": study.metadata_oid,
        "Name": f"{study.name}, version {study.version} of the datasets",
        **({"Description": study.description} if study.description else {}),
        "def:DefineVersion": VERSION,
    }
    metadata = ElementTree.SubElement(node, "MetaDataVersion", version)
    ElementTree.SubElement(
        ElementTree.SubElement(metadata, "def:Standards"),
        "def:Standard",
        {
            "OID": standard.oid,
            "Name": standard.name,
            "Type": "IG",
            "Version": standard.version,
            "Status": standard.status,
        },
    )
    metadata.extend(parts.in_order())


def _character_problems(root: ElementTree.Element) -> Iterator[str]:
    """Yield control characters: XML cannot hold them, or readers change them.

    Lines and tabs are kept in descriptions, which may be several lines long.
    """

    def within(element: ElementTree.Element, place: str) -> Iterator[str]:
        place = element.get("OID") or place
        texts = [(name, text, "") for name, text in element.items()]
        allowed = "\n\t" if element.tag == "TranslatedText" else ""
        texts.append((element.tag, element.text or "", allowed))
        for name, text, spared in texts:
            for what in control_characters(text, spared):
                what = f"{what} in {name}"
                yield located(what, column=place, value=text, remedy="remove it")
        for child in element:
            yield from within(child, place)

    yield from within(root, "ODM")
