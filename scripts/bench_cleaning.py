"""Time cleaning against the number of raw rows, beside pandas reading the same file.

Each size runs in a process of its own, so that its memory is its own. pandas does the
least that anybody could: it reads the diary and writes it as Parquet, uncleaned.
Written into docs/images as CSV, SVG and PNG: `python scripts/bench_cleaning.py --draw`.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from _diary_benchmark import CONFIG, ROOT, write_diary

SIZES = (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)


def ours(folder: Path) -> None:
    from trialstats.clean.files import clean_files, dataset_schemas

    made = {
        name: str(folder / f"made/{name}.parquet") for name in dataset_schemas(CONFIG)
    }
    clean_files(CONFIG, made, root=folder)


def peer(folder: Path) -> None:
    diary = pd.read_csv(folder / "diary.csv", parse_dates=["date"])
    diary.to_parquet(folder / "made.parquet")


ENGINES = {"trialstats": ours, "pandas, reading alone": peer}


def measure_here(engine: str, folder: Path) -> None:
    """Run one engine and print its seconds and its memory as JSON."""
    began, used = time.perf_counter(), time.process_time()
    ENGINES[engine](folder)
    print(
        json.dumps(
            {
                "seconds": time.perf_counter() - began,
                "processor_seconds": time.process_time() - used,
                "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
            }
        )
    )


def measure(sizes: tuple[int, ...]) -> pd.DataFrame:
    """Return seconds and memory of both engines for more and more rows."""
    rows = []
    for size in sizes:
        with TemporaryDirectory(prefix="trialstats-") as place:
            write_diary(size, Path(place))
            for engine in ENGINES:
                command = [sys.executable, __file__, "--engine", engine]
                done = subprocess.run(
                    [*command, "--folder", place],
                    check=True,
                    capture_output=True,
                    text=True,
                )
                found = json.loads(done.stdout.splitlines()[-1])
                rows.append({"rows": size, "engine": engine} | found)
                print(
                    f"  {size:>10,} rows  {engine:<22} {found['seconds']:7.1f} s  "
                    f"{found['processor_seconds']:7.1f} s of processor  "
                    f"{found['gib']:.2f} GiB"
                )
    return pd.DataFrame(rows)


def report(times: pd.DataFrame) -> None:
    """Print the ratios: to the peer, and of the largest to a tenth of it."""
    wide = times.pivot_table(index="rows", columns="engine", values="processor_seconds")
    last = wide.iloc[-1]
    ratio = last["trialstats"] / last["pandas, reading alone"]
    print(f"cleaning over reading alone, {wide.index[-1]:,} rows: {ratio:.1f} times")
    tenth = wide.index[-1] // 10
    if tenth in wide.index:
        growth = last["trialstats"] / wide.loc[tenth, "trialstats"]
        print(f"ten times the rows: {growth:.1f} times the processor time")


def draw(times: pd.DataFrame) -> None:
    """Write the times as CSV, SVG and PNG into docs/images."""
    from trialstats.figures.render import render
    from trialstats.figures.theme import (
        CONTROL_COLOUR,
        TRIAL,
        plotnine,
        plotnine_theme,
    )

    place = ROOT / "docs" / "images"
    columns = ["seconds", "processor_seconds", "gib"]
    times.round(dict.fromkeys(columns, 2)).to_csv(
        place / "cleaning_growth.csv", index=False
    )
    colours = {"trialstats": TRIAL, "pandas, reading alone": CONTROL_COLOUR}
    own = times[times["engine"] == "trialstats"].iloc[-1]
    line = pd.DataFrame({"rows": [float(SIZES[0]), float(own["rows"])]})
    line["processor_seconds"] = own["processor_seconds"] * line["rows"] / own["rows"]
    p9 = plotnine()
    plot = (
        p9.ggplot(times, p9.aes("rows", "processor_seconds"))
        + p9.geom_line(line, linetype="dotted")
        + p9.geom_line(p9.aes(colour="engine"), size=0.8)
        + p9.geom_point(
            p9.aes(colour="engine", shape="engine"), size=2.2, fill="white", stroke=0.8
        )
        + p9.scale_x_log10(labels=lambda at: [f"{x:,.0f}" for x in at])
        + p9.scale_y_log10(labels=lambda at: [f"{y:g}" for y in at])
        + p9.scale_colour_manual(colours, breaks=list(colours))
        + p9.scale_shape_manual(
            dict(zip(colours, "oD", strict=True)), breaks=list(colours)
        )
        + p9.labs(
            x="raw rows",
            y="processor seconds",
            title="Cleaning a diary",
            subtitle="Same file; dotted: in proportion to the rows",
        )
        + plotnine_theme()
        + p9.theme(figure_size=(5.6, 3.6))
    )
    title = "Time of cleaning against the number of raw rows"
    alt = (
        "Processor seconds of cleaning a diary, and of pandas reading it alone, on "
        f"logarithmic axes: {own['processor_seconds']:.0f} seconds for "
        f"{own['rows']:,} rows."
    )
    for format in ("svg", "png"):
        content = render(plot, format, title=title, alt=alt)
        (place / f"cleaning_growth.{format}").write_bytes(content)
    print(f"drawn: {place.relative_to(ROOT)}/cleaning_growth.svg, .png, .csv")


def main() -> None:
    """Measure, and draw when asked."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("--draw", action="store_true", help="write docs/images")
    reader.add_argument("--rows", type=int, default=SIZES[-1], help="largest size")
    reader.add_argument("--engine", choices=list(ENGINES), help=argparse.SUPPRESS)
    reader.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = reader.parse_args()
    if asked.engine:
        measure_here(asked.engine, asked.folder)
        return
    times = measure(tuple(size for size in SIZES if size <= asked.rows))
    report(times)
    if asked.draw:
        draw(times)


if __name__ == "__main__":
    main()
