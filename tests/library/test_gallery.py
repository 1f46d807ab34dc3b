"""docs/gallery.md shows what the code of today draws: each picture is made again."""

import importlib
import sys

import pytest


@pytest.fixture(scope="module")
def made(root):
    folder = str(root / "scripts")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module("write_gallery").main()


def test_every_picture_and_the_page_are_current(root, made):
    stale = [
        path
        for path, content in made.items()
        if not (root / path).is_file() or (root / path).read_bytes() != content
    ]
    assert not stale, f"run `make docs`: {', '.join(stale)}"


def test_nothing_is_left_of_earlier_pictures(root, made):
    kept = {p.as_posix() for p in (root / "docs/images/gallery").iterdir()}
    assert kept == {(root / p).as_posix() for p in made if p.endswith(".svg")}


def test_every_kind_of_figure_is_shown(made):
    from trialstats.figures.of_synthesis import FIGURES

    page = made["docs/gallery.md"].decode()
    for name in FIGURES:
        assert f"response_{name}.svg" in page
    for kind in ("flow", "profile", "periods", "kaplan_meier", "subgroups", "analyses"):
        assert f"_{kind}" in page
    for kind in ("tipping_point", "waterfall", "individual_profiles", "residuals"):
        assert f"_{kind}" in page


def test_the_raw_data_of_the_gallery_are_what_the_simulation_makes(root):
    from trialstats.simulation.gallery import gallery_files

    for path, content in gallery_files().items():
        assert (root / "config/examples/gallery" / path).read_bytes() == content
