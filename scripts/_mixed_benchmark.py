"""What the benches of mixed models share: a trial, R beside, processor time."""

import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

# For R, which inherits it; NumPy is told by `one_thread`.
for _library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from trialstats.mmrm import fit_mmrm  # noqa: E402
from trialstats.one_thread import one_thread  # noqa: E402
from trialstats.randomness import stream  # noqa: E402

SEED = 2026
MMRM = "CHG ~ BASE + ARMCD * AVISIT"

Table = pd.DataFrame
Seconds = Callable[[], float]


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


def mmrm_table(data: pd.DataFrame) -> Table:
    """Fit the default model and return its coefficients."""
    fit = fit_mmrm(MMRM, data, subject="USUBJID", visit="AVISIT", df="kenward_roger")
    return fit.coefficients


def ours(data: pd.DataFrame) -> Seconds:
    """Return what times our fit."""
    return lambda: processor_seconds(lambda: mmrm_table(data))


class R:
    """A process of R that fits what it is asked to, and says how long that took."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.n_files = folder, 0
        self.process = subprocess.Popen(
            ["Rscript", str(Path(__file__).with_name("bench_mixed_models.R"))],
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
    """Return the processor seconds of one call, on one thread."""
    gc.collect()
    with one_thread():
        start = time.process_time()
        task()
        return time.process_time() - start


def medians(tasks: Mapping[str, Seconds], rounds: int) -> dict[str, float]:
    """Return the median seconds of each task; the tasks take turns."""
    taken = [{name: task() for name, task in tasks.items()} for _ in range(rounds)]
    return {name: statistics.median(each[name] for each in taken) for name in tasks}
