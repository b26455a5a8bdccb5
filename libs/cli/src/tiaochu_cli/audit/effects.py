"""What one service said had its effect in the others, exactly once."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tiaochu_cli.audit.finding import Check, Finding, collect
from tiaochu_cli.audit.journals import Fact, Journals

ONCE: Mapping[str, str] = {
    "CaseRegistered": "case_id",
    "CaseMerged": "case_id",
    "HistoryResultRecorded": "case_id",
    "ConsentConcluded": "case_id",
    "ApplicationWithdrawn": "case_id",
    "ResponsibilityStarted": "case_id",
    "ResponsibilityEnded": "case_id",
    "CaseAccepted": "case_id",
    "CaseDeclined": "case_id",
    "MergeConfirmed": "case_id",
    "TransferOffered": "transfer_id",
    "TransferSigned": "transfer_id",
    "MediationOpened": "case_id",
    "MediationDropped": "case_id",
    "MediationTerminated": "case_id",
    "MediatorChosen": "assignment_id",
    "AssignmentAccepted": "assignment_id",
    "RecusalDecided": "recusal_id",
    "SessionHeld": "session_id",
    "AgreementEffective": "agreement_id",
    "AgreementPerformed": "agreement_id",
    "CaseClosed": "case_id",
    "OfferReceived": "exchange_id",
    "ExchangeLinked": "exchange_id",
    "ExchangeClosed": "exchange_id",
    "PacketReceived": "packet_id",
    "PacketIssued": "packet_id",
    "PacketReceipted": "packet_id",
}
"""Events that can happen once to what the field names."""

_OVER = ("MediationDropped", "MediationTerminated")
_GONE_BACK = ("ExchangeReturned", "ExchangeRecalled", "ExchangeLapsed")


@dataclass(frozen=True)
class Effect:
    """After `cause` (where `when` holds) one of `effects` must stand in the journal of `service`; `same` is the field both name."""

    cause: str
    service: str
    effects: tuple[str, ...]
    same: str = "case_id"
    when: Callable[[Any], bool] = lambda _body: True
    cause_field: str = ""
    """The field of the cause, where its name is another."""


def _expires(rule_code: str) -> Callable[[Any], bool]:
    return lambda body: bool(body.rule_code == rule_code)


EFFECTS: Sequence[Effect] = (
    Effect("CaseRegistered", "routing", ("ResponsibilityStarted",)),
    Effect("CaseClassified", "routing", ("LeadNamed", "ResponsibilityEnded", "MergeConfirmed")),
    Effect("ApplicationWithdrawn", "mediation", (*_OVER, "AgreementEffective", "CaseClosed")),
    Effect("CorrectionLapsed", "mediation", (*_OVER, "AgreementEffective", "CaseClosed")),
    Effect(
        "ConsentConcluded",
        "mediation",
        (*_OVER, "AgreementEffective", "CaseClosed"),
        when=lambda body: body.outcome in ("refused", "unreachable"),
    ),
    Effect("MergeConfirmed", "intake", ("CaseMerged",)),
    Effect("MergeRefused", "intake", ("MergeDropped",)),
    Effect("CaseAccepted", "mediation", ("MediationOpened", *_OVER)),
    Effect("CaseDeclined", "mediation", _OVER),
    Effect("MergeConfirmed", "mediation", (*_OVER, "CaseClosed")),
    Effect(
        "MediationTerminated",
        "routing",
        ("ResponsibilityEnded", "CaseDeclined", "MergeConfirmed"),
        when=lambda body: body.before_acceptance,
    ),
    Effect("CaseClosed", "routing", ("ResponsibilityEnded", "MergeConfirmed")),
    Effect("ConfirmationRequested", "docking", ("PacketIssued",)),
    Effect("CourtRulingReceived", "mediation", ("ConfirmationDecided",), same="agreement_id"),
    Effect("OfferReceived", "intake", ("CaseRegistered",), when=lambda body: bool(body.case_id)),
    Effect(
        "ClockExpired",
        "routing",
        ("TransferExpired", "TransferSigned", "TransferReturned"),
        "transfer_id",
        _expires("SIGN_TRANSFER"),
        "ref_id",
    ),
    Effect("ClockExpired", "mediation", ("ObligationBreached", "PerformanceRecorded"), "obligation_id", _expires("PERFORM"), "ref_id"),
    Effect("ClockExpired", "intake", ("CorrectionLapsed", "CorrectionSupplied", "ApplicationWithdrawn"), "case_id", _expires("CORRECTION")),
)
"""The reactions between the services, as `docs/case-life.md` has them."""


def check_effects(journals: Journals) -> Check:
    """Every event that calls for a reaction of another service has it, and nothing that happens once stands twice."""
    return collect("effects", "跨服务影响恰好一次", journals.count, _findings(journals))


def _findings(journals: Journals) -> Iterator[Finding]:
    yield from _twice(journals)
    found = {(f.service, f.name, field, _value(f, field)) for f in journals.facts() for field in _fields(f)}
    gone = {f.body.exchange_id for f in journals.facts(*_GONE_BACK)}
    for effect in EFFECTS:
        if effect.service not in journals.services:
            continue
        for cause in journals.facts(effect.cause):
            if (
                not journals.is_settled(cause)
                or not effect.when(cause.body)
                or (cause.name == "OfferReceived" and cause.body.exchange_id in gone)
            ):
                continue
            value = _value(cause, effect.cause_field or effect.same)
            if not any((effect.service, name, effect.same, value) in found for name in effect.effects):
                yield Finding(
                    "NO_EFFECT", cause.district, cause.case_id, f"{cause.place} {cause.name}: no {effect.effects[0]} of {effect.service}"
                )


def _twice(journals: Journals) -> Iterator[Finding]:
    counted = Counter((f.name, _value(f, ONCE[f.name])) for f in journals.facts(*ONCE))
    for (name, value), times in sorted(counted.items()):
        if times > 1 and value:
            yield Finding(
                "TWICE", case_id=value if ONCE[name] == "case_id" else "", detail=f"{name} {times} times for {ONCE[name]} {value}"
            )


def _fields(fact: Fact) -> Iterator[str]:
    """The fields by which an effect may be looked up."""
    for field in ("case_id", "transfer_id", "obligation_id", "agreement_id"):
        if field in fact.body.DESCRIPTOR.fields_by_name:
            yield field


def _value(fact: Fact, field: str) -> str:
    return str(getattr(fact.body, field, ""))
