"""`python -m tiaochu_cli`, where the console script is not installed."""

from tiaochu_cli.main import run

run()
