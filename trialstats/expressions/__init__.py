"""A small safe language for values and conditions from the columns of a table.

`parse` reads an expression and refuses whatever the language does not have; nothing in
a text is ever run. `value` and `condition` use it on a table, whole columns at a time.
The language is described in ``docs/expressions.md``.
"""

from trialstats.expressions.comparing import columns_compared, texts_compared
from trialstats.expressions.evaluation import condition, value
from trialstats.expressions.parsing import parse
from trialstats.expressions.tree import Expression

__all__ = [
    "Expression",
    "columns_compared",
    "condition",
    "parse",
    "texts_compared",
    "value",
]
