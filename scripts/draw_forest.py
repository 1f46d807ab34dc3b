"""Draw the forest plot of one synthesis."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from _step import run

from trialstats import io, rows
from trialstats.clean.judgements import build_risk_of_bias
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
    risk_of_bias: Sequence[str] | str = (),
) -> None:
    drawn = io.read_table(estimates, rows.ESTIMATES)
    judged = read_judgements(risk_of_bias) if isinstance(risk_of_bias, str) else None
    figure = forest_plot(drawn, synthesis=config, labels=labels, risk_of_bias=judged)
    alt = forest_alt_text(drawn, synthesis=config, labels=labels)
    io.write_bytes(render(figure, "svg", title=config["title"], alt=alt), svg)
    io.write_bytes(render(figure, "png", title=config["title"], alt=alt), png)


def read_judgements(path: str) -> pd.DataFrame:
    cells = io.read_cells(path, may_be_empty=True)
    # The step that builds the judgements knows the trials and refuses unknown ones.
    named = cells["trial_id"].dropna() if "trial_id" in cells else ()
    return build_risk_of_bias(cells, file=path, trials=named)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
