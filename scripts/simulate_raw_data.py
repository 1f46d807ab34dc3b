"""Write the raw files of the three synthetic trials and their truth.

Run as ``python scripts/simulate_raw_data.py``; no rule does, since data/ is what people
put there. An argument names another folder than the repository's root.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from trialstats import io  # noqa: E402
from trialstats.simulation.raw import raw_files  # noqa: E402

#: Fixed once; every byte follows from it.
SEED = 20240601


def main(folder: str | Path) -> list[Path]:
    written = []
    for name, content in raw_files(SEED).items():
        path = Path(folder) / name
        if isinstance(content, str):
            io.write_text(content, path)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        written.append(path)
    return written


if __name__ == "__main__":
    files = main(sys.argv[1] if len(sys.argv) > 1 else ROOT)
    print("\n".join(str(path) for path in files))
