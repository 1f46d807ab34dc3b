"""Time pooling against metafor, and the steps of the last run of the pipeline.

Run by `make bench`. Both programs are timed in one run by the processor time of one
thread each; without R only ours are. The ratios hold on a busy machine, the times less.
"""

import json
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

from _pooling_benchmark import ROOT, Metafor, processor_seconds, trials

from trialstats.meta.all_subsets import gosh
from trialstats.meta.batch import fit_many
from trialstats.meta.pooling import pool
from trialstats.randomness import stream

#: Trials of a usual meta-analysis, of a large one, sets of the batch, subsets.
USUAL, LARGE, SETS, SUBSETS = 13, 1_000, 10_000, 100_000
#: What R is asked to do of that; its time is scaled.
R_SETS, R_SUBSETS = 200, 2_000


def report(what: str, here: float, there: float | None, least: float) -> None:
    """Print the seconds of both, and whether the ratio is what it should be."""
    text = f"  {what:<58} {here * 1e3:10.2f} ms"
    if there is not None:
        ratio = there / here
        verdict = "" if ratio >= least else f"  SHORT of {least:g}"
        text += f"   metafor {there * 1e3:12.1f} ms   {ratio:7.0f} x{verdict}"
    print(text)


def agree(ours: dict[str, float], theirs: dict[str, float]) -> None:
    """Stop when the two programs did not fit the same model."""
    for name in ("estimate", "standard_error"):
        # metafor stops by default when a step of tau-squared is below 1e-5.
        if abs(ours[name] - theirs[name]) > 1e-4 * abs(theirs[name]):
            raise SystemExit(f"{name}: ours {ours[name]!r}, metafor {theirs[name]!r}")


def time_single(r: Metafor | None, k: int, times: int, least: float) -> None:
    """Time one fit of k trials, REML with Knapp and Hartung's interval."""
    effect, variance = trials(1, k)
    here = processor_seconds(lambda: pool(effect[0], variance[0]), 50)
    pooled = pool(effect[0], variance[0])
    there = None
    if r is not None:
        answer = r.ask("rma", effect, variance, times)
        agree(
            {"estimate": pooled.estimate, "standard_error": pooled.standard_error},
            answer,
        )
        there = answer["seconds"]
    report(f"{k:,} trials, one fit with every interval", here, there, least)
    if r is not None and k == USUAL:
        there = r.ask("fit", effect, variance, times)["seconds"]
        report("  beside rma and confint", here, there, least)


def time_batch(r: Metafor | None) -> None:
    """Time many sets of trials at a time."""
    effect, variance = trials(SETS, USUAL)
    here = processor_seconds(lambda: fit_many(effect, variance))
    there = None
    if r is not None:
        answer = r.ask("rma", effect[:R_SETS], variance[:R_SETS], 1)
        fits = fit_many(effect[:R_SETS], variance[:R_SETS])
        last = int(answer["last"]) - 1
        agree(
            {
                "estimate": fits.estimate[last],
                "standard_error": fits.standard_error[last],
            },
            answer,
        )
        there = answer["seconds"] * SETS / R_SETS
        if answer["failed"]:
            print(
                f"  (metafor did not converge in {answer['failed']} of {R_SETS} sets)"
            )
    report(f"{SETS:,} sets of {USUAL} trials", here, there, 300)


def time_subsets(r: Metafor | None) -> None:
    """Time all-subsets fits (GOSH) of 20 trials."""
    effect, variance = trials(1, 20)
    random = stream(2026, "bench", "subsets")
    include = random.random((SUBSETS, 20)) < 0.5
    include[:, :2] = True
    here = processor_seconds(lambda: fit_many(effect, variance, include=include))
    pooled = pool(effect[0], variance[0])
    drawn = processor_seconds(lambda: gosh(pooled, subsets=SUBSETS))
    there = None
    if r is not None:
        seconds = r.ask("gosh", effect, variance, R_SUBSETS)["seconds"]
        there = seconds * SUBSETS / R_SUBSETS
    report(f"{SUBSETS:,} subsets of 20 trials", here, there, 100)
    report(f"{SUBSETS:,} subsets of 20 trials, gosh", drawn, there, 100)


def time_pooling() -> None:
    """Print the times of pooling simulated trials."""
    r = Metafor.start()
    beside = "R is not installed" if r is None else f"metafor {r.version} beside"
    print(f"pooling, REML and Hartung-Knapp, processor time of one thread; {beside}")
    time_single(r, USUAL, 200, 5)
    time_single(r, LARGE, 2, 500)
    time_batch(r)
    time_subsets(r)
    if r is not None:
        r.close()


def time_steps(metadata: Path) -> None:
    """Print the seconds that each rule took, by Snakemake's own records."""
    jobs = {}
    for path in metadata.rglob("*"):
        if path.is_file():
            record = json.loads(path.read_text(encoding="utf-8"))
            if record.get("starttime") and record.get("endtime"):
                key = (record["rule"], record["starttime"], record.get("job_hash"))
                jobs[key] = record["endtime"] - record["starttime"]
    if not jobs:
        print("\nno step has been run yet: make report, then make bench")
        return
    seconds = defaultdict(list)
    for (rule, *_), taken in jobs.items():
        seconds[rule].append(taken)
    print(f"\nsteps of the pipeline as they last ran, seconds ({len(jobs)} jobs)")
    width = max(map(len, seconds))
    for rule, taken in sorted(seconds.items(), key=lambda item: -sum(item[1])):
        print(f"  {rule:<{width}} {len(taken):>3} jobs {sum(taken):7.1f} in all")


def time_imports() -> None:
    """Print how long Python takes to start with the libraries that steps load."""
    print("\nstart of Python and imports, seconds (warm)")
    for what in (
        "",
        "trialstats.io",
        "trialstats.meta",
        "plotnine",
        "matplotlib.figure",
    ):
        command = [sys.executable, "-c", f"import {what}" if what else ""]
        taken = []
        for _ in range(3):
            start = time.perf_counter()
            subprocess.run(command, cwd=ROOT, check=True)
            taken.append(time.perf_counter() - start)
        print(f"  {what or 'Python alone':<18} {min(taken):.2f}")


if __name__ == "__main__":
    time_pooling()
    time_steps(ROOT / ".snakemake" / "metadata")
    time_imports()
