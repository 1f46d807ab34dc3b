"""Judge intervals for the pooled effect of few trials: docs/validation_small_k.md.

`python scripts/validate_small_k.py` draws every meta-analysis; with `--again` it writes
the page and the pictures from the results that docs/validation_small_k.csv holds.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter

ROOT = Path(__file__).resolve().parents[1]
for place in (ROOT, ROOT / "scripts"):
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))

from _small_k_page import HIGHEST, LOWEST, NAMES, page_of  # noqa: E402

from trialstats import io  # noqa: E402
from trialstats.figures.render import render  # noqa: E402
from trialstats.figures.theme import (  # noqa: E402
    BAND,
    CONTROL_COLOUR,
    HAIRLINE,
    INK,
    PREDICTION,
    SENSITIVITY,
    SETTINGS,
    TREATMENT_COLOURS,
)
from trialstats.simulation.small_k import (  # noqa: E402
    counts_grid,
    normal_grid,
    run,
)

#: Fixed before the first run.
SEED, N_SETS = 20260701, 20_000

#: Methods that the pictures show.
SHOWN = {
    "wald": (PREDICTION, "v", ":"),
    "t": (SENSITIVITY, "s", "--"),
    "knapp_hartung": (TREATMENT_COLOURS[0], "o", "-"),
    "knapp_hartung_adhoc": (TREATMENT_COLOURS[2], "^", "--"),
    "bayesian, half-normal 0.5": (CONTROL_COLOUR, "D", "-."),
}
#: Heterogeneity of the panels.
PANELS = (0.0, 0.5, 0.9)
COVERAGE = (
    "Coverage of five intervals against the number of trials, from 2 to 10, in panels "
    "for I-squared of 0, 50 and 90 per cent, and for trials of equal size and with one "
    "trial ten times as large. A band marks 93 to 97 per cent."
)
WIDTH = (
    "Median width of five intervals against the number of trials, from 2 to 10, on a "
    "logarithmic axis, in the same panels."
)


def drawn(
    table: pd.DataFrame,
    label: str,
    panel: Callable[[mpl.axes.Axes, pd.DataFrame], None],
) -> Figure:
    """Return a picture with a panel for each heterogeneity and choice of sizes."""
    cells = table[table["arm"] == "normal"]
    sizes = list(dict.fromkeys(cells["sizes"]))
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(7.2, 5.4), layout="constrained")
        axes = figure.subplots(
            len(sizes), len(PANELS), sharex=True, sharey=True, squeeze=False
        )
        for i, size in enumerate(sizes):
            for j, share in enumerate(PANELS):
                axis = axes[i, j]
                here = (cells["sizes"] == size) & (cells["i_squared"] == share)
                panel(axis, cells[here])
                title = "equal sizes" if size == "equal" else "one trial ten times"
                axis.set_title(f"{title}, I² {100 * share:.0f} %", fontsize=8.5)
                axis.set_xticks(sorted(cells["k"].unique()))
                axis.tick_params(labelsize=8, colors=INK)
                for side in ("top", "right"):
                    axis.spines[side].set_visible(False)
        for axis in axes[-1]:
            axis.set_xlabel("trials", fontsize=8.5)
        for axis in axes[:, 0]:
            axis.set_ylabel(label, fontsize=8.5)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(
            handles,
            labels,
            loc="outside lower center",
            ncols=3,
            frameon=False,
            fontsize=8.5,
        )
    return figure


def _lines(axis: mpl.axes.Axes, cells: pd.DataFrame, column: str, unit: float) -> None:
    for method, (colour, marker, line) in SHOWN.items():
        rows = cells[cells["method"] == method].sort_values("k")
        axis.plot(
            rows["k"],
            unit * rows[column],
            color=colour,
            marker=marker,
            linestyle=line,
            markersize=4,
            linewidth=1,
            label=NAMES[method],
        )


def coverage_panel(axis: mpl.axes.Axes, cells: pd.DataFrame) -> None:
    """Draw coverage in per cent, with the band of what counts as held."""
    axis.axhspan(100 * LOWEST, 100 * HIGHEST, color=BAND, zorder=0)
    axis.axhline(95, color=HAIRLINE, zorder=1)
    _lines(axis, cells, "coverage", 100)
    axis.set_ylim(70, 100.7)


def width_panel(axis: mpl.axes.Axes, cells: pd.DataFrame) -> None:
    """Draw the median width on a logarithmic axis."""
    _lines(axis, cells, "median_width", 1)
    axis.set_yscale("log")
    ticks = (0.5, 1, 2, 5, 10, 20)
    axis.yaxis.set_major_locator(FixedLocator(ticks))
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.yaxis.set_minor_formatter(NullFormatter())


def write(table: pd.DataFrame, docs: Path) -> None:
    """Write the results, then the page and the pictures from what was written."""
    place = docs / "validation_small_k.csv"
    text = table.to_csv(index=False, lineterminator="\n", float_format="%.6g")
    io.write_text(text, place)
    table = pd.read_csv(place)
    io.write_text(page_of(table, SEED), docs / "validation_small_k.md")
    for name, label, panel, title, alt in (
        (
            *("small_k_coverage", "coverage (%)", coverage_panel),
            *("Coverage with few trials", COVERAGE),
        ),
        (
            *("small_k_width", "median width", width_panel),
            *("Width with few trials", WIDTH),
        ),
    ):
        for format in ("svg", "png"):
            content = render(drawn(table, label, panel), format, title=title, alt=alt)
            io.write_bytes(content, docs / "images" / f"{name}.{format}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--again", action="store_true", help="only the page and pictures"
    )
    docs = ROOT / "docs"
    if parser.parse_args().again:
        table = pd.read_csv(docs / "validation_small_k.csv")
    else:
        cells = [*normal_grid(), *counts_grid()]
        table = run(SEED, N_SETS, cells, processes=os.cpu_count() or 1)
    write(table, docs)


if __name__ == "__main__":
    start = time.monotonic()
    main()
    print(f"{time.monotonic() - start:.0f} s; written to docs/validation_small_k.md")
