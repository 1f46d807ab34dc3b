"""Calls of R's meta package, read: columns, options, and the trials' own effects."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialstats.meta.effect_sizes import effect_sizes
from trialstats.meta.events_added import effects_with_events_added
from trialstats.meta.standardized_differences import standardized_differences

#: (method.smd, exact.smd) -> ours.
STANDARDIZED = {
    ("Hedges", "TRUE"): "hedges",
    ("Hedges", "FALSE"): "hedges_approximate",
    ("Cohen", "TRUE"): "cohen",
    ("Cohen", "FALSE"): "cohen_approximate",
    ("Glass", "TRUE"): "glass",
    ("Glass", "FALSE"): "glass",
}
#: Measures of meta whose names differ from ours.
MEASURES = {"ASD": "AS", "PLOGIT": "PLO", "PRAW": "PR"}
#: Arguments of meta -> ours.
ARGUMENTS = {
    "metabin": {"event.e": "ai", "n.e": "n1i", "event.c": "ci", "n.c": "n2i"},
    "metainc": {"event.e": "x1i", "time.e": "t1i", "event.c": "x2i", "time.c": "t2i"},
    "metacont": {
        **{"n.e": "n1i", "mean.e": "m1i", "sd.e": "sd1i"},
        **{"n.c": "n2i", "mean.c": "m2i", "sd.c": "sd2i"},
    },
    "metacor": {"cor": "ri", "n": "ni"},
    "metaprop": {"event": "xi", "n": "ni"},
}


def parts_of(call: str) -> tuple[str, list[str]]:
    """Return the name of a call and its arguments."""
    name, rest = call.split("(", 1)
    inside, depth, quoted, arguments = rest.rstrip()[:-1], 0, False, [""]
    for character in inside:
        quoted ^= character == '"'
        depth += (character in "(") - (character in ")")
        if character == "," and depth == 0 and not quoted:
            arguments.append("")
        else:
            arguments[-1] += character
    return name.strip(), [text.strip() for text in arguments]


@dataclass(frozen=True)
class Request:
    """A call of metabin and its like, read."""

    function: str
    given: dict[str, str]
    data: pd.DataFrame

    def word(self, name: str, default: str = "") -> str:
        """Return an option of the call."""
        return self.given.get(name, default)

    @property
    def columns(self) -> dict[str, pd.Series]:
        """The columns under our names."""
        return {
            ours: sum(self.data[name.strip()] for name in self.given[theirs].split("+"))
            for theirs, ours in ARGUMENTS[self.function].items()
        }

    @property
    def sm(self) -> str:
        """The measure under meta's name."""
        defaults = {"metabin": "RR", "metaprop": "PLOGIT", "metacor": "ZCOR"}
        return self.word("sm", defaults.get(self.function, ""))

    @property
    def measure(self) -> str:
        """The measure under our name."""
        return MEASURES.get(self.sm, self.sm)

    @property
    def method(self) -> str:
        """How a common effect is pooled."""
        default = "Inverse"
        if self.function == "metabin" and self.sm != "ASD" and not self.one_tau:
            default = "MH"
        return self.word("method", default)

    @property
    def one_tau(self) -> bool:
        """Whether subgroups share tau-squared."""
        return self.word("tau.common") == "TRUE"

    @property
    def level(self) -> float:
        """Level of the intervals of effects; others stay at 95 %."""
        return float(self.word("level", "0.95"))

    @property
    def rule(self) -> str:
        """Which trials receive the constant."""
        return self.word("method.incr", "only0")


def read(call: str, data: pd.DataFrame) -> Request:
    """Return a call of metabin, metacont, metacor, metainc or metaprop, read."""
    name, arguments = parts_of(call)
    pairs = (text.split("=", 1) for text in arguments if "=" in text)
    return Request(name, {a.strip(): b.strip().strip('"') for a, b in pairs}, data)


@dataclass(frozen=True)
class Trials:
    """Effects of the trials, and the constants that were added."""

    effect: np.ndarray
    variance: np.ndarray
    added: np.ndarray

    @property
    def there(self) -> np.ndarray:
        """Which have an effect."""
        return np.isfinite(self.effect)


def trials_of(ask: Request) -> Trials:
    """Return the trials' own effects."""
    columns, measure = ask.columns, ask.measure
    if ask.function == "metacont" and measure == "SMD":
        key = (ask.word("method.smd", "Hedges"), ask.word("exact.smd", "TRUE"))
        frame = standardized_differences(STANDARDIZED[key], **columns)
    elif ask.function == "metacont":
        vtype = "HO" if ask.word("pooledvar") == "TRUE" else "LS"
        frame = effect_sizes(measure, **columns, vtype=vtype, correct=False)
    elif ask.method == "Peto":
        frame = effect_sizes("PETO", **columns, to="none")
    elif measure in ("RR", "RD", "PLN", "PR"):
        frame = effects_with_events_added(
            measure,
            **columns,
            to=ask.rule,
            drop00=ask.word("allstudies") != "TRUE",
        )
    elif measure == "OR":
        drop = ask.word("allstudies") != "TRUE"
        frame = effect_sizes("OR", **columns, to=ask.rule, drop00=drop)
    else:
        frame = effect_sizes(measure, **columns)
    added = frame["added"] if "added" in frame else constants(ask, frame)
    return Trials(
        frame["effect"].to_numpy(), frame["variance"].to_numpy(), np.asarray(added)
    )


def constants(ask: Request, frame: pd.DataFrame) -> np.ndarray:
    """Return what the note of each row says was added."""
    found = frame["note"].fillna("").str.extract(r"^([\d.]+) added to")[0]
    return found.astype(float).fillna(0.0).to_numpy()
