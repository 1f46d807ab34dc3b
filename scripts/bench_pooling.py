"""Time pooling against statsmodels, and the steps of the last run of the pipeline.

Run by `make bench`. Both engines are timed in turn in one process, so that their ratio
holds on a busy machine; the absolute times do not.
"""

import json
import subprocess
import sys
import time
import timeit
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from statsmodels.stats.meta_analysis import combine_effects  # noqa: E402

from trialstats.meta.pooling import pool  # noqa: E402
from trialstats.randomness import stream  # noqa: E402

N_TRIALS = 13
ROUNDS, CALLS = 30, 10

#: Same estimator of tau-squared in both: the name here, the name in statsmodels.
SAME = {"PM": "iterated", "DL": "chi2"}


def time_in_turn(tasks: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the seconds of one call, the smallest of the rounds, of each task."""
    rounds = defaultdict(list)
    for _ in range(ROUNDS):
        for name, task in tasks.items():
            rounds[name].append(timeit.timeit(task, number=CALLS) / CALLS)
    return {name: min(times) for name, times in rounds.items()}


def time_pooling() -> None:
    """Print the times of pooling simulated trials."""
    random = stream(2026, "bench", "pooling")
    variance = random.uniform(0.01, 0.4, N_TRIALS)
    effect = random.normal(-0.7, (variance + 0.3) ** 0.5)
    print(f"pooling {N_TRIALS} trials, microseconds a call")
    for ours, theirs in SAME.items():
        times = time_in_turn(
            {
                "trialstats": lambda m=ours: pool(
                    effect, variance, tau_squared=m, inference="wald"
                ),
                "statsmodels": lambda m=theirs: combine_effects(
                    effect, variance, method_re=m
                ),
            }
        )
        here, there = times["trialstats"], times["statsmodels"]
        print(
            f"  {ours}: trialstats {here * 1e6:.0f}, statsmodels {there * 1e6:.0f}, "
            f"ratio {here / there:.2f}"
        )
    default = time_in_turn({"REML": lambda: pool(effect, variance)})["REML"]
    print(f"  REML, Knapp-Hartung (statsmodels has no REML): {default * 1e6:.0f}")
    print("  trialstats adds the Q-profile and prediction intervals in every call")


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
