"""The main model of a synthesis fitted to subsets of its trials."""

import json
from collections.abc import Mapping
from itertools import compress

import numpy as np
import pandas as pd

from trialstats.analyses.combining import combine, entering
from trialstats.analyses.synthesis import Sources, effects_in
from trialstats.analyses.synthesis_inputs import Config, fitted_rows, published_rows
from trialstats.analyses.synthesis_models import models_of
from trialstats.errors import NotEstimableError
from trialstats.meta.all_subsets import gosh
from trialstats.meta.pooled import Pooled
from trialstats.rows import SUBSETS, frame_of

#: As many subsets are fitted; up to 15 trials these are all.
MOST_SUBSETS = 2**15

#: Seed of the sample of subsets of more trials.
SEED = 1


def subsets_of(
    config: Config,
    effects: pd.DataFrame,
    trials: pd.DataFrame,
    trial_rows: Mapping[str, pd.DataFrame] | None = None,
    studies: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Fit the main model to all subsets of the trials, or to a sample of them.

    Parameters
    ----------
    config : mapping
        A file of ``config/syntheses``, with its name under ``id``.
    effects, trials, trial_rows, studies
        As for `trialstats.analyses.synthesis.synthesise`.

    Returns
    -------
    DataFrame
        Schema `rows.SUBSETS`, a row a subset. Up to 15 trials have all their subsets of
        two and more; of more trials there is a sample with a fixed seed.

    Raises
    ------
    NotEstimableError
        When the main model is not one of independent effects weighted by their
        variances, or has fewer than two trials.
    """
    sources = Sources(
        published_rows(config, effects, trials),
        fitted_rows(config, trial_rows),
        studies,
    )
    model = models_of(config)[0]
    entered = entering(effects_in(config, sources), model.arguments["method"])
    pooled, reason = combine(entered, model.arguments, model.settings.measure)
    fit = None if pooled is None else pooled.fit
    if not isinstance(fit, Pooled):
        raise NotEstimableError(
            reason or "subsets need a model of independent effects by their variances"
        )
    found = gosh(fit, subsets=MOST_SUBSETS, smallest=2, seed=SEED)
    names = [effect.trial for effect in entered]
    table = found.fits.assign(
        synthesis=config["id"],
        subset=np.arange(1, len(found.fits) + 1),
        estimate=found.coefficients.iloc[:, 0].to_numpy(),
        members=[
            json.dumps(list(compress(names, row)), ensure_ascii=False)
            for row in found.included
        ],
        sampled=not found.exhaustive,
        reason=found.fits["reason"].where(found.fits["reason"] != "", None),
    )
    return frame_of(table[SUBSETS.names].to_dict("records"), SUBSETS)
