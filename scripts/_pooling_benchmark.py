"""What the benches of pooling share: trials, metafor beside, processor time."""

import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

# For R, which inherits it; NumPy is told by `one_thread`.
for _library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from trialstats.one_thread import one_thread  # noqa: E402
from trialstats.randomness import stream  # noqa: E402

SEED = 2026


def trials(sets: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Simulate effects and variances of sets of trials, both (sets, k)."""
    random = stream(SEED, "bench", "pooling", f"{sets} x {k}")
    variance = random.uniform(0.01, 0.4, (sets, k))
    return random.normal(-0.7, (variance + 0.3) ** 0.5), variance


def processor_seconds(task: Callable[[], object], calls: int = 1) -> float:
    """Return the processor seconds of one call, the least of five rounds."""
    taken = []
    gc.collect()
    with one_thread():
        for _ in range(5):
            start = time.process_time()
            for _ in range(calls):
                task()
            taken.append((time.process_time() - start) / calls)
    return min(taken)


class Metafor:
    """A process of R that fits what it is asked to, and says how long that took."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.n_files = folder, 0
        self.process = subprocess.Popen(
            ["Rscript", str(Path(__file__).with_name("bench_pooling.R"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.version = self._answer()["metafor"]

    @classmethod
    def start(cls) -> Self | None:
        """Return the process, or None where R or metafor is not installed."""
        try:
            return cls(Path(tempfile.mkdtemp(prefix="bench_pooling_")))
        except (FileNotFoundError, EOFError):
            return None

    def ask(
        self, task: str, effect: np.ndarray, variance: np.ndarray, times: int
    ) -> dict[str, float]:
        """Return seconds and the last estimates of a task on sets of trials."""
        self.n_files += 1
        path = self.folder / f"{self.n_files}.csv"
        sets, k = effect.shape
        pd.DataFrame(
            {
                "set": np.repeat(np.arange(sets), k),
                "yi": effect.ravel(),
                "vi": variance.ravel(),
            }
        ).to_csv(path, index=False, float_format="%.17g")
        assert self.process.stdin  # noqa: S101
        self.process.stdin.write(f"{task}\t{path}\t{times}\n")
        self.process.stdin.flush()
        answer = self._answer()
        if "error" in answer:
            raise RuntimeError(f"R: {answer['error']}")
        return answer

    def close(self) -> None:
        """Let the process end, and remove its files."""
        self.process.communicate()
        for path in self.folder.iterdir():
            path.unlink()
        self.folder.rmdir()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout  # noqa: S101
        line = self.process.stdout.readline()
        if not line:
            raise EOFError("R has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer
