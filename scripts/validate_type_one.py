"""Judge tests and intervals of the mixed model on trials: docs/validation_mmrm.md.

`python scripts/validate_type_one.py` draws every trial; with `--again` it writes the
page and the picture from the results that docs/validation_mmrm.csv holds.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
for place in (ROOT, ROOT / "scripts"):
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))

from _type_one_page import HIGHEST, LOWEST, NAMES, page_of  # noqa: E402

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
from trialstats.simulation.type_one import grid, run  # noqa: E402

#: Fixed before the first run.
SEED, N_TRIALS = 20260501, 2000

#: Rules that the picture shows; the linear Kenward-Roger is the same here.
SHOWN = {
    "kenward_roger": (TREATMENT_COLOURS[0], "o", "-"),
    "satterthwaite": (SENSITIVITY, "s", "--"),
    "residual": (PREDICTION, "v", ":"),
    "CR0": (CONTROL_COLOUR, "D", "-."),
    "CR2": (TREATMENT_COLOURS[2], "^", "--"),
    "CR3": (TREATMENT_COLOURS[1], "P", ":"),
}
ALT = (
    "Type-I error of six rules against the number of subjects per arm, in a panel for "
    "each number of visits and rate of dropout. A band marks 3.5 to 6.5 per cent."
)


def drawn(table: pd.DataFrame) -> Figure:
    """Return the picture: unstructured covariance, last visit, random correlations."""
    cells = table[
        ~table["arms_differ"]
        & (table["covariance"] == "unstructured")
        & (table["estimand"] == "last visit")
        & (table["truth"] == "random correlations")
    ]
    visits, dropouts = (
        sorted(cells["visits"].unique()),
        sorted(cells["dropout"].unique()),
    )
    sizes = sorted(cells["n_per_arm"].unique())
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(7.2, 7.4), layout="constrained")
        axes = figure.subplots(
            len(dropouts), len(visits), sharex=True, sharey=True, squeeze=False
        )
        for i, dropout in enumerate(dropouts):
            for j, n_visits in enumerate(visits):
                here = cells[
                    (cells["dropout"] == dropout) & (cells["visits"] == n_visits)
                ]
                _panel(axes[i, j], here)
                axes[i, j].set_title(
                    f"{n_visits} visits, {100 * dropout:.0f} % dropout", fontsize=8.5
                )
                axes[i, j].set_xticks(range(len(sizes)), [str(n) for n in sizes])
        for axis in axes[-1]:
            axis.set_xlabel("subjects per arm", fontsize=8.5)
        for axis in axes[:, 0]:
            axis.set_ylabel("type-I error (%)", fontsize=8.5)
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


def _panel(axis: mpl.axes.Axes, cells: pd.DataFrame) -> None:
    axis.axhspan(100 * LOWEST, 100 * HIGHEST, color=BAND, zorder=0)
    axis.axhline(5, color=HAIRLINE, zorder=1)
    for rule, (colour, marker, line) in SHOWN.items():
        rates = cells[cells["rule"] == rule].sort_values("n_per_arm")["rejection"]
        axis.plot(
            range(len(rates)),
            100 * rates.to_numpy(),
            color=colour,
            marker=marker,
            linestyle=line,
            markersize=4,
            linewidth=1,
            label=NAMES[rule],
        )
    axis.set_ylim(0, 15)
    axis.tick_params(labelsize=8, colors=INK)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def write(table: pd.DataFrame, docs: Path) -> None:
    """Write the results, then the page and the picture from what was written."""
    place = docs / "validation_mmrm.csv"
    text = table.to_csv(index=False, lineterminator="\n", float_format="%.6g")
    io.write_text(text, place)
    table = pd.read_csv(place)
    io.write_text(page_of(table, SEED), docs / "validation_mmrm.md")
    title = "Type-I error of the mixed model for repeated measures"
    for format in ("svg", "png"):
        content = render(drawn(table), format, title=title, alt=ALT)
        io.write_bytes(content, docs / "images" / f"type_one_error.{format}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--again", action="store_true", help="only the page and picture"
    )
    docs = ROOT / "docs"
    if parser.parse_args().again:
        table = pd.read_csv(docs / "validation_mmrm.csv")
    else:
        table = run(SEED, N_TRIALS, grid(), processes=os.cpu_count() or 1)
    write(table, docs)


if __name__ == "__main__":
    start = time.monotonic()
    main()
    print(f"{time.monotonic() - start:.0f} s; written to docs/validation_mmrm.md")
