"""Draw the forest plot of one synthesis."""

from collections.abc import Mapping, Sequence
from typing import Any

from _step import run

from trialstats import io, rows
from trialstats.clean.judgements import risk_of_bias_in
from trialstats.figures.forest import forest_plot
from trialstats.figures.forest_alt import forest_alt_text
from trialstats.figures.render import render


def main(
    estimates: str,
    svg: str,
    png: str,
    pdf: str,
    *,
    config: Mapping[str, Any],
    labels: Mapping[str, str],
    risk_of_bias: Sequence[str] | str = (),
) -> None:
    drawn = io.read_table(estimates, rows.ESTIMATES)
    judged = None
    if isinstance(risk_of_bias, str):
        cells = io.read_cells(risk_of_bias, may_be_empty=True)
        judged = risk_of_bias_in(cells, file=risk_of_bias)
    figure = forest_plot(drawn, synthesis=config, labels=labels, risk_of_bias=judged)
    alt = forest_alt_text(drawn, synthesis=config, labels=labels)
    for path, form in ((svg, "svg"), (png, "png"), (pdf, "pdf")):
        io.write_bytes(render(figure, form, title=config["title"], alt=alt), path)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
