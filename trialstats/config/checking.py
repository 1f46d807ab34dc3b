"""Check a configuration against its schema, and say what to write instead.

All problems of a file are found at once. A message names the file, the place in it,
what is wrong and the keys or values that would be right.
"""

import copy
import difflib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from trialstats.errors import ConfigError, DataError, combined


def check(config: Any, schema: Mapping[str, Any], *, file: str) -> None:
    """Raise when a configuration does not fit its schema.

    Parameters
    ----------
    config : object
        The configuration as YAML gave it.
    schema : mapping
        JSON Schema, 2020-12.
    file : str
        Name of the file, for the message.

    Raises
    ------
    ConfigError
        With every problem of the file.
    """
    problems = misfits(config, schema, file=file)
    if problems:
        raise ConfigError(combined(problems))


def misfits(config: Any, schema: Mapping[str, Any], *, file: str) -> list[str]:
    """Return every misfit of a configuration and its schema, a sentence each.

    Parameters
    ----------
    config, schema, file
        As for `check`.
    """
    validator = Draft202012Validator(schema)
    problems = [
        f"{file}{place}: {message}"
        for error in sorted(validator.iter_errors(config), key=_order)
        for place, message in _said(error)
    ]
    # The validator reports each missing key with all required keys at hand.
    return list(dict.fromkeys(problems))


def with_defaults(config: Any, schema: Mapping[str, Any]) -> Any:
    """Return a configuration with the defaults of its schema filled in."""
    return _filled(config, schema, schema)


def suggestion(name: object, known: Iterable[object]) -> str:
    """Return what to write instead of an unknown name.

    >>> suggestion("measrue", ["measure", "model"])
    "did you mean 'measure'?"
    >>> suggestion("x", ["measure", "model"])
    'known: measure, model'
    """
    names = [str(k) for k in known]
    close = difflib.get_close_matches(str(name), names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(names)}" if names else "none is known"


def unknown_name(
    place: str, kind: str, name: str, known: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """Yield place and sentence when a name is none of those that exist."""
    names = list(known)
    if name not in names:
        yield place, f"no {kind} {name!r}; {suggestion(name, names)}"


@contextmanager
def said_at(file: str, place: str) -> Iterator[None]:
    """Name file and key in an error about data that names no file of its own.

    Parameters
    ----------
    file : str
        File of the configuration that asked for the step.
    place : str
        Key in it, such as ``analyses.main``.

    Raises
    ------
    ConfigError
        Instead of a `DataError` that names no file.
    """
    try:
        yield
    except DataError as reason:
        if reason.file is not None:
            raise
        raise ConfigError(f"{file}, at {place}: {reason}") from None


def _order(error: ValidationError) -> tuple[list[str], str]:
    return [str(part) for part in error.absolute_path], error.message


def _place(error: ValidationError) -> str:
    path = ".".join(str(part) for part in error.absolute_path)
    return f", at {path}" if path else ""


def _said(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Yield place and message; of alternatives those of the one that is meant."""
    if error.validator in {"anyOf", "oneOf"}:
        yield from _of_alternatives(error)
    elif error.validator in {"if", "then"} and error.context:
        for inner in error.context:
            yield from _said(inner)
    else:
        for message in _messages(error):
            yield _place(error), message


def _of_alternatives(error: ValidationError) -> Iterator[tuple[str, str]]:
    alternatives: Any = error.validator_value
    value: Any = error.instance
    if all(set(one) == {"required"} for one in alternatives):
        yield _place(error), _of_keys(value, [one["required"] for one in alternatives])
        return
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.relative_schema_path[0], []).append(inner)
    meant = [
        errors
        for errors in branches.values()
        if not any(e.validator == "type" and not e.relative_path for e in errors)
        and not (
            isinstance(value, Mapping)
            and any(e.validator == "enum" and not e.relative_path for e in errors)
        )
    ]
    if meant:
        for inner in sorted(meant[0], key=_order):
            yield from _said(inner)
        return
    types = [e.validator_value for errors in branches.values() for e in errors[:1]]
    listed = " or ".join(str(one) for one in types)
    meaning = _meaning(error.schema)
    yield _place(error), f"value {value!r} must be of type {listed}{meaning}"


def _of_keys(value: Any, alternatives: list[list[str]]) -> str:
    """Return what is wrong with keys of which one set must be there."""
    listed = ", or ".join(" and ".join(f"`{k}`" for k in one) for one in alternatives)
    whole = [one for one in alternatives if all(key in value for key in one)]
    if len(whole) > 1:
        given = " and ".join(f"`{key}`" for one in whole for key in one)
        return f"has {given}; write only one of {listed}"
    begun = [one for one in alternatives if any(key in value for key in one)]
    if len(begun) == 1:
        missing = [key for key in begun[0] if key not in value]
        return f"missing key {', '.join(map(repr, missing))}; write {listed}"
    return f"lacks one of {listed}; add it"


def _messages(error: ValidationError) -> Iterator[str]:
    kind: Any = error.validator
    allowed: Any = error.validator_value
    value: Any = error.instance
    schema: Any = error.schema
    properties = schema.get("properties", {})
    if kind == "additionalProperties" and allowed is False:
        for key in value:
            if key not in properties:
                yield f"unknown key {key!r}; {suggestion(key, properties)}"
    elif kind == "required":
        missing = [key for key in allowed if key not in value]
        for key in missing:
            yield f"missing key {key!r}{_meaning(properties.get(key, {}))}"
    elif kind == "enum":
        yield f"value {value!r} is not known; {suggestion(value, allowed)}"
    elif kind == "type":
        yield f"value {value!r} must be of type {allowed}{_meaning(schema)}"
    elif kind == "pattern":
        of_name = "propertyNames" in error.absolute_schema_path
        said = "the name" if of_name else "value"
        yield f"{said} {value!r} must match {allowed}{_meaning(schema)}"
    elif kind in _BOUNDS:
        remedy = _as_share(value, schema)
        yield f"value {value!r} must be {_BOUNDS[kind]} {allowed}{remedy}"
    elif kind in _SIZES:
        yield f"value {value!r} {_SIZES[kind].format(allowed)}"
    elif kind == "uniqueItems":
        for item in dict.fromkeys(str(v) for v in value if value.count(v) > 1):
            yield f"value {item!r} is listed twice; leave one out"
    elif kind == "const":
        yield f"value {value!r} must be {allowed!r}"
    elif kind == "not" and "enum" in allowed:
        yield f"the name {value!r} is taken; choose another"
    else:
        yield error.message


#: How a bound or a size is said, by the validator's name of it.
_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}
_SIZES = {
    "minItems": "has too few entries; write at least {}",
    "maxItems": "has too many entries; write at most {}",
    "minProperties": "has too few entries; write at least {}",
    "minLength": "is empty; write some text",
    "maxLength": "is too long; write at most {} characters",
}


def _as_share(value: Any, schema: Mapping[str, Any]) -> str:
    """Return the remedy for a percentage where a share between 0 and 1 is meant."""
    share = schema.get("exclusiveMinimum") == 0 and schema.get("exclusiveMaximum") == 1
    if share and 1 < value < 100:
        return f"; write {value / 100:g}"
    return _meaning(schema)


def _meaning(schema: Any) -> str:
    text = schema.get("description") if isinstance(schema, Mapping) else None
    return f" ({text.rstrip('.')})" if text else ""


def _filled(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    schema = resolved(schema, root)
    if isinstance(value, Mapping) and schema.get("type") == "object":
        return _filled_object(value, schema, root)
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        return [_filled(item, schema["items"], root) for item in value]
    return value


def _filled_object(
    value: Mapping[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any]
) -> dict[str, Any]:
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties")
    filled: dict[str, Any] = {}
    for key, item in value.items():
        inner = properties.get(key, others)
        filled[key] = _filled(item, inner, root) if isinstance(inner, Mapping) else item
    for key, inner in properties.items():
        inner = resolved(inner, root)
        if key not in filled and "default" in inner:
            # A copy: who changes a configuration may not change its schema.
            filled[key] = _filled(copy.deepcopy(inner["default"]), inner, root)
    return filled


def resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of a local reference, with what stands beside it."""
    while "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
    return schema
