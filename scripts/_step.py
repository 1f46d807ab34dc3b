"""The edge between Snakemake and the steps: the only reader of the snakemake object."""

import logging
import sys
from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd
import pyarrow as pa

from trialstats.errors import TrialstatsError
from trialstats.rows import frame_of

#: Params that only make Snakemake rerun a step when what they digest has changed.
TRIGGERS = ("library", "evidence", "judgements", "sources")


def run(main: Callable[..., None], snakemake: Any) -> None:
    """Call `main` with the rule's named inputs, outputs and params.

    Warnings and tracebacks reach the rule's log. An error that trialstats raises on
    purpose is a message for the reader: it is printed without a traceback.
    """
    logging.basicConfig(filename=snakemake.log[0], filemode="w", level=logging.INFO)
    logging.captureWarnings(True)
    params = {k: v for k, v in snakemake.params.items() if k not in TRIGGERS}
    named = {**dict(snakemake.input.items()), **dict(snakemake.output.items())}
    values = {k: v if isinstance(v, str) else list(v) for k, v in named.items()}
    try:
        main(**values, **params)
    except TrialstatsError as reason:
        logging.error("%s", reason)
        sys.exit(f"\nerror in rule {snakemake.rule}: {reason}\n")
    except Exception:
        logging.exception("%s failed", snakemake.rule)
        raise


def stacked(frames: Iterable[pd.DataFrame], schema: pa.Schema) -> pd.DataFrame:
    """Return frames of a schema as one; a dossier without trials or syntheses has none.

    An empty frame would bring columns without a type into the result.
    """
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else frame_of([], schema)
