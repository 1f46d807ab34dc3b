"""Names and labels of the variables of CDISC that a draft knows."""

import re
from collections.abc import Collection, Iterable

#: Labels of variables as the ADaM and SDTM guides give them, in small letters.
LABELS = {
    "study identifier": "STUDYID",
    "unique subject identifier": "USUBJID",
    "subject identifier for the study": "SUBJID",
    "study site identifier": "SITEID",
    "description of planned arm": "ARM",
    "planned arm": "ARM",
    "planned treatment for period 01": "TRT01P",
    "planned treatment for period 01 (n)": "TRT01PN",
    "planned sequence of treatments": "TRTSEQP",
    "planned treatment": "TRTP",
    "actual treatment": "TRTA",
    "date of first exposure to treatment": "TRTSDT",
    "date of last exposure to treatment": "TRTEDT",
    "date of randomization": "RANDDT",
    "age": "AGE",
    "age units": "AGEU",
    "sex": "SEX",
    "race": "RACE",
    "standardized disposition term": "DCDECOD",
    "reason for discontinuation": "DCREASCD",
    "end of study status": "EOSSTT",
    "analysis visit": "AVISIT",
    "analysis visit (n)": "AVISITN",
    "visit name": "VISIT",
    "visit number": "VISITNUM",
    "analysis date": "ADT",
    "analysis relative day": "ADY",
    "parameter": "PARAM",
    "parameter description": "PARAM",
    "parameter code": "PARAMCD",
    "analysis value": "AVAL",
    "baseline value": "BASE",
    "change from baseline": "CHG",
    "percent change from baseline": "PCHG",
    "analysis record flag 01": "ANL01FL",
    "baseline record flag": "ABLFL",
    "derivation type": "DTYPE",
    "censor": "CNSR",
    "reported term for the adverse event": "AETERM",
    "dictionary-derived term": "AEDECOD",
    "body system or organ class": "AEBODSYS",
    "results in death": "AESDTH",
    "analysis start date": "ASTDT",
    "severity/intensity": "AESEV",
    "serious event": "AESER",
    "causality": "AEREL",
    "treatment emergent analysis flag": "TRTEMFL",
    "time to event origin date for subject": "STARTDT",
    "intent-to-treat population flag": "ITTFL",
    "safety population flag": "SAFFL",
    "efficacy population flag": "EFFFL",
    "per-protocol population flag": "PPROTFL",
    "full analysis set population flag": "FASFL",
}

#: Labels of variables that a draft takes over as they are, by their names.
NAMES = {
    "RFSTDTC": "Subject reference start date",
    "RFENDTC": "Subject reference end date",
    "ETHNIC": "Ethnicity",
    "COUNTRY": "Country",
}

_KNOWN = {*LABELS.values(), "AVALU", "DCSREAS", "ARMCD", "COMPLFL", "RANDFL", "ENRLFL"}

#: Variables of the findings of SDTM, without the two letters of their domain.
FINDINGS = {
    "TESTCD": "PARAMCD",
    "TEST": "PARAM",
    "STRESN": "AVAL",
    "STRESU": "AVALU",
    "BLFL": "ABLFL",
    "DTC": "ADT",
}

#: Variables of which a domain of SDTM with numbered rows has one, without its letters.
_TOPICS = ("TESTCD", "TRT", "TERM", "DECOD")

#: Baseline characteristics by the words that name them: variable, label, unit.
CHARACTERISTICS = {
    "AGE": ("Age", "years"),
    "SEX": ("Sex", None),
    "WEIGHTBL": ("Weight at baseline", "kg"),
    "HEIGHTBL": ("Height at baseline", "cm"),
    "BMIBL": ("Body mass index at baseline", "kg/m2"),
    "RANDDT": ("Date of randomization", None),
    "TRTSDT": ("Date of first exposure to treatment", None),
    "EOSSTT": ("End of study status", None),
    "DCSREAS": ("Reason for discontinuation", None),
    "EOSDT": ("End of study date", None),
}

#: Flags of ADSL -> name of the analysis set.
SETS = {
    "ITTFL": "ITT",
    "SAFFL": "Safety",
    "FASFL": "FAS",
    "PPROTFL": "PP",
    "EFFFL": "EFF",
    "COMPLFL": "COMPL",
    "RANDFL": "RAND",
}


def standard_name(name: str, label: str | None) -> str | None:
    """Return the variable of CDISC that a column is, by its name or its label.

    >>> standard_name("AVISIT", None), standard_name("v7", "Analysis Visit")
    ('AVISIT', 'AVISIT')
    >>> standard_name("VSTESTCD", None), standard_name("pain", None)
    ('PARAMCD', None)
    """
    if name in _KNOWN:
        return name
    if label is not None and (found := LABELS.get(label.strip().lower())) is not None:
        return found
    if name.isupper() and name[2:] in FINDINGS and len(name) > 4:
        return FINDINGS[name[2:]]
    return None


def by_standard(columns: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """Return the columns that are variables of CDISC, by the variable."""
    found: dict[str, str] = {}
    for name, label in columns:
        known = standard_name(name, label)
        if known is not None:
            found.setdefault(known, name)
    return found


def sequence_of(names: Collection[str]) -> str | None:
    """Return the column that numbers the rows of a domain of SDTM, None without one.

    A dataset of ADaM may have it too, of the domain that it was made from.

    >>> sequence_of(["USUBJID", "VSSEQ", "VSTESTCD"]), sequence_of(["PARAMCD", "QSSEQ"])
    ('VSSEQ', None)
    """
    if {"PARAMCD", "AVAL"} & set(names):
        return None
    for name in names:
        domain = re.fullmatch(r"([A-Z]{2})SEQ", name)
        if domain and any(f"{domain[1]}{topic}" in names for topic in _TOPICS):
            return name
    return None
