"""Which organ the rules name for a case: enough of routing to plan a demonstration. The answer that counts is routing's own."""

from collections.abc import Iterable
from datetime import date

from tiaochu_demo.directory.model import Directory, Organ, RoutingRule

_CENTRES = ("town_centre", "city_centre")


def deciding_rule(
    rules: Iterable[RoutingRule], *, category: str, channel: str, region: str, single_legal_relation: bool, on: date
) -> RoutingRule:
    """The rule of the highest priority that is in force and matches; the default rule matches everything."""
    relation = "single" if single_legal_relation else "multiple"
    matching = [
        r
        for r in rules
        if r.valid_from <= on
        and (r.valid_to is None or on < r.valid_to)
        and region.startswith(r.territory)
        and category.startswith(r.category)
        and r.channel in ("", channel)
        and r.legal_relation in ("any", relation)
    ]
    return max(matching, key=lambda r: r.priority)


def lead_organ(directory: Directory, rule: RoutingRule, region: str) -> Organ:
    """The organ of the rule's kind whose territory holds the region; where a region has none, the centre above."""
    for kind in (rule.lead_kind, *_CENTRES):
        organ = directory.competent_organ(kind, region)
        if organ is not None:
            return organ
    raise LookupError(region)
