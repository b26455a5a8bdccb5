"""Commands on routing rules."""

from tiaochu.routing.v1 import rule_service_pb2 as pb
from tiaochu_domainkit.errors import invalid
from tiaochu_domainkit.quantities import real_date
from tiaochu_kit.usecase import Work, command
from tiaochu_routing.domain.routing_rules import RoutingRule, RuleHistory
from tiaochu_routing.usecases.scopes import own_district
from tiaochu_routing.usecases.tables import ROUTING_RULES, rule_history_id, rule_version_id


class RuleCommands:
    """Puts rules."""

    @command(reads=lambda r: [ROUTING_RULES.by_id(rule_history_id(r.district, r.rule.code))])
    def put_routing_rule(self, work: Work, r: pb.PutRoutingRuleRequest) -> pb.PutRoutingRuleResponse:
        """Put one rule, valid from its day on."""
        district = own_district(work.actor, r.district)
        rule = rule_from(district, r.rule, "rule")
        _put(work, district, rule)
        return pb.PutRoutingRuleResponse(rule_id=rule.id)

    @command(reads=lambda r: [ROUTING_RULES.by_id(rule_history_id(r.district, rule.code)) for rule in r.rules])
    def import_routing_rules(self, work: Work, r: pb.ImportRoutingRulesRequest) -> pb.ImportRoutingRulesResponse:
        """Put many rules, all or none."""
        district = own_district(work.actor, r.district)
        rules = [rule_from(district, rule, f"rules[{index}]") for index, rule in enumerate(r.rules)]
        put = sum(_put(work, district, rule) for rule in sorted(rules, key=lambda rule: rule.valid_from))
        return pb.ImportRoutingRulesResponse(put=put, unchanged=len(rules) - put)


def rule_from(district: str, message: pb.RoutingRule, path: str) -> RoutingRule:
    """The rule a message describes. Reasons: DATE_FORMAT, DATE_UNREAL, RULE_ENDS_BEFORE_IT_BEGINS."""
    valid_from = real_date(f"{path}.valid_from_on", message.valid_from_on)
    valid_to = real_date(f"{path}.valid_to_on", message.valid_to_on) if message.valid_to_on else None
    if valid_to is not None and valid_to <= valid_from:
        raise invalid(f"{path}.valid_to_on", "RULE_ENDS_BEFORE_IT_BEGINS", "失效日期必须晚于生效日期")
    return RoutingRule(
        id=rule_version_id(district, message.code, message.valid_from_on),
        code=message.code,
        valid_from=valid_from,
        valid_to=valid_to,
        territory=message.territory,
        category=message.category,
        channel=message.channel,
        legal_relation=message.legal_relation,
        lead_kind=message.lead_kind,
        lead_tier=message.lead_tier,
        co_kinds=tuple(message.co_kinds),
        priority=message.priority,
        basis=message.basis,
    )


def _put(work: Work, district: str, rule: RoutingRule) -> bool:
    ident = rule_history_id(district, rule.code)
    history = work.find(ROUTING_RULES, ident) or work.add(ROUTING_RULES, RuleHistory(id=ident, district=district, code=rule.code))
    return history.put(rule)
