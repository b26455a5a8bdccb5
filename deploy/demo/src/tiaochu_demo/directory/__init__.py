"""The synthetic county-level city 靖川市(示例) and its small neighbour 澄江县(示例): regions, organs, staff, rules."""

from tiaochu_demo.directory.lead import deciding_rule, lead_organ
from tiaochu_demo.directory.load import (
    CITY,
    DISTRICTS,
    NEIGHBOUR,
    load_directory,
    load_keywords,
    load_routing_rules,
)
from tiaochu_demo.directory.model import Directory, Keyword, MediatorEntry, Organ, Post, Region, RoutingRule, StaffMember

__all__ = [
    "CITY",
    "DISTRICTS",
    "NEIGHBOUR",
    "Directory",
    "Keyword",
    "MediatorEntry",
    "Organ",
    "Post",
    "Region",
    "RoutingRule",
    "StaffMember",
    "deciding_rule",
    "lead_organ",
    "load_directory",
    "load_keywords",
    "load_routing_rules",
]
