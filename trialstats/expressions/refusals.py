"""Refusals: what in an expression is wrong, and what to write instead."""

import difflib
from collections.abc import Iterable

from trialstats.errors import ConfigError

#: Characters of an expression that a message repeats.
_SHOWN = 400

#: Known names that a message lists.
_LISTED = 30


class RefusalError(Exception):
    """A part of an expression cannot be used; never leaves this package.

    Parameters
    ----------
    what : str
        What is wrong, naming the part.
    remedy : str
        What to write instead.
    """

    def __init__(self, what: str, remedy: str) -> None:
        self.what, self.remedy = what, remedy
        super().__init__(what)

    def error(self, text: str) -> ConfigError:
        """Return the error that also names the whole expression."""
        return ConfigError(f"expression {shown(text)!r}: {self.what}; {self.remedy}")


def shown(text: str) -> str:
    """Return a text as messages repeat it, cut when it is long."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def unknown(what: str, name: str, known: Iterable[str]) -> RefusalError:
    """Return the refusal of a name, with the nearest known one.

    >>> unknown("column", "avl", ["AVAL", "BASE"]).remedy
    "did you mean 'AVAL'? known: AVAL, BASE"
    """
    listed = list(known)
    # Upper and lower case are the commonest slip, and difflib holds them apart.
    lowered: dict[str, str] = {}
    for candidate in listed:
        lowered.setdefault(candidate.lower(), candidate)
    near = difflib.get_close_matches(name.lower(), lowered, n=1)
    more = len(listed) - _LISTED
    remedy = f"known: {', '.join(listed[:_LISTED])}" if listed else "none is known"
    if more > 0:
        remedy += f" and {more} more"
    if near:
        remedy = f"did you mean {lowered[near[0]]!r}? {remedy}"
    return RefusalError(f"the {what} {shown(name)!r} is unknown", remedy)
