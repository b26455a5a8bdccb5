"""Two people at the same moment: whatever wins, exactly one does, and nothing contradicts itself. Run many times."""

import asyncio
from typing import Any

import pytest

from tiaochu.routing.v1 import responsibility_service_pb2 as pb
from tiaochu_domainkit.errors import DomainError

RUNS = 25
SERVICE = "ResponsibilityService"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def world(shared_world: Any) -> Any:
    return shared_world


def reason(outcome: Any) -> str:
    """The reason of a refusal, empty for success."""
    if isinstance(outcome, DomainError):
        return outcome.reason
    assert not isinstance(outcome, BaseException), outcome
    return ""


@pytest.mark.req("RT3")
async def test_sign_against_accept(world: Any) -> None:
    """The holder accepts while the receiver signs or returns: never accepted by one unit and held by another."""
    village, town = world.person("village"), world.person("town_b")
    for _ in range(RUNS):
        case_id = await world.classified()
        transfer_id = await world.offer(case_id, village, "town_b")
        sign = pb.SignTransferRequest(case_id=case_id, transfer_id=transfer_id)
        back = pb.ReturnTransferRequest(case_id=case_id, transfer_id=transfer_id, ground="not_competent")
        accept = pb.AcceptCaseRequest(case_id=case_id, both_parties_willing=True, mediation_kind="people")
        outcomes = await asyncio.gather(
            world.call(f"{SERVICE}/SignTransfer", sign, by=town),
            world.call(f"{SERVICE}/ReturnTransfer", back, by=town),
            world.call(f"{SERVICE}/AcceptCase", accept, by=village),
            return_exceptions=True,
        )
        signed, returned, accepted = (reason(o) == "" for o in outcomes)
        case = await world.case(case_id)
        holder = case.holdings[-1].organ_id
        assert signed != returned
        assert not (signed and accepted)
        assert holder == world.organs["town_b" if signed else "village"]
        assert case.status == ("accepted" if accepted else "held")


@pytest.mark.req("IN4", "RT3")
async def test_merge_against_offer(world: Any) -> None:
    """A merge that is confirmed and an offer to another unit exclude each other, whoever was first."""
    village = world.person("village")
    master = await world.classified("town_b")
    merged = offered = 0
    for run in range(RUNS):
        case_id = await world.classified()
        if run % 2:
            await world.intake.tell("MergeProposed", case_id=case_id, master_case_id=master)
        offer = pb.OfferTransferRequest(
            case_id=case_id, kind=pb.TRANSFER_KIND_REFER, to_organ_id=world.organs["bureau"], reason="not_competent"
        )
        confirm = pb.ConfirmMergeRequest(case_id=case_id, master_case_id=master)

        async def propose_and_confirm(case_id: str = case_id, confirm: Any = confirm, run: int = run) -> Any:
            if run % 2 == 0:
                await world.intake.tell("MergeProposed", case_id=case_id, master_case_id=master)
            return await world.call(f"{SERVICE}/ConfirmMerge", confirm, by=village)

        outcomes = await asyncio.gather(
            world.call(f"{SERVICE}/OfferTransfer", offer, by=village), propose_and_confirm(), return_exceptions=True
        )
        offer_won, merge_won = (reason(o) == "" for o in outcomes)
        case = await world.case(case_id)
        assert offer_won != merge_won
        assert case.status == ("offered" if offer_won else "merged")
        merged += merge_won
        offered += offer_won
    assert merged > 0
    assert merged + offered == RUNS


@pytest.mark.req("IN4")
async def test_two_merges_that_cross(world: Any) -> None:
    """A into B while B into A: at most one is confirmed, and where each waits for the other, refusing one frees the other."""
    village = world.person("village")

    async def confirm(case_id: str, master: str) -> Any:
        return await world.call(f"{SERVICE}/ConfirmMerge", pb.ConfirmMergeRequest(case_id=case_id, master_case_id=master), by=village)

    async def propose_and_confirm(case_id: str, master: str) -> Any:
        await world.intake.tell("MergeProposed", case_id=case_id, master_case_id=master)
        return await confirm(case_id, master)

    for _ in range(RUNS):
        pair = (await world.classified(), await world.classified())
        outcomes = await asyncio.gather(propose_and_confirm(*pair), propose_and_confirm(*reversed(pair)), return_exceptions=True)
        reasons = [reason(o) for o in outcomes]
        assert set(reasons) <= {"", "MASTER_MERGING", "MASTER_ENDED"}
        if "" not in reasons:
            refuse = pb.RefuseMergeRequest(case_id=pair[1], master_case_id=pair[0], ground="different_dispute")
            await world.call(f"{SERVICE}/RefuseMerge", refuse, by=village)
            await confirm(*pair)
        assert sorted([(await world.case(c)).status for c in pair]) == ["held", "merged"]


async def test_two_signatures_at_once_count_once(world: Any) -> None:
    village = world.person("village")
    for _ in range(RUNS // 5):
        case_id = await world.classified()
        transfer_id = await world.offer(case_id, village, "town_b")
        sign = [pb.SignTransferRequest(case_id=case_id, transfer_id=transfer_id) for _ in range(2)]
        outcomes = await asyncio.gather(
            *(world.call(f"{SERVICE}/SignTransfer", s, by=world.person("town_b")) for s in sign), return_exceptions=True
        )
        assert sorted(reason(o) for o in outcomes) == ["", "STATE_FORBIDS"]
        assert [h.responsibility_version for h in (await world.case(case_id)).holdings] == [1, 2]


async def test_expiry_against_signature(world: Any) -> None:
    """A clock that ends while the receiver signs: either the signature stands or the upper unit must designate."""
    village, town = world.person("village"), world.person("town_b")
    for _ in range(RUNS // 5):
        case_id = await world.classified()
        transfer_id = await world.offer(case_id, village, "town_b")
        await world.settle()
        world.step(days=10)
        sign = pb.SignTransferRequest(case_id=case_id, transfer_id=transfer_id)
        outcomes = await asyncio.gather(world.call(f"{SERVICE}/SignTransfer", sign, by=town), world.settle(), return_exceptions=True)
        case = await world.case(case_id)
        signed = reason(outcomes[0]) == ""
        assert case.status == ("held" if signed else "designation_due")
        assert case.holdings[-1].organ_id == world.organs["town_b" if signed else "village"]
