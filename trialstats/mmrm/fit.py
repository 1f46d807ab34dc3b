"""Fit a mixed model for repeated measures."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from trialstats.errors import DataError
from trialstats.fixed_effects import Design, build_design
from trialstats.fixed_effects.columns import numbers_of
from trialstats.linear_model import FloatArray
from trialstats.mmrm.constrained_baseline import constrain_baseline
from trialstats.mmrm.inference import fitted_model, small_sample_rule
from trialstats.mmrm.ladder import climb_down
from trialstats.mmrm.layout import check_visit_order, lay_out
from trialstats.mmrm.likelihood import Likelihood
from trialstats.mmrm.newton import maximise, maximise_as_sas, mivque, start_values
from trialstats.mmrm.options import check_options, ladder_of
from trialstats.mmrm.pseudo_subjects import (
    Layout,
    PseudoSubjects,
    check_weights,
    pseudo_subjects,
)
from trialstats.mmrm.result import Mmrm
from trialstats.mmrm.scrutiny import check_covariance, check_identified
from trialstats.mmrm.structures import STRUCTURES, NamedStructure
from trialstats.one_thread import one_thread


def fit_mmrm(
    formula: str,
    data: pd.DataFrame,
    *,
    subject: str,
    visit: str,
    covariance: str | Sequence[str] = "unstructured",
    group: str | None = None,
    weights: str | None = None,
    method: str = "reml",
    df: str = "kenward_roger",
    vcov: str | None = None,
    level: float = 0.95,
    constrained_baseline: tuple[str, Any] | None = None,
    stop: str | None = None,
) -> Mmrm:
    """Fit a linear model whose residuals are correlated within subjects.

    Parameters
    ----------
    formula : str
        Fixed effects as formulaic writes them, such as
        ``"CHG ~ BASE * AVISIT + ARMCD * AVISIT"``.
    data : DataFrame
        One row per subject and visit. Rows with a missing value are left out, and the
        others of that subject stay (valid when data are missing at random).
    subject, visit : str
        Columns of the subject and of the visit. Categorical visits keep their order,
        others are sorted; spatial covariances need a number, the time.
    covariance : str or sequence of str
        Structure of the residual covariance (`trialstats.mmrm.STRUCTURES`), or a
        ladder: structures in the order in which they are tried, the next one when a
        fit does not converge or is not identified.
    group : str, optional
        Column by whose values the covariance is separate, such as the arm.
    weights : str, optional
        Column of positive weights: the residual covariance of a subject is
        ``W^-1/2 Sigma W^-1/2``.
    method : {"reml", "ml"}
        Restricted or full maximum likelihood.
    df : str
        ``kenward_roger``, ``kenward_roger_linear`` (without second derivatives),
        ``satterthwaite``, ``between_within`` (R mmrm's definition) or ``residual``.
    vcov : str, optional
        Cluster-robust covariance of the coefficients, ``CR0``, ``CR2`` or ``CR3``;
        otherwise the model's, adjusted with Kenward-Roger.
    level : float
        Confidence level in (0, 1).
    constrained_baseline : (str, label), optional
        The treatment column and the label of the baseline visit: arms share one mean
        there (constrained longitudinal data analysis). The formula holds
        ``visit + treatment:visit`` and the baseline is a response.
    stop : {"sas"}, optional
        Validation mode: stop where PROC MIXED stops, short of the maximum.

    Returns
    -------
    Mmrm

    Raises
    ------
    DataError
        When a column, an option or a value is wrong, or a subject has two rows at one
        visit.
    NotEstimableError
        When columns are aliased (`RankDeficientError`), an arm has no data at a visit,
        or the data do not identify the covariance (`SingularCovarianceError`).
    ConvergenceError
        When the likelihood has no maximum within reach.

    References
    ----------
    docs/methods/mmrm.md.
    """
    check_options(
        data=data,
        columns={
            "subject": subject,
            "visit": visit,
            "group": group,
            "weights": weights,
        },
        method=method,
        df=df,
        vcov=vcov,
        level=level,
        constrained_baseline=constrained_baseline,
        stop=stop,
    )
    structures = ladder_of(covariance)
    others = [name for name in (subject, visit, group, weights) if name is not None]
    with one_thread():
        design = build_design(formula, data, other_columns=others)
        if constrained_baseline is not None:
            design = constrain_baseline(design, visit, *constrained_baseline)
        load = _weights(data, design, weights)
        layout = lay_out(
            design,
            data,
            subject=subject,
            visit=visit,
            group=group,
            spatial=structures[0].structure.spatial,
            weights=load,
        )
        if layout.times is None:
            for chosen in structures:
                check_visit_order(layout, visit, chosen.name)
        reduced = pseudo_subjects(design, layout, load)

        def attempt(chosen: NamedStructure) -> Mmrm:
            return _fit_structure(
                chosen,
                data=reduced,
                design=design,
                layout=layout,
                weights=load,
                method=method,
                df=df,
                vcov=vcov,
                level=level,
                stop=stop,
                columns=(subject, visit, group),
            )

        return climb_down(structures, attempt)


def _fit_structure(
    chosen: NamedStructure,
    *,
    data: PseudoSubjects,
    design: Design,
    layout: Layout,
    weights: FloatArray | None,
    method: str,
    df: str,
    vcov: str | None,
    level: float,
    stop: str | None,
    columns: tuple[str, str, str | None],
) -> Mmrm:
    """Fit one covariance structure to reduced data."""
    structure = chosen.structure
    if len(layout.visits) == 1 and not structure.spatial:
        # One visit: every structure is one variance.
        structure = STRUCTURES["compound_symmetry"]
    likelihood = Likelihood(data, structure, reml=method == "reml")
    check_identified(chosen.name, likelihood, layout)
    watch = partial(check_covariance, likelihood, layout)
    if stop == "sas":
        at, curvature, history = maximise_as_sas(likelihood, _sas_start(likelihood))
    else:
        start = start_values(likelihood)
        at, curvature, history = maximise(likelihood, start, watch)
    watch(at)
    fitted = fitted_model(likelihood, at, curvature)
    rule = small_sample_rule(
        df,
        vcov,
        design=design,
        layout=layout,
        likelihood=likelihood,
        at=at,
        curvature=curvature,
        fitted=fitted,
        weights=weights,
    )
    return Mmrm(
        design=design,
        beta=fitted.beta,
        small_sample=rule,
        level=level,
        crossproduct=data.crossproduct,
        structure=chosen.name,
        method=method,
        df_method=df,
        vcov=vcov,
        log_likelihood=float(-at.objective / 2),
        theta=at.theta,
        theta_covariance=fitted.parameter_covariance,
        model_covariance=fitted.covariance,
        layout=layout,
        likelihood=likelihood,
        weights=weights,
        history=history,
        columns=columns,
        converged=stop is None,
        ladder=(),
    )


def _sas_start(likelihood: Likelihood) -> FloatArray:
    if likelihood.structure is not STRUCTURES["unstructured"]:
        raise DataError(
            "stop='sas' is documented for the unstructured covariance only",
            remedy="write covariance='unstructured'",
        )
    return mivque(likelihood.data)


def _weights(data: pd.DataFrame, design: Design, name: str | None) -> FloatArray | None:
    if name is None:
        return None
    chosen = np.asarray(numbers_of(data[name], name)[design.rows])
    check_weights(chosen, name)
    return chosen
