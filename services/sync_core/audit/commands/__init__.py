"""``python -m services.sync_core audit …``: what auditors and support ask of the log."""

from typing import Final

import typer

from services.sync_core.audit.commands.archive import archive, unarchive
from services.sync_core.audit.commands.as_of import as_of
from services.sync_core.audit.commands.check import check
from services.sync_core.audit.commands.diff import diff
from services.sync_core.audit.commands.erase import erase
from services.sync_core.audit.commands.export import export
from services.sync_core.audit.commands.inclusion import checkpoint_key, inclusion
from services.sync_core.audit.commands.loops import loops
from services.sync_core.audit.commands.replay import replay
from services.sync_core.audit.commands.subject import subject
from services.sync_core.audit.commands.timeline import timeline
from services.sync_core.audit.commands.verify import verify
from services.sync_core.audit.commands.what_if import what_if

app: Final = typer.Typer(no_args_is_help=True, help="Tell and prove what the log holds.")

for command in (
    timeline,
    as_of,
    loops,
    verify,
    replay,
    what_if,
    diff,
    export,
    archive,
    unarchive,
    subject,
    erase,
    check,
    inclusion,
    checkpoint_key,
):
    app.command()(command)
