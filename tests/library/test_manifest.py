"""The manifest: what it covers, and what a comparison of two finds."""

import hashlib
import json

import pytest

from trialstats.errors import DataError
from trialstats.report.manifest import (
    altered_outputs,
    build_manifest,
    compare_manifests,
    manifest_text,
    read_manifest,
    source_digest,
    source_files,
)

#: A repository in small: path -> text.
FILES = {
    "Snakefile": "rule all:\n",
    "pyproject.toml": "[project]\n",
    "requirements.lock": "numpy==2\n",
    "environment.yml": "name: x\n",
    "config/config.yaml": "trials: []\n",
    "data/raw/a b.csv": "subject\n1\n",
    "scripts/step.py": "",
    "trialstats/meta/pooling.py": "x = 1\n",
    "trialstats/report/templates/report.html": "<p>",
    "workflow/rules/a.smk": "",
    "results/report.html": "<html>",
    "results/README.md": "not an output",
}


@pytest.fixture
def repository(tmp_path):
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def manifest_of(repository, **versions):
    return build_manifest(
        repository,
        inputs=source_files(repository),
        outputs=["results/report.html"],
        versions={"python": "3.11.7", **versions},
    )


def test_covers_every_source_and_no_result_or_leftover(repository):
    for leftover in ("trialstats/__pycache__/x.pyc", "data/.DS_Store", "docs/page.md"):
        (repository / leftover).parent.mkdir(exist_ok=True)
        (repository / leftover).write_text("", encoding="utf-8")
    expected = sorted(path for path in FILES if not path.startswith("results/"))
    assert source_files(repository) == expected


def test_digests_are_sha256_of_the_bytes(repository):
    manifest = manifest_of(repository)
    # hashlib on the text as written above: the definition itself.
    expected = hashlib.sha256(b"subject\n1\n").hexdigest()
    assert manifest["inputs"] == {"data/raw/a b.csv": expected}
    assert list(manifest["configuration"]) == ["config/config.yaml"]
    assert "trialstats/report/templates/report.html" in manifest["source"]
    assert list(manifest["outputs"]) == ["results/report.html"]


def test_bytes_do_not_depend_on_the_order_given(repository):
    files = source_files(repository)
    texts = {
        manifest_text(
            build_manifest(
                repository,
                inputs=order,
                outputs=["results/report.html"],
                versions=versions,
            )
        )
        for order, versions in (
            (files, {"a": "1", "b": "2"}),
            (files[::-1], {"b": "2", "a": "1"}),
        )
    }
    assert len(texts) == 1
    assert texts.pop().endswith("}\n")


def test_is_read_back(repository):
    path = repository / "results/manifest.json"
    manifest = manifest_of(repository)
    path.write_text(manifest_text(manifest), encoding="utf-8")
    assert read_manifest(path) == manifest


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"inputs": {}})])
def test_a_file_that_is_no_manifest_is_named(repository, text):
    path = repository / "results/manifest.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"manifest\.json.*run make clean"):
        read_manifest(path)


def test_absent_files_and_strange_inputs_are_named(repository):
    with pytest.raises(DataError, match=r"absent\.html: there is no such file"):
        build_manifest(repository, inputs=[], outputs=["absent.html"], versions={})
    with pytest.raises(DataError, match="no part of the manifest"):
        build_manifest(repository, inputs=["docs/a.md"], outputs=[], versions={})
    with pytest.raises(DataError, match="run make report"):
        read_manifest(repository / "results/manifest.json")


def test_the_same_files_compare_as_identical(repository):
    comparison = compare_manifests(manifest_of(repository), manifest_of(repository))
    assert comparison.identical
    # FILES holds 10 sources and 1 output.
    assert (comparison.n_inputs, comparison.n_outputs) == (10, 1)


def test_a_comparison_names_what_changed_came_and_went(repository):
    old = manifest_of(repository, numpy="2.4.6")
    (repository / "data/raw/a b.csv").write_text("subject\n2\n", encoding="utf-8")
    (repository / "config/new.yaml").write_text("", encoding="utf-8")
    (repository / "workflow/rules/a.smk").unlink()
    (repository / "results/report.html").write_text("<html2>", encoding="utf-8")
    comparison = compare_manifests(old, manifest_of(repository, numpy="2.5.5"))
    assert not comparison.identical
    assert comparison.inputs.changed == ("data/raw/a b.csv",)
    assert comparison.inputs.added == ("config/new.yaml",)
    assert comparison.inputs.removed == ("workflow/rules/a.smk",)
    assert comparison.outputs.changed == ("results/report.html",)
    assert comparison.versions.changed == ("numpy",)


def test_outputs_edited_or_deleted_are_found_on_disk(repository):
    manifest = manifest_of(repository)
    assert altered_outputs(repository, manifest) == []
    (repository / "results/report.html").write_text("edited", encoding="utf-8")
    assert altered_outputs(repository, manifest) == ["results/report.html"]
    (repository / "results/report.html").unlink()
    assert altered_outputs(repository, manifest) == ["results/report.html"]


def test_the_digest_of_the_sources_moves_with_each_of_them(repository):
    seen = {source_digest(repository)}
    for path in source_files(repository):
        (repository / path).write_text("changed", encoding="utf-8")
        seen.add(source_digest(repository))
    assert len(seen) == 11
