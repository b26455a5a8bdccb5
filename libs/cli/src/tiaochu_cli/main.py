"""The command `tiaochu`."""

import typer

from tiaochu_cli.commands import audit, case, cell, clock, directory, docking, journal, others, parked, recover, register, report, transfer

app = typer.Typer(
    name="tiaochu",
    no_args_is_help=True,
    help="The operator's command. · 调处系统运维命令\n\nExit codes · 退出码: 0 ok, 1 refused 被拒绝, 2 usage 用法错误, 3 unavailable 暂不可用.",
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.add_typer(case.app, name="case")
app.add_typer(register.app, name="register")
app.add_typer(transfer.app, name="transfer")
app.add_typer(clock.app, name="clock")
app.add_typer(others.mediators, name="mediator")
app.add_typer(directory.app, name="directory")
app.add_typer(report.app, name="report")
app.add_typer(docking.app, name="docking")
app.add_typer(audit.app, name="audit")
app.add_typer(journal.app, name="journal")
app.add_typer(parked.app, name="parked")
app.add_typer(cell.app, name="cell")
app.add_typer(recover.app, name="recover")
recover.add_to(app)
others.add_to(app)


def run() -> None:
    """Entry point of the console script."""
    app()
