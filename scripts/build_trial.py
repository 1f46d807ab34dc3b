"""Clean the raw files of one trial into ADaM-like datasets and their account."""

from collections.abc import Mapping
from typing import Any

from _step import run

from trialstats.clean.files import clean_files


def main(
    files: list[str],
    adsl: str,
    bds: str,
    adae: str,
    adtte: str,
    account: str,
    set_aside: str,
    queries: str,
    *,
    config: Mapping[str, Any],
) -> None:
    outputs = {
        "adsl": adsl,
        "bds": bds,
        "adae": adae,
        "adtte": adtte,
        "account": account,
        "set_aside": set_aside,
        "queries": queries,
    }
    clean_files(config, outputs)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
