"""Write the raw files of the trial of docs/gallery.md.

Run as ``python scripts/simulate_gallery_data.py``. An argument names another folder
than config/examples/gallery.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from trialstats.simulation.gallery import gallery_files  # noqa: E402


def main(folder: str | Path) -> list[Path]:
    written = []
    for name, content in gallery_files().items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        written.append(path)
    return written


if __name__ == "__main__":
    usual = ROOT / "config/examples/gallery"
    files = main(sys.argv[1] if len(sys.argv) > 1 else usual)
    print("\n".join(str(path) for path in files))
