"""A bundle as one tar.gz that is made while it is read, or as a directory."""

import asyncio
import tarfile
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from services.sync_core.export.bundle import File

_GZIP: Final = 31
"""zlib's window bits for the gzip format."""


async def packed(files: AsyncIterator[File], top: str) -> AsyncIterator[bytes]:
    """Give the bytes of a tar.gz whose files are all in the directory ``top``."""
    compressor = zlib.compressobj(wbits=_GZIP)
    async for file in files:
        member = _member(f"{top}/{file.name}", file.content)
        yield await asyncio.to_thread(compressor.compress, member)
    yield compressor.compress(bytes(2 * tarfile.BLOCKSIZE)) + compressor.flush()


async def unpacked(files: AsyncIterator[File], directory: Path) -> None:
    """Write the files into a new directory."""
    async for file in files:
        path = directory / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)


def _member(name: str, content: bytes) -> bytes:
    header = tarfile.TarInfo(name)
    header.size = len(content)
    padding = -len(content) % tarfile.BLOCKSIZE
    return header.tobuf(tarfile.USTAR_FORMAT) + content + bytes(padding)
