"""Write the data of the reference: python tests/reference/lmm/make_lmm_data.py.

Three synthetic trials: visits with drop-out in subjects within centres, a panel of
raters crossed with subjects, and a replicate crossover with missing periods.
"""

from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent


def centres(rng: np.random.Generator) -> pd.DataFrame:
    """Subjects within centres; one centre's subjects are numbered like another's."""
    rows = []
    for centre in range(7):
        level = rng.normal(0, 2)
        for subject in range(int(rng.integers(4, 12))):
            own, slope = rng.normal(0, 3), rng.normal(0, 0.8)
            arm = ("active", "placebo")[subject % 2]
            age = rng.normal(50, 10)
            stop = int(rng.integers(2, 6))
            for week in (0, 2, 4, 8, 12)[:stop]:
                mean = 30 + level + own + (slope - 0.4 * (arm == "active")) * week / 2
                value = mean + 0.1 * (age - 50) + rng.normal(0, 1.5)
                rows.append((f"C{centre}", f"S{subject}", arm, age, week, value))
    columns = ["centre", "subject", "arm", "age", "week", "y"]
    return pd.DataFrame(rows, columns=columns).round({"age": 1, "y": 3})


def raters(rng: np.random.Generator) -> pd.DataFrame:
    """Ratings of 15 subjects by 6 raters, a fifth of them missing."""
    by_subject, by_rater = rng.normal(0, 2, 15), rng.normal(0, 1, 6)
    rows = [
        (
            f"S{i:02}",
            f"R{j}",
            ("film", "screen")[(i + j) % 2],
            by_subject[i] + by_rater[j] + 0.7 * ((i + j) % 2) + rng.normal(0, 1),
        )
        for i in range(15)
        for j in range(6)
        if rng.random() > 0.2
    ]
    columns = ["subject", "rater", "mode", "y"]
    return pd.DataFrame(rows, columns=columns).round({"y": 3})


def replicate(rng: np.random.Generator) -> pd.DataFrame:
    """Four periods, RTRT and TRTR, 14 subjects; the logarithm of an exposure."""
    rows = []
    for subject in range(14):
        sequence = ("RTRT", "TRTR")[subject % 2]
        own = rng.normal(0, 0.5)
        for period, treatment in enumerate(sequence, start=1):
            value = 5 + own + 0.08 * (treatment == "T") + rng.normal(0, 0.25)
            if rng.random() > 0.1:
                rows.append((f"{subject}", sequence, f"{period}", treatment, value))
    columns = ["subject", "sequence", "period", "treatment", "y"]
    return pd.DataFrame(rows, columns=columns).round({"y": 4})


if __name__ == "__main__":
    seeded = np.random.default_rng(20240611)
    for made in (centres, raters, replicate):
        made(seeded).to_csv(HERE / f"{made.__name__}.csv", index=False)
