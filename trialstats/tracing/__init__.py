"""From a printed number back to the row that holds it.

Tables, figures and sentences print rows. This part reads what they printed and finds,
for each number, the row and the column that round to it; it shares no code with what
printed it but the rounding itself.
"""

from trialstats.tracing.numbers import Number, numbers_in
from trialstats.tracing.resolving import Piece, Printing, trace, unresolved

__all__ = ["Number", "Piece", "Printing", "numbers_in", "trace", "unresolved"]
