"""Alerts and dashboards look at figures that exist, and every alert says what to do."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from charts.rendering import CHART, TOP, of_kind, things

RUNBOOKS = TOP / "docs" / "runbooks"
_MADE = re.compile(r'create_(counter|gauge|histogram)\(\s*"(tiaochu\.[\w.]+)"(?:,\s*"(s)")?')
_COUNTED = re.compile(r'"(tiaochu\.[\w.]+)": (?:Gauge\(|[A-Z])')


def exported() -> set[str]:
    """The names under which Prometheus sees the figures that the code makes."""
    names = set()
    for source in (*TOP.glob("libs/kit/src/**/*.py"), *TOP.glob("services/*/src/**/app.py")):
        text = source.read_text(encoding="utf-8")
        for kind, name, unit in _MADE.findall(text):
            flat = name.replace(".", "_")
            if unit and not flat.endswith("_seconds"):
                flat += "_seconds"
            names |= {f"{flat}{end}" for end in {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}[kind]}
        names |= {name.replace(".", "_") for name in _COUNTED.findall(text)}
    return names


def alerts() -> list[dict[str, Any]]:
    """The rules as Prometheus gets them."""
    [rule] = of_kind(things("province"), "PrometheusRule").values()
    return list(rule["spec"]["groups"][0]["rules"])


def expressions() -> Iterator[tuple[str, str]]:
    """Everything that is asked of Prometheus, with the place where."""
    for alert in alerts():
        yield alert["alert"], alert["expr"]
    for path in sorted((CHART / "files" / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                yield f"{path.stem}: {panel['title']}", target["expr"]


@pytest.mark.req("PF8")
def test_every_figure_that_is_looked_at_exists() -> None:
    known = exported()
    for place, expression in expressions():
        used = set(re.findall(r"\btiaochu_\w+(?=\{)", expression))
        assert used - known == set(), place
        assert used or "kubelet_" in expression, place


@pytest.mark.req("PF8")
def test_every_alert_has_a_page_that_names_it_and_every_page_an_alert() -> None:
    pages = {path.stem: path.read_text(encoding="utf-8") for path in RUNBOOKS.glob("*.md") if path.stem != "README"}
    index = (RUNBOOKS / "README.md").read_text(encoding="utf-8")
    for alert in alerts():
        page = alert["annotations"]["runbook"]
        assert f"`{alert['alert']}`" in pages[page], alert["alert"]
        assert f"| {alert['alert']} | [{page}]({page}.md) |" in index
        assert alert["labels"]["severity"] in {"critical", "warning"}
    assert pages.keys() == {alert["annotations"]["runbook"] for alert in alerts()}


def test_alerts_look_at_their_own_cell_only() -> None:
    """Another release's trouble is not ours, and a placeholder that was not filled would match nothing."""
    for alert in alerts():
        assert 'namespace="tiaochu"' in alert["expr"]
        assert "${" not in json.dumps(alert)


def test_dashboards_come_as_files_that_the_sidecar_finds() -> None:
    boards = {name: thing for name, thing in of_kind(things("province"), "ConfigMap").items() if name.startswith("dashboard-")}
    assert boards.keys() == {f"dashboard-{name}" for name in ("golden-signals", "case-journey", "districts", "dockings")}
    for thing in boards.values():
        assert thing["metadata"]["labels"]["grafana_dashboard"] == "1"
        [content] = thing["data"].values()
        assert json.loads(content)["panels"]


def test_the_monitor_finds_every_serving_and_working_pod() -> None:
    found = things("province")
    [monitor] = of_kind(found, "PodMonitor").values()
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    for name, deployment in of_kind(found, "Deployment").items():
        template = deployment["spec"]["template"]
        assert wanted <= template["metadata"]["labels"].items(), name
        assert "ops" in {port["name"] for port in template["spec"]["containers"][0]["ports"]}, name


def test_the_table_of_flows_is_what_the_values_name() -> None:
    """A flow without a place in the values could not be allowed."""
    flows = yaml.safe_load((CHART / "files" / "flows.yaml").read_text(encoding="utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    assert {flow["to"] for flow in flows} == set(values["networkPolicy"]["to"])
