"""Draft the configuration of a trial never seen, from its files alone.

`describe` looks at what the columns hold and then at what they are called, and returns
a `Draft`: YAML in which every guess is marked, with what speaks for it. `edits` counts
what a person changed to make a configuration of it.
"""

from trialstats.describe.drafting import Draft, describe
from trialstats.describe.edits import edits
from trialstats.describe.received import Received
from trialstats.describe.sniffing import Dialect, sniff

__all__ = ["Dialect", "Draft", "Received", "describe", "edits", "sniff"]
