"""Alembic's entry."""

from alembic import context

from tiaochu_kit.migrations import run_env

run_env(context)
