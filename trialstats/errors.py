"""Errors, by what the reader should do about them.

Three causes: the data or the configuration are wrong (mend them), the question has no
answer (report "NE"), the algorithm stopped (change the method or the start).
"""

from collections.abc import Iterable, Mapping


class TrialstatsError(Exception):
    """Base of every error that trialstats raises on purpose."""


class DataError(TrialstatsError, ValueError):
    """The data are wrong: mend the data.

    Parameters
    ----------
    what : str
        What is wrong.
    file, row, column, value : optional
        Where it stands; ``row`` is the row as a spreadsheet numbers it (the header
        is row 1).
    remedy : str, optional
        What to write instead.
    """

    def __init__(
        self,
        what: str,
        *,
        file: str | None = None,
        row: int | str | None = None,
        column: str | None = None,
        value: object = None,
        remedy: str | None = None,
    ) -> None:
        self.what, self.file, self.row = what, file, row
        self.column, self.value, self.remedy = column, value, remedy
        super().__init__(located(what, file, row, column, value, remedy))


class ConfigError(TrialstatsError, ValueError):
    """The configuration is wrong: mend the named file."""


class NotEstimableError(TrialstatsError):
    """The question has no answer in these data: report "NE" with this reason."""


class RankDeficientError(NotEstimableError):
    """Columns of the design are combinations of others: leave the named ones out.

    Parameters
    ----------
    message : str
    aliased : iterable of str
        Names of the columns that depend on columns before them.
    """

    def __init__(self, message: str, aliased: Iterable[str]) -> None:
        self.aliased = tuple(aliased)
        super().__init__(message)


class SingularCovarianceError(NotEstimableError):
    """The likelihood is highest where a covariance is singular: simplify the model.

    Parameters
    ----------
    message : str
        What is singular, and what to do.
    factor : str
        The grouping factor of the random effects, or "residual".
    """

    def __init__(self, message: str, factor: str = "residual") -> None:
        self.factor = factor
        super().__init__(message)


class ConvergenceError(TrialstatsError):
    """The algorithm did not reach a solution: change the method or the start."""


class LadderError(ConvergenceError):
    """No covariance structure of a ladder fits: name a simpler one at its end.

    Parameters
    ----------
    reasons : mapping of str to str
        Structure -> why it was left.
    """

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self.reasons = dict(reasons)
        listed = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        super().__init__(f"No structure of the ladder fits. {listed}")


class DisagreementError(TrialstatsError):
    """Two engines give different numbers for the same quantity: stop the run."""


def located(
    what: str,
    file: str | None = None,
    row: int | str | None = None,
    column: str | None = None,
    value: object = None,
    remedy: str | None = None,
) -> str:
    """Return one sentence that says where, what, and what to write instead.

    >>> located("not a number", "a.csv", 3, "pain", "x", "write a number")
    "a.csv, row 3, column 'pain', value 'x': not a number; write a number"
    """
    where = [file] if file else []
    if row is not None:
        where.append(f"row {row}")
    if column is not None:
        where.append(f"column {column!r}")
    if value is not None:
        where.append(f"value {value!r}")
    sentence = f"{', '.join(where)}: {what}" if where else what
    return f"{sentence}; {remedy}" if remedy else sentence


#: Problems that are written out; one cause may touch every row of a file.
SHOWN = 100


def combined(problems: Iterable[str]) -> str:
    """Return all problems as one message, a line each."""
    return numbered_list(problems)


def numbered_list(problems: Iterable[str], *, unlisted: int = 0) -> str:
    """Return problems as one message, with `unlisted` further ones only counted."""
    lines = list(problems)
    total = len(lines) + unlisted
    if total == 1:
        return lines[0]
    listed = [f"  - {line}" for line in lines[:SHOWN]]
    if total > len(listed):
        listed.append(f"  ... and {total - len(listed)} more")
    return f"{total} problems:\n" + "\n".join(listed)
