"""Reads the text of an expression into Python's syntax tree, which runs nothing.

Only what cannot be told from the syntax tree is refused here: texts that are too long
or too deep, comments, and ways of writing numbers and texts that hide slips.
"""

import ast
import keyword
import re
import tokenize
import warnings
from collections.abc import Iterator

from trialstats.expressions.refusals import RefusalError, shown

#: Characters of an expression.
LONGEST = 4_000

#: Levels of a syntax tree; each costs a few levels of Python's own stack.
DEEPEST = 100

#: Parts of an expression, the columns that items(…) stands for included.
MOST_PARTS = 1_000

_EXAMPLE = "write for example AVAL < 150"

#: Words that expressions use themselves.
_OWN_WORDS = {"and", "or", "not", "in", "if", "else", "True", "False", "None", "is"}

#: Slips that Python only calls invalid, and what to write instead.
_SLIPS = (
    (r"[‘’“”„«»]", "quotes that are not straight", "write ' or \""),
    (r"&&|\|\|", "&& or ||", "write and, or"),
    (r"<>", "<>", "write != for different"),
    (r"[≤≥≠×÷−]", "a mathematical sign", "write <=, >=, !=, *, / or -"),
    (r"\b(AND|OR|NOT|IN|IF|ELSE)\b", "a word in capitals", "write and, or, not, in"),
    (r":=", "an assignment", "write == to compare"),
    (r"!(?!=)", "!", "write not"),
    (r";", "several statements", "write one expression"),
    (
        r"(?<!digits)(?<!at_least)(?<!prorate)(?<![=!<> ]) *=(?!=)",
        "a single =",
        "write == to compare",
    ),
)


def syntax(text: str) -> tuple[str, ast.expr]:
    """Return an expression on one line, and its syntax tree.

    Parameters
    ----------
    text : str
        The expression; line breaks count as spaces.

    Returns
    -------
    tuple of str and ast.expr
        The line to which the tree's places refer, and the tree.

    Raises
    ------
    RefusalError
        When the text is no expression, or one beyond the limits.
    """
    if len(text) > LONGEST:
        raise RefusalError(
            f"it has {len(text)} characters",
            f"write at most {LONGEST}, and several variables for several steps",
        )
    line = re.sub(r"\s*[\r\n]+\s*", " ", text).strip()
    if not line:
        raise RefusalError("it is empty", _EXAMPLE)
    try:
        # A warning of Python's parser is about a slip, such as '\d'.
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            body = ast.parse(line, mode="eval").body
    except SyntaxError as error:
        raise _unreadable(line, error) from None
    except (MemoryError, RecursionError):
        raise too_deep() from None
    except (ValueError, OverflowError):
        raise RefusalError(
            "it holds characters that no text has", "type it anew, by hand"
        ) from None
    _check_size(body)
    _check_tokens(line)
    return line, body


def _check_size(body: ast.expr) -> None:
    level: list[ast.AST] = [body]
    parts = depth = 0
    # Level by level, since a walk that calls itself would end on Python's own stack.
    while level:
        parts, depth = parts + len(level), depth + 1
        if depth > DEEPEST:
            raise too_deep()
        level = [child for node in level for child in _children(node)]
    if parts > MOST_PARTS:
        raise too_many(parts)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    words = (ast.expr_context, ast.operator, ast.cmpop, ast.unaryop, ast.boolop)
    return (n for n in ast.iter_child_nodes(node) if not isinstance(n, words))


def too_deep() -> RefusalError:
    """Return the refusal of an expression with too many levels."""
    return RefusalError(
        f"it is nested more than {DEEPEST} levels deep",
        "write sum(…) for long sums, in (…) for long lists, or several variables",
    )


def too_many(parts: int) -> RefusalError:
    """Return the refusal of an expression with too many parts."""
    return RefusalError(
        f"it has {parts} parts", f"write at most {MOST_PARTS}, or several variables"
    )


def _check_tokens(line: str) -> None:
    before = None
    try:
        tokens = list(tokenize.generate_tokens(iter([line]).__next__))
    except (tokenize.TokenError, SyntaxError):
        raise RefusalError("it cannot be read", _EXAMPLE) from None
    for token in tokens:
        if token.type == tokenize.COMMENT:
            raise RefusalError(
                f"it holds the comment {shown(token.string)!r}",
                "leave it out; text with # stands in quotes",
            )
        if token.type == tokenize.NUMBER:
            _check_number(token.string)
        if token.type == tokenize.STRING:
            if re.match(r"\w*('''|\"\"\")", token.string):
                raise RefusalError("it holds triple quotes", "write ' or \" once")
            if before == tokenize.STRING:
                raise RefusalError(
                    f"no comma stands before {shown(token.string)}", "write the comma"
                )
        before = token.type


def _check_number(digits: str) -> None:
    if digits[-1] in "jJ":
        raise RefusalError(f"{digits!r} is a complex number", "write a real number")
    if not re.fullmatch(r"(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", digits, re.I | re.A):
        raise RefusalError(
            f"{shown(digits)!r} is not how a number is written",
            "write digits, a point and an exponent",
        )


def _unreadable(line: str, error: SyntaxError) -> RefusalError:
    if "too many nested" in str(error.msg):
        return too_deep()
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", "''", line)
    for pattern, what, remedy in _SLIPS:
        if re.search(pattern, bare):
            return RefusalError(f"it holds {what} and cannot be read", remedy)
    for word in re.findall(r"[^\W\d]\w*", bare):
        if keyword.iskeyword(word) and word not in _OWN_WORDS:
            return RefusalError(
                f"it holds the word {word!r} of Python and cannot be read",
                f"write a column of this name as col({word!r})",
            )
    if "escape" in str(error.msg):
        return RefusalError("a backslash in a text is alone", r"write it twice: '\\'")
    where = ""
    if error.offset and 0 < error.offset <= len(line):
        where = f" from {shown(line[error.offset - 1 :])!r} on"
    return RefusalError(
        f"it cannot be read{where}",
        f"{_EXAMPLE}; text stands in quotes, "
        "a column with other characters than letters, digits and _ as col('…')",
    )
