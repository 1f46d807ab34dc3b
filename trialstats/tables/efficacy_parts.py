"""What the layouts of an efficacy table share: rows, arms, contrasts and footnotes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trialstats.formatting import format_level
from trialstats.records import Record, one
from trialstats.tables import cells
from trialstats.tables.table import EMPTY, Cell, Footnotes, Row
from trialstats.vocabulary import upper_first


@dataclass(slots=True)
class Parts:
    """What every layout needs: the rows, arms, contrasts and the footnotes."""

    rows: list[Record]
    arms: list[str]
    contrasts: list[str]
    notes: Footnotes
    digits: int
    level: float | None
    averaged: Sequence[str] = ()

    def interval_label(self, words: str = "CI") -> str:
        """Return what the intervals are, with their confidence level."""
        return upper_first(format_level(self.level, words))

    def arm_cells(self, make: Callable[[str], Cell]) -> tuple[Cell, ...]:
        """Return a cell an arm, and an empty cell a contrast."""
        return (*(make(a) for a in self.arms), *(EMPTY for _ in self.contrasts))

    def contrast_cells(self, make: Callable[[str], Cell]) -> tuple[Cell, ...]:
        """Return an empty cell an arm, and a cell a contrast."""
        return (*(EMPTY for _ in self.arms), *(make(c) for c in self.contrasts))

    def of_arm(self, arm: str, statistic: str) -> Record | None:
        """Return the row of a statistic of an arm."""
        return one(self.rows, group=arm, statistic=statistic)

    def of_contrast(self, contrast: str, statistic: str) -> Record | None:
        """Return the row of a statistic of a contrast."""
        return one(self.rows, contrast=contrast, statistic=statistic)

    def arm_row(self, label: str, statistic: str) -> Row:
        """Return a row of counts by arm."""
        made = self.arm_cells(
            lambda a: cells.count(self.of_arm(a, statistic), self.notes)
        )
        return Row((Cell(label), *made))

    def contrast_row(self, label: str, make: Callable[[str], Cell]) -> Row:
        """Return a row of one cell a contrast."""
        return Row((Cell(label), *self.contrast_cells(make)))
