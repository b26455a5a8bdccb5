"""What is promised: the frozen reasons, the document, limits, the answers of agencies."""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from docking_tests.letters import offer
from docking_tests.stage import Stage
from docking_tests.test_delivery import delivery
from tiaochu_docking.domain import events
from tiaochu_docking.edge.destinations import AllowList, NotAllowed
from tiaochu_docking.edge.dispatcher import read_answer, retry_after
from tiaochu_docking.edge.events import OUT
from tiaochu_docking.edge.limits import RateLimits
from tiaochu_docking.edge.problems import REASONS, problem
from tiaochu_domainkit.errors import DomainError
from tiaochu_testkit.waiting import eventually

NOW = datetime(2026, 3, 2, tzinfo=UTC)

FROZEN = {
    "MALFORMED": 400, "KEY_MISMATCH": 400, "PATH_BODY_MISMATCH": 400, "SIGNATURE_MISSING": 401, "SIGNATURE_INVALID": 401, "SIGNATURE_STALE": 401,
    "CREDENTIAL_EXPIRED": 401, "TOKEN_INVALID": 401, "KIND_NOT_ALLOWED": 403, "DOCKING_CLOSED": 403, "NOT_FOUND": 404, "STATE_FORBIDS": 409,
    "OUT_OF_ORDER": 409, "DUPLICATE_EXTERNAL_NO": 409, "IN_PROGRESS": 409, "SUPERSEDED": 409, "FILE_NOT_READY": 409, "SCHEMA_RETIRED": 410,
    "VERSION_CHANGED": 412, "TOO_LARGE": 413, "MEDIA_TYPE": 415, "FIELD_INVALID": 422, "CODE_UNKNOWN": 422, "PRECONDITION_MISSING": 422,
    "FORBIDDEN_CONTENT": 422, "CLOCK_IMPOSSIBLE": 422, "IDEMPOTENCY_KEY_REUSED": 422, "FILE_HASH": 422, "TOO_MANY_CREDENTIALS": 422,
    "IF_MATCH_REQUIRED": 428, "RATE_LIMITED": 429, "BUSY": 503,
}  # fmt: skip


def test_reasons_are_frozen() -> None:
    assert {reason: status for reason, (status, _) in REASONS.items()} == FROZEN


def test_every_domain_event_has_its_message() -> None:
    messages = {
        name: {f.name for f in message.fields} for module in OUT for name, message in module.DESCRIPTOR.message_types_by_name.items()
    }
    classes = {
        name: set(cls.__dataclass_fields__)
        for name, cls in vars(events).items()
        if isinstance(cls, type) and hasattr(cls, "__dataclass_fields__")
    }
    assert classes == messages


async def test_the_document_is_complete_and_needs_no_network(stage: Stage) -> None:
    base = f"{stage.base}/docking/v1"
    document = (await stage.client.get(f"{base}/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    assert {"court.sign", "court.result", "court.offer"} <= set(document["webhooks"])
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation.get("description"), (path, method)
            assert operation["responses"]["default"]["content"]["application/problem+json"], (path, method)
            if method in ("post", "put"):
                assert operation["requestBody"]["content"], (path, method)
    schemas = document["components"]["schemas"]
    for reference in _references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas
    page = (await stage.client.get(f"{base}/docs")).text
    assert "http" not in page.replace("http-equiv", "")
    assert (await stage.client.get(f"{base}/nothing")).json()["reason"] == "NOT_FOUND"
    assert (await stage.client.get(f"{base}/time")).json()["zone"] == "Asia/Shanghai"


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [r for inner in value.values() for r in _references(inner)]
    return [r for inner in value for r in _references(inner)] if isinstance(value, list) else []


async def test_schemas_and_codes_are_served(stage: Stage) -> None:
    base = f"{stage.base}/docking/v1"
    schema = (await stage.client.get(f"{base}/schemas/court/2026-11/offer", params={"mode": "after_filing"})).json()
    content = schema["properties"]["data"]["properties"]["content"]
    assert {"procedure", "clock_start_on", "facts"} <= set(content["required"])
    assert set(offer(mode="after_filing")["data"]["content"]) <= set(content["properties"])
    codes = (await stage.client.get(f"{base}/codes/court/ruling")).json()
    assert codes["codes"] == {"valid": "裁定有效", "dismissed": "驳回申请", "withdrawn": "撤回申请"}
    for path in ("schemas/court/2020-01/offer", "schemas/court/2026-11/moon", "codes/court/moon", "codes/moon/ruling"):
        assert (await stage.client.get(f"{base}/{path}")).status_code == 404


def test_an_agency_has_a_burst_then_a_steady_rate_of_its_own() -> None:
    moment = [0.0]
    limits = RateLimits(20, 100, lambda: moment[0])
    for _ in range(100):
        limits.spend("a")
    with pytest.raises(DomainError) as refusal:
        limits.spend("a")
    assert (refusal.value.reason, problem(refusal.value, "/").headers["retry-after"]) == ("RATE_LIMITED", "1")
    limits.spend("b")
    moment[0] = 1.0
    for _ in range(20):
        limits.spend("a")
    with pytest.raises(DomainError):
        limits.spend("a")


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (200, {"receipt_id": "r", "sha256": "0" * 64}, ""),
        (204, {}, "BAD_RECEIPT"),
        (200, {"receipt_id": "r", "sha256": "1" * 64}, "BAD_RECEIPT"),
        (200, {"receipt_id": "", "sha256": "0" * 64}, "BAD_RECEIPT"),
        (302, {}, "STATUS"),
        (410, {}, "GONE"),
        (503, {}, "STATUS"),
    ],
)
def test_only_a_receipt_over_these_bytes_is_success(status: int, body: dict[str, str], fault: str) -> None:
    answer = read_answer(status, {}, json.dumps(body).encode(), delivery(), NOW)
    assert (answer.fault, bool(answer.receipt_id)) == (fault, fault == "")


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"{", b'{"expected": "1", "reason": "OUT_OF_ORDER"}'])
def test_no_answer_makes_the_dispatcher_fail(body: bytes) -> None:
    assert read_answer(409, {"retry-after": "soon"}, body, delivery(), NOW).fault == "STATUS"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        ("999999", 86400),
        ("-1", 0),
        ("", 0),
        ("²", 0),
        ("Mon, 02 Mar 2026 00:01:00 GMT", 60),
        ("Sun, 01 Mar 2026 00:00:00 GMT", 0),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str, seconds: int) -> None:
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://court.example/hook", True),
        ("https://COURT.example/hook", True),
        ("http://court.example/hook", False),
        ("https://court.example:8443/hook", False),
        ("https://other.example:8443/hook", True),
        ("https://a.gov.example/", True),
        ("https://gov.example/", False),
        ("https://a.b.gov.example/", False),
        ("http://gate.internal:8080/x", True),
        ("https://court.example@evil.example/", False),
        ("https://court.example#@evil.example/", False),
        ("ftp://court.example/", False),
        ("https://127.0.0.1/", False),
        ("https://court.example:99999/", False),
    ],
)
def test_the_allow_list(url: str, allowed: bool) -> None:
    entries = ["court.example", "other.example:8443", "*.gov.example", "http://gate.internal:8080"]
    assert AllowList(entries, loopback=False).allowed(url) is allowed


@pytest.mark.parametrize("address", ["169.254.169.254", "127.0.0.1", "0.0.0.0", "224.0.0.1", "[::1]", "[fe80::1]"])
async def test_a_listed_name_that_resolves_to_no_agencys_address_is_not_called(address: str) -> None:
    with pytest.raises((NotAllowed, OSError)):
        await AllowList([address.strip("[]"), address], loopback=False).resolve(f"https://{address}/")


async def test_a_ping_shows_what_the_endpoint_answers(court: Stage) -> None:
    gateway = court.gateway(court.identity["code"], court.identity["secret"])
    ping = {"type": "cn.tiaochu.docking.ping.v1"}
    answer = await gateway.change("POST", "/me/endpoints/main/ping", ping)
    assert (answer.json()["status"], answer.json()["fault"]) == (200, "")
    missing = await gateway.change("POST", "/me/endpoints/moon/ping", ping)
    assert missing.status_code == 404


async def test_the_court_runs_as_a_program_of_its_own(stage: Stage) -> None:
    port = stage.cell.port("sandbox-program")
    environ = {
        **os.environ,
        "TIAOCHU_HTTP_LISTEN": f"127.0.0.1:{port}",
        "TIAOCHU_HTTP_PEERS": json.dumps({"docking": stage.base}),
        "TIAOCHU_CLOCK_FILE": str(stage.cell.clock_file),
    }
    program = await asyncio.create_subprocess_exec(sys.executable, "-m", "tiaochu_sandbox", env=environ)
    try:

        async def identity() -> dict[str, Any]:
            return dict((await stage.client.get(f"http://127.0.0.1:{port}/sandbox/identity")).json())

        first = await eventually(identity, retry=(httpx2.HTTPError,), timeout=20)
        assert first["secret"].startswith("whsec_")
        assert (stage.cell.clock_file.parent / "sandbox.sqlite").exists()
    finally:
        program.terminate()
        assert await program.wait() in (0, -15)
