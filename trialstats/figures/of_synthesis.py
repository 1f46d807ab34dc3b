"""The figures of a synthesis beside its forest plot, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from trialstats.errors import ConfigError
from trialstats.figures.baujat import baujat_alt_text, baujat_plot
from trialstats.figures.funnel import funnel_alt_text, funnel_plot
from trialstats.figures.gosh import gosh_alt_text, gosh_plot
from trialstats.figures.influence import influence_alt_text, influence_plot
from trialstats.figures.labbe import labbe_alt_text, labbe_plot
from trialstats.figures.leave_one_out import (
    leave_one_out_alt_text,
    leave_one_out_plot,
)
from trialstats.figures.prisma import prisma_alt_text, prisma_plot
from trialstats.figures.radial import radial_alt_text, radial_plot
from trialstats.figures.risk_of_bias import (
    risk_of_bias_alt_text,
    risk_of_bias_plot,
)
from trialstats.figures.sensitivity import sensitivity_alt_text, sensitivity_plot


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of figure: how it is drawn, described and named.

    `needs` are tables that it draws beside the rows: ``subsets``, ``risk_of_bias``.
    """

    draw: Callable[..., Figure]
    describe: Callable[..., str]
    words: str
    needs: tuple[str, ...] = ()


#: Name of a figure, as its file ends, and what it is; in the order of the report.
FIGURES = {
    "prisma": Kind(prisma_plot, prisma_alt_text, "flow of records"),
    "risk_of_bias": Kind(
        risk_of_bias_plot, risk_of_bias_alt_text, "risk of bias", ("risk_of_bias",)
    ),
    "sensitivity": Kind(sensitivity_plot, sensitivity_alt_text, "every model"),
    "leave_one_out": Kind(
        leave_one_out_plot, leave_one_out_alt_text, "without each trial"
    ),
    "labbe": Kind(labbe_plot, labbe_alt_text, "risk in each arm"),
    "radial": Kind(radial_plot, radial_alt_text, "radial plot"),
    "baujat": Kind(baujat_plot, baujat_alt_text, "heterogeneity and influence"),
    "influence": Kind(influence_plot, influence_alt_text, "influence of each trial"),
    "gosh": Kind(gosh_plot, gosh_alt_text, "all subsets of the trials", ("subsets",)),
    "funnel": Kind(funnel_plot, funnel_alt_text, "funnel plot"),
}


def figure_names(synthesis: Mapping[str, Any], *, judged: bool = False) -> list[str]:
    """Return the names of the figures that a synthesis has beside its forest plot.

    Parameters
    ----------
    synthesis : mapping
        Its configuration. Those under ``figures`` are taken; without it, the flow of
        records and the risk of bias where there are any, and, where effects are
        pooled, the sensitivity of the result, the diagnostics of the model, and the
        funnel plot.
    judged : bool
        Whether somebody has judged the risk of bias of its trials.

    Returns
    -------
    list of str
        In the order of `FIGURES`.

    Raises
    ------
    ConfigError
        When a name is not known.

    Examples
    --------
    >>> figure_names({"pooling": True, "diagnostics": False})
    ['sensitivity', 'funnel']
    >>> figure_names({"pooling": True, "figures": ["radial", "labbe"]})
    ['labbe', 'radial']
    """
    chosen = synthesis.get("figures")
    if chosen is None:
        chosen = _usual(synthesis, judged=judged)
    unknown = [name for name in chosen if name not in FIGURES]
    if unknown:
        raise ConfigError(
            f"there is no figure {unknown[0]!r}; known: {', '.join(FIGURES)}"
        )
    return [name for name in FIGURES if name in chosen]


def _usual(synthesis: Mapping[str, Any], *, judged: bool) -> list[str]:
    """Return the figures of a synthesis that chooses none."""
    names = ["prisma"] if "prisma" in synthesis else []
    names += ["risk_of_bias"] if judged else []
    if not synthesis["pooling"]:
        return names
    model = synthesis.get("model", {})
    plain = model.get("method", "inverse_variance") == "inverse_variance"
    if synthesis["diagnostics"] and plain and "levels" not in model:
        return [*names, "sensitivity", "baujat", "influence", "funnel"]
    return [*names, "sensitivity", "funnel"]


def synthesis_figure(
    name: str,
    rows: pd.DataFrame,
    *,
    synthesis: Mapping[str, Any],
    labels: Mapping[str, str],
    tables: Mapping[str, pd.DataFrame] | None = None,
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
    tables : mapping of str to DataFrame, optional
        What some figures draw beside the rows: ``subsets``, schema `rows.SUBSETS`, and
        ``risk_of_bias``, schema `evidence_rows.RISK_OF_BIAS`.

    Returns
    -------
    tuple of Figure, str and str
        The figure, its title and its alternative text.
    """
    kind = FIGURES[name]
    title = f"{synthesis['title']} ({kind.words})"
    about: dict[str, Any] = {"synthesis": synthesis, "labels": labels}
    about |= {need: (tables or {}).get(need) for need in kind.needs}
    return kind.draw(rows, **about), title, kind.describe(rows, **about)
