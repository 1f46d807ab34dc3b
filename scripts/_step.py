"""The edge between Snakemake and the steps: the only reader of the snakemake object."""

import logging
import sys
from collections.abc import Callable
from typing import Any

from trialstats.errors import TrialstatsError

#: Params that only make Snakemake rerun a step when what they digest has changed.
TRIGGERS = ("library", "evidence", "sources")


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
