"""Read YAML: keys are text, nothing is run, and nothing small becomes huge."""

import math
from pathlib import Path
from typing import Any

import yaml

from trialstats.errors import ConfigError

_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """A safe loader that takes keys as text and refuses a key given twice.

    YAML would read the codes ``-99`` and ``No`` as a number and a boolean, which then
    equal no cell of a raw file.
    """

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = key_node.value
            if not isinstance(key, str):
                raise _refusal("a key must be text, not a list or mapping", key_node)
            if key_node.tag == f"{_TAG}merge":
                continue
            if key in seen:
                raise _refusal(f"key {key!r} is given twice", key_node)
            seen.add(key)
            key_node.tag = f"{_TAG}str"
        return super().construct_mapping(node, deep)

    def construct_yaml_float(self, node: Any) -> float:
        value: float = super().construct_yaml_float(node)
        if not math.isfinite(value):
            raise _refusal(f"{node.value} is no finite number", node)
        return value


_Loader.add_constructor(f"{_TAG}float", _Loader.construct_yaml_float)


def _refusal(what: str, node: Any) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, what, node.start_mark)


def load_yaml(path: str | Path) -> Any:
    """Return what a YAML file says, or raise a `ConfigError` with file and line."""
    try:
        content = Path(path).read_bytes()
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file") from None
    except OSError as reason:
        raise ConfigError(f"{path}: cannot be read ({reason.strerror})") from None
    except UnicodeDecodeError as reason:
        raise ConfigError(
            f"{path}: the text is not UTF-8 (byte {reason.start}); save it as UTF-8"
        ) from None
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            _require_small(node)
            return None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as reason:
        mark = getattr(reason, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        what = getattr(reason, "problem", None) or str(reason)
        raise ConfigError(f"{path}{where}: not readable as YAML: {what}") from None
    except RecursionError:
        raise ConfigError(f"{path}: is nested too deeply to be meant") from None
    except ValueError as reason:
        # A date that does not exist, or a number of thousands of digits.
        what = f"{reason}; put the value in quotes, or mend it"
        raise ConfigError(f"{path}: not readable as YAML: {what}") from None


#: Values that a configuration may come to when every alias is written out. A few lines
#: of aliases to aliases come to more than any memory holds.
_MOST_VALUES = 200_000


def _require_small(root: Any) -> None:
    """Refuse aliases that contain themselves or multiply beyond measure."""
    if root is None:
        return
    sizes: dict[int, int] = {}
    within: set[int] = set()
    # A stack in place of recursion: depth is the author's choice.
    waiting = [(root, False)]
    while waiting:
        node, seen = waiting.pop()
        inner = _inside(node)
        if seen:
            within.discard(id(node))
            sizes[id(node)] = 1 + sum(sizes[id(one)] for one in inner)
            if sizes[id(node)] > _MOST_VALUES:
                what = f"its aliases come to more than {_MOST_VALUES:,} values"
                raise _refusal(what, node)
        elif id(node) in within:
            raise _refusal("an alias contains itself", node)
        elif id(node) not in sizes:
            within.add(id(node))
            waiting.append((node, True))
            waiting += [(one, False) for one in inner if id(one) not in sizes]


def _inside(node: Any) -> list[Any]:
    if isinstance(node, yaml.MappingNode):
        return [one for pair in node.value for one in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
