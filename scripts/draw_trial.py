"""Draw the figures of one trial."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from _step import run

from trialstats import cleaning_rows, io, rows
from trialstats.figures.render import render
from trialstats.figures.trial import (
    TrialFigure,
    account_figure,
    adverse_events_figure,
    profile_figure,
    residual_figure,
)


def main(
    estimates: list[str],
    residuals: list[str],
    steps: str,
    svg: list[str],
    png: list[str],
    *,
    config: Mapping[str, Any],
    names: Sequence[str],
) -> None:
    fitted = pd.concat(
        [io.read_table(path, rows.ESTIMATES) for path in estimates], ignore_index=True
    )
    left = [io.read_table(path, rows.RESIDUALS) for path in residuals]
    counted = io.read_table(steps, cleaning_rows.STEPS)
    draw: dict[str, Callable[[], TrialFigure]] = {
        "profile": lambda: profile_figure(fitted, trial=config),
        "adverse_events": lambda: adverse_events_figure(fitted, trial=config),
        "account": lambda: account_figure(counted, trial=config),
    }
    for path, frame in zip(residuals, left, strict=True):
        analysis = Path(path).stem
        draw[f"residuals_{analysis}"] = partial(
            residual_figure, frame, fitted, trial=config, analysis=analysis
        )
    for name, vector, raster in zip(names, svg, png, strict=True):
        drawn = draw[name]()
        for format_, path in (("svg", vector), ("png", raster)):
            picture = render(drawn.figure, format_, title=drawn.title, alt=drawn.alt)
            io.write_bytes(picture, path)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
