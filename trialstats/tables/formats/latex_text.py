"""Text as LaTeX that prints it, whatever it says."""

from itertools import groupby

from trialstats.tables.formats.texts import plain

#: Characters that LaTeX would act upon.
_SPECIAL = {
    "\\": "\\textbackslash{}",
    "{": "\\{",
    "}": "\\}",
    "$": "\\$",
    "&": "\\&",
    "#": "\\#",
    "%": "\\%",
    "^": "\\textasciicircum{}",
    "~": "\\textasciitilde{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    "\N{NO-BREAK SPACE}": "~",
    # Long names of files may go on in the next line.
    "/": "/\\allowbreak{}",
    "_": "\\_\\allowbreak{}",
}

_MATHS = {
    "\N{MINUS SIGN}": "-",
    "\N{LESS-THAN OR EQUAL TO}": "\\leq",
    "\N{GREATER-THAN OR EQUAL TO}": "\\geq",
    "\N{NOT EQUAL TO}": "\\neq",
    "\N{ALMOST EQUAL TO}": "\\approx",
    "\N{RIGHTWARDS ARROW}": "\\rightarrow",
    "\N{INFINITY}": "\\infty",
    "α": "\\alpha",
    "β": "\\beta",
    "γ": "\\gamma",
    "δ": "\\delta",
    "Δ": "\\Delta",
    "κ": "\\kappa",
    "λ": "\\lambda",
    "μ": "\\mu",
    "π": "\\pi",
    "ρ": "\\rho",
    "σ": "\\sigma",
    "Σ": "\\Sigma",
    "τ": "\\tau",
    "χ": "\\chi",
}

#: Punctuation that every LaTeX reads as it is.
_KNOWN = frozenset("–—‘’“”…†‡•€™")

#: Characters that fonts join with a neighbour to another sign, such as two hyphens.
_JOINED = frozenset("-`',!?<>")


def escaped(text: str) -> str:
    r"""Return text as LaTeX that prints it.

    What stands outside Latin-1 and a few signs becomes ``\tableother``, which prints
    the character where the engine has it and its number where it has not.

    >>> print(escaped(r"50% \input{x} -- τ²"))
    50\% \textbackslash{}input\{x\} -{}- \ensuremath{\tau}²
    """
    return escaped_part(plain(text))


def escaped_part(text: str) -> str:
    """Return a part of a plain text as LaTeX; its spaces at the ends stay."""
    pieces = []
    for is_other, run in groupby(text, key=_is_other):
        part = "".join(run)
        if is_other:
            points = " U+".join(f"{ord(c):04X}" for c in part)
            pieces.append(f"\\tableother{{{points}}}{{{part}}}")
        else:
            pieces += map(_character, part, [*part[1:], ""])
    return "".join(pieces)


def _is_other(character: str) -> bool:
    """Return whether not every engine prints a character.

    Runs of them stay together, so that engines that can do so join their letters.
    """
    if character.isascii() or character in _MATHS or character in _SPECIAL:
        return False
    point = ord(character)
    latin = 0xA1 <= point <= 0xFF and point != 0xAD
    return not latin and character not in _KNOWN


def _character(character: str, following: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character in _MATHS:
        return f"\\ensuremath{{{_MATHS[character]}}}"
    if " " <= character <= "~":
        apart = character in _JOINED and following in _JOINED and following
        return f"{character}{{}}" if apart else character
    return character
