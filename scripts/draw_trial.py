"""Draw the figures of one trial."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from _step import run

from trialstats import io, rows
from trialstats.clean.account import account_counts
from trialstats.figures.render import render
from trialstats.figures.trial import (
    TrialFigure,
    account_figure,
    adverse_events_figure,
    profile_figure,
)


def main(
    estimates: list[str],
    account: str,
    profile: str,
    profile_png: str,
    adverse_events: str,
    adverse_events_png: str,
    account_svg: str,
    account_png: str,
    *,
    config: Mapping[str, Any],
) -> None:
    fitted = pd.concat(
        [io.read_table(path, rows.ESTIMATES) for path in estimates], ignore_index=True
    )
    counts = account_counts(io.read_table(account, rows.ACCOUNT))
    write(profile_figure(fitted, trial=config), profile, profile_png)
    events = adverse_events_figure(fitted, trial=config)
    write(events, adverse_events, adverse_events_png)
    write(account_figure(counts, trial=config), account_svg, account_png)


def write(drawn: TrialFigure, svg: str, png: str) -> None:
    for format_, path in (("svg", svg), ("png", png)):
        picture = render(drawn.figure, format_, title=drawn.title, alt=drawn.alt)
        io.write_bytes(picture, path)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
