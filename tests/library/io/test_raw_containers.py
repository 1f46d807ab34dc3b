"""Compressed files, archives, and files that are not what their names say."""

import gzip
import os
import zipfile
import zlib

import pytest

from tests.library.raw_forms import sample, write_forms
from trialstats.errors import ConfigError, DataError
from trialstats.io import RawOptions, containers, raw_parts, read_raw

CSV = b"a,b\n1,2\n"


def archive(path, **files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            target.writestr(name.replace("__", "/").replace("_", "."), content)
    return path


@pytest.mark.parametrize(
    "form", ["csv", "xlsx", "xpt", "sav", "dta", "rds", "rda", "parquet", "json"]
)
@pytest.mark.parametrize("outer", ["gz", "zip"])
def test_every_format_inside_a_container(tmp_path, form, outer):
    path, _ = write_forms(sample(), tmp_path)[form]
    packed = tmp_path / f"packed.{form}.{outer}"
    if outer == "gz":
        packed.write_bytes(gzip.compress(path.read_bytes()))
    else:
        with zipfile.ZipFile(packed, "w") as target:
            target.write(path, path.name)
    found = read_raw(packed)
    assert found.cells.equals(read_raw(path).cells)
    assert found.file == str(packed)


def test_a_member_is_chosen_by_name(tmp_path):
    files = {"dm_csv": CSV, "x__ae_tsv": b"a\n5\n", "__MACOSX__dm_csv": b"x"}
    path = archive(tmp_path / "a.zip", **files)
    with zipfile.ZipFile(path, "a") as target:
        target.mkdir("empty")
        target.writestr("__MACOSX/._dm.csv", b"shadow")
    assert raw_parts(path)[:2] == ["dm.csv", "x/ae.tsv"]
    assert not [name for name in raw_parts(path) if name.startswith("__MACOSX")]
    with pytest.raises(DataError, match=r"name one as `member`: dm.csv, x/ae.tsv"):
        read_raw(path)
    table = read_raw(path, RawOptions(member="x/ae.tsv"))
    assert table.cells.to_pydict() == {"a": ["5"]}
    with pytest.raises(DataError, match="no member 'x'; name one of dm"):
        read_raw(path, RawOptions(member="x"))


def test_a_name_inside_an_archive_is_never_written(tmp_path):
    path = tmp_path / "in" / "a.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as target:
        target.writestr("../../evil.csv", CSV)
    assert read_raw(path).cells.to_pydict() == {"a": ["1"], "b": ["2"]}
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.zip", "in"]


def test_nothing_stays_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(CSV))
    read_raw(path)
    path.write_bytes(gzip.compress(b"a,b\n1\n"))
    with pytest.raises(DataError, match="row 2"):
        read_raw(path)
    assert not list((tmp_path / "temporary").iterdir())


@pytest.mark.parametrize("outer", ["gz", "zip", "rds"])
def test_a_trap_is_refused_before_it_is_open(tmp_path, monkeypatch, outer):
    # 3 MB of one letter from 3 kB, against bounds lowered to 1 MB.
    monkeypatch.setattr(containers, "FREE", 1 << 20)
    content = b"a" * 3_000_000
    path = tmp_path / f"bomb.{outer}"
    if outer == "zip":
        archive(path, a_csv=content)
    else:
        path = path if outer == "rds" else tmp_path / "bomb.csv.gz"
        path.write_bytes(gzip.compress(content))
    with pytest.raises(DataError, match="the file grows to more than"):
        read_raw(path)


def test_a_trap_in_a_workbook_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(containers, "FREE", 1 << 20)
    path, _ = write_forms(sample(), tmp_path)["xlsx"]
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as target:
        target.writestr("xl/worksheets/sheet9.xml", b"<a/>" * 2_000_000)
    with pytest.raises(DataError, match="the file grows to more than"):
        read_raw(path)


def test_an_encrypted_member_is_refused(tmp_path):
    path = archive(tmp_path / "a.zip", a_csv=CSV)
    content = bytearray(path.read_bytes())
    # Bit 0 of the flags, in the local and in the central header.
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"'a.csv' is encrypted; send the file without"):
        read_raw(path)


def test_a_link_inside_an_archive_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    link = zipfile.ZipInfo("a.csv")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as target:
        target.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match=r"'a.csv' is a link"):
        read_raw(path)


@pytest.mark.parametrize("name", ["a_csv_gz", "a_zip"])
def test_an_archive_inside_an_archive_is_refused(tmp_path, name):
    path = archive(tmp_path / "a.zip", **{name: gzip.compress(CSV)})
    with pytest.raises(DataError, match="an archive inside an archive"):
        read_raw(path)


def test_checksums_are_looked_at(tmp_path):
    packed = tmp_path / "a.csv.gz"
    content = bytearray(gzip.compress(CSV * 50))
    content[-8:-4] = (zlib.crc32(b"other")).to_bytes(4, "little")
    packed.write_bytes(content)
    with pytest.raises(DataError, match=r"a.csv.gz: not a complete compressed file"):
        read_raw(packed)
    path = archive(tmp_path / "a.zip", a_csv=CSV)
    whole = path.read_bytes()
    checksum = zlib.crc32(CSV).to_bytes(4, "little")
    path.write_bytes(whole.replace(checksum, b"\0\0\0\0"))
    with pytest.raises(DataError, match=r"a.zip: not a complete compressed file"):
        read_raw(path)
    path.write_bytes(whole[:-10])
    with pytest.raises(DataError, match=r"a.zip: not a complete compressed file"):
        raw_parts(path)


def test_empty_containers(tmp_path):
    with pytest.raises(DataError, match="the archive holds no file"):
        read_raw(archive(tmp_path / "a.zip"))
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(b""))
    with pytest.raises(DataError, match="the file is empty"):
        read_raw(packed)


def test_a_file_that_is_not_what_its_name_says(tmp_path):
    forms = write_forms(sample(), tmp_path)
    suffixes = {"xlsx": ".csv", "xpt": ".csv", "sav": ".json", "zip": ".xpt"}
    suffixes |= {"csv": ".xlsx", "parquet": ".sav", "dta": ".txt", "rds": ".csv"}
    suffixes |= {"json": ".parquet", "xpt8": ".sas7bdat", "csv.gz": ".csv"}
    for form, suffix in suffixes.items():
        path = tmp_path / f"wrong{suffix}"
        path.write_bytes(forms[form][0].read_bytes())
        with pytest.raises(DataError, match=f"wrong{suffix}: (this is|not a file of)"):
            read_raw(path)


@pytest.mark.parametrize("name", ["PAR1", "RDATE", "BZh1", "PK", "$FL2"])
def test_the_name_of_a_column_is_no_signature(tmp_path, name):
    path = tmp_path / "a.csv"
    path.write_text(f"{name},b\n1,2\n", encoding="utf-8")
    assert read_raw(path).column_names == [name, "b"]


@pytest.mark.parametrize("suffix", [".xls", ".ods", ".sas7bcat", ".pdf", ""])
def test_formats_that_are_not_read(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"something")
    with pytest.raises(DataError) as caught:
        read_raw(path)
    assert str(caught.value).count(";") >= 1
    with pytest.raises(ConfigError, match="there is no such format"):
        read_raw(path, RawOptions(format="xls"))


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "dangling.csv").symlink_to("absent.csv")
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "linked.csv").symlink_to("folder.csv")
    told = {
        "absent": "there is no such file",
        "pipe": "this is not a file",
        "dangling": "there is no such file",
        "loop": "there is no such file",
        "folder": "this is a folder, not a file",
        "linked": "this is a folder, not a file",
    }
    for name, what in told.items():
        with pytest.raises(DataError, match=f"{name}.csv: {what}"):
            read_raw(tmp_path / f"{name}.csv")
        with pytest.raises(DataError, match=f"{name}.csv: {what}"):
            raw_parts(tmp_path / f"{name}.csv")


def test_a_link_to_a_file_is_that_file(tmp_path):
    (tmp_path / "a.csv").write_bytes(CSV)
    (tmp_path / "link.csv").symlink_to("a.csv")
    assert read_raw(tmp_path / "link.csv").num_rows == 1
