"""`python -m tiaochu_embedded [--run-dir .run] up|stop|status|logs|token|advance|run`."""

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from tiaochu_embedded.client import RunningStack
from tiaochu_embedded.daemon import is_running, run, stop, up
from tiaochu_embedded.layout import RunFolder
from tiaochu_embedded.problem import Problem, from_os_error
from tiaochu_embedded.process import Identity
from tiaochu_embedded.state import read_state


def main() -> int:
    """Exit code 0 done, 1 refused, 3 not running."""
    arguments = _parser().parse_args()
    try:
        return int(COMMANDS[arguments.command](arguments))
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    except OSError as error:
        print(from_os_error(error, str(error.filename or arguments.run_dir)), file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tiaochu_embedded", description=__doc__)
    parser.add_argument("--run-dir", type=Path, default=Path(".run"), help="where the stack keeps everything (default: .run)")
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("up", help="start in the background, return when ready")
    _add_services(start)
    commands.add_parser("stop", help="end everything, also after a killed supervisor")
    status = commands.add_parser("status", help="what runs, and where")
    status.add_argument("--json", action="store_true")
    logs = commands.add_parser("logs", help="show the end of the logs")
    logs.add_argument("programs", nargs="*", help="only these programs")
    logs.add_argument("-f", "--follow", action="store_true")
    token = commands.add_parser("token", help="a token of a person")
    token.add_argument("person")
    advance = commands.add_parser("advance", help="move the time of all processes on")
    advance.add_argument("seconds", type=float)
    foreground = commands.add_parser("run", help="run in the foreground")
    _add_services(foreground)
    foreground.add_argument("--notify", type=int, help=argparse.SUPPRESS)
    return parser


def _add_services(parser: argparse.ArgumentParser) -> None:
    """`--services a,b`; none at all when empty, all that are installed when absent."""
    parser.add_argument("--services", type=lambda text: [name for name in text.split(",") if name], help="only these, separated by commas")


def _up(arguments: argparse.Namespace) -> int:
    state = up(arguments.run_dir, arguments.services, lambda doing: print(f"  … {doing}", flush=True))
    _print_addresses(state)
    return 0


def _stop(arguments: argparse.Namespace) -> int:
    found = stop(arguments.run_dir, lambda doing: print(f"  … {doing}", flush=True))
    print("已停止 stopped" if found else "没有运行的系统 nothing was running")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    folder = RunFolder(arguments.run_dir)
    state = read_state(folder)
    if state is None or not is_running(folder):
        print("未运行 not running")
        return 3
    if arguments.json:
        print(json.dumps(state, ensure_ascii=False, indent=1))
        return 0
    for name, process in sorted(state["processes"].items()):
        alive = Identity(**process).alive()
        print(f"  {'✓' if alive else '✗'} {name:12} pid {process['pid']}{'' if alive else ' (gone)'}")
    _print_addresses(state)
    return 0


def _logs(arguments: argparse.Namespace) -> int:
    logs = RunFolder(arguments.run_dir).logs
    names = arguments.programs or sorted(path.stem for path in logs.glob("*.log"))
    files = [str(logs / f"{name}.log") for name in names]
    if not files:
        print("没有日志 no logs")
        return 3
    return os.execvp("tail", ["tail", "-n", "20", *(["-F"] if arguments.follow else []), *files])  # noqa: S606, S607 - becomes tail


def _token(arguments: argparse.Namespace) -> int:
    print(RunningStack(arguments.run_dir).token(arguments.person))
    return 0


def _advance(arguments: argparse.Namespace) -> int:
    print(RunningStack(arguments.run_dir).step_clock(arguments.seconds))
    return 0


def _run(arguments: argparse.Namespace) -> int:
    run(arguments.run_dir, arguments.services, arguments.notify)
    return 0


def _print_addresses(state: dict[str, Any]) -> None:
    for name, address in state["http"].items():
        grpc = state["grpc"].get(name)
        print(f"  {name:12} {address}{f'  gRPC {grpc}' if grpc else ''}")
    print(f"  {'traces':12} {state['traces']}")
    print(f"  {'postgres':12} {state['postgres']}\n  {'nats':12} {state['nats']}\n  {'issuer':12} {state['issuer']}")


COMMANDS = {"up": _up, "stop": _stop, "status": _status, "logs": _logs, "token": _token, "advance": _advance, "run": _run}

if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
