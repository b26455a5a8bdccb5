"""A stack starts whole, tells its programs about the world, survives what happens to it and ends clean."""

import errno
import http.client
import json
import os
import signal
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tiaochu_domainkit.sealing import load_keyring
from tiaochu_embedded.problem import Problem, from_os_error
from tiaochu_embedded.process import Identity
from tiaochu_embedded.stack import Stack
from tiaochu_testkit import FaultProxy, eventually_blocking

MakeStack = Callable[..., Stack]


def ask(stack: Stack, name: str, path: str) -> Any:
    with urllib.request.urlopen(f"{stack.addresses['http'][name]}{path}", timeout=5) as answer:
        return json.load(answer)


def processes(stack: Stack) -> dict[str, Identity]:
    state = json.loads(stack.folder.state.read_text())
    return {name: Identity(**described) for name, described in state["processes"].items()}


def test_every_part_runs_and_is_written_down(running: Stack) -> None:
    assert set(processes(running)) == {"postgres", "nats", "traces", "nursery", "alpha", "beta", "court"}
    assert all(identity.alive() for identity in processes(running).values())


def test_a_program_is_told_all_it_needs(running: Stack) -> None:
    told = ask(running, "alpha", "/settings")
    assert told["TIAOCHU_SERVICE"] == "alpha"
    assert told["TIAOCHU_ENVIRONMENT"] == "embedded"
    assert json.loads(told["TIAOCHU_PEERS"]) == {"beta": running.addresses["grpc"]["beta"]}
    assert json.loads(told["TIAOCHU_HTTP_PEERS"]).keys() == {"beta", "court"}
    named = [value for name, value in told.items() if name.endswith(("_FILE", "_DIR"))]
    assert len(named) == 9
    assert all(Path(value).exists() for value in named)
    assert Path(told["TIAOCHU_BLOB_URL"].removeprefix("file://")).is_dir()


def test_the_keys_are_as_the_services_read_them(running: Stack) -> None:
    alpha, beta = (load_keyring(Path(ask(running, name, "/settings")["TIAOCHU_KEYS_DIR"])) for name in ("alpha", "beta"))
    assert alpha.current in alpha.keys
    assert alpha.index_key != beta.index_key


def test_a_program_without_a_database_gets_none(running: Stack) -> None:
    told = ask(running, "court", "/settings")
    assert not [name for name in told if "DATABASE" in name or "NATS" in name or "GRPC" in name]


def test_no_password_is_in_an_address_or_the_environment(running: Stack) -> None:
    secrets = [path.read_text() for path in (running.folder.path / "secrets" / "postgres").iterdir()]
    public = json.dumps(running.addresses) + json.dumps(ask(running, "alpha", "/settings"))
    assert secrets
    assert not [secret for secret in secrets if secret in public]


def test_secrets_are_for_the_owner_alone(running: Stack) -> None:
    folder = running.folder.path / "secrets"
    assert folder.stat().st_mode & 0o777 == 0o700
    loose = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_mode & 0o077]
    assert not loose


def test_one_service_cannot_enter_the_database_of_another(running: Stack) -> None:
    alpha, beta = (running.parts.postgres.database(name) for name in ("alpha", "beta"))
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(beta.url.replace("beta@", "alpha@"), password=alpha.password_file.read_text())


def test_everything_listens_on_the_loopback_interface_only(running: Stack) -> None:
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((_own_address(), running.parts.postgres.port), 1)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((_own_address(), running.parts.nats.port), 1)


def _own_address() -> str:
    """An address of this machine that is not the loopback's first; all of 127/8 is ours."""
    return "127.0.0.2"


def test_the_clock_steps_for_all_and_never_back(make_stack: MakeStack) -> None:
    stack = make_stack()
    stack.start()
    assert stack.step_clock(86400) == 86400
    assert stack.step_clock(1.5) == 86401.5
    with pytest.raises(ValueError, match="forward"):
        stack.step_clock(-1)
    stack.stop()
    again = make_stack()
    again.start()
    assert float(again.folder.clock.read_text()) == 86401.5


def test_what_dies_by_itself_is_started_again(make_stack: MakeStack) -> None:
    stack = make_stack("alpha")
    stack.start()
    before = processes(stack)
    for name in ("alpha", "nats", "postgres", "traces"):
        before[name].send(signal.SIGKILL)

    def all_new_and_alive() -> bool:
        now = processes(stack)
        return all(identity.alive() and (identity != before[name] or name == "nursery") for name, identity in now.items())

    eventually_blocking(all_new_and_alive, 20)
    eventually_blocking(lambda: ask(stack, "alpha", "/starts") >= 2, 20, retry=(OSError,))


def test_what_was_killed_on_purpose_stays_down_until_it_is_restarted(make_stack: MakeStack) -> None:
    stack = make_stack("alpha", "beta")
    stack.start()
    before = processes(stack)
    stack.kill("beta")
    before["alpha"].send(signal.SIGKILL)  # the watch passes by both, and revives this one
    eventually_blocking(lambda: processes(stack)["alpha"] != before["alpha"], 20)
    assert not stack.servers["beta"].running()
    stack.restart("beta")
    assert ask(stack, "beta", "/starts") == 2


def test_a_service_can_be_told_otherwise_at_a_restart(make_stack: MakeStack) -> None:
    stack = make_stack("alpha")
    stack.start()
    with FaultProxy("127.0.0.1", stack.parts.postgres.port) as proxy:
        url = stack.parts.postgres.database("alpha").url.replace(str(stack.parts.postgres.port), str(proxy.port))
        stack.restart("alpha", TIAOCHU_DATABASE_URL=url)
        assert ask(stack, "alpha", "/starts") == 2
        proxy.cut()
        with pytest.raises((OSError, http.client.HTTPException)):
            ask(stack, "alpha", "/starts")


def test_the_loaded_process_may_die_too(make_stack: MakeStack) -> None:
    stack = make_stack("alpha")
    stack.start()
    processes(stack)["nursery"].send(signal.SIGKILL)
    eventually_blocking(lambda: not processes(stack)["nursery"].alive())
    stack.restart("alpha")
    assert ask(stack, "alpha", "/starts") == 2


def test_a_restart_keeps_addresses_data_and_keys(make_stack: MakeStack) -> None:
    first = make_stack("alpha")
    first.start()
    addresses, settings = first.addresses, ask(first, "alpha", "/settings")
    keys = {path.name: path.read_bytes() for path in Path(settings["TIAOCHU_KEYS_DIR"]).iterdir()}
    certificate = Path(settings["TIAOCHU_TLS_CERT_FILE"]).read_bytes()
    first.stop()
    second = make_stack("alpha")
    second.start()
    assert second.addresses == addresses
    assert ask(second, "alpha", "/settings") == settings
    assert {path.name: path.read_bytes() for path in Path(settings["TIAOCHU_KEYS_DIR"]).iterdir()} == keys
    assert Path(settings["TIAOCHU_TLS_CERT_FILE"]).read_bytes() == certificate
    assert ask(second, "alpha", "/starts") == 2


def test_a_port_that_was_taken_meanwhile_is_replaced(make_stack: MakeStack) -> None:
    first = make_stack("alpha")
    first.start()
    host, port = first.addresses["http"]["alpha"].removeprefix("http://").split(":")
    first.stop()
    with socket.create_server((host, int(port))):
        second = make_stack("alpha")
        second.start()
        assert second.addresses["http"]["alpha"] != f"http://{host}:{port}"
        assert ask(second, "alpha", "/starts") == 2


def test_nats_can_be_stopped_wiped_and_started(make_stack: MakeStack) -> None:
    stack = make_stack()
    stack.start()
    stack.stop_nats()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", stack.parts.nats.port), 1)
    stack.wipe_nats()
    assert not stack.parts.nats.folder.exists()
    stack.start_nats()
    socket.create_connection(("127.0.0.1", stack.parts.nats.port), 1).close()


def test_two_stacks_run_side_by_side(running: Stack, make_stack: MakeStack) -> None:
    other = make_stack("alpha")
    other.start()
    assert ask(other, "alpha", "/starts") == 1
    assert other.addresses["http"]["alpha"] != running.addresses["http"]["alpha"]


def test_a_second_start_in_the_same_folder_is_refused(running: Stack) -> None:
    second = Stack(running.folder.path, ())
    with pytest.raises(Problem, match="already running"):
        second.start()
    assert ask(running, "alpha", "/ready") == "ready"


def test_a_stop_leaves_no_process(make_stack: MakeStack) -> None:
    stack = make_stack("alpha", "court")
    stack.start()
    before = processes(stack)
    stack.stop()
    assert not [name for name, identity in before.items() if identity.alive()]
    assert not stack.folder.state.exists()


@pytest.mark.parametrize("fault", ["SAMPLE_BAD_START", "SAMPLE_BAD_MIGRATION"])
def test_a_service_that_cannot_start_ends_the_start_and_is_quoted(make_stack: MakeStack, fault: str) -> None:
    stack = make_stack("alpha", "beta", **{fault: "beta"})
    with pytest.raises(Problem, match="on purpose") as told:
        stack.start()
    assert "beta" in told.value.zh
    assert "beta" in told.value.en
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", stack.parts.postgres.port), 1)
    assert not stack.folder.state.exists()


def test_a_full_disk_is_told_in_two_languages(make_stack: MakeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiaochu_embedded.problem.MIN_FREE_BYTES", 1 << 62)
    with pytest.raises(Problem, match="free some space") as told:
        make_stack().start()
    assert "清理磁盘" in told.value.zh


def test_a_run_folder_that_cannot_be_written_is_told(tmp_path: Path, make_stack: MakeStack) -> None:
    blocker = tmp_path / "file"
    blocker.touch()
    with pytest.raises(Problem, match=str(blocker)):
        make_stack(run_dir=blocker / "run").start()


@pytest.mark.parametrize(
    ("number", "advice"), [(errno.ENOSPC, "清理磁盘"), (errno.EACCES, "修正目录属主"), (errno.EROFS, "更换 --run-dir")]
)
def test_a_system_error_becomes_advice(number: int, advice: str) -> None:
    assert advice in from_os_error(OSError(number, os.strerror(number)), "/run").zh
