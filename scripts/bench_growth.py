"""Draw the time of a mixed model against subjects and visits, ours and R's.

Written into docs/images as CSV, SVG and PNG: `python scripts/bench_growth.py`. R is
asked for larger models until one takes ten seconds of processor time.
"""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from _mixed_benchmark import ROOT, R, Seconds, as_rows, medians, ours, parallel_trial

from trialstats.figures.render import render
from trialstats.figures.theme import (
    CONTROL_COLOUR,
    TRIAL,
    plotnine,
    plotnine_theme,
)

#: Seconds after which no larger model is given to R; the next takes about twice that.
R_PATIENCE = 10.0


def theirs(r: R, path: Path) -> Seconds:
    return lambda: r.fit(path, "Kenward-Roger")[0]


def measure_growth(r: R | None) -> pd.DataFrame:
    """Return the seconds of both for more subjects, and for more visits."""
    more_subjects = (200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
    series = {
        "subjects, 8 visits": [(n, 8) for n in more_subjects],
        "visits, 1,000 subjects": [(1_000, visits) for visits in range(3, 13)],
    }
    rows = []
    for panel, sizes in series.items():
        patient = r is not None
        for n, visits in sizes:
            data = as_rows(parallel_trial(n, visits))
            tasks: dict[str, Seconds] = {"trialstats": ours(data)}
            if r is not None and patient:
                tasks["R mmrm"] = theirs(r, r.load(data))
            taken = medians(tasks, 3)
            rows += [
                (panel, n, visits, engine, seconds) for engine, seconds in taken.items()
            ]
            patient = taken.get("R mmrm", np.inf) < R_PATIENCE
            print(f"  {n:,} x {visits}: {taken}")
    columns = ["panel", "n_subjects", "n_visits", "engine", "seconds"]
    return pd.DataFrame(rows, columns=columns)


def draw_growth(times: pd.DataFrame) -> None:
    """Write the times as CSV, SVG and PNG into docs/images."""
    place = ROOT / "docs" / "images"
    times.round({"seconds": 4}).to_csv(place / "mixed_model_growth.csv", index=False)
    by_visits = times["panel"].str.startswith("visits")
    size = times["n_visits"].where(by_visits, times["n_subjects"])
    colours = {"trialstats": TRIAL, "R mmrm": CONTROL_COLOUR}
    shapes = {"trialstats": "o", "R mmrm": "D"}
    p9 = plotnine()
    plot = (
        p9.ggplot(
            times.assign(size=size),
            p9.aes("size", "seconds", colour="engine", shape="engine"),
        )
        + p9.geom_line(size=0.8)
        + p9.geom_point(size=2.2, fill="white", stroke=0.8)
        + p9.facet_wrap("panel", scales="free_x")
        + p9.scale_x_log10(breaks=_ticks, labels=lambda at: [f"{x:,.0f}" for x in at])
        + p9.scale_y_log10(labels=lambda at: [f"{y:g}" for y in at])
        + p9.scale_colour_manual(colours, breaks=list(colours))
        + p9.scale_shape_manual(shapes, breaks=list(shapes))
        + p9.labs(
            x="",
            y="processor seconds, fit and coefficients",
            title="Unstructured covariance, Kenward-Roger",
            subtitle="One thread each, same data; R until a size takes 10 seconds",
        )
        + plotnine_theme()
        + p9.theme(figure_size=(6.8, 3.6), panel_spacing_x=0.06)
    )
    title = "Time of a mixed model against subjects and visits"
    alt = "Processor seconds of trialstats and of R's mmrm on logarithmic axes."
    for format in ("svg", "png"):
        content = render(plot, format, title=title, alt=alt)
        (place / f"mixed_model_growth.{format}").write_bytes(content)
    print(f"drawn: {place.relative_to(ROOT)}/mixed_model_growth.svg, .png, .csv")


def _ticks(limits: tuple[float, float]) -> list[float]:
    """Return visits one by one, or subjects by powers of ten."""
    few = limits[1] < 100
    return [3, 4, 6, 8, 10, 12] if few else [200, 1_000, 10_000, 100_000]


def main() -> None:
    """Measure, and write table and figure."""
    with tempfile.TemporaryDirectory() as folder:
        r = R.start(Path(folder))
        draw_growth(measure_growth(r))
        if r is not None:
            r.close()


if __name__ == "__main__":
    main()
