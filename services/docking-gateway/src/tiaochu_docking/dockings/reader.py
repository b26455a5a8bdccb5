"""Reads a docking's file. A file that says something the gateway does not understand stops the start, with the place in the text."""

from collections.abc import Iterable, Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from tiaochu_docking.domain.conditions import Window, read_condition
from tiaochu_docking.domain.docking import CLOSING_FACTS, Basis, Docking, Dockings, Mode, Rule
from tiaochu_docking.domain.packet import Kind, Side
from tiaochu_docking.domain.schema import Struct, read_structs
from tiaochu_domainkit.clocks import parse_length

_MODE_KEYS = frozenset(
    {
        "title",
        "offerer",
        "channel",
        "moves_responsibility",
        "basis",
        "sign_within",
        "lapses",
        "objection",
        "reopening_verdicts",
        "close_when",
    }
    | {"decides_confirmation", "packets"}
)
_RULE_KEYS = frozenset({"content", "needs", "requires", "never", "grounds", "outcomes", "facts", "from"})
REGISTERED = frozenset({"facts", "region", "parties"})
"""What an offer must say so that it can be registered."""


class DockingFileError(ValueError):
    """A docking's file cannot be used."""


def read_dockings(folder: Path | None = None) -> tuple[Dockings, Struct]:
    """The dockings of this release and of `folder`, and the envelope of every packet."""
    own = files("tiaochu_docking.dockings")
    common = yaml.safe_load((own / "common.yaml").read_text(encoding="utf-8"))
    texts = {
        item.name: item.read_text(encoding="utf-8") for item in own.iterdir() if item.name.endswith(".yaml") and item.name != "common.yaml"
    }
    for path in sorted(folder.glob("*.yaml")) if folder else ():
        texts[path.name] = path.read_text(encoding="utf-8")
    shared = read_structs(common["types"], common["codes"])
    return Dockings(tuple(_named(name, text, common["codes"], shared) for name, text in sorted(texts.items()))), shared["envelope"]


def _named(name: str, text: str, codes: Mapping[str, Any], shared: Mapping[str, Struct]) -> Docking:
    try:
        return read_docking(text, codes, shared)
    except (KeyError, ValueError, TypeError, yaml.YAMLError) as error:
        raise DockingFileError(f"{name}: {error}") from error


def read_docking(text: str, common_codes: Mapping[str, Mapping[str, str]], shared: Mapping[str, Struct]) -> Docking:
    """One dated version of a docking."""
    document: dict[str, Any] = yaml.safe_load(text)
    codes = {**common_codes, **document.get("codes", {})}
    structs = read_structs(document.get("types", {}), codes, shared)
    windows = {name: Window(w["from"], parse_length(w["length"])) for name, w in document.get("windows", {}).items()}
    never = tuple(f"content/{word}" for word in document["fields"]["never"])
    reader = _Reader(document, codes, structs, windows, never)
    return Docking(
        name=document["docking"],
        title=document["title"],
        valid_from=_day(document["valid_from"]),
        schema_set=document["set"],
        modes={name: reader.mode(name, mode) for name, mode in document["modes"].items()},
        codes=codes,
        party_fields=frozenset(document["fields"]["party"]),
        notices={name: reader.rule(rule) for name, rule in document.get("notices", {}).items()},
        translations=document.get("translate", {}),
    )


class _Reader:
    def __init__(
        self,
        document: Mapping[str, Any],
        codes: Mapping[str, Mapping[str, str]],
        structs: Mapping[str, Struct],
        windows: Mapping[str, Window],
        never: tuple[str, ...],
    ) -> None:
        self._document, self._codes, self._structs, self._windows, self._never = document, codes, structs, windows, never

    def mode(self, name: str, mode: Mapping[str, Any]) -> Mode:
        _known(name, mode, _MODE_KEYS)
        close_when = frozenset(mode.get("close_when", ("result_receipted",)))
        if not close_when <= CLOSING_FACTS:
            raise ValueError(f"{name}: close_when {sorted(close_when - CLOSING_FACTS)}")
        rules = {Kind(kind): self.rule(rule) for kind, rule in mode["packets"].items()}
        if mode.get("channel"):
            offered = {f.name for f in rules[Kind.OFFER].content.fields if not f.optional}
            if not offered >= REGISTERED:
                raise ValueError(f"{name}: an offer that becomes a case needs {sorted(REGISTERED - offered)}")
        return Mode(
            name=name,
            title=mode["title"],
            docking=self._document["docking"],
            docking_from=_day(self._document["valid_from"]).isoformat(),
            schema_set=self._document["set"],
            offerer=Side(mode["offerer"]),
            rules=rules,
            basis=Basis(**mode["basis"]),
            channel=mode.get("channel", ""),
            moves_responsibility=mode.get("moves_responsibility", False),
            sign_within=parse_length(mode["sign_within"]) if "sign_within" in mode else None,
            lapses=mode.get("lapses", False),
            objection=parse_length(mode["objection"]) if "objection" in mode else None,
            reopening_verdicts=frozenset(mode.get("reopening_verdicts", ())),
            close_when=close_when,
            decides_confirmation=mode.get("decides_confirmation", False),
        )

    def rule(self, rule: Mapping[str, Any]) -> Rule:
        _known(str(rule["content"]), rule, _RULE_KEYS)
        grounds: Iterable[str] = self._codes[rule["grounds"]] if "grounds" in rule else ()
        return Rule(
            content=self._structs[rule["content"]].requiring(rule.get("requires", ())),
            needs=tuple(read_condition(text, self._windows) for text in rule.get("needs", ())),
            never=(*self._never, *rule.get("never", ())),
            grounds=frozenset(grounds),
            outcomes={outcome: tuple(fields) for outcome, fields in rule.get("outcomes", {}).items()},
            facts=rule.get("facts", {}),
            sender=Side(rule["from"]) if "from" in rule else None,
        )


def _known(where: str, mapping: Mapping[str, Any], allowed: frozenset[str]) -> None:
    unknown = set(mapping) - allowed
    if unknown:
        raise ValueError(f"{where}: unknown words {sorted(unknown)}")


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))
