"""An S3 as fast as Python can be, for benchmarks: every object has the same bytes, every part is thrown away.

`python -m benchmarks.s3_stub BYTES LATENCY_MS` prints its address; the answers come after the latency.
"""

import asyncio
import itertools
import random
import re
import sys
from urllib.parse import parse_qs, urlsplit

_numbers = itertools.count(1)
_uploads = {}  # key: [upload id, {part number: (tag, size)}]
_whole = {}  # key: size


def answer(method, target, headers, size, photo):
    """Return (status, headers, body) for one request."""
    parts = urlsplit(target)
    bucket, _, key = parts.path.lstrip("/").partition("/")
    query = parse_qs(parts.query, keep_blank_values=True)
    if method == "POST" and "uploads" in query:
        _uploads[key] = [f"upload-{next(_numbers)}", {}]
        return 200, {}, _xml("InitiateMultipartUploadResult", f"<UploadId>{_uploads[key][0]}</UploadId>")
    if method == "PUT" and "partNumber" in query:
        tag = f'"{next(_numbers):032x}"'
        _uploads[key][1][int(query["partNumber"][0])] = tag, size
        return 200, {"ETag": tag}, b""
    if method == "POST" and "uploadId" in query:
        _whole[key] = sum(size for _, size in _uploads.pop(key)[1].values())
        return 200, {}, _xml("CompleteMultipartUploadResult", "<ETag>x</ETag>")
    if method == "GET" and "uploads" in query:
        prefix = query.get("prefix", [""])[0]
        rows = (
            f"<Upload><Key>{name}</Key><UploadId>{upload_id}</UploadId>"
            "<Initiated>2026-01-01T00:00:00.000Z</Initiated></Upload>"
            for name, (upload_id, _) in _uploads.items()
            if name.startswith(prefix)
        )
        return 200, {}, _xml("ListMultipartUploadsResult", "".join(rows) + "<IsTruncated>false</IsTruncated>")
    if method == "GET" and "uploadId" in query:
        if key not in _uploads:
            return 404, {}, _xml("Error", "<Code>NoSuchUpload</Code>")
        rows = (
            f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag><Size>{size}</Size></Part>"
            for number, (tag, size) in sorted(_uploads[key][1].items())
        )
        return 200, {}, _xml("ListPartsResult", "".join(rows) + "<IsTruncated>false</IsTruncated>")
    if method == "GET" and not key:
        return 200, {}, _xml("ListBucketResult", "<IsTruncated>false</IsTruncated>")
    if method == "HEAD" and key.startswith("bundles/") and key not in _whole:
        return 404, {}, b""
    if method == "GET" and "range" in headers:
        first, last = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", headers["range"]).groups())
        body = photo[first : last + 1]
        return 206, {"Content-Range": f"bytes {first}-{first + len(body) - 1}/{len(photo)}"}, body
    return (204 if method == "DELETE" else 200), {"ETag": '"x"'}, photo if method == "GET" else b""


def _xml(name, inside):
    return f'<?xml version="1.0"?><{name}>{inside}</{name}>'.encode()


async def talk(reader, writer, photo, latency):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split(" ", 2)
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            if headers.get("expect"):
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            left = size = int(headers.get("content-length", 0))
            while left:
                left -= len(await reader.read(min(left, 1 << 20)))
            if latency:
                await asyncio.sleep(latency)
            status, more, body = answer(method, target, headers, size, photo)
            lines = "".join(f"{name}: {value}\r\n" for name, value in more.items())
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode())
            writer.write(body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(size, latency_ms):
    photo = random.Random(1).randbytes(size)
    server = await asyncio.start_server(
        lambda reader, writer: talk(reader, writer, photo, latency_ms / 1000), "127.0.0.1", 0, limit=1 << 20
    )
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
