"""Characters that a text of an export may not hold."""

import unicodedata


def control_characters(text: str, allowed: str = "") -> list[str]:
    r"""Return the characters of a text that no reader shows, by their numbers.

    These are control characters, halves of surrogate pairs, and the two numbers that
    Unicode leaves without a character and XML refuses.

    >>> control_characters("a\tb\x00", allowed="\t")
    ['control character U+0000']
    """
    found = dict.fromkeys(c for c in text if c not in allowed)
    return [
        f"control character U+{ord(c):04X}"
        for c in found
        if unicodedata.category(c) in {"Cc", "Cs"} or c in "\ufffe\uffff"
    ]
