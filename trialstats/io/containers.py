"""Compressed files and archives: taken out within bounds, to a place of their own."""

import bz2
import gzip
import lzma
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from trialstats.errors import DataError
from trialstats.io.signatures import require_signature

#: A file that grows beyond either bound is taken for a trap. The ratio counts from
#: `FREE` bytes on: a small file of one repeated row shrinks more than any real one.
LARGEST = 16 << 30
RATIO = 250
FREE = 64 << 20

_CHUNK = 1 << 20

#: Suffixes of containers.
CONTAINERS = {".gz", ".zip"}

#: What the decompressors raise on a damaged file; names in it may be no text.
_DAMAGE = (
    EOFError,
    NotImplementedError,
    LookupError,
    OSError,
    RuntimeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@contextmanager
def unpacked(
    source: Path, member: str | None, file: str
) -> Iterator[tuple[Path, str, bool]]:
    """Give the file inside a container, as a file of its own for as long as needed.

    Parameters
    ----------
    source : path
        A file that may be a container, by its suffix.
    member : str, optional
        Member of a zip archive.
    file : str
        Name for messages.

    Yields
    ------
    path
        The file to read: `source` itself when it is no container.
    str
        Suffix of that file's name.
    bool
        Whether `member` was used.

    Raises
    ------
    DataError
        When the container is damaged, encrypted, a trap, or holds another one.
    """
    outer = source.suffix.lower()
    if outer not in CONTAINERS:
        yield source, source.suffix, False
        return
    require_signature(source, outer[1:], file)
    with tempfile.TemporaryDirectory(prefix="trialstats-") as folder:
        if outer == ".gz":
            inner = Path(source.stem).suffix
            target = _target(folder, inner, file)
            with _damage(file), gzip.open(source) as packed, target.open("wb") as out:
                copy_bounded(packed, out.write, source.stat().st_size, file)
            yield target, inner, False
            return
        with _damage(file), zipfile.ZipFile(source) as archive:
            entry = _member(archive, member, file)
            inner = Path(entry.filename).suffix
            target = _target(folder, inner, file)
            with archive.open(entry) as packed, target.open("wb") as out:
                copy_bounded(packed, out.write, entry.compress_size, file)
        yield target, inner, member is not None


def _target(folder: str, suffix: str, file: str) -> Path:
    if suffix.lower() in CONTAINERS:
        raise DataError(
            "an archive inside an archive",
            file=file,
            remedy="take the table out and send it alone",
        )
    # No name from inside an archive is ever written: it could lead elsewhere.
    return Path(folder, "raw")


@contextmanager
def _damage(file: str) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except _DAMAGE as reason:
        raise DataError(
            f"not a complete compressed file ({reason})",
            file=file,
            remedy="send the file again; it may have been cut off",
        ) from None


def copy_bounded(
    packed: IO[bytes] | gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile,
    write: Callable[[bytes], object],
    size: int,
    file: str,
) -> None:
    """Copy what a compressed stream of `size` bytes holds, unless it is a trap.

    Raises
    ------
    DataError
        When it holds more than a table would.
    """
    total = 0
    while chunk := packed.read(_CHUNK):
        total += len(chunk)
        refuse_bomb(total, size, file)
        write(chunk)


def refuse_bomb(total: int, size: int, file: str) -> None:
    """Refuse `total` bytes out of a compressed file of `size` bytes.

    Raises
    ------
    DataError
        When that is out of proportion.
    """
    if total > LARGEST or total > max(FREE, RATIO * size):
        raise DataError(
            f"the file grows to more than {total:,} bytes from {size:,}",
            file=file,
            remedy="send the table uncompressed, if it is one",
        )


def members(source: Path, file: str) -> list[str]:
    """Return the names of the files in a zip archive.

    Raises
    ------
    DataError
        When the archive is damaged.
    """
    with _damage(file), zipfile.ZipFile(source) as archive:
        return [entry.filename for entry in _files(archive)]


def _files(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    # Archives made on a Mac hold a shadow of every file.
    return [
        entry
        for entry in archive.infolist()
        if not entry.is_dir() and not entry.filename.startswith("__MACOSX/")
    ]


def _member(archive: zipfile.ZipFile, name: str | None, file: str) -> zipfile.ZipInfo:
    entries = {entry.filename: entry for entry in _files(archive)}
    listed = ", ".join(entries)
    if not entries:
        raise DataError(
            "the archive holds no file", file=file, remedy="send it with the table"
        )
    if name is None and len(entries) > 1:
        raise DataError(
            f"the archive holds {len(entries)} files",
            file=file,
            remedy=f"name one as `member`: {listed}",
        )
    if name is not None and name not in entries:
        raise DataError(
            f"there is no member {name!r}", file=file, remedy=f"name one of {listed}"
        )
    entry = entries[name] if name is not None else next(iter(entries.values()))
    if entry.flag_bits & 1:
        raise DataError(
            f"the member {entry.filename!r} is encrypted",
            file=file,
            remedy="send the file without a password",
        )
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise DataError(
            f"the member {entry.filename!r} is a link, not a file",
            file=file,
            remedy="put the file itself into the archive",
        )
    refuse_bomb(entry.file_size, entry.compress_size, file)
    return entry


def refuse_workbook_bomb(source: Path, file: str) -> None:
    """Refuse a workbook, which is a zip archive, whose parts are a trap.

    Raises
    ------
    DataError
        When a part is out of proportion, or encrypted.
    """
    with zipfile.ZipFile(source) as archive:
        entries = archive.infolist()
    total = sum(entry.file_size for entry in entries)
    refuse_bomb(total, source.stat().st_size, file)


def expanded(source: Path, file: str) -> bytes:
    """Return the content of a file that may be compressed, as R compresses.

    Raises
    ------
    DataError
        When it is damaged or a trap.
    """
    with source.open("rb") as stream:
        head = stream.read(6)
    openers: dict[bytes, Any]
    openers = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}
    opener = openers.get(head[:2])
    if opener is None:
        return source.read_bytes()
    content = bytearray()
    with _damage(file), opener(source, "rb") as packed:
        copy_bounded(packed, content.extend, source.stat().st_size, file)
    return bytes(content)
