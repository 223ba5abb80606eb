"""Bodies as they come: packed, torn, endless, in lines; and bombs."""

import gzip
import json
import zlib
from typing import Any

import pytest
import zstandard
from fastapi.testclient import TestClient

from rollbook.store import Store
from tests.ingest import kept
from tests.ingest.posting import GOOD, post, routes, seen, total

packed = pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", zstandard.compress)]
)


@routes
@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", "deflate", "zstd", "identity"])
def test_compressed_bodies(client: TestClient, tenant: str, route: str, encoding: str) -> None:
    packs: dict[str, Any] = {"deflate": zlib.compress, "zstd": zstandard.compress, "identity": bytes}
    pack = packs.get(encoding, gzip.compress)
    body = pack(json.dumps(seen(route, 3)).encode())
    assert post(client, route, tenant, body, content_encoding=encoding).json()["ingested"] == 3


@packed
def test_torn_and_wrong_compression(client: TestClient, tenant: str, encoding: str, pack: Any) -> None:
    lines = b'{"event_type": "seen"}\n' * 5_000
    whole = pack(lines)
    json_lines = {"content_encoding": encoding, "content_type": "application/x-ndjson"}
    # half of a body would be taken for all of it, line by line
    for body in (whole[:-1], whole[: len(whole) // 2], whole + b"more", b"nonsense", lines):
        answer = post(client, "/api/v2/events", tenant, body, **json_lines)
        assert answer.status_code == 400, answer.text
        assert f"not {encoding}, as Content-Encoding says" in answer.json()["detail"]
    assert total(client, tenant) == 0
    assert post(client, "/api/v2/events", tenant, whole, **json_lines).json()["ingested"] == 5_000


@packed
def test_bombs_are_stopped_at_the_limit(
    client: TestClient, store: Store, tenant: str, encoding: str, pack: Any
) -> None:
    bomb = pack(b" " * (store.settings.max_body_bytes * 8))
    assert len(bomb) < store.settings.max_body_bytes
    answer = post(client, "/api/v2/events", tenant, bomb, content_encoding=encoding)
    assert answer.status_code == 413
    assert "ROLLBOOK_MAX_BODY_BYTES" in answer.json()["detail"]


def test_a_body_of_thousands_of_parts(client: TestClient, tenant: str) -> None:
    for encoding, part in (("gzip", gzip.compress(b"")), ("zstd", zstandard.compress(b""))):
        answer = post(client, "/api/v2/events", tenant, part * 100_000, content_encoding=encoding)
        assert (answer.status_code, "more than 1000 parts" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize("encoding", ["br", "compress", "gzip, zstd", "nonsense"])
def test_unknown_encodings_are_named(client: TestClient, tenant: str, encoding: str) -> None:
    answer = post(client, "/api/v2/events", tenant, GOOD, content_encoding=encoding)
    assert answer.status_code == 422
    assert answer.json()["detail"] == f"Content-Encoding '{encoding}' is not known; use gzip, deflate or zstd"


@pytest.mark.parametrize("kind", ["", "application/json", "text/plain", "application/json; charset=utf-8", "nonsense"])
def test_json_whatever_the_content_type(client: TestClient, tenant: str, kind: str) -> None:
    assert post(client, "/api/v2/events", tenant, GOOD, content_type=kind).json()["ingested"] == 1


@routes
@pytest.mark.parametrize("kind", ["application/x-ndjson", "Application/NDJSON; charset=utf-8", "application/jsonl"])
def test_ndjson_with_a_bad_line(client: TestClient, store: Store, tenant: str, route: str, kind: str) -> None:
    good = json.dumps(seen(route)[0]).encode()
    bad = b'{"event_type": \xff, nonsense'
    answer = post(client, route, tenant, b"\n".join([good, b"", bad, good, b""]), content_type=kind)
    assert (answer.status_code, answer.json()["ingested"]) == (200, 2)
    assert [one["index"] for one in answer.json()["rejected"]] == [1]
    (letter,) = kept.letters(store, tenant)
    assert (letter["body"], letter["position"]) == (bad, 1)
