"""Time mixed models against R's mmrm and lmerTest, and against NumPy.

Run by `make bench`; `--growth` also draws time against subjects and visits into
docs/images. R answers through bench_mixed_models.R; set R_LIBS where its packages are
elsewhere. Ours and theirs run in turn on the same data, one thread each, and the times
are processor time. The exit is 1 when estimates disagree, not when a ratio is missed.
"""

import argparse
import gc
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

for _library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from trialstats.figures.render import render  # noqa: E402
from trialstats.figures.theme import (  # noqa: E402
    CONTROL_COLOUR,
    TRIAL,
    plotnine,
    plotnine_theme,
)
from trialstats.fixed_effects import build_design  # noqa: E402
from trialstats.lmm import fit_lmm  # noqa: E402
from trialstats.mmrm import fit_mmrm  # noqa: E402
from trialstats.mmrm.layout import lay_out  # noqa: E402
from trialstats.mmrm.pseudo_subjects import pseudo_subjects  # noqa: E402
from trialstats.randomness import stream  # noqa: E402

SEED = 2026
MMRM = "CHG ~ BASE + ARMCD * AVISIT"
LARGE = (100_000, 8)

#: Largest differences from R: of estimates in standard errors, of standard errors and
#: degrees of freedom as shares. mmrm's default optimiser stops 1e-4 from the maximum.
MMRM_TOLERANCE, LMER_TOLERANCE = 1e-3, 1e-4
COMPARED = ["estimate", "standard_error", "df"]

#: Seconds after which no larger model is given to R; the next takes about twice that.
R_PATIENCE = 10.0

Table = pd.DataFrame
Seconds = Callable[[], float]


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


def parallel_trial(n_subjects: int, n_visits: int) -> dict[str, np.ndarray]:
    """Simulate a trial: dropout of 20 %, and 2 % of the visits missed on the way."""
    random = stream(SEED, "bench", "parallel trial", f"{n_subjects} x {n_visits}")
    visit = np.arange(n_visits)
    arm = np.arange(n_subjects) % 2
    baseline = random.normal(20, 5, n_subjects)
    scale = np.linspace(0.8, 1.3, n_visits)
    correlation = 0.36 + 0.64 * 0.8 ** abs(visit[:, None] - visit)
    spread = np.linalg.cholesky(25 * np.outer(scale, scale) * correlation)
    mean = -0.3 * (baseline[:, None] - 20) - visit * (0.5 + 0.4 * arm[:, None])
    change = mean + random.standard_normal((n_subjects, n_visits)) @ spread.T
    leaves = random.random((n_subjects, n_visits)) < 1 - 0.8 ** (1 / (n_visits - 1))
    leaves[:, 0] = False
    gone = np.maximum.accumulate(leaves, axis=1)
    seen = ~gone & (random.random((n_subjects, n_visits)) >= 0.02)
    return {"arm": arm, "baseline": baseline, "change": change, "seen": seen}


def as_rows(trial: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return the records of a trial, one a subject and visit, labels as text."""
    subject, visit = np.nonzero(trial["seen"])
    n_subjects, n_visits = trial["seen"].shape
    subjects = np.array([f"S{number:06d}" for number in range(n_subjects)])
    visits = np.array([f"VIS{number:02d}" for number in range(1, n_visits + 1)])
    return pd.DataFrame(
        {
            "USUBJID": subjects[subject],
            "ARMCD": np.array(["PBO", "TRT"])[trial["arm"][subject]],
            "AVISIT": visits[visit],
            "BASE": trial["baseline"][subject],
            "CHG": trial["change"][subject, visit],
        }
    )


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


def mmrm_table(data: pd.DataFrame) -> Table:
    fit = fit_mmrm(MMRM, data, subject="USUBJID", visit="AVISIT", df="kenward_roger")
    return fit.coefficients


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


class R:
    """A process of R that fits what it is asked to, and says how long that took."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.n_files = folder, 0
        self.process = subprocess.Popen(
            ["Rscript", str(Path(__file__).with_suffix(".R"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.versions = self._answer()

    @classmethod
    def start(cls, folder: Path) -> Self | None:
        """Return the process, or None where R or a package of it is not installed."""
        try:
            return cls(folder)
        except (FileNotFoundError, EOFError):
            return None

    def close(self) -> None:
        """Let the process end."""
        self.process.communicate()

    def load(self, data: pd.DataFrame) -> Path:
        """Write a table into a file of its own, which R reads once."""
        self.n_files += 1
        path = self.folder / f"{self.n_files}.csv"
        data.to_csv(path, index=False)
        return path

    def fit(self, path: Path, model: str) -> tuple[float, Table]:
        """Fit `model`: a formula of lmer, or the covariance that mmrm is to report."""
        assert self.process.stdin  # noqa: S101
        self.process.stdin.write(f"{model}\t{path}\n")
        self.process.stdin.flush()
        answer = self._answer()
        if "error" in answer:
            raise RuntimeError(f"R: {answer['error'][0]}")
        return answer.pop("seconds")[0], pd.DataFrame(answer).set_index("term")

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout  # noqa: S101
        line = self.process.stdout.readline()
        if not line:
            raise EOFError("R has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


def processor_seconds(task: Callable[[], object]) -> float:
    gc.collect()
    start = time.process_time()
    task()
    return time.process_time() - start


def medians(tasks: Mapping[str, Seconds], rounds: int) -> dict[str, float]:
    """Return the median seconds of each task; the tasks take turns."""
    taken = [{name: task() for name, task in tasks.items()} for _ in range(rounds)]
    return {name: statistics.median(each[name] for each in taken) for name in tasks}


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


def ours(data: pd.DataFrame) -> Seconds:
    return lambda: processor_seconds(lambda: mmrm_table(data))


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


def main(*, growth: bool) -> int:
    with tempfile.TemporaryDirectory() as folder:
        r = R.start(Path(folder))
        if r is None:
            print("\nR with mmrm, lmerTest and pbkrtest is not here: ours alone")
        else:
            listed = ", ".join(f"{name} {each[0]}" for name, each in r.versions.items())
            print(f"\nbeside: {listed}")
        if growth:
            draw_growth(measure_growth(r))
            agree = True
        else:
            print("mixed models, processor seconds of fit and coefficients")
            agree = all([compare(case, r) for case in comparisons()])
            time_large()
            subprocess.run([sys.executable, __file__, "--memory"], check=True)
        if r is not None:
            r.close()
    return 0 if agree else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--growth", action="store_true", help="draw the growth only")
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory:
        measure_memory()
    else:
        sys.exit(main(growth=options.growth))
