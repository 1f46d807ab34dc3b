"""Draw the figures of one synthesis beside its forest plot."""

from collections.abc import Mapping, Sequence
from typing import Any

from _step import run

from trialstats import io, rows
from trialstats.figures.of_synthesis import synthesis_figure
from trialstats.figures.render import render


def main(
    estimates: str,
    svg: Sequence[str],
    png: Sequence[str],
    *,
    config: Mapping[str, Any],
    names: Sequence[str],
    labels: Mapping[str, str],
) -> None:
    drawn = io.read_table(estimates, rows.ESTIMATES)
    for name, *paths in zip(names, svg, png, strict=True):
        figure, title, alt = synthesis_figure(
            name, drawn, synthesis=config, labels=labels
        )
        for path, format in zip(paths, ("svg", "png"), strict=True):
            io.write_bytes(render(figure, format, title=title, alt=alt), path)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
