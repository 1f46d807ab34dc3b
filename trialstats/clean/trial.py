"""Clean one trial: raw cells in, datasets and their account out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialstats.clean.account import Ledger, account_counts
from trialstats.clean.adae import build_adae
from trialstats.clean.adsl import build_adsl
from trialstats.clean.bds import build_bds
from trialstats.clean.sources import open_sources


@dataclass(frozen=True, slots=True)
class CleanTrial:
    """The datasets of one trial and the account of its raw rows.

    Attributes
    ----------
    adsl, bds, adae : DataFrame
        Subjects, measurements, adverse events.
    account, set_aside, queries : DataFrame
        What became of every raw row; the rows not used; findings about quality.
    """

    adsl: pd.DataFrame
    bds: pd.DataFrame
    adae: pd.DataFrame
    account: pd.DataFrame
    set_aside: pd.DataFrame
    queries: pd.DataFrame


def clean_trial(
    config: Mapping[str, Any], cells: Mapping[str, pd.DataFrame]
) -> CleanTrial:
    """Clean the raw sources of one trial.

    Parameters
    ----------
    config : mapping
        The trial's configuration, checked.
    cells : mapping of str to DataFrame
        Cells of each source as `trialstats.io.read_cells` returns them.

    Returns
    -------
    CleanTrial

    Raises
    ------
    DataError
        With every error of the data that was found, each with file, row, column,
        value and remedy.
    """
    ledger = Ledger(subject_column=config["adsl"]["subject"])
    sources = open_sources(config, cells, ledger)
    adsl = build_adsl(config, sources, ledger)
    bds = build_bds(config, adsl, sources, ledger)
    adae = build_adae(config, adsl, sources, ledger)
    account = ledger.account()
    account_counts(account)
    return CleanTrial(
        adsl=adsl,
        bds=bds,
        adae=adae,
        account=account,
        set_aside=ledger.set_aside_rows(),
        queries=ledger.query_rows(),
    )
