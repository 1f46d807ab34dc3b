"""Draw the figures of one trial."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from _step import run

from trialstats import cleaning_rows, io, rows
from trialstats.figures.render import render
from trialstats.figures.trial_kinds import Material, draw_figure


def main(
    estimates: list[str],
    residuals: list[str],
    steps: str,
    adsl: str,
    bds: str,
    adae: str,
    adtte: str,
    svg: list[str],
    png: list[str],
    pdf: list[str],
    *,
    config: Mapping[str, Any],
    names: Sequence[str],
) -> None:
    fitted = [io.read_table(path, rows.ESTIMATES) for path in estimates]
    material = Material(
        trial=config,
        rows=pd.concat(fitted, ignore_index=True),
        residuals={Path(p).stem: io.read_table(p, rows.RESIDUALS) for p in residuals},
        steps=io.read_table(steps, cleaning_rows.STEPS),
        adsl=io.read_table(adsl, rows.ADSL_CORE),
        bds=io.read_table(bds, rows.BDS),
        adae=io.read_table(adae, rows.ADAE),
        adtte=io.read_table(adtte, rows.ADTTE),
    )
    for name, *paths in zip(names, svg, png, pdf, strict=True):
        drawn = draw_figure(name, material)
        for path in paths:
            form = Path(path).suffix[1:]
            picture = render(drawn.figure, form, title=drawn.title, alt=drawn.alt)
            io.write_bytes(picture, path)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
