"""Time mixed models against R's mmrm and lmerTest, and against NumPy.

Run by `make bench`. R answers through bench_mixed_models.R; set R_LIBS where its
packages are elsewhere. Ours and theirs run in turn on the same data, one thread each;
the times are processor time. The exit is 1 when estimates disagree, not when a ratio is
missed.
"""

import argparse
import gc
import os
import re
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from _mixed_benchmark import (
    MMRM,
    ROOT,
    SEED,
    R,
    Seconds,
    Table,
    as_rows,
    medians,
    mmrm_table,
    ours,
    parallel_trial,
    processor_seconds,
)

from trialstats.fixed_effects import build_design
from trialstats.lmm import fit_lmm
from trialstats.mmrm.layout import lay_out
from trialstats.mmrm.pseudo_subjects import pseudo_subjects
from trialstats.randomness import stream

LARGE = (100_000, 8)

#: Largest differences from R: of estimates in standard errors, of standard errors and
#: degrees of freedom as shares. mmrm's default optimiser stops 1e-4 from the maximum.
MMRM_TOLERANCE, LMER_TOLERANCE = 1e-3, 1e-4
COMPARED = ["estimate", "standard_error", "df"]


@dataclass(frozen=True)
class Comparison:
    """A model that both sides fit, and how many times faster ours has to be."""

    title: str
    data: pd.DataFrame
    ours: Callable[[pd.DataFrame], Table]
    model_in_r: str
    rounds: int
    required: float
    tolerance: float


def stacked(trial: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Return ``[X y]`` by pattern of missingness: subjects by visits times columns."""
    arm, seen = trial["arm"], trial["seen"]
    n_visits = seen.shape[1]
    patterns, of_subject = np.unique(seen, axis=0, return_inverse=True)
    products = []
    for number, pattern in enumerate(patterns):
        who = np.flatnonzero(of_subject == number)
        visits = np.flatnonzero(pattern)
        block = np.zeros((len(who), len(visits), 2 * n_visits + 2))
        block[:, :, 0] = 1
        block[:, :, 1] = trial["baseline"][who, None]
        block[:, :, 2] = arm[who, None]
        for place, visit in enumerate(visits):
            if visit:
                block[:, place, 2 + visit] = 1
                block[:, place, 1 + n_visits + visit] = arm[who]
        block[:, :, -1] = trial["change"][np.ix_(who, visits)]
        products.append(block.reshape(len(who), -1))
    return products


def crossover() -> pd.DataFrame:
    """Simulate 36 subjects, each under both treatments, in two sequences."""
    random = stream(SEED, "bench", "crossover")
    subject, period = np.repeat(np.arange(36), 2), np.tile([0, 1], 36)
    second = subject % 2
    treated = period ^ second
    level = random.normal(4, 0.5, 36)[subject] + 0.1 * period + 0.15 * treated
    return pd.DataFrame(
        {
            "SUBJECT": [f"S{number:02d}" for number in subject],
            "SEQUENCE": np.array(["TR", "RT"])[second],
            "PERIOD": np.array(["P1", "P2"])[period],
            "TREATMENT": np.array(["REF", "TEST"])[treated],
            "AUC": level + random.normal(0, 0.2, 72),
        }
    )


def sleep_study() -> tuple[str, pd.DataFrame]:
    """Return the sleep study where it is at hand, else data of its shape."""
    shared = Path(os.environ.get("TRIALSTATS_SHARED", ROOT.parent / "shared"))
    path = shared / "reference" / "data" / "sleepstudy.csv"
    if path.is_file():
        return "sleep study", pd.read_csv(path, dtype={"Subject": str})
    random = stream(SEED, "bench", "sleep study")
    subject, day = np.repeat(np.arange(18), 10), np.tile(np.arange(10.0), 18)
    start, slope = random.normal(250, 25, 18), random.normal(10, 6, 18)
    reaction = start[subject] + slope[subject] * day + random.normal(0, 25, 180)
    labels = [str(308 + number) for number in subject]
    data = pd.DataFrame({"Reaction": reaction, "Days": day, "Subject": labels})
    return "shape of the sleep study (simulated)", data


def pass_over(data: pd.DataFrame) -> None:
    """Do what `fit_mmrm` does before its cost stops depending on the subjects."""
    design = build_design(MMRM, data, other_columns=["USUBJID", "AVISIT"])
    layout = lay_out(
        design, data, subject="USUBJID", visit="AVISIT", group=None, spatial=False
    )
    pseudo_subjects(design, layout, None)


def crossover_table(data: pd.DataFrame) -> Table:
    formula = "AUC ~ TREATMENT + PERIOD + SEQUENCE"
    return fit_lmm(formula, data, random={"SUBJECT": "1"}).coefficients


def slopes_table(data: pd.DataFrame) -> Table:
    return fit_lmm("Reaction ~ Days", data, random={"Subject": "1 + Days"}).coefficients


def differences(ours: Table, theirs: Table) -> dict[str, float]:
    """Return the largest difference of each column, scaled as `MMRM_TOLERANCE` is."""
    names = [re.sub(r"\[T\.(.*?)\]", r"\1", name) for name in ours["coefficient"]]
    renamed = ["(Intercept)" if name == "Intercept" else name for name in names]
    here = ours.set_index(pd.Index(renamed))
    if set(here.index) != set(theirs.index):
        return dict.fromkeys(COMPARED, np.inf)
    gap = (here.loc[theirs.index, COMPARED] - theirs).abs()
    scale = theirs.assign(estimate=theirs["standard_error"])
    return {name: float((gap[name] / scale[name]).max()) for name in COMPARED}


def verdict(ratio: float, required: float, *, at_least: bool) -> str:
    kept = ratio >= required if at_least else ratio < required
    word = "at least" if at_least else "below"
    return f"ratio {ratio:.2f} ({word} {required:g}: {'met' if kept else 'missed'})"


def compare(case: Comparison, r: R | None) -> bool:
    """Print the times of both; return whether the estimates agree."""
    table = case.ours(case.data)
    tasks: dict[str, Seconds] = {
        "ours": lambda: processor_seconds(lambda: case.ours(case.data))
    }
    if r is None:
        print(f"  {case.title}: {medians(tasks, case.rounds)['ours']:.4f}")
        return True
    # The covariances of an unstructured model are its parameters in SAS and here, so
    # that its Kenward-Roger is the linear one of mmrm; the first round, which is not
    # timed, asks for that.
    linear = case.model_in_r.replace("Kenward-Roger", "Kenward-Roger-Linear")
    path = r.load(case.data)
    gaps = differences(table, r.fit(path, linear)[1])
    tasks["R"] = lambda: r.fit(path, case.model_in_r)[0]
    taken = medians(tasks, case.rounds)
    ratio = verdict(taken["R"] / taken["ours"], case.required, at_least=True)
    print(
        f"  {case.title}: trialstats {taken['ours']:.4f}, R {taken['R']:.3f}, {ratio}"
    )
    agrees = all(gap <= case.tolerance for gap in gaps.values())
    listed = ", ".join(f"{name} {gap:.1g}" for name, gap in gaps.items())
    print(f"    {'agree' if agrees else 'DISAGREE'}; largest differences: {listed}")
    return agrees


def comparisons() -> list[Comparison]:
    cases = [
        Comparison(
            f"unstructured, Kenward-Roger, {n:,} x {visits}",
            as_rows(parallel_trial(n, visits)),
            mmrm_table,
            "Kenward-Roger",
            rounds,
            required,
            MMRM_TOLERANCE,
        )
        for n, visits, rounds, required in (
            (200, 4, 15, 5),
            (1_000, 8, 3, 30),
            (1_000, 10, 3, 30),
        )
    ]
    model = "AUC ~ TREATMENT + PERIOD + SEQUENCE + (1 | SUBJECT)"
    name, sleep = sleep_study()
    slopes = "Reaction ~ Days + (1 + Days | Subject)"
    of_lmer = [
        ("crossover 36 x 2", crossover(), crossover_table, model),
        (f"random slopes, {name}", sleep, slopes_table, slopes),
    ]
    return cases + [Comparison(*case, 15, 5, LMER_TOLERANCE) for case in of_lmer]


def time_large() -> None:
    """Print the time of 100,000 x 8 beside that of NumPy's products alone."""
    trial = parallel_trial(*LARGE)
    text = as_rows(trial)
    categories = text.astype(dict.fromkeys(("USUBJID", "ARMCD", "AVISIT"), "category"))
    blocks = stacked(trial)
    tasks: dict[str, Seconds] = {
        "products": lambda: processor_seconds(lambda: [z.T @ z for z in blocks]),
        "text": ours(text),
        "pass over text": lambda: processor_seconds(lambda: pass_over(text)),
        "categorical": ours(categories),
        "pass over categorical": lambda: processor_seconds(
            lambda: pass_over(categories)
        ),
    }
    taken = medians(tasks, 7)
    print(
        f"  {LARGE[0]:,} x {LARGE[1]}, {len(blocks)} patterns of missingness: "
        f"NumPy's products alone {taken['products']:.3f}"
    )
    for labels in ("text", "categorical"):
        ratio = verdict(taken[labels] / taken["products"], 3, at_least=False)
        share = taken[f"pass over {labels}"]
        print(
            f"    fit, labels {labels}: {taken[labels]:.3f} (pass {share:.3f}), {ratio}"
        )


def measure_memory() -> None:
    """Print the peak memory of 100,000 x 8, above what the data take."""
    mmrm_table(as_rows(parallel_trial(200, LARGE[1])))
    data = as_rows(parallel_trial(*LARGE))
    design = len(data) * (2 * LARGE[1] + 1) * 8
    gc.collect()
    peaks: dict[str, int] = {}
    forget = Path("/proc/self/clear_refs")
    if forget.exists():
        # Linux forgets the peak so far when 5 is written here.
        forget.write_text("5", encoding="ascii")
        before = _resident("VmRSS")
        mmrm_table(data)
        peaks["resident"] = _resident("VmHWM") - before
    tracemalloc.start()
    mmrm_table(data)
    peaks["allocated"] = tracemalloc.get_traced_memory()[1]
    print(f"  memory, {LARGE[0]:,} x {LARGE[1]}: design matrix {design / 1e6:.0f} MB")
    for name, peak in peaks.items():
        ratio = verdict(peak / design, 3, at_least=False)
        print(f"    peak {name} {peak / 1e6:.0f} MB, {ratio}")


def _resident(name: str) -> int:
    """Return bytes of this process as Linux counts them."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"{name}:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        r = R.start(Path(folder))
        if r is None:
            print("\nR with mmrm, lmerTest and pbkrtest is not here: ours alone")
        else:
            listed = ", ".join(f"{name} {each[0]}" for name, each in r.versions.items())
            print(f"\nbeside: {listed}")
        print("mixed models, processor seconds of fit and coefficients")
        agree = all([compare(case, r) for case in comparisons()])
        time_large()
        subprocess.run([sys.executable, __file__, "--memory"], check=True)
        if r is not None:
            r.close()
    return 0 if agree else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory:
        measure_memory()
    else:
        sys.exit(main())
