"""The life of a case at the table, through gRPC, on real PostgreSQL and NATS."""

import pytest

from tiaochu_domainkit.clocks import beijing

from .centre import Centre, behalf  # noqa: TID252 - tests of one package

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.req("MD1", "MD2", "MD3", "MD4", "MD6", "MD8")
async def test_from_acceptance_to_closing(centre: Centre) -> None:
    case = await centre.effective()
    assert await centre.status(case) == "effective"
    event = await centre.event(case, "AgreementEffective")
    assert event.amount_fen == 300_000
    assert [o.obligation_id for o in event.obligations] == case.obligations
    shown = (await centre.do("GetAgreement", case, centre.people.clerk)).agreement
    assert shown.agreement_number == event.agreement_number == f"({centre.now().year})靖东门村人调字第0001号"
    assert shown.obligations[0].detail == "银行转账"
    assert (shown.facts, shown.terms) == ("双方因排水发生争议。", "被申请人支付维修费。")
    today = beijing(centre.now()).date().isoformat()
    paid = {"agreement_id": case.agreement, "obligation_id": case.obligations[0], "performed_on": today}
    assert not (await centre.do("RecordPerformance", case, centre.people.clerk, amount="1000.50", **paid)).complete
    assert (await centre.do("RecordPerformance", case, centre.people.clerk, amount="1999.50", confirmed_by_obligee=True, **paid)).complete
    [obligation] = (await centre.do("GetAgreement", case, centre.people.clerk)).agreement.obligations
    assert (obligation.state, obligation.performed_fen) == ("performed", 300_000)
    assert [(p.amount_fen, p.performed_on, p.confirmed_by_obligee, p.late) for p in obligation.performances] == [
        (100_050, today, False, False),
        (199_950, today, True, False),
    ]
    await centre.do("RecordFollowUp", case, centre.people.clerk, side="applicant", satisfaction=5, performance="performed", note="满意")
    assert (await centre.do("CloseCase", case, centre.people.clerk)).result == "performed"
    assert await centre.events(case) == [
        "MediationOpened",
        "MediatorChosen",
        "AssignmentAccepted",
        "NoticeAcknowledged",
        "NoticeAcknowledged",
        "SessionScheduled",
        "SessionHeld",
        "AgreementDrafted",
        *["AgreementSigned"] * 4,
        "AgreementEffective",
        "PerformanceRecorded",
        "PerformanceRecorded",
        "AgreementPerformed",
        "FollowUpRecorded",
        "CaseClosed",
    ]


@pytest.mark.req("MD4")
async def test_on_the_spot_with_an_oral_agreement(centre: Centre) -> None:
    case = await centre.register()
    await centre.accept(case, on_the_spot=True)
    await centre.tell(case)
    await centre.draft(case, form="oral")
    assert (await centre.sign(case, "mediator")).effective
    assert (await centre.event(case, "AgreementEffective")).on_the_spot


@pytest.mark.req("MD7")
async def test_a_refusal_ends_it_with_the_notice_of_remedies(centre: Centre) -> None:
    case = await centre.prepared(category="0701")
    await centre.do(
        "TerminateMediation", case, centre.people.clerk, ground="party_refused", on_behalf_of=behalf(case.respondent), note="不愿继续"
    )
    notice = await centre.do("GetTerminationNotice", case, centre.people.director)
    event = await centre.event(case, "MediationTerminated")
    assert (notice.version, notice.sha256, notice.ground) == (event.remedies_version, event.remedies_sha256, "party_refused")
    assert "劳动人事争议仲裁委员会" in notice.text
    assert (await centre.do("CloseCase", case, centre.people.clerk)).result == "terminated"
