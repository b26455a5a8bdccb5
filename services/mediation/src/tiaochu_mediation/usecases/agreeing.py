"""Commands on the agreement: DraftAgreement, SignAgreement."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from tiaochu.mediation.v1 import mediation_service_pb2 as pb
from tiaochu_domainkit.clocks import beijing
from tiaochu_domainkit.quantities import money_fen, real_date
from tiaochu_domainkit.text import clean
from tiaochu_kit.usecase import Context, Work, command
from tiaochu_mediation.domain.agreeing import Terms
from tiaochu_mediation.domain.agreement import PAY, Promise
from tiaochu_mediation.usecases import texts
from tiaochu_mediation.usecases.acting import acted_on, on_behalf
from tiaochu_mediation.usecases.facts import facts_of
from tiaochu_mediation.usecases.moments import moment
from tiaochu_mediation.usecases.ports import Organs, Reads, Series
from tiaochu_mediation.usecases.tables import CASE_FACTS, MEDIATIONS


@dataclass(frozen=True)
class Prepared:
    """What a draft needs from elsewhere: the number it would bear and the tier of the organ that mediates."""

    number: str
    tier: str


class AgreeingCommands:
    """From terms to a binding agreement. `pattern` is how agreements are numbered (`MediationSettings.agreement_number`)."""

    def __init__(self, reads: Reads, organs: Organs, series: Series, pattern: str) -> None:
        self._reads = reads
        self._organs = organs
        self._series = series
        self._pattern = pattern

    async def _prepare(self, ctx: Context, r: pb.DraftAgreementRequest) -> Prepared:
        """The number is taken here, outside the transaction; a draft that is refused or written anew leaves a gap or keeps its number."""
        mediation = await self._reads.mediation(ctx, r.case_id)
        if "draft_agreement" not in mediation.allowed_commands():
            return Prepared("", "")
        organ = await self._organs.organ(mediation.organ_id)
        if mediation.draft is not None:
            return Prepared(mediation.draft.number, organ.tier)
        year = beijing(ctx.now).year
        serial = await self._series.next(f"agreement:{mediation.district}:{year}:{organ.short_name}")
        return Prepared(self._pattern.format(year=year, short=organ.short_name, serial=serial), organ.tier)

    @command(reads=lambda r: [MEDIATIONS.by_id(r.case_id), CASE_FACTS.by_id(r.case_id)], before=_prepare)
    def draft_agreement(self, work: Work, r: pb.DraftAgreementRequest, prepared: Prepared) -> pb.DraftAgreementResponse:
        """Write the terms down."""
        mediation = acted_on(work, r.case_id)
        promises = [_promise(work.new_id(), i, o) for i, o in enumerate(r.obligations)]
        words = texts.keep(work, mediation, texts.AGREEMENT, texts.structured(_words(r, promises)))
        agreement = mediation.draft_agreement(
            agreement_id=work.new_id(),
            number=prepared.number,
            assignment_id=work.new_id(),
            terms=Terms(r.form, r.partial, r.settles_identity, promises, words, moment(r, "acted_at", work.now)),
            facts=facts_of(work, mediation),
            tier=prepared.tier,
            by=work.actor.id,
        )
        return pb.DraftAgreementResponse(
            case_id=mediation.id,
            etag=work.etag(mediation),
            status=mediation.status,
            agreement_id=agreement.id,
            agreement_number=agreement.number,
            edition=agreement.edition,
            obligation_ids=[o.id for o in agreement.obligations],
        )

    @command(reads=lambda r: [MEDIATIONS.by_id(r.case_id)])
    def sign_agreement(self, work: Work, r: pb.SignAgreementRequest) -> pb.SignAgreementResponse:
        """Make one mark."""
        mediation = acted_on(work, r.case_id)
        effective = mediation.sign_agreement(
            agreement_id=r.agreement_id,
            edition=r.edition,
            signed_as=r.signed_as,
            party_id=on_behalf(work, mediation, "sign_agreement", r.on_behalf_of),
            method=r.method,
            kind=r.kind,
            by=work.actor.id,
            organ_id=work.actor.organ_id,
            at=moment(r, "acted_at", work.now),
            scan_file_id=r.scan_file_id,
        )
        return pb.SignAgreementResponse(case_id=mediation.id, etag=work.etag(mediation), status=mediation.status, effective=effective)


def _promise(obligation_id: str, i: int, o: pb.ObligationInput) -> Promise:
    path = f"obligations[{i}]"
    return Promise(
        obligation_id=obligation_id,
        kind=o.kind,
        obligor=o.obligor_party_id,
        obligee=o.obligee_party_id,
        amount_fen=money_fen(f"{path}.amount", o.amount) if o.kind == PAY and o.amount else 0,
        due_on=_due_on(f"{path}.due_on", o.due_on),
        instalment=o.instalment,
        detailed=bool(o.detail.strip()),
    )


def _due_on(path: str, value: str) -> date | None:
    return real_date(path, value) if value else None


def _words(r: pb.DraftAgreementRequest, promises: list[Promise]) -> dict[str, Any]:
    """Facts, terms and the words of each obligation, by its id."""
    return {
        "facts": clean("facts", r.facts, 8000, min_chars=1),
        "terms": clean("terms", r.terms, 8000, min_chars=1),
        "obligations": {p.obligation_id: _obligation_words(i, o) for i, (p, o) in enumerate(zip(promises, r.obligations, strict=True))},
    }


def _obligation_words(i: int, o: pb.ObligationInput) -> dict[str, str]:
    limits = {"detail": 1000, "condition": 500, "evidence": 500, "penalty": 500}
    return {name: clean(f"obligations[{i}].{name}", getattr(o, name), limit) for name, limit in limits.items()}
