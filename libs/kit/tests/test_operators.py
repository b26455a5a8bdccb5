"""The operators' RPCs through the door: who may, and what they do."""

from typing import Any

import pytest

from tiaochu.log.v1 import log_service_pb2 as pb
from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_kit.principal import Principal
from tiaochu_testkit.services import Cell
from tiaochu_testkit.toy import alpha, beta
from tiaochu_testkit.toy.protos import AddToThingRequest, OpenThingRequest

THINGS, LOG = "tiaochu.alpha.v1.ThingService", "tiaochu.log.v1.LogService"


def person(role: str) -> Principal:
    return Principal(f"{role}-1", frozenset({role}), "organ-1", "/", frozenset({"329901"}))


ADMIN, AUDITOR, CLERK = person("system_admin"), person("audit_admin"), person("clerk")


async def refusal(call: Any) -> DomainError:
    with pytest.raises(DomainError) as refused:
        await call
    return refused.value


async def test_an_administrator_finds_and_replays_what_an_auditor_only_sees_and_a_clerk_does_not(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with cell.running("alpha", "toy", alpha.build, work=False) as a, cell.running("beta", "toy", beta.build, work=False) as b:
        case_id = (await a.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329901"))).case_id
        await a.call(f"{THINGS}/AddToThing", AddToThingRequest(case_id=case_id, amount=beta.POISON))
        await b.kit.consumers["alpha"].catch_up_all()
        for by in (ADMIN, AUDITOR):
            [parked] = (await b.call(f"{LOG}/ListParked", pb.ListParkedRequest(producer="alpha"), by=by)).parked
            assert (parked.producer, parked.event.aggregate_id, parked.event.position, parked.error) == (
                "alpha",
                case_id,
                2,
                "ValueError: ",
            )
        assert not (await b.call(f"{LOG}/ListParked", pb.ListParkedRequest(producer="gamma"), by=ADMIN)).parked
        replay = pb.ReplayParkedRequest(producer="alpha", aggregate_id=case_id)
        for rpc, request, by in (
            ("ListParked", pb.ListParkedRequest(), CLERK),
            ("ReplayParked", replay, AUDITOR),
            ("DropParked", pb.DropParkedRequest(producer="alpha", district="329901", position=2, reason="x"), AUDITOR),
            ("ListCalls", pb.ListCallsRequest(), CLERK),
            ("RetryCall", pb.RetryCallRequest(id=case_id), AUDITOR),
        ):
            assert (await refusal(b.call(f"{LOG}/{rpc}", request, by=by))).kind is Kind.PERMISSION_DENIED
        assert (await refusal(b.call(f"{LOG}/ReplayParked", replay, by=ADMIN))).reason == "STILL_NOT_APPLICABLE"
        monkeypatch.setattr(beta, "POISON", None)
        assert (await b.call(f"{LOG}/ReplayParked", replay, by=ADMIN)).applied == 1
        assert (await b.call(f"{LOG}/ReplayParked", replay, by=ADMIN)).applied == 0


@pytest.mark.parametrize(
    ("rpc", "request_", "kind"),
    [
        ("ReplayParked", pb.ReplayParkedRequest(producer="gamma", aggregate_id="x"), Kind.NOT_FOUND),
        ("ReplayParked", pb.ReplayParkedRequest(producer="alpha", aggregate_id="x"), Kind.INVALID_INPUT),
        ("DropParked", pb.DropParkedRequest(producer="alpha", district="329901", position=9, reason="gone"), Kind.NOT_FOUND),
        ("DropParked", pb.DropParkedRequest(producer="alpha", district="329901", position=9, reason=" "), Kind.INVALID_INPUT),
        ("RetryCall", pb.RetryCallRequest(id="x"), Kind.INVALID_INPUT),
        ("RetryCall", pb.RetryCallRequest(id="01a20c85-596d-708d-8ba5-6afbe1baa675"), Kind.NOT_FOUND),
    ],
)
async def test_what_is_not_there_or_not_said_is_refused(cell: Cell, rpc: str, request_: Any, kind: Kind) -> None:
    cell.port("alpha")
    async with cell.running("beta", "toy", beta.build, work=False) as b:
        assert (await refusal(b.call(f"{LOG}/{rpc}", request_, by=ADMIN))).kind is kind
