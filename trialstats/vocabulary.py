"""The words that rows, figures, tables and the report share.

Whoever prints a measure or how a number is known takes the word from here, so that a
figure, its table and the sentence about it say the same. Only the standard library is
imported: the workflow reads this whenever it is read.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """An effect measure.

    Attributes
    ----------
    code : str
        Its code, as metafor writes it.
    name : str
        Its name in words, with a small first letter.
    log : bool
        Whether it is a ratio, stored as a logarithm and drawn on a log axis.
    percent : bool
        Whether it is printed in percentage points.
    """

    code: str
    name: str
    log: bool
    percent: bool = False

    @property
    def title(self) -> str:
        """Its name, to begin a line with."""
        return upper_first(self.name)


#: Measures of our syntheses and of published reviews.
MEASURES = {
    measure.code: measure
    for measure in (
        Measure("MD", "mean difference", log=False),
        Measure("SMD", "standardized mean difference", log=False),
        Measure("RD", "risk difference", log=False, percent=True),
        Measure("RR", "risk ratio", log=True),
        Measure("OR", "odds ratio", log=True),
        Measure("HR", "hazard ratio", log=True),
        Measure("IRR", "incidence rate ratio", log=True),
    )
}

#: Unit of what is stored as a proportion and printed in percentage points.
PROPORTION = "proportion"

#: Measures of a table of counts; the others are of means.
BINARY_MEASURES = ("RR", "OR", "RD")

#: How the numbers of a row are known, from the surest to the least sure, and the word
#: for it in print.
DATA_STATUS = {
    "individual": "individual data",
    "published": "seen",
    "derived": "derived",
    "recalled": "recalled",
    "synthetic": "synthetic",
}

#: What the published tables call the status of a number.
EVIDENCE_STATUS = {"seen": "published", "derived": "derived", "recalled": "recalled"}

#: Marks of numbers that were not read where they were published, and what they mean.
STATUS_MARKS = {
    "recalled": (
        "\N{DAGGER}",
        "Recalled from the published review and checked by arithmetic; the page "
        "itself was not sighted.",
    ),
    "derived": (
        "\N{DOUBLE DAGGER}",
        "Derived by arithmetic from published numbers.",
    ),
}

#: Begins every banner, subtitle and description of data that were made up.
SYNTHETIC = "Synthetic data"


#: Name of the visit under which means over several visits stand, with equal weights.
AVERAGE_OVER_VISITS = "Average over visits"

#: Structures of the covariance within subjects, in words.
COVARIANCES = {
    "unstructured": "unstructured",
    "toeplitz": "Toeplitz",
    "toeplitz_heterogeneous": "heterogeneous Toeplitz",
    "ar1": "first-order autoregressive",
    "ar1_heterogeneous": "heterogeneous first-order autoregressive",
    "compound_symmetry": "compound symmetry",
    "compound_symmetry_heterogeneous": "heterogeneous compound symmetry",
    "antedependence": "first-order antedependence",
    "antedependence_heterogeneous": "heterogeneous first-order antedependence",
    "spatial_exponential": "spatial exponential",
    "spatial_gaussian": "spatial Gaussian",
}

#: Why a structure of a ladder has no estimate when an earlier one has.
NOT_TRIED = "Not tried: an earlier structure of the ladder fitted."

#: How degrees of freedom are found, in words.
DEGREES_OF_FREEDOM = {
    "kenward_roger": "Kenward-Roger",
    "kenward_roger_linear": "Kenward-Roger (linear)",
    "satterthwaite": "Satterthwaite",
    "between_within": "between-within",
    "residual": "residual",
}

#: Estimators of the variance between trials, by metafor's codes; EE has none.
TAU_SQUARED_ESTIMATORS = {
    "REML": "REML",
    "ML": "maximum likelihood",
    "DL": "DerSimonian-Laird",
    "DLIT": "iterated DerSimonian-Laird",
    "PM": "Paule-Mandel",
    "PMM": "median-unbiased Paule-Mandel",
    "HE": "Hedges-Olkin",
    "SJ": "Sidik-Jonkman",
    "SJIT": "iterated Sidik-Jonkman",
    "EB": "empirical Bayes",
    "HS": "Hunter-Schmidt",
    "HSk": "Hunter-Schmidt, small samples",
}

#: Intervals of a pooled effect, in words.
POOLED_INTERVALS = {
    "knapp_hartung": "Hartung-Knapp",
    "knapp_hartung_adhoc": "Hartung-Knapp ad hoc",
    "wald": "Wald",
    "t": "t",
}

#: Ways to combine trials that are not by inverse variances, in words.
COMBINING_METHODS = {
    "mantel_haenszel": "Mantel-Haenszel",
    "peto": "Peto",
    "one_stage": "one-stage conditional likelihood",
}

#: Priors of the standard deviation between trials, in words.
TAU_PRIORS = {"half_normal": "half-normal", "half_cauchy": "half-Cauchy"}

#: Likelihoods that are maximised, in words.
LIKELIHOODS = {
    "reml": "restricted maximum likelihood (REML)",
    "ml": "maximum likelihood (ML)",
}

#: Statistics that describe the fit of a mixed model, in the order of print.
FIT_STATISTICS = {
    "log_likelihood": "log-likelihood",
    "aic": "AIC",
    "bic": "BIC",
    "n_subjects": "participants",
    "n_observations": "observations",
}

#: Columns of the datasets, as the words that a model's term is printed with.
COLUMN_WORDS = {
    "TRT01P": "treatment",
    "TRTP": "treatment",
    "TRTSEQP": "sequence",
    "APERIOD": "period",
    "AVISIT": "visit",
    "BASE": "baseline",
}

#: Between the levels of a term in the name of an adverse event.
PATH = " > "

#: Part of an analysis of adverse events to which no term belongs.
EVENTS_OVERVIEW = "overview"

#: Beginning of the lines of an overview that says nothing of itself.
ANY = "Any "

#: Label of an adverse event whose level of the dictionary is missing.
UNCODED = "Not coded"

#: Values by which adverse events are graded, the lowest first.
EVENT_GRADES = {
    "AESEV": ("MILD", "MODERATE", "SEVERE"),
    "AETOXGR": ("1", "2", "3", "4", "5"),
    "AEREL": ("NOT RELATED", "RELATED"),
}

#: What the highest of them is called.
GRADED_BY = {
    "AESEV": "Maximum severity",
    "AETOXGR": "Maximum grade",
    "AEREL": "Relation to treatment",
}

#: Of subjects none of whose events has a grade.
NO_GRADE = "Missing"


def term_in_words(term: str) -> str:
    """Return a term of a model in words.

    >>> term_in_words("TRT01P:AVISIT"), term_in_words("AGE")
    ('treatment by visit', 'AGE')
    """
    return " by ".join(COLUMN_WORDS.get(part, part) for part in term.split(":"))


def short_review(review: str) -> str:
    """Return a review's name without its journal and identifiers.

    >>> short_review("Parker 2018 Cochrane CD010410.pub3 (PMID 29607497)")
    'Parker 2018 Cochrane CD010410.pub3'
    >>> short_review("Hegde 2025, Curr Pain Headache Rep 29(1):96, PMID 40540205")
    'Hegde 2025'
    """
    return re.split(r"[,;]| \(PMID", review, maxsplit=1)[0].strip()


def upper_first(text: str) -> str:
    """Return text that begins with a capital.

    >>> upper_first("pain")
    'Pain'
    """
    return text[:1].upper() + text[1:]


def lower_first(text: str) -> str:
    """Return text with a small first letter, unless it begins with a name.

    >>> [lower_first(text) for text in ("Pain score", "CDAI", "Crohn's disease")]
    ['pain score', 'CDAI', "Crohn's disease"]
    """
    first = text.split(" ", 1)[0]
    ordinary = first[1:].islower() and not first.endswith("'s")
    return text[:1].lower() + text[1:] if ordinary else text


def visits_in_words(visits: Iterable[str]) -> str:
    """Return the names of visits, the word that they share once.

    >>> visits_in_words(["Week 8", "Week 12"]), visits_in_words(["Week 8"])
    ('weeks 8 and 12', 'week 8')
    >>> visits_in_words(["Week 8", "End of treatment"])
    'Week 8 and End of treatment'
    """
    listed = list(visits)
    shared = numbered(listed)
    if shared is None:
        return sentence_list(listed)
    word, numbers = shared
    plural = "s" if len(numbers) > 1 else ""
    return f"{lower_first(word)}{plural} {sentence_list(numbers)}"


def numbered(names: Iterable[str]) -> tuple[str, list[str]] | None:
    """Return the word that names share and their numbers, None where they do not.

    >>> numbered(["Week 4", "Week 12"])
    ('Week', ['4', '12'])
    >>> numbered(["Baseline", "Week 4"])
    """
    parts = [re.fullmatch(r"(\D+?)\s*(\d+)", name) for name in names]
    words = {part.group(1) for part in parts if part}
    if not all(parts) or len(words) != 1:
        return None
    return words.pop(), [part.group(2) for part in parts if part]


#: Category of those without a value.
MISSING = "Missing"


def shift_in_words(before: str, after: str) -> str:
    """Return a shift between two categories, as rows name it.

    >>> shift_in_words("Normal", "High")
    'Normal to High'
    """
    return f"{before} to {after}"


def flag_of_set(name: str) -> str:
    """Return the ADSL column that marks an analysis set.

    >>> flag_of_set("Safety")
    'SAFETYFL'
    """
    return f"{name.upper()}FL"


def time_label(time: float, unit: str) -> str:
    """Return a time with its unit, as rows name it; `time_of` reads it.

    >>> time_label(14.0, "days"), time_of("2.5 weeks")
    ('14 days', 2.5)
    """
    return f"{time:.12g} {unit}"


def time_of(label: str) -> float:
    """Return the number of a time that `time_label` wrote."""
    return float(label.split(" ", 1)[0])


def events_part(parameter: str, model_id: str | None) -> str:
    """Return what a line of adverse events belongs to: the overview, or a variable.

    >>> events_part("Any adverse event", None), events_part("Skin > Rash", "AEDECOD")
    ('overview', 'AEDECOD')
    """
    part = model_id or ""
    if part == EVENTS_OVERVIEW or part.startswith("AE"):
        return part
    return EVENTS_OVERVIEW if parameter.startswith(ANY) else part


def sentence_list(items: Iterable[str]) -> str:
    """Join as words do.

    >>> sentence_list(["a", "b", "c"])
    'a, b and c'
    """
    listed = list(items)
    if len(listed) < 2:
        return "".join(listed)
    return f"{', '.join(listed[:-1])} and {listed[-1]}"
