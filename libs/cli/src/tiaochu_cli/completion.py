"""What a shell offers when an option takes a code: the codes that begin so, each with its Chinese name."""

from collections.abc import Callable, Mapping

from tiaochu_domainkit.categories import categories
from tiaochu_domainkit.codes import code_list
from tiaochu_domainkit.deadlines import defaults

Complete = Callable[[str], list[tuple[str, str]]]


def codes(list_name: str) -> Complete:
    """The codes of a list of `tiaochu_domainkit.codes`."""

    def complete(incomplete: str) -> list[tuple[str, str]]:
        return _beginning(incomplete, code_list(list_name).names)

    return complete


def category_codes(incomplete: str) -> list[tuple[str, str]]:
    """Leaves of the classification."""
    return _beginning(incomplete, {code: leaf.zh for code, leaf in categories().items()})


def rule_codes(incomplete: str) -> list[tuple[str, str]]:
    """Deadline rules."""
    return _beginning(incomplete, {rule.code: rule.zh for rule in defaults().versions()})


def _beginning(incomplete: str, names: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(code, zh) for code, zh in names.items() if code.startswith(incomplete)]
