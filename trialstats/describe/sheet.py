"""The draft while it is written: the tree of the configuration, and what is guessed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str, ...]


@dataclass
class Sheet:
    """A configuration with remarks.

    Attributes
    ----------
    config : dict
        The configuration.
    remarks : dict of tuple of str to list of str
        Path of a key to the comments above it.
    """

    config: dict[str, Any] = field(default_factory=dict)
    remarks: dict[Path, list[str]] = field(default_factory=dict)

    def put(
        self, path: Sequence[str], value: Any, *, guess: str = "", note: str = ""
    ) -> None:
        """Write a value at a path, with the evidence of a guess or with a note."""
        node = self.config
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = value
        if guess:
            self.remark(path, f"guess: {guess}")
        if note:
            self.remark(path, note)

    def remark(self, path: Sequence[str], text: str) -> None:
        """Add a comment above a key."""
        known = self.remarks.setdefault(tuple(path), [])
        if text not in known:
            known.append(text)

    def at(self, *path: str) -> dict[str, Any]:
        """Return what stands at a path, an empty mapping where nothing does."""
        node: Any = self.config
        for key in path:
            node = node.get(key, {})
        return dict(node) if isinstance(node, Mapping) else {}
