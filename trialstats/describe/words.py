"""What names, labels and values say in words, and names made from them."""

import re
from collections.abc import Collection, Iterable, Sequence

#: Words of values that are the comparator, and those that are the treatment studied.
CONTROL = {
    *("placebo", "plac", "pbo", "plb", "control", "controls", "ctrl", "sham"),
    *("vehicle", "usual", "standard", "reference", "ref", "waiting", "untreated"),
    *("comparator", "none", "r", "saline"),
}
ACTIVE = {
    *("active", "drug", "treatment", "treated", "test", "verum", "intervention"),
    *("experimental", "dose", "mg", "therapy", "t", "trt"),
}

#: What stands in place of an arm for those who were in none.
NO_ARM = {
    *("screen failure", "screen failures", "screen fail", "screening failure"),
    *("not assigned", "not treated", "not randomised", "not randomized"),
    *("scrnfail", "notassgn", "nottrt"),
}

#: Letters that two arms are coded with: that of the control, those of the other.
_LETTERS = {
    "P": ("Placebo", {"A": "Active", "V": "Verum", "D": "Drug"}),
    "C": ("Control", {"T": "Treatment", "I": "Intervention", "E": "Experimental"}),
}

#: Words of the names of columns, by what such a column holds.
ARM = {
    *("arm", "treat", "treatment", "trt", "group", "grp", "rx", "therapy", "tx"),
    *("allocation", "allocated", "alloc", "intervention", "assignment", "assigned"),
    *(
        "randomised",
        "randomized",
        "drug",
        "regimen",
        "trt01p",
        "trta",
        "trtp",
        "actarm",
    ),
}
SEQUENCE = {"sequence", "seq", "trtseqp", "grp", "group", "order"}
SUBJECT = {
    *("subject", "usubjid", "subjid", "subj", "patient", "pat", "patno", "participant"),
    *("id", "pid", "ptid", "person", "subjectid", "patientid", "record"),
}
VISIT = {
    *("visit", "week", "wk", "month", "mon", "day", "time", "timepoint", "avisit"),
    *("year", "occasion", "vis", "assessment", "wave"),
}
PERIOD = {"period", "per", "aperiod", "phase", "prd"}
OUTCOME = {
    *("outcome", "response", "responder", "respond", "event", "endpoint", "success"),
    *("cure", "cured", "failure", "failed", "relapse", "remission", "improved", "died"),
    *("death", "dead", "result", "primary"),
}
CONCENTRATION = {"cmax", "auc", "auct", "aucinf", "aucinfobs", "auclast", "pk"}
BASELINE = {"baseline", "base", "bl", "basval", "pre", "before", "screening", "bline"}
FIRST_DOSE = {"dose", "dosed", "trtsdt", "treatment", "start", "rfxstdtc", "rfstdtc"}
RANDOMISED = {
    *("random", "randomised", "randomized", "randomisation", "randomization"),
    *("randdt", "rand", "allocated"),
}

MALE = {"m", "male", "man", "boy", "männlich"}
FEMALE = {"f", "female", "woman", "girl", "w", "weiblich"}
YES = {"y", "yes", "true", "good", "success", "improved", "positive", "present", "1"}
NO = {"n", "no", "false", "poor", "failure", "unchanged", "negative", "absent", "0"}


def tokens(text: str) -> list[str]:
    """Return the words of a name, in small letters.

    >>> tokens("hos.cat"), tokens("nrAdvE"), tokens("period_1_start")
    (['hos', 'cat'], ['nr', 'adv', 'e'], ['period', '1', 'start'])
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return [word.lower() for word in re.findall(r"[^\W_]+", spaced)]


def says(name: str, words: Collection[str]) -> bool:
    """Return whether a name is one of some words, or has one among its words."""
    return name.lower() in words or any(word in words for word in tokens(name))


def code(name: str, taken: Collection[str] = ()) -> str:
    """Return a name of eight capitals and digits that is not taken yet.

    >>> code("hos.cat"), code("acupuncturist"), code("AGE", {"AGE"}), code("2nd")
    ('HOSCAT', 'ACUPUNCT', 'AGE2', 'V2ND')
    """
    plain = re.sub(r"[^A-Z0-9]", "", name.upper())
    if not plain or plain[0].isdigit():
        plain = f"V{plain}"
    candidate, number = plain[:8], 2
    while candidate in taken:
        candidate = f"{plain[: 8 - len(str(number))]}{number}"
        number += 1
    return candidate


def label(name: str) -> str:
    """Return a name as words, to begin a line with.

    >>> label("practice_id"), label("hos.cat"), label("PK"), label("logPK")
    ('Practice id', 'Hos cat', 'PK', 'Log PK')
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = re.sub(r"[\W_]+", " ", spaced).strip() or name
    return words[:1].upper() + words[1:]


def unprefixed(levels: Iterable[str]) -> dict[str, str]:
    """Return levels without the codes before their words, where all have one.

    >>> unprefixed(["0_no", "1_yes"]), unprefixed(["a", "1_b"])
    ({'0_no': 'no', '1_yes': 'yes'}, {})
    """
    listed = list(levels)
    found = {
        level: re.match(r"^\d+\s*[_:=.)-]\s*(?=\D)(.+)$", level) for level in listed
    }
    if not listed or not all(found.values()):
        return {}
    plain = {level: match[1] for level, match in found.items() if match}
    return plain if len(set(plain.values())) == len(plain) else {}


def pretty(text: str) -> str:
    """Return a word in one case with a capital at its beginning.

    >>> pretty("PLACEBO"), pretty("indomethacin"), pretty("rIFN-g"), pretty("d1")
    ('Placebo', 'Indomethacin', 'rIFN-g', 'd1')
    """
    word = len(text) > 3 and text[0].isalpha()
    if word and (text.islower() or (text.isupper() and text.isalpha())):
        return text[:1].upper() + text[1:].lower()
    return text


def is_control(text: str) -> bool:
    """Return whether a value names a comparator.

    >>> is_control("0_placebo"), is_control("R"), is_control("rIFN-g")
    (True, True, False)
    """
    words = tokens(text)
    return any(word in CONTROL for word in words if len(word) > 1 or len(words) == 1)


def is_active(text: str) -> bool:
    """Return whether a value names a treatment studied."""
    words = tokens(text)
    dose = re.search(r"\d\s*(mg|ug|mcg|g|ml|iu)\b", text.lower())
    long = [word for word in words if len(word) > 1 or len(words) == 1]
    return bool(dose) or any(word in ACTIVE for word in long)


def in_no_arm(text: str) -> bool:
    """Return whether a value says that a subject was in no arm.

    >>> in_no_arm("Screen Failure"), in_no_arm("NOTASSGN"), in_no_arm("Placebo")
    (True, True, False)
    """
    return " ".join(tokens(text)) in NO_ARM


def spelt_out(levels: Sequence[str]) -> dict[str, str]:
    """Return what the usual letters of two arms stand for, empty for others.

    >>> spelt_out(["A", "P"]), spelt_out(["A", "B"])
    ({'P': 'Placebo', 'A': 'Active'}, {})
    """
    for control, (name, others) in _LETTERS.items():
        other = next((level for level in levels if level in others), None)
        if other is not None and set(levels) == {control, other}:
            return {control: name, other: others[other]}
    return {}


def natural(text: str) -> tuple[tuple[int, float, str], ...]:
    """Return a key that sorts numbers in text by their size.

    >>> sorted(["Week 12", "Week 4", "Baseline"], key=natural)
    ['Baseline', 'Week 4', 'Week 12']
    """
    return tuple(
        (0, float(part), "") if re.fullmatch(r"\d+(\.\d+)?", part) else (1, 0.0, part)
        for part in re.findall(r"\d+(?:\.\d+)?|[^\d]+", text.lower())
    )


def yes_no(levels: Iterable[str]) -> dict[str, int] | None:
    """Return levels as 1 and 0 when their words are a yes and a no.

    >>> yes_no(["0_no", "1_yes"]), yes_no(["good", "poor"]), yes_no(["a", "b"])
    ({'0_no': 0, '1_yes': 1}, {'good': 1, 'poor': 0}, None)
    """
    listed = list(levels)
    plain = unprefixed(listed) or {level: level for level in listed}
    found = {
        level: 1 if word.lower() in YES else 0
        for level, word in plain.items()
        if word.lower() in YES | NO
    }
    if len(listed) != 2 or sorted(found.values()) != [0, 1]:
        return None
    return found
