"""Who leads a case: dated rules on territory, category, channel and number of legal relations (属地管理, 谁主管谁负责)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Protocol

from tiaochu_domainkit.aggregate import Aggregate
from tiaochu_routing.domain.case_facts import CaseFacts
from tiaochu_routing.domain.organs import Unit
from tiaochu_routing.domain.transfer import Lead


@dataclass(frozen=True)
class RoutingRule:
    """One version of a rule. Empty territory, category or channel match everything; `valid_to` is the first day it no longer holds."""

    id: str
    code: str
    valid_from: date
    valid_to: date | None
    territory: str
    category: str
    channel: str
    legal_relation: str
    lead_kind: str
    lead_tier: str
    co_kinds: tuple[str, ...]
    priority: int
    basis: str

    def holds_on(self, day: date) -> bool:
        """Whether it is valid that day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(kw_only=True)
class RuleHistory(Aggregate):
    """All versions of one rule of one district, in order of their days."""

    status: str = "kept"
    code: str
    versions: list[RoutingRule] = field(default_factory=list)

    def put(self, rule: RoutingRule) -> bool:
        """Let `rule` hold from its day on, whatever held then; False when it stands already."""
        if any(_same(rule, known) for known in self.versions):
            return False
        kept = [_until(v, rule.valid_from) for v in self.versions if v.valid_from < rule.valid_from]
        self.versions = [*kept, rule]
        return True


def _same(one: RoutingRule, other: RoutingRule) -> bool:
    return one == replace(other, id=one.id)


def _until(rule: RoutingRule, day: date) -> RoutingRule:
    ends = day if rule.valid_to is None else min(day, rule.valid_to)
    return replace(rule, valid_to=ends)


class Territory(Protocol):
    """What the rules ask of the directory."""

    def chain(self, region_code: str) -> Sequence[str]:
        """A region and what it belongs to, nearest first."""

    def organ(self, kind: str, tier: str, region_code: str) -> Unit | None:
        """The organ of that kind (and tier, unless empty) that serves exactly this region; of several the first founded."""


def deciding(rules: Iterable[RoutingRule], facts: CaseFacts, day: date, territory: Territory) -> list[RoutingRule]:
    """The rules that match a classified case on `day`, the deciding one first: priority, then the narrower category, then the code."""
    regions = set(territory.chain(facts.region_code))
    found = [r for r in rules if r.holds_on(day) and _matches(r, facts, regions)]
    return sorted(found, key=lambda r: (-r.priority, -len(r.category), r.code))


def _matches(rule: RoutingRule, facts: CaseFacts, regions: set[str]) -> bool:
    relation = "single" if facts.single_legal_relation else "multiple"
    return (
        rule.legal_relation in ("any", relation)
        and facts.category.startswith(rule.category)
        and rule.channel in ("", facts.channel)
        and (not rule.territory or rule.territory in regions)
    )


def name_lead(rules: Iterable[RoutingRule], facts: CaseFacts, day: date, territory: Territory, holder: Unit) -> Lead:
    """Lead and co-units of a case. A rule whose organ the territory lacks gives way to the next; without any the holder leads.

    The one competent unit (single legal relation, a rule on the category, no co-units) may not pass the case on.
    """
    for rule in deciding(rules, facts, day, territory):
        lead = nearest(territory, rule.lead_kind, rule.lead_tier, facts.region_code)
        if lead is None:
            continue
        helpers = (nearest(territory, kind, "", facts.region_code) for kind in rule.co_kinds)
        co_units = tuple(dict.fromkeys(u for u in helpers if u is not None and u.id != lead.id))
        sole = facts.single_legal_relation and bool(rule.category) and not rule.co_kinds
        return Lead(lead, co_units, rule.id, sole)
    return Lead(holder)


def nearest(territory: Territory, kind: str, tier: str, region_code: str) -> Unit | None:
    """The organ of a kind whose territory holds the region: its own, else its town's, else the county's."""
    found = (territory.organ(kind, tier, region) for region in territory.chain(region_code))
    return next((unit for unit in found if unit is not None), None)


def changes(
    before: Iterable[RoutingRule], after: Iterable[RoutingRule], cases: Mapping[str, tuple[CaseFacts, date, Unit]], territory: Territory
) -> list[tuple[str, Lead, Lead]]:
    """Dry run: the cases whose lead or co-units the changed rules would have named otherwise."""
    old_rules, new_rules = list(before), list(after)
    effects = []
    for case_id, (facts, day, holder) in cases.items():
        old = name_lead(old_rules, facts, day, territory, holder)
        new = name_lead(new_rules, facts, day, territory, holder)
        if (old.unit.id, [u.id for u in old.co_units]) != (new.unit.id, [u.id for u in new.co_units]):
            effects.append((case_id, old, new))
    return effects
