"""`python -m tiaochu_sandbox`: the court listens at TIAOCHU_HTTP_LISTEN."""

import uvicorn

from tiaochu_sandbox.app import build
from tiaochu_sandbox.settings import SandboxSettings

settings = SandboxSettings()
host, port = settings.http_listen.rsplit(":", 1)
uvicorn.run(build(settings), host=host, port=int(port), log_level="warning", access_log=False, server_header=False)
