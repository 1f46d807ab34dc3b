"""Every key has an example; it is valid, and it is printed so that it is read alike."""

import pytest
from jsonschema import Draft202012Validator

from trialstats.config.keys import keys_of
from trialstats.config.loading import SCHEMAS
from trialstats.config.reading import load_yaml
from trialstats.config.snippets import snippet

NAMES = ("config", "trial", "synthesis")
ROOTS = {name: load_yaml(SCHEMAS / f"{name}.schema.yaml") for name in NAMES}
KEYS = [(name, key) for name in NAMES for key in keys_of(ROOTS[name]) if not key.free]


def said(value):
    return ".".join(value.path) if hasattr(value, "path") else str(value)


@pytest.mark.parametrize(("name", "key"), KEYS, ids=said)
def test_the_key_has_a_valid_example(name, key):
    examples = key.schema.get("examples")
    assert examples, f"add `examples:` to {said(key)} in {name}.schema.yaml"
    validator = Draft202012Validator(ROOTS[name]).evolve(schema=key.schema)
    for example in examples:
        assert [error.message for error in validator.iter_errors(example)] == []


@pytest.mark.parametrize(("name", "key"), KEYS, ids=said)
def test_the_example_is_printed_as_it_is_read(name, key, tmp_path):
    for example in key.schema["examples"]:
        file = tmp_path / f"{name}.yaml"
        file.write_text("\n".join(snippet(key.name, example)), encoding="utf-8")
        assert load_yaml(file) == {key.name: example}


def test_a_key_without_an_example_is_found():
    schema = {"properties": {"a": {"examples": [1]}, "b": {"type": "string"}}}
    assert [k.name for k in keys_of(schema) if "examples" not in k.schema] == ["b"]
