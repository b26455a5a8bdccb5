"""Queries on routing rules, and their dry run."""

from dataclasses import replace
from datetime import date, timedelta

from tiaochu.routing.v1 import rule_service_pb2 as pb
from tiaochu_domainkit.clocks import beijing, midnight
from tiaochu_domainkit.quantities import real_date
from tiaochu_kit.database import Database, Tx
from tiaochu_kit.usecase import Context, query
from tiaochu_routing.domain.case_facts import CaseFacts
from tiaochu_routing.domain.organs import Unit
from tiaochu_routing.domain.routing_rules import RoutingRule, changes
from tiaochu_routing.store.directory import DirectoryStore
from tiaochu_routing.usecases.rules import rule_from
from tiaochu_routing.usecases.scopes import own_district
from tiaochu_routing.usecases.tables import CASE_FACTS, RESPONSIBILITIES

MOST_CASES = 20_000
MOST_EFFECTS = 500

_CASES_SQL = f"""
SELECT f.doc::text, r.doc::text FROM case_facts f JOIN responsibilities r ON r.id = f.id
WHERE f.district = %s AND f.classified_at >= %s AND f.classified_at < %s ORDER BY f.classified_at DESC LIMIT {MOST_CASES}
"""  # noqa: S608


class RuleQueries:
    """What the rules are and what a change would do."""

    def __init__(self, database: Database, directory: DirectoryStore) -> None:
        self._database = database
        self._directory = directory

    @query
    async def list_routing_rules(self, ctx: Context, r: pb.ListRoutingRulesRequest) -> pb.ListRoutingRulesResponse:
        """The rules of a district on a day, or all versions."""
        district = own_district(ctx.principal, r.district)
        on = real_date("on", r.on) if r.on else beijing(ctx.now).date()
        async with self._database.transaction() as tx:
            rules = (await self._directory.snapshot(tx, district)).rules
        found = [rule for rule in rules if r.with_history or rule.holds_on(on)]
        ordered = sorted(found, key=lambda rule: (-rule.priority, rule.code, rule.valid_from))
        return pb.ListRoutingRulesResponse(rules=[_message(rule) for rule in ordered])

    @query
    async def dry_run_routing_rule(self, ctx: Context, r: pb.DryRunRoutingRuleRequest) -> pb.DryRunRoutingRuleResponse:
        """Decide the past cases of a span again, with the rule as if it had held all the time, and tell the differences."""
        district = own_district(ctx.principal, "")
        begins = real_date("from_on", r.from_on)
        ends = real_date("to_on", r.to_on) if r.to_on else beijing(ctx.now).date() + timedelta(days=1)
        rule = rule_from(district, r.rule, "rule")
        async with self._database.transaction(ctx.principal.scope) as tx:
            snapshot = await self._directory.snapshot(tx, district)
            cases = await _cases(tx, district, begins, ends)
        after = [*(known for known in snapshot.rules if known.code != rule.code), _always(rule, begins)]
        territory = snapshot.on(beijing(ctx.now).date())
        effects = changes(snapshot.rules, after, cases, territory)
        told = [
            pb.RuleEffect(
                case_id=case_id,
                lead_organ_id=old.unit.id,
                new_lead_organ_id=new.unit.id,
                co_organ_ids=[u.id for u in old.co_units],
                new_co_organ_ids=[u.id for u in new.co_units],
            )
            for case_id, old, new in effects[:MOST_EFFECTS]
        ]
        return pb.DryRunRoutingRuleResponse(cases=len(cases), changed=len(effects), effects=told)


def _always(rule: RoutingRule, begins: date) -> RoutingRule:
    """The rule as if it had held since `begins`."""
    return replace(rule, valid_from=min(rule.valid_from, begins))


async def _cases(tx: Tx, district: str, begins: date, ends: date) -> dict[str, tuple[CaseFacts, date, Unit]]:
    found = {}
    for facts_doc, case_doc in await tx.rows(_CASES_SQL, (district, midnight(begins), midnight(ends))):
        facts, case = CASE_FACTS.decode(facts_doc), RESPONSIBILITIES.decode(case_doc)
        if facts.classified_at is not None:
            found[facts.id] = (facts, beijing(facts.classified_at).date(), case.holdings[0].unit)
    return found


def _message(rule: RoutingRule) -> pb.RoutingRule:
    return pb.RoutingRule(
        rule_id=rule.id,
        code=rule.code,
        valid_from_on=rule.valid_from.isoformat(),
        valid_to_on=rule.valid_to.isoformat() if rule.valid_to else "",
        territory=rule.territory,
        category=rule.category,
        channel=rule.channel,
        legal_relation=rule.legal_relation,
        lead_kind=rule.lead_kind,
        lead_tier=rule.lead_tier,
        co_kinds=rule.co_kinds,
        priority=rule.priority,
        basis=rule.basis,
    )
