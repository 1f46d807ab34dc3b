"""What figures of one synthesis share: its titles, its main model, its trials."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialstats.errors import DataError
from trialstats.figures.forest_lines import row_ids, words_for
from trialstats.figures.forest_models import model_name
from trialstats.figures.forest_numbers import Words
from trialstats.figures.forest_options import ForestOptions
from trialstats.figures.forest_rows import Effect, Panel, panels
from trialstats.figures.pages import Block, title_blocks
from trialstats.records import Record, find, records
from trialstats.vocabulary import SYNTHETIC, lower_first


@dataclass(frozen=True, slots=True)
class Shown:
    """A synthesis as its figures show it.

    Attributes
    ----------
    rows : list of Record
        All its rows.
    panel : Panel
        Its trials and its main model.
    options : ForestOptions
        Layout and sizes.
    words : Words
        How its numbers are printed.
    title : str
        Its title.
    """

    rows: list[Record]
    panel: Panel
    options: ForestOptions
    words: Words
    title: str

    @property
    def pool(self) -> Record | None:
        """Row of the main pooled effect; None when nothing is pooled."""
        return self.panel.pooled

    @property
    def synthetic(self) -> bool:
        """Whether a trial was made up."""
        return any(t.status == "synthetic" for t in self.panel.trials)

    @property
    def model(self) -> str:
        """The main model in words, empty when nothing is pooled."""
        return "" if self.pool is None else model_name(self.pool)

    def by_trial(self, statistic: str) -> dict[str, float]:
        """Return a statistic of each trial that has it."""
        return {
            str(row["trial"]): float(row["estimate"])
            for row in find(self.rows, statistic=statistic)
            if row["estimate"] is not None
        }

    def ids(self, statistic: str, trial: str | None = None) -> tuple[str, ...]:
        """Return the ``row_id`` of a statistic, of one trial where it is named."""
        about: dict[str, Any] = {} if trial is None else {"trial": trial}
        return row_ids(*find(self.rows, statistic=statistic, **about))

    def main_value(self, statistic: str) -> float | None:
        """Return a statistic of the main model, None when it does not exist."""
        row = self.panel.main.get(statistic)
        if row is None or row["estimate"] is None:
            return None
        return float(row["estimate"])

    def titles(self, subtitle: str, width: float) -> list[Block]:
        """Return the title with what the figure shows under it."""
        return title_blocks(
            self.title,
            subtitle,
            width,
            synthetic=self.synthetic,
            size=self.options.font_size,
        )

    def alt(self, kind: str, text: str) -> str:
        """Return words for those who do not see: what is shown, then what it says."""
        start = f"{SYNTHETIC}. " if self.synthetic else ""
        return f"{start}{kind}. {self.title}: {text}"

    def pooled_words(self) -> str:
        """Return the main result in a few words."""
        if self.pool is None:
            return "nothing is pooled"
        limits = (self.pool["ci_lower"], self.pool["ci_upper"])
        result = self.words.effect(self.pool["estimate"], limits)
        return f"{self.panel.measure.name} {result}, {lower_first(self.model)}"


def shown(
    rows: pd.DataFrame,
    synthesis: Mapping[str, Any],
    labels: Mapping[str, str],
    options: ForestOptions | None = None,
) -> Shown:
    """Return a synthesis as its figures show it.

    Raises
    ------
    DataError
        When it has no trial.
    """
    chosen = options or ForestOptions.from_mapping(synthesis.get("figure"))
    panel = panels(rows, synthesis=synthesis, labels=labels)[0]
    if not panel.trials:
        raise DataError(
            f"synthesis {synthesis.get('synthesis', '')!r} has no trial to draw",
            column="statistic",
            remedy="rows of 'effect' are needed",
        )
    title = str(synthesis.get("title") or synthesis.get("synthesis") or "Synthesis")
    return Shown(records(rows), panel, chosen, words_for(panel, chosen), title)


def estimable(panel: Panel) -> Sequence[Effect]:
    """Return the trials that have an estimate."""
    return [t for t in panel.trials if t.estimable]
