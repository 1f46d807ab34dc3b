"""The figures of a synthesis beside its forest plot, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from trialstats.figures.baujat import baujat_alt_text, baujat_plot
from trialstats.figures.funnel import funnel_alt_text, funnel_plot
from trialstats.figures.influence import influence_alt_text, influence_plot
from trialstats.figures.sensitivity import sensitivity_alt_text, sensitivity_plot


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of figure: how it is drawn, described and named."""

    draw: Callable[..., Figure]
    describe: Callable[..., str]
    words: str


#: Name of a figure, as its file ends, and what it is.
FIGURES = {
    "sensitivity": Kind(sensitivity_plot, sensitivity_alt_text, "every model"),
    "baujat": Kind(baujat_plot, baujat_alt_text, "heterogeneity and influence"),
    "influence": Kind(influence_plot, influence_alt_text, "influence of each trial"),
    "funnel": Kind(funnel_plot, funnel_alt_text, "funnel plot"),
}


def synthesis_figure(
    name: str,
    rows: pd.DataFrame,
    *,
    synthesis: Mapping[str, Any],
    labels: Mapping[str, str],
) -> tuple[Figure, str, str]:
    """Draw a figure of a synthesis.

    Parameters
    ----------
    name : str
        One of `FIGURES`.
    rows : DataFrame
        Rows of one synthesis, schema `rows.ESTIMATES`.
    synthesis : mapping
        Its configuration.
    labels : mapping of str to str
        Trial to author and year.

    Returns
    -------
    tuple of Figure, str and str
        The figure, its title and its alternative text.
    """
    kind = FIGURES[name]
    title = f"{synthesis['title']} ({kind.words})"
    about: dict[str, Any] = {"synthesis": synthesis, "labels": labels}
    return kind.draw(rows, **about), title, kind.describe(rows, **about)
