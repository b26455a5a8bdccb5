"""An export proves itself to whoever has the public key, and nobody can change it and compute the rest again."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tiaochu.log.events.v1.log_events_pb2 import LineageStarted
from tiaochu.log.v1.log_service_pb2 import ExportLogRequest, ExportLogResponse, ReadHeadsRequest, ReadLogRequest, StartLineageRequest
from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_kit import audit
from tiaochu_kit.errors import from_rpc
from tiaochu_kit.principal import Principal
from tiaochu_testkit.services import Cell, Running
from tiaochu_testkit.toy import alpha
from tiaochu_testkit.toy.protos import AddToThingRequest, OpenThingRequest
from tiaochu_testkit.waiting import eventually

THINGS = "tiaochu.alpha.v1.ThingService"
AUDITOR = Principal("auditor-1", frozenset({"audit_admin"}), "organ-1", "/", frozenset({"329901", "329903"}))
Lines = list[dict[str, dict[str, Any]]]


def new_key(file: Path) -> bytes:
    key = Ed25519PrivateKey.generate()
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "signing.pem"


@pytest.fixture
def public_key(key_file: Path) -> bytes:
    return new_key(key_file)


@pytest.fixture
async def a(cell: Cell, key_file: Path, public_key: bytes) -> AsyncIterator[Running]:
    async with cell.running("alpha", "toy", alpha.build, work=False, log_signing_key_file=key_file) as running:
        case_id = (await running.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329901"))).case_id
        for amount in (1, 2, 3):
            await running.call(f"{THINGS}/AddToThing", AddToThingRequest(case_id=case_id, amount=amount))
        await running.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329902"))
        yield running


async def export(a: Running, district: str = "329901") -> str:
    call: Any = a.channel.unary_stream(
        "/tiaochu.log.v1.LogService/ExportLog",
        request_serializer=ExportLogRequest.SerializeToString,
        response_deserializer=ExportLogResponse.FromString,
    )
    return "".join([r.lines async for r in call(ExportLogRequest(district=district), timeout=10, metadata=await a.identity(AUDITOR))])


def checked(file: Path, lines: str | Lines, key: bytes) -> audit.Report:
    text = lines if isinstance(lines, str) else "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    file.write_text(text)
    return audit.verify(file, key)


def parsed(text: str) -> Lines:
    return [json.loads(line) for line in text.splitlines()]


async def test_an_export_holds(a: Running, tmp_path: Path, public_key: bytes) -> None:
    report = checked(tmp_path / "log", await export(a), public_key)
    assert (report.ok, report.service, report.district, report.events, report.position) == (True, "alpha", "329901", 4, 4)
    assert [position for position, _ in report.signatures] == [4]
    empty = checked(tmp_path / "log", await export(a, "329903"), public_key)
    assert (empty.ok, empty.events) == (True, 0)


def rehash(lines: Lines) -> None:
    running = audit.GENESIS
    for line in lines:
        if "event" in line:
            running = line["event"]["hash"] = audit.chain(running, line["event"])
        if "signature" in line or "end" in line:
            next(iter(line.values()))["hash"] = running


def change_payload(lines: Lines) -> None:
    lines[2]["event"]["payload"] = "AAAA"


def change_and_rehash(lines: Lines) -> None:
    lines[2]["event"]["headers"] = '{"actor":"somebody else"}'
    rehash(lines)


def rehash_and_drop_signatures(lines: Lines) -> None:
    change_and_rehash(lines)
    lines[:] = [line for line in lines if "signature" not in line]


def rehash_and_sign_with_another_key(lines: Lines) -> None:
    change_and_rehash(lines)
    [signature] = [line["signature"] for line in lines if "signature" in line]
    signature["key_id"] = "0" * 16


def take_one_away(lines: Lines) -> None:
    del lines[2]


def take_one_away_and_renumber(lines: Lines) -> None:
    del lines[2]
    for number, line in enumerate((line for line in lines if "event" in line), start=1):
        line["event"]["position"] = number
    lines[-1]["end"]["position"] = 3
    rehash(lines)


def swap_two(lines: Lines) -> None:
    lines[2], lines[3] = lines[3], lines[2]


def cut_the_end(lines: Lines) -> None:
    del lines[-1]


def cut_events_from_the_end(lines: Lines) -> None:
    del lines[4]
    lines[-1]["end"] = {"position": 3, "hash": lines[3]["event"]["hash"]}


def add_one(lines: Lines) -> None:
    lines.insert(5, {"event": {**lines[4]["event"], "position": 5}})
    lines[-1]["end"]["position"] = 5
    rehash(lines)


def rename_the_log(lines: Lines) -> None:
    lines[0]["export"]["district"] = "329999"
    for line in lines:
        if "event" in line:
            line["event"]["district"] = "329999"
    rehash(lines)


def add_a_line_after_the_end(lines: Lines) -> None:
    lines.append(lines[1])


def change_the_format(lines: Lines) -> None:
    lines[0]["export"]["format"] = "tiaochu-log/2"


def put_nonsense(lines: Lines) -> None:
    lines[1] = {"event": {"position": 1}}


ATTACKS = (
    change_payload,
    change_and_rehash,
    rehash_and_drop_signatures,
    rehash_and_sign_with_another_key,
    take_one_away,
    take_one_away_and_renumber,
    swap_two,
    cut_the_end,
    cut_events_from_the_end,
    add_one,
    rename_the_log,
    add_a_line_after_the_end,
    change_the_format,
    put_nonsense,
)


@pytest.mark.req("PF6")
async def test_no_change_to_an_export_holds(a: Running, tmp_path: Path, public_key: bytes) -> None:
    text = await export(a)
    held: list[str] = []
    for attack in ATTACKS:
        change: Callable[[Lines], None] = attack
        lines = parsed(text)
        change(lines)
        if checked(tmp_path / "log", lines, public_key).ok:
            held.append(attack.__name__)
    assert held == []


@pytest.mark.parametrize("text", ["", "\n", "no json\n", "[]\n", '{"export":1}\n', '{"a":{},"b":{}}\n', "\x00\xff"])
def test_what_is_no_export_is_refused(tmp_path: Path, public_key: bytes, text: str) -> None:
    assert not checked(tmp_path / "log", text, public_key).ok


async def test_after_a_rotation_the_new_key_signs_and_the_old_one_still_proves_what_it_signed(
    a: Running, tmp_path: Path, key_file: Path, public_key: bytes
) -> None:
    before = await export(a)
    rotated = new_key(key_file)
    text = await export(a)
    assert checked(tmp_path / "log", text, rotated).ok
    assert checked(tmp_path / "log", before, public_key).ok
    assert not checked(tmp_path / "log", before, rotated).ok


async def test_every_head_is_signed_by_the_hour(a: Running) -> None:
    signing = asyncio.ensure_future(a.service._signer.run())

    async def signed() -> bool:
        async with a.kit.database.transaction() as tx:
            return await tx.rows("SELECT district, position FROM log_signatures ORDER BY 1") == [("329901", 4), ("329902", 1)]

    await eventually(signed)
    signing.cancel()
    await asyncio.gather(signing, return_exceptions=True)


async def test_without_a_key_an_export_is_refused(cell: Cell) -> None:
    async with cell.running("alpha", "toy", alpha.build, work=False) as a:
        await a.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329901"))
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await export(a)
        assert from_rpc(refusal.value).reason == "SIGNING_KEY_MISSING"


async def test_only_auditors_and_administrators_take_a_log_away(a: Running) -> None:
    call: Any = a.channel.unary_stream(
        "/tiaochu.log.v1.LogService/ExportLog",
        request_serializer=ExportLogRequest.SerializeToString,
        response_deserializer=ExportLogResponse.FromString,
    )
    clerk = Principal("clerk-1", frozenset({"clerk"}), "organ-1", "/", frozenset({"329901"}))
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await call(ExportLogRequest(district="329901"), timeout=5, metadata=await a.identity(clerk)).read()
    assert from_rpc(refusal.value).kind is Kind.PERMISSION_DENIED


async def test_an_auditor_reads_only_the_logs_of_the_own_district(a: Running) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await export(a, "329902")
    assert from_rpc(refusal.value).reason == "OUTSIDE_DISTRICT"
    heads = await a.call("tiaochu.log.v1.LogService/ReadHeads", ReadHeadsRequest(), by=AUDITOR)
    assert [head.district for head in heads.heads] == ["329901"]
    with pytest.raises(DomainError) as denial:
        await a.call("tiaochu.log.v1.LogService/ReadLog", ReadLogRequest(district="329902"), by=AUDITOR)
    assert denial.value.reason == "OUTSIDE_DISTRICT"


async def test_a_log_without_events_and_a_district_that_is_none(a: Running) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await export(a, "")
    assert from_rpc(refusal.value).reason == "FIELD_INVALID"


async def test_a_lineage_is_an_event_of_every_log_and_proves_itself(a: Running, tmp_path: Path, public_key: bytes) -> None:
    operator = Principal("operator-1", frozenset({"system_admin"}), "organ-1", "/", frozenset({"*"}))
    before = [line["event"] for line in parsed(await export(a)) if "event" in line]
    request = StartLineageRequest(reason="disk lost", districts=["329903"], dry_run=True)
    request.restored_time.FromMicroseconds(before[1]["recorded_at"])
    planned = await a.call("tiaochu.log.v1.LogService/StartLineage", request, by=operator)
    assert [(p.district, p.lineage.after, p.kept) for p in planned.lineages] == [("329901", 2, 2), ("329902", 0, 1), ("329903", 0, 0)]
    assert len(parsed(await export(a))) == len(before) + 3, "a dry run writes nothing"

    request.dry_run = False
    begun = await a.call("tiaochu.log.v1.LogService/StartLineage", request, by=operator)
    heads = (await a.call("tiaochu.log.v1.LogService/ReadHeads", ReadHeadsRequest(), by=operator)).heads
    assert [(h.district, h.position) for h in heads] == [("329901", 5), ("329902", 2), ("329903", 1)]
    assert [h.lineages[0] for h in heads] == [one.lineage for one in begun.lineages]
    assert heads[0].lineages[0].hash.hex() == before[1]["hash"]

    lines = await export(a)
    [mark] = [line["event"] for line in parsed(lines) if "LineageStarted" in line.get("event", {}).get("type", "")]
    body = LineageStarted.FromString(base64.b64decode(mark["payload"]))
    assert (body.number, body.after, body.reason, json.loads(mark["headers"])["actor"]) == (
        heads[0].lineages[0].number,
        2,
        "disk lost",
        "operator-1",
    )
    report = checked(tmp_path / "log", lines, public_key)
    assert (report.ok, report.position) == (True, 5)
