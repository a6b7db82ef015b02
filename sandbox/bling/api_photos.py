"""Photos of products: uploaded ones behind signed links that expire, linked ones in the open."""

import hmac
import struct
import zlib

from aiohttp import web

from sandbox.bling import products
from sandbox.bling.context import SANDBOX
from sandbox.bling.queries import integer


async def get_photo(request: web.Request) -> web.Response:
    """Serve a photo behind a signed link, while the link lives."""
    sandbox = request.app[SANDBOX]
    expires = integer(request, "Expires", 0) or 0
    expected = products.signature(sandbox, request.path, expires)
    if not hmac.compare_digest(request.query.get("Signature", "").encode(), expected.encode()):
        raise web.HTTPForbidden(text="SignatureDoesNotMatch")
    if sandbox.clock().timestamp() >= expires:
        raise web.HTTPForbidden(text="Request has expired")
    return _photo(request.match_info["name"])


async def get_linked_photo(request: web.Request) -> web.Response:
    """Serve a photo that the seller keeps elsewhere: the link needs no signature."""
    return _photo(request.match_info["name"])


def _photo(name: str) -> web.Response:
    """Draw a plain PNG whose colour follows from the name, so that photos can be told apart."""
    width = height = 64
    pixel = struct.pack(">I", zlib.crc32(name.encode()))[:3]
    rows = (b"\x00" + pixel * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    body = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)
    return web.Response(body=body, content_type="image/png")


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum
