"""Queries on clocks and deadline rules."""

from datetime import UTC, date
from typing import Any

import msgspec

from tiaochu.routing.v1 import clock_service_pb2 as pb
from tiaochu_domainkit.clocks import Pause, beijing, due, parse_length
from tiaochu_domainkit.deadlines import DeadlineRule
from tiaochu_domainkit.quantities import real_date
from tiaochu_kit.database import Database
from tiaochu_kit.usecase import Context, query
from tiaochu_routing.domain.clock import AWAITED, Clock
from tiaochu_routing.domain.deadline_book import calendar_of_district, own_rules, rules_of
from tiaochu_routing.store.directory import DirectoryStore
from tiaochu_routing.store.documents import decoded, organ_names, stamp, visible_case
from tiaochu_routing.usecases.scopes import own_district
from tiaochu_routing.usecases.tables import CLOCKS

_OF_CASE_SQL = "SELECT doc::text FROM clocks WHERE case_id = %s ORDER BY due_at NULLS LAST, id"


class ClockQueries:
    """What runs, by which rule, until when."""

    def __init__(self, database: Database, directory: DirectoryStore) -> None:
        self._database = database
        self._directory = directory

    @query
    async def list_clocks(self, ctx: Context, r: pb.ListClocksRequest) -> pb.ListClocksResponse:
        """All clocks of a case; whoever is responsible now owns those that no rule gives to another."""
        async with self._database.transaction(ctx.principal.scope) as tx:
            case, _ = await visible_case(tx, ctx.principal, r.case_id)
            clocks: list[Clock] = decoded(CLOCKS, await tx.rows(_OF_CASE_SQL, (r.case_id,)))
            owners = {c.id: (c.owner or case.holder).id for c in clocks}
            names = await organ_names(tx, owners.values())
        wanted = [c for c in clocks if c.status != AWAITED and (r.with_ended or c.ended_at is None)]
        return pb.ListClocksResponse(clocks=[_clock(c, owners[c.id], names.get(owners[c.id], "")) for c in wanted])

    @query
    async def preview_clock(self, ctx: Context, r: pb.PreviewClockRequest) -> pb.PreviewClockResponse:
        """When a period would end. NOT_FOUND for an unknown rule or a day without one."""
        district = own_district(ctx.principal, r.district)
        start = r.start_at.ToDatetime(tzinfo=UTC)
        async with self._database.transaction() as tx:
            book = await self._directory.book(tx, district)
        rule = rules_of(book).find(r.rule_code, beijing(start).date())
        planned = due(
            start,
            rule.length,
            calendar_of_district(book),
            pauses=[Pause(p.from_at.ToDatetime(tzinfo=UTC), p.to_at.ToDatetime(tzinfo=UTC)) for p in r.pauses],
            extensions=[parse_length(text, f"extensions[{index}]") for index, text in enumerate(r.extensions)],
        )
        return pb.PreviewClockResponse(
            last_day_on=planned.last_day.isoformat(),
            due_at=stamp(planned.at),
            provisional=planned.provisional,
            warnings=[pb.ClockWarning(percent=w.percent, on=w.on.isoformat(), at=stamp(w.at)) for w in planned.warnings],
            rest_days_skipped=[day.isoformat() for day in planned.rest_days_skipped],
            rule_version=rule.version,
        )

    @query
    async def list_clock_rules(self, ctx: Context, r: pb.ListClockRulesRequest) -> pb.ListClockRulesResponse:
        """The rules of a district on a day, or all versions."""
        district = own_district(ctx.principal, r.district)
        on = real_date("on", r.on) if r.on else beijing(ctx.now).date()
        async with self._database.transaction() as tx:
            book = await self._directory.book(tx, district)
        rules = rules_of(book)
        own = {(rule.code, rule.valid_from) for rule in own_rules(book)} if book else set()
        found = rules.versions() if r.with_history else rules.on(on)
        return pb.ListClockRulesResponse(rules=[_rule(rule, own) for rule in found])


def _clock(clock: Clock, owner_id: str, owner_name: str) -> pb.Clock:
    terms = clock.terms
    return pb.Clock(
        clock_id=clock.id,
        case_id=clock.case_id,
        rule_code=clock.rule_code,
        rule_version=terms.version if terms else "",
        ref_id=clock.ref_id,
        status=clock.status,
        owner_organ_id=owner_id,
        owner_organ_name=owner_name,
        started_at=stamp(clock.started_at),
        due_at=stamp(clock.due_at),
        provisional=clock.provisional,
        warned_percent=clock.warned_percent,
        ended_at=stamp(clock.ended_at),
        on_expiry=terms.on_expiry if terms else "",
        legal_basis=terms.legal_basis if terms else "",
        extensions=clock.extensions,
        etag=str(clock.version),
    )


def _rule(rule: DeadlineRule, own: set[tuple[str, date]]) -> pb.ClockRule:
    conditions: dict[str, Any] = {
        "trigger": rule.trigger,
        "when": rule.when,
        "stop_on": rule.stop_on,
        "pause_on": rule.pause_on,
        "warn_before_days": rule.warn_before_days,
    }
    if rule.extension:
        conditions["extension"] = {"length": str(rule.extension.length), "times": rule.extension.times, "needs": rule.extension.needs}
    return pb.ClockRule(
        code=rule.code,
        version=rule.version,
        zh=rule.zh,
        length=str(rule.length),
        rule_json=msgspec.json.encode(conditions).decode(),
        valid_from_on=rule.valid_from.isoformat(),
        valid_to_on=rule.valid_to.isoformat() if rule.valid_to else "",
        on_expiry=rule.on_expiry,
        legal_basis=rule.legal_basis,
        of_district=(rule.code, rule.valid_from) in own,
    )
