"""Draw the forest plot of one synthesis."""

from collections.abc import Mapping
from typing import Any

from _step import run

from trialstats import io, rows
from trialstats.figures.forest import forest_plot
from trialstats.figures.forest_alt import forest_alt_text
from trialstats.figures.render import render


def main(
    estimates: str,
    svg: str,
    png: str,
    *,
    config: Mapping[str, Any],
    labels: Mapping[str, str],
) -> None:
    drawn = io.read_table(estimates, rows.ESTIMATES)
    figure = forest_plot(drawn, synthesis=config, labels=labels)
    alt = forest_alt_text(drawn, synthesis=config, labels=labels)
    io.write_bytes(render(figure, "svg", title=config["title"], alt=alt), svg)
    io.write_bytes(render(figure, "png", title=config["title"], alt=alt), png)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
