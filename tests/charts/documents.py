"""Writes what follows from `values.yaml`: the chart's README and `values.schema.json`. `make charts-write` after a change.

The comment above a key is its documentation. What a comment cannot say about the values that are allowed stands here in `RULES`.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[2] / "charts" / "tiaochu"
SECONDS = {"type": "integer", "minimum": 0}
QUANTITIES = {"type": "object"}
SECRET = {"type": "string", "pattern": r"^([a-z0-9{]([-a-z0-9.{}]*[a-z0-9}])?)?$"}
DURATION = {"type": "string", "pattern": r"^([0-9]+(s|m|h))+$"}
PEERS = {"type": "array", "items": {"type": "object"}}
WORKLOAD: dict[str, Any] = {
    "replicas": {"type": "integer", "minimum": 0},
    "autoscaling.minReplicas": {"type": "integer", "minimum": 1},
    "autoscaling.maxReplicas": {"type": "integer", "minimum": 1},
    "autoscaling.targetCPU": {"type": "integer", "minimum": 1, "maximum": 100},
    "disruptionBudget.maxUnavailable": {"type": ["integer", "string"]},
    "resources": QUANTITIES,
    "spread": {"enum": ["ScheduleAnyway", "DoNotSchedule"]},
}
RULES: dict[str, Any] = {
    "image.pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "image.digests": {"type": "object", "additionalProperties": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}},
    "cell.lateEntryDays": {"type": "integer", "minimum": 0},
    "cell.admission.slots": {"type": "integer", "minimum": 1},
    "cell.admission.queue": {"type": "integer", "minimum": 0},
    "cell.admission.weights": {"type": "object", "additionalProperties": {"type": "number", "exclusiveMinimum": 0}},
    "database.pool": {"type": "integer", "minimum": 1, "maximum": 64},
    "tls.certManager.issuer.kind": {"enum": ["Issuer", "ClusterIssuer"]},
    "tls.certManager.duration": DURATION,
    "tls.certManager.renewBefore": DURATION,
    "grpc.maxConnectionAge": {"type": "integer", "minimum": 1},
    "pods.preStopSeconds": {"type": "integer", "minimum": 1},
    "pods.terminationGracePeriodSeconds": {"type": "integer", "minimum": 30},
    "pods.startupSeconds": {"type": "integer", "minimum": 2},
    "migration.resources": QUANTITIES,
    "networkPolicy.clients": PEERS,
    "networkPolicy.ingress": PEERS,
    "networkPolicy.monitoring": PEERS,
    "monitoring.interval": DURATION,
    "monitoring.errorBudget": {"type": "number", "exclusiveMinimum": 0, "maximum": 100},
    **{f"networkPolicy.to.{to}.peers": PEERS for to in ("postgresql", "nats", "storage", "issuer", "collector", "agencies")},
    **{f"{part}.existingSecret": SECRET for part in ("database", "nats", "storage", "keys", "logSigning", "trust", "tls")},
    **{f"defaults.{role}.{key}": rule for role in ("serve", "work") for key, rule in WORKLOAD.items()},
}
OWN_PARTS = ("database", "nats", "storage", "keys", "logSigning", "tls")
"""What a service may have otherwise, as at the top."""


@dataclass(frozen=True)
class Key:
    """A key of the values: its dotted path, its comment, its default."""

    path: str
    text: str
    default: Any


def keys() -> list[Key]:
    """All keys in the order of the file. Raises `ValueError` for one without a comment, unless it stands within one line or is a service's name."""
    source = (CHART / "values.yaml").read_text(encoding="utf-8")
    values = yaml.safe_load(source)
    found: list[Key] = []
    comment: list[str] = []
    path: list[str] = []
    for line in source.splitlines():
        if line.strip().startswith("#"):
            comment.append(line.strip().lstrip("# "))
        elif match := re.match(r"^( *)([A-Za-z0-9]+):", line):
            path[len(match[1]) // 2 :] = [match[2]]
            default: Any = values
            for part in path:
                default = default[part]
            found.append(Key(".".join(path), " ".join(comment), default))
            comment = []
        else:
            comment = []
    return found


def _type(key: str, default: Any) -> dict[str, Any]:
    if key in RULES:
        return dict(RULES[key])
    match default:
        case bool():
            return {"type": "boolean"}
        case int() | float():
            return dict(SECONDS)
        case str():
            return {"type": "string"}
        case list():
            return {"type": "array", "items": {"type": "object"} if key.endswith("tolerations") else {"type": "string"}}
        case dict() if default:
            return {
                "type": "object",
                "additionalProperties": False,
                "properties": {name: _type(f"{key}.{name}".lstrip("."), value) for name, value in default.items()},
            }
        case _:
            return {"type": "object"}


def schema() -> dict[str, Any]:
    """The schema: no key that `values.yaml` does not have, no value of another kind."""
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    made = _type("", values)
    for key in keys():
        place = made
        for part in key.path.split("."):
            place = place.get("properties", {}).get(part, {})
        if key.text and place:
            place["description"] = key.text
    service = {part: made["properties"][part] for part in OWN_PARTS}
    service |= {role: made["properties"]["defaults"]["properties"][role] for role in ("serve", "work")}
    service["env"] = {"type": "object", "additionalProperties": {"type": "string"}, "description": "The service's own settings"}
    made["$defs"] = {"service": {"type": "object", "additionalProperties": False, "properties": service}}
    made["properties"]["components"]["properties"] = {name: {"$ref": "#/$defs/service"} for name in values["components"]}
    # Names that charts in general have: templates/_checks.tpl says what stands for them here.
    made["properties"] |= dict.fromkeys(yaml.safe_load((CHART / "files" / "renamed.yaml").read_text(encoding="utf-8")), True)
    made["properties"]["global"] = {"type": "object", "description": "Helm's own"}
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Values of the chart tiaochu", **made}


_README = """# tiaochu

A cell of tiaochu (调处): five services in two roles, on PostgreSQL, NATS and object storage that are given to it. Kubernetes 1.30 or later.

```
helm install cell charts/tiaochu --namespace tiaochu --create-namespace --values values.yaml --wait --timeout 5m
helm test cell --namespace tiaochu
```

How to install, upgrade, scale and renew certificates: [docs/operations](../../docs/operations/install.md). Values for an evaluation, a county and a
province: [deploy/values](../../deploy/values). Every alert has a page in [docs/runbooks](../../docs/runbooks/README.md).

`--set evaluation.enabled=true` starts everything the cell stands on with generated secrets, for trying it out. That is **not** for data that somebody
would miss: one pod each, no replica, no backup, and whoever reads the namespace's Secrets can be anybody.

## Values

Written from `values.yaml` by `make charts-write`. A key that is not listed is refused.

"""


def readme() -> str:
    """The chart's README."""
    lines = []
    for key in keys():
        if isinstance(key.default, dict) and key.default and "." not in key.path:
            lines.append(f"\n### {key.path}\n\n{key.text}\n\n| key | default | meaning |\n|---|---|---|")
        elif not (isinstance(key.default, dict) and key.default and _is_parent(key)):
            shown = json.dumps(key.default, ensure_ascii=False)
            lines.append(f"| `{key.path}` | `{shown}` | {key.text} |".replace("  ", " "))
    return _README + "\n".join(lines).strip() + "\n"


def _is_parent(key: Key) -> bool:
    return any(other.path.startswith(f"{key.path}.") for other in keys())


def main() -> None:
    (CHART / "README.md").write_text(readme(), encoding="utf-8")
    (CHART / "values.schema.json").write_text(json.dumps(schema(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
