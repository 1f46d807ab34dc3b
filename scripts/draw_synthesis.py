"""Draw one figure of a synthesis beside its forest plot."""

from collections.abc import Mapping
from typing import Any

from _step import run
from trialstats.figures.synthesis import FIGURES

from trialstats import io, rows
from trialstats.figures.render import render


def main(
    estimates: str,
    svg: str,
    png: str,
    *,
    name: str,
    config: Mapping[str, Any],
    labels: Mapping[str, str],
) -> None:
    drawn = io.read_table(estimates, rows.ESTIMATES)
    figure, title, alt = FIGURES[name](drawn, synthesis=config, labels=labels)
    io.write_bytes(render(figure, "svg", title=title, alt=alt), svg)
    io.write_bytes(render(figure, "png", title=title, alt=alt), png)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
