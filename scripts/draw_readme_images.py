"""Put the pictures that README.md shows into docs/images; run by `make images`."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from trialstats import io  # noqa: E402

IMAGE = re.compile(r"\]\(docs/images/([\w-]+\.png)\)")


def main(root: Path) -> None:
    for name in IMAGE.findall(io.read_text(root / "README.md")):
        drawn = root / "results" / "figures" / name
        io.write_bytes(io.read_bytes(drawn), root / "docs" / "images" / name)
        print(f"docs/images/{name}")


if __name__ == "__main__":
    main(ROOT)
