"""The pictures of docs/comparison_with_metafor.md are what the library draws now."""

import importlib.util
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/comparison_with_metafor.md"


def script():
    spec = importlib.util.spec_from_file_location(
        "draw_comparison", ROOT / "scripts/draw_comparison.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


drawing = script()


def pixels(content):
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("name", drawing.PICTURES)
def test_our_pictures_are_current(name):
    committed = pixels((drawing.FOLDER / f"{name}.png").read_bytes())
    now = pixels(drawing.picture(name))
    assert committed.shape == now.shape
    assert (committed == now).all()


def test_the_numbers_that_metafor_reads_are_current():
    kept = drawing.FOLDER / "pain_across_conditions.csv"
    assert kept.read_text(encoding="utf-8") == drawing.effects_for_r()


def test_the_page_shows_every_picture_and_each_is_small():
    shown = re.findall(r"\]\(images/comparison/([\w.]+)\)", PAGE.read_text("utf-8"))
    there = sorted(path.name for path in drawing.FOLDER.glob("*.png"))
    assert sorted(shown) == there
    assert len(there) == 2 * len(drawing.PICTURES)
    for name in there:
        assert (drawing.FOLDER / name).stat().st_size < 120_000
