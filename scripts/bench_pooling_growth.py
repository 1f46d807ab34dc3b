"""Draw the time of pooling against the number of trials, ours and metafor's.

Written into docs/images as CSV, SVG and PNG: `python scripts/bench_pooling_growth.py`.
metafor is asked for more trials until one fit takes ten seconds of processor time.
"""

import numpy as np
import pandas as pd
from _pooling_benchmark import ROOT, Metafor, processor_seconds, trials

from trialstats.figures.render import render
from trialstats.figures.theme import (
    CONTROL_COLOUR,
    TRIAL,
    plotnine,
    plotnine_theme,
)
from trialstats.meta.pooling import pool

SIZES = (10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 100_000)
#: Seconds after which metafor is given no more trials: the next takes eight times that.
PATIENCE = 10.0


def measure_growth(r: Metafor | None) -> pd.DataFrame:
    """Return the seconds of one fit of both for more and more trials."""
    rows, patient = [], r is not None
    for k in SIZES:
        effect, variance = trials(1, k)
        here = processor_seconds(
            lambda y=effect[0], v=variance[0]: pool(y, v), 20 if k < 1_000 else 1
        )
        rows.append((k, "trialstats", here))
        if r is not None and patient:
            there = r.ask("rma", effect, variance, 20 if k < 200 else 1)["seconds"]
            rows.append((k, "R metafor", there))
            patient = there < PATIENCE
        print(f"  {k:,} trials: {rows[-1]}")
    return pd.DataFrame(rows, columns=["n_trials", "engine", "seconds"])


def draw_growth(times: pd.DataFrame) -> None:
    """Write the times as CSV, SVG and PNG into docs/images."""
    place = ROOT / "docs" / "images"
    times.round({"seconds": 6}).to_csv(place / "pooling_growth.csv", index=False)
    colours = {"trialstats": TRIAL, "R metafor": CONTROL_COLOUR}
    shapes = {"trialstats": "o", "R metafor": "D"}
    ours = times[times["engine"] == "trialstats"].iloc[-1]
    line = pd.DataFrame({"n_trials": [1_000.0, float(ours["n_trials"])]})
    line["seconds"] = ours["seconds"] * line["n_trials"] / ours["n_trials"]
    p9 = plotnine()
    plot = (
        p9.ggplot(times, p9.aes("n_trials", "seconds"))
        + p9.geom_line(line, linetype="dotted")
        + p9.geom_line(p9.aes(colour="engine"), size=0.8)
        + p9.geom_point(
            p9.aes(colour="engine", shape="engine"), size=2.2, fill="white", stroke=0.8
        )
        + p9.scale_x_log10(
            breaks=10 ** np.arange(1, 6), labels=lambda at: [f"{x:,.0f}" for x in at]
        )
        + p9.scale_y_log10(labels=lambda at: [f"{y:g}" for y in at])
        + p9.scale_colour_manual(colours, breaks=list(colours))
        + p9.scale_shape_manual(shapes, breaks=list(shapes))
        + p9.labs(
            x="trials",
            y="processor seconds of one fit",
            title="REML, Hartung-Knapp",
            subtitle="One thread each, same data; dotted: in proportion to the trials",
        )
        + plotnine_theme()
        + p9.theme(figure_size=(5.6, 3.6))
    )
    title = "Time of pooling against the number of trials"
    alt = "Processor seconds of trialstats and of metafor on logarithmic axes."
    for format in ("svg", "png"):
        content = render(plot, format, title=title, alt=alt)
        (place / f"pooling_growth.{format}").write_bytes(content)
    print(f"drawn: {place.relative_to(ROOT)}/pooling_growth.svg, .png, .csv")


def main() -> None:
    """Measure, and write table and figure."""
    r = Metafor.start()
    draw_growth(measure_growth(r))
    if r is not None:
        r.close()


if __name__ == "__main__":
    main()
