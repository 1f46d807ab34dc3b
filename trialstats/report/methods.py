"""Methods as a reader of a paper expects them: one paragraph a method that ran.

What ran is read from the words of the rows; each paragraph says in which analyses the
method was used, with its variants, and cites where it is from.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from trialstats.report.citations import REFERENCES
from trialstats.report.references import Reference
from trialstats.vocabulary import sentence_list


@dataclass(frozen=True, slots=True)
class MethodText:
    """A paragraph on one method.

    Attributes
    ----------
    title : str
        The method.
    text : str
        What it is and which variants ran.
    used : tuple of str
        Titles of the analyses and syntheses that used it.
    cites : tuple of str
        Keys of `REFERENCES`.
    """

    title: str
    text: str
    used: tuple[str, ...]
    cites: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Method:
    """A method: how the words of a row name it, and what is said of it.

    `variants` finds the variant in the words of a row; it is listed after `listing`.
    """

    title: str
    pattern: str
    text: str
    cites: tuple[str, ...]
    variants: str = ""
    listing: str = ""


_METHODS = (
    _Method(
        "Mixed model for repeated measures",
        r"mixed model for repeated measures|\bMMRM\b",
        "Repeated measurements were analysed by a linear model for all visits at once "
        "in which the measurements of a participant are correlated. Every participant "
        "with at least one measurement contributes; missing values are taken to be "
        "missing at random given what was observed.",
        ("mallinckrodt2008",),
        r"([\w-]+(?: [\w-]+)?) covariance within subjects",
        "Covariance within participants",
    ),
    _Method(
        "Constrained baseline",
        r"means of the arms equal at",
        "The baseline was modelled as a response whose mean is the same in all arms, "
        "as randomisation makes it.",
        ("liang2000",),
    ),
    _Method(
        "Kenward-Roger inference",
        r"Kenward-Roger",
        "Standard errors, degrees of freedom and tests of fixed effects were adjusted "
        "for the small sample after Kenward and Roger.",
        ("kenward1997",),
    ),
    _Method(
        "Satterthwaite degrees of freedom",
        r"Satterthwaite",
        "Degrees of freedom were approximated after Satterthwaite.",
        ("satterthwaite1946",),
    ),
    _Method(
        "Analysis of covariance",
        r"\bANCOVA\b",
        "A value at one time was compared between arms by least squares, adjusted for "
        "its baseline and what else the model names.",
        ("vickers2001",),
    ),
    _Method(
        "Crossover trial",
        r"treatment, period and sequence|two-period|crossover",
        "Treatments were compared within participants, with effects of period and of "
        "sequence in the model.",
        ("grizzle1965", "senn2002"),
    ),
    _Method(
        "Proportions: score interval",
        r"Miettinen-Nurminen",
        "Proportions were compared by the score method, which holds its level also "
        "near 0 and 1.",
        ("miettinen1985",),
    ),
    _Method(
        "Proportions: hybrid score interval",
        r"Newcombe",
        "The interval for the difference of two proportions combines the score "
        "interval of each.",
        ("newcombe1998",),
    ),
    _Method(
        "Proportions: exact interval",
        r"Clopper-Pearson",
        "The interval for a single proportion is exact.",
        ("clopper1934",),
    ),
    _Method(
        "Fisher's exact test",
        r"Fisher's exact",
        "Two proportions were tested given both margins of their table.",
        ("fisher1922",),
    ),
    _Method(
        "Cochran-Mantel-Haenszel tests",
        r"Cochran-Mantel-Haenszel",
        "Associations were tested within strata, of nominal and ordered categories.",
        ("mantel1959", "landis1978"),
    ),
    _Method(
        "Kaplan-Meier estimate",
        r"Kaplan-Meier",
        "The share without the event was estimated over time from participants still "
        "at risk.",
        ("kaplan1958",),
    ),
    _Method(
        "Log-rank test",
        r"log-rank",
        "Times to the event were tested for a difference between arms over the whole "
        "follow-up.",
        ("mantel1966",),
    ),
    _Method(
        "Proportional hazards",
        r"\bCox\b|proportional hazards",
        "Hazards were compared as a ratio that does not change over time.",
        ("cox1972",),
    ),
    _Method(
        "Two one-sided tests",
        r"two one-sided|bioequivalence",
        "Equivalence was tested by two one-sided tests, which agree with an interval "
        "inside the limits.",
        ("schuirmann1987",),
    ),
    _Method(
        "Standardized mean difference",
        r"Hedges' g",
        "Outcomes on different scales were put on one by the standard deviation, "
        "corrected for small samples.",
        ("hedges1981",),
    ),
    _Method(
        "Crossover trials in a synthesis",
        r"paired \(crossover\)|crossover trials paired",
        "Crossover trials enter by the difference within participants, with a stated "
        "correlation where none is published.",
        ("elbourne2002",),
    ),
    _Method(
        "Random effects",
        r"random effects, \w+",
        "Trials were pooled with weights of inverse variance, the variance between "
        "trials included: each trial may have its own true effect.",
        ("dersimonian1986", "viechtbauer2005"),
        r"random effects, (\w+)",
        "Estimators of the variance between trials",
    ),
    _Method(
        "Equal effects",
        r"equal effects",
        "Trials were pooled as if they shared one true effect.",
        ("cochran1954",),
    ),
    _Method(
        "Paule-Mandel estimator",
        r"random effects, PM",
        "The variance between trials was the one under which Cochran's Q equals its "
        "degrees of freedom.",
        ("paule1982",),
    ),
    _Method(
        "Sidik-Jonkman estimator",
        r"random effects, SJ",
        "The variance between trials was estimated from a first, crude estimate, and "
        "is never zero.",
        ("sidik2005",),
    ),
    _Method(
        "Hedges-Olkin estimator",
        r"random effects, HE",
        "The variance between trials was the observed variance of the effects less "
        "the mean of their own variances.",
        ("hedges1985",),
    ),
    _Method(
        "Hartung-Knapp interval",
        r"Hartung-Knapp",
        "The interval of a pooled effect takes its width from the spread of the "
        "trials and the t distribution.",
        ("hartung2001", "knapp2003"),
    ),
    _Method(
        "Heterogeneity",
        r"Cochran's Q|from tau-squared|from Q",
        "Heterogeneity between trials was tested by Cochran's Q and described by the "
        "variance between trials and by I-squared.",
        ("cochran1954", "higgins2002"),
    ),
    _Method(
        "Interval for the variance between trials",
        r"Q-profile",
        "The interval holds the variances under which Q is no surprise.",
        ("viechtbauer2007",),
    ),
    _Method(
        "Prediction interval",
        r"true effect in a new trial",
        "The prediction interval is for the true effect in a trial like these.",
        ("higgins2009",),
    ),
    _Method(
        "Mantel-Haenszel pooling",
        r"(?<!Cochran-)Mantel-Haenszel",
        "Counts were pooled without adding to empty cells.",
        ("mantel1959",),
    ),
    _Method(
        "Peto's method",
        r"\bPeto\b",
        "Odds ratios of rare events were pooled from observed and expected counts.",
        ("yusuf1985",),
    ),
    _Method(
        "Bayesian model",
        r"Bayesian",
        "A Bayesian model was computed by quadrature, without simulation.",
        ("rover2020",),
        r"(tau half-[\w]+\([\d.]+\))",
        "Priors",
    ),
    _Method(
        "Meta-regression",
        r"meta-regression|moderator",
        "Effects were regressed on properties of the trials.",
        ("thompson2002",),
    ),
    _Method(
        "Influence",
        r"without this trial|Cook's distance",
        "The model was fitted again without each trial.",
        ("viechtbauer2010", "baujat2002"),
    ),
    _Method(
        "Small-study effects: regression test",
        r"\bEgger\b",
        "Effects were regressed on their precision.",
        ("egger1997",),
    ),
    _Method(
        "Small-study effects: rank correlation",
        r"\bBegg\b",
        "Effects were correlated with their variances by ranks.",
        ("begg1994",),
    ),
    _Method(
        "Small-study effects of counts: score test",
        r"\bHarbord\b",
        "The regression test was made on efficient scores, which are less tied to "
        "the effect than a log odds ratio is.",
        ("harbord2006",),
    ),
    _Method(
        "Small-study effects of counts: sample size",
        r"\bPeters\b",
        "Effects were regressed on the inverse of the number of participants.",
        ("peters2006",),
    ),
    _Method(
        "Trim and fill",
        r"trim and fill",
        "Trials were added so that the funnel became symmetric.",
        ("duval2000",),
    ),
    _Method(
        "Fail-safe number",
        r"fail-safe N",
        "The number of null trials that would undo a result was counted.",
        ("rosenthal1979",),
    ),
    _Method(
        "Excess significance",
        r"excess significance",
        "The number of significant trials was compared with what their power gives.",
        ("ioannidis2007",),
    ),
)

#: Guidance that a part of the report follows, by the name of the part.
GUIDANCE: dict[str, MethodText] = {
    "estimands": MethodText(
        "Estimands",
        "Each analysis states its estimand: treatment, population, variable, "
        "intercurrent events with their strategies, and summary.",
        (),
        ("iche9r1",),
    ),
    "trials": MethodText(
        "Reporting of trials",
        "Numbers analysed and numbers with data, effects with intervals, absolute "
        "and relative, follow the statement on reporting of randomised trials.",
        (),
        ("consort2025",),
    ),
    "syntheses": MethodText(
        "Reporting of syntheses",
        "Methods and results of syntheses follow the statement on reporting of "
        "systematic reviews.",
        (),
        ("prisma2020",),
    ),
    "findings": MethodText(
        "Certainty of the evidence",
        "Summaries of findings follow GRADE; what nobody has judged is printed as not "
        "judged.",
        (),
        ("grade2011",),
    ),
    "risk_of_bias": MethodText(
        "Risk of bias",
        "Risk of bias was judged by domain.",
        (),
        ("rob2019",),
    ),
    "labbe": MethodText(
        "L'Abbé plot",
        "The risk under treatment of each trial is drawn against that under control.",
        (),
        ("labbe1987",),
    ),
    "gosh": MethodText(
        "All subsets",
        "The model was fitted to every subset of the trials.",
        (),
        ("olkin2012",),
    ),
}


def methods_as_run(
    ran: Mapping[str, Iterable[str]], guidance: Sequence[str] = ()
) -> tuple[MethodText, ...]:
    """Return a paragraph for each method that ran.

    Parameters
    ----------
    ran : mapping of str to iterable of str
        Title of an analysis or synthesis -> the words of its rows about their method.
    guidance : sequence of str
        Keys of `GUIDANCE` that apply.

    Returns
    -------
    tuple of MethodText
        Guidance first, then methods of trials and of syntheses.
    """
    listed = {title: tuple(dict.fromkeys(words)) for title, words in ran.items()}
    made = [GUIDANCE[name] for name in guidance]
    for method in _METHODS:
        pattern = re.compile(method.pattern, re.IGNORECASE)
        found = {
            title: [text for text in words if pattern.search(text)]
            for title, words in listed.items()
        }
        used = tuple(title for title, words in found.items() if words)
        if used:
            said = [text for words in found.values() for text in words]
            text = f"{method.text}{_variants(method, said)}"
            made.append(MethodText(method.title, text, used, method.cites))
    return tuple(made)


def _variants(method: _Method, words: Iterable[str]) -> str:
    if not method.variants:
        return ""
    pattern = re.compile(method.variants)
    found = dict.fromkeys(part for text in words for part in pattern.findall(text))
    return f" {method.listing}: {sentence_list(found)}." if found else ""


def references_of(methods: Iterable[MethodText]) -> tuple[Reference, ...]:
    """Return the works that methods cite, in the order of their first citation."""
    keys = dict.fromkeys(key for method in methods for key in method.cites)
    return tuple(REFERENCES[key] for key in keys)
