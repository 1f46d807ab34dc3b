"""Draw the figures of one synthesis beside its forest plot."""

from collections.abc import Mapping, Sequence
from typing import Any

from _step import run

from trialstats import io, rows
from trialstats.clean.judgements import risk_of_bias_in
from trialstats.figures.of_synthesis import synthesis_figure
from trialstats.figures.render import render


def main(
    estimates: str,
    svg: Sequence[str],
    png: Sequence[str],
    pdf: Sequence[str],
    subsets: Sequence[str] | str = (),
    risk_of_bias: Sequence[str] | str = (),
    *,
    config: Mapping[str, Any],
    names: Sequence[str],
    labels: Mapping[str, str],
) -> None:
    drawn = io.read_table(estimates, rows.ESTIMATES)
    tables = {}
    if isinstance(subsets, str):
        tables["subsets"] = io.read_table(subsets, rows.SUBSETS)
    if isinstance(risk_of_bias, str):
        cells = io.read_cells(risk_of_bias, may_be_empty=True)
        tables["risk_of_bias"] = risk_of_bias_in(cells, file=risk_of_bias)
    for name, *paths in zip(names, svg, png, pdf, strict=True):
        figure, title, alt = synthesis_figure(
            name, drawn, synthesis=config, labels=labels, tables=tables
        )
        for path, format in zip(paths, ("svg", "png", "pdf"), strict=True):
            io.write_bytes(render(figure, format, title=title, alt=alt), path)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
