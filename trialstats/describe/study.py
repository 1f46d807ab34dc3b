"""What is known of a trial while its draft is written."""

from dataclasses import dataclass, field

from trialstats.describe.sheet import Sheet
from trialstats.describe.subjects import Table


@dataclass
class Study:
    """What is known of a trial while its draft is written.

    Attributes
    ----------
    tables : list of Table
        Tables with subjects.
    main : int
        Place of the table of subjects.
    names : list of str
        Name of the source of each table.
    subject : str
        Column that names the subject in every source.
    sheet : Sheet
        The draft.
    used : list of set of str
        Columns of each table that the draft uses already.
    left_out : dict of int to list of str
        Columns of a table that the draft names as left out, by the table's place.
    closed : set of int
        Places of tables of which nothing more is drafted.
    exposures : list of str
        Parameters that are positive concentrations or areas under them.
    """

    tables: list[Table]
    main: int
    names: list[str]
    subject: str
    sheet: Sheet
    used: list[set[str]]
    left_out: dict[int, list[str]] = field(default_factory=dict)
    closed: set[int] = field(default_factory=set)
    exposures: list[str] = field(default_factory=list)

    @property
    def subjects(self) -> Table:
        """The table of subjects."""
        return self.tables[self.main]
