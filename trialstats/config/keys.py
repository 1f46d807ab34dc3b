"""The keys of a configuration, as its schema lists them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trialstats.config.checking import resolved

Schema = Mapping[str, Any]
Path = tuple[str, ...]

#: Parts of a path that stand for names chosen freely and for entries of a list.
ANY_NAME, ANY_ENTRY = "*", "[]"


@dataclass(frozen=True, slots=True)
class Key:
    """One key.

    Attributes
    ----------
    path : tuple of str
        From the top of the file; `ANY_NAME` for names chosen freely, `ANY_ENTRY` for
        the entries of a list.
    schema : mapping
        What the schema says about it, references resolved.
    required : bool
        Whether it must be there.
    free : bool
        Whether it is no key but what stands under each name chosen freely.
    as_at : tuple of str or None
        Where the same keys stand already, which are not listed once more.
    """

    path: Path
    schema: Schema
    required: bool
    free: bool = False
    as_at: Path | None = None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path[-1]

    @property
    def depth(self) -> int:
        """Number of keys above it."""
        return len([part for part in self.path[:-1] if part != ANY_ENTRY])


def keys_of(root: Schema) -> Iterator[Key]:
    """Yield every key that a schema allows, in its order.

    What several places share by reference is listed at the first of them.

    Parameters
    ----------
    root : mapping
        JSON Schema.

    Yields
    ------
    Key

    Examples
    --------
    >>> schema = {"properties": {"arms": {"properties": {"control": {}}}}}
    >>> [".".join(key.path) for key in keys_of(schema)]
    ['arms', 'arms.control']
    """
    yield from _below(root, root, (), {})


def _below(
    schema: Schema, root: Schema, path: Path, seen: dict[str, Path]
) -> Iterator[Key]:
    """Yield the keys below a place, whatever it holds: keys, free names or a list."""
    required = schema.get("required", ())
    for name, inner in schema.get("properties", {}).items():
        yield from _at(inner, root, (*path, name), name in required, seen)
    free = schema.get("additionalProperties")
    if isinstance(free, Mapping) and _holds_keys(free, root):
        here = (*path, ANY_NAME)
        reference = free.get("$ref")
        known = seen.get(str(reference))
        yield Key(here, resolved(free, root), True, True, known)
        if known is None:
            if reference:
                seen[reference] = here
            yield from _below(resolved(free, root), root, here, seen)
    items = schema.get("items")
    if isinstance(items, Mapping):
        yield from _below(resolved(items, root), root, (*path, ANY_ENTRY), seen)
    for alternative in schema.get("anyOf", ()):
        if _holds_keys(alternative, root) and alternative.get("$ref") not in seen:
            yield from _below(resolved(alternative, root), root, path, seen)


def _at(
    schema: Schema, root: Schema, path: Path, required: bool, seen: dict[str, Path]
) -> Iterator[Key]:
    reference, inner = schema.get("$ref"), resolved(schema, root)
    shared = reference is not None and _holds_keys(inner, root)
    known = seen.get(str(reference)) if shared else None
    yield Key(path, inner, required, as_at=known)
    if known is None:
        if shared:
            seen[str(reference)] = path
        elif len(path) == 1:
            seen[f"#/properties/{path[0]}"] = path
        yield from _below(inner, root, path, seen)


def _holds_keys(schema: Schema, root: Schema) -> bool:
    """Return whether there are keys to list anywhere below."""
    schema = resolved(schema, root)
    inner = [schema.get("items"), schema.get("additionalProperties")]
    inner += schema.get("anyOf", [])
    return bool(schema.get("properties")) or any(
        isinstance(one, Mapping) and _holds_keys(one, root) for one in inner
    )
