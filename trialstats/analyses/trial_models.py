"""What the models of a trial are in words, as configured or as fitted."""

from collections.abc import Iterable, Sequence

from trialstats.analyses.trial_rows import Analysis
from trialstats.fixed_effects.formulas import parse, variables_of
from trialstats.vocabulary import (
    COLUMN_WORDS,
    COVARIANCES,
    DEGREES_OF_FREEDOM,
    LIKELIHOODS,
    sentence_list,
    term_in_words,
)

#: Structures that are tried, in this order, when the configuration names none.
LADDER = (
    "unstructured",
    "toeplitz_heterogeneous",
    "ar1_heterogeneous",
    "compound_symmetry_heterogeneous",
    "compound_symmetry",
)

#: Terms when the configuration names none; with a constrained baseline the arms share
#: one mean before treatment, so there is no main effect of treatment.
TERMS = ("TRT01P*AVISIT", "BASE*AVISIT")
CONSTRAINED_TERMS = ("AVISIT", "TRT01P:AVISIT")

_OBSERVED = "observed cases"


def terms_of(analysis: Analysis) -> Sequence[str]:
    """Return the terms of a model over visits."""
    usual = CONSTRAINED_TERMS if baseline_of(analysis) else TERMS
    return list(analysis.model.get("terms") or usual)


def structures_of(analysis: Analysis) -> list[str]:
    """Return the covariance structures of a model over visits, in their order."""
    named = analysis.model.get("covariance", LADDER)
    return [named] if isinstance(named, str) else list(named)


def baseline_of(analysis: Analysis) -> str | None:
    """Return the visit at which the arms share one mean, None when they do not."""
    if not analysis.model.get("constrained_baseline"):
        return None
    parameter = analysis.config["bds"][analysis.settings["parameter"]]
    return str(parameter["baseline"])


def formula_of(analysis: Analysis) -> str:
    """Return the formula of a model over visits."""
    return f"{analysis.settings['response']} ~ {' + '.join(terms_of(analysis))}"


def mmrm_model(
    analysis: Analysis, *, structure: str | None = None, left: Sequence[str] = ()
) -> str:
    """Return a model over visits, its covariance and how it is estimated in words.

    Parameters
    ----------
    analysis : Analysis
    structure : str, optional
        The covariance structure that fitted; all that may be tried when none has.
    left : sequence of str
        Those that were tried before. Why they were left stands in rows of their own.
    """
    model, baseline = analysis.model, baseline_of(analysis)
    terms = [
        str(term)
        for term in parse(formula_of(analysis)).terms
        if any(variables_of(factor) for factor in term.factors)
    ]
    same = f", means of the arms equal at {baseline}" if baseline else ""
    return (
        f"Mixed model for repeated measures (MMRM) of {analysis.settings['response']} "
        f"on {terms_in_words(terms)}{same}; {_covariance(analysis, structure, left)}; "
        f"{LIKELIHOODS[model.get('method', 'reml')]}; {_OBSERVED}"
    )


def terms_in_words(terms: Iterable[str]) -> str:
    """Return terms of a model.

    >>> terms_in_words(["TRT01P", "AVISIT", "TRT01P:AVISIT"])
    'treatment, visit and treatment by visit'
    """
    return sentence_list(map(term_in_words, terms))


def _covariance(analysis: Analysis, structure: str | None, left: Sequence[str]) -> str:
    model, structures = analysis.model, structures_of(analysis)
    if structure is None and len(structures) == 1:
        structure = structures[0]
    if structure is None:
        several = sentence_list(COVARIANCES[name] for name in structures)
        said = f"covariance within subjects the first that fits of {several}"
    else:
        said = f"{COVARIANCES[structure]} covariance within subjects"
    if "group" in model:
        said += f", separate by {COLUMN_WORDS.get(model['group'], model['group'])}"
    if "weights" in model:
        said += f", weighted by {model['weights']}"
    if left:
        said += f" ({sentence_list(COVARIANCES[name] for name in left)} left)"
    return said


def inference_of(analysis: Analysis, df: str | None = None) -> str:
    """Return how errors, degrees of freedom and limits are found in words.

    Parameters
    ----------
    analysis : Analysis
    df : str, optional
        The degrees of freedom that were used, where not those configured.
    """
    vcov = analysis.model.get("vcov")
    errors = f"cluster-robust standard errors ({vcov}); " if vcov else ""
    used = DEGREES_OF_FREEDOM[df or analysis.model.get("df", "kenward_roger")]
    return f"{errors}{used} degrees of freedom; {analysis.percent} t interval"


def mmrm_method(analysis: Analysis, _statistic: str = "") -> str:
    """Return a model over visits with its inference, as configured."""
    return f"{mmrm_model(analysis)}; {inference_of(analysis)}"


def crossover_model(
    analysis: Analysis, *, random: bool = True, notes: Sequence[str] = ()
) -> str:
    """Return the model of a crossover and how it is estimated in words.

    Parameters
    ----------
    analysis : Analysis
    random : bool
        Whether the model has random subjects.
    notes : sequence of str
        What the fit says of itself.
    """
    baseline = analysis.model.get("baseline")
    terms = ["treatment", "period", "sequence", *([baseline] if baseline else [])]
    said = "; ".join([_OBSERVED, *notes])
    return (
        f"Linear mixed model of {analysis.settings['response']} on "
        f"{sentence_list(terms)}{', random subject' if random else ''}; "
        f"{LIKELIHOODS['reml']}; {said}"
    )


def crossover_method(analysis: Analysis, _statistic: str = "") -> str:
    """Return the model of a crossover with its inference, as configured."""
    return f"{crossover_model(analysis)}; {inference_of(analysis)}"


def ancova_method(analysis: Analysis, _statistic: str = "") -> str:
    """Return an analysis of covariance in words."""
    covariates = analysis.model.get("covariates", [])
    terms = sentence_list(["treatment", *covariates])
    return (
        f"ANCOVA of {analysis.settings['response']} on {terms}; least squares; "
        f"{_OBSERVED}; {analysis.percent} t interval"
    )


def ancova_means(
    analysis: Analysis, numbers: Sequence[str], factors: Sequence[str]
) -> str:
    """Return where the covariates stand for a least-squares mean, in words.

    Parameters
    ----------
    analysis : Analysis
    numbers, factors : sequence of str
        Its covariates.
    """
    said = f" at the mean of {' and '.join(numbers)}" if numbers else ""
    if not factors:
        return said
    margins = analysis.model.get("margins", "equal")
    weights = {
        "equal": "every level alike",
        "observed": "levels in proportion to the analysed subjects",
    }[margins]
    return f"{said}, {sentence_list(factors)} with {weights},"


def proportions_method(analysis: Analysis, statistic: str) -> str:
    """Return how a comparison of two proportions is made, in words."""
    score = f"{analysis.percent} score interval (Miettinen-Nurminen) and score test"
    own = score
    if analysis.model.get("interval") == "wald":
        own = f"{analysis.percent} simple (Wald) interval; score test"
    return {
        "risk_difference": f"Proportions; {own}",
        "risk_ratio": f"Ratio of proportions; {score}",
        "odds_ratio": f"Sample odds ratio; {analysis.percent} conditional exact "
        "interval; Fisher's exact test",
    }[statistic]


def adverse_events_method(analysis: Analysis, _statistic: str = "") -> str:
    """Return how proportions of subjects with an event are compared, in words."""
    return (
        f"Proportions of subjects; {analysis.percent} score interval "
        "(Miettinen-Nurminen) and score test"
    )
