"""Draw the figures of one trial."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from _step import run

from trialstats import io, rows
from trialstats.clean.account import account_counts
from trialstats.figures.render import render
from trialstats.figures.trial import (
    account_figure,
    adverse_events_figure,
    profile_figure,
)


def main(
    estimates: list[str],
    account: str,
    svg: list[str],
    png: list[str],
    *,
    config: Mapping[str, Any],
    names: Sequence[str],
) -> None:
    fitted = pd.concat(
        [io.read_table(path, rows.ESTIMATES) for path in estimates], ignore_index=True
    )
    counts = account_counts(io.read_table(account, rows.ACCOUNT))
    draw = {
        "profile": lambda: profile_figure(fitted, trial=config),
        "adverse_events": lambda: adverse_events_figure(fitted, trial=config),
        "account": lambda: account_figure(counts, trial=config),
    }
    for name, vector, raster in zip(names, svg, png, strict=True):
        drawn = draw[name]()
        for format_, path in (("svg", vector), ("png", raster)):
            picture = render(drawn.figure, format_, title=drawn.title, alt=drawn.alt)
            io.write_bytes(picture, path)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
