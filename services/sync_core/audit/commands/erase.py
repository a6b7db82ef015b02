"""``audit erase``: forget a person (LGPD art. 18, VI)."""

from typing import Annotated, Final
from uuid import UUID, uuid4

import typer

from services.sync_core.audit.commands.output import (
    Json,
    console,
    errors,
    finish,
    print_json,
    usage_error,
)
from services.sync_core.audit.commands.subject import (
    Subject,
    SubjectsAccount,
    order_lines,
    the_subject,
)
from services.sync_core.audit.places import GROUND_FOR_NFE
from services.sync_core.audit.subjects import SubjectView, subject_view
from services.sync_core.domain import ACCOUNT
from services.sync_core.log.append import EventLog
from services.sync_core.log.events import Incoming
from services.sync_core.repairing import repairing
from shared.contracts import partition_of
from shared.contracts.sync_core import ErasureRequested

WAITS: Final = 1
"""Exit code: it is asked for, and done by itself once the shipments under way are over."""

By = Annotated[str, typer.Option(help="Who does it: your name, which the log keeps.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for a confirmation.")]


def erase(
    subject: Subject,
    by: By,
    account: SubjectsAccount = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Forget a person, for ever: their key is destroyed, and both gateways forget.

    Exits with 1 if it waits for shipments that are under way.
    """
    if not by.strip():
        raise typer.Exit(usage_error("Say who you are with --by"))
    finish(_erase(subject, account, by, yes=yes, as_json=as_json))


async def _erase(text: str, account_id: UUID | None, by: str, *, yes: bool, as_json: bool) -> int:
    async with repairing() as log:
        view = await the_subject(log, text, account_id)
        if isinstance(view, str):
            return usage_error(view)
        _tell_before(view)
        if not (yes or _confirmed()):
            return usage_error("Nothing was done")
        await request_erasure(log, view, by)
        view = await subject_view(log.pool, view.account_id, view.subject)
    state = view.state
    if as_json:
        print_json({"subject": view.subject, "state": state, "waits_for": list(view.waits_for)})
    else:
        console.print(_SENTENCES[state])
    return WAITS if state == "erasure_waits" else 0


def _confirmed() -> bool:
    try:
        return typer.confirm("Erase?", err=True)
    except typer.Abort:  # nobody is there to answer
        return False


async def request_erasure(log: EventLog, view: SubjectView, by: str) -> None:
    """Log that a person asks for the erasure; the rules do the rest."""
    event_id = uuid4()
    entry = Incoming(
        account_id=view.account_id,
        event_id=event_id,
        stream=ACCOUNT,
        kind="human",
        data=ErasureRequested(subject=view.subject),
        occurred_at=log.clock(),
        correlation_id=event_id,
        actor=by,
    )
    async with log.writing(partition_of(view.account_id), [view.account_id]) as writing:
        await writing.append([entry])


_SENTENCES: Final = {
    "erasure_waits": "Asked for. It is done by itself once these shipments are over.",
    "being_erased": "The key is destroyed. The gateways are told to forget; see audit subject.",
    "erased": "Erased.",
}


def _tell_before(view: SubjectView) -> None:
    """Say what will be erased, what it waits for, and what stays on what ground."""
    errors.print(f"{view.subject}, account {view.account_id}: {view.state}")
    for order in order_lines(view):
        stage = order["stage"] or "not started"
        errors.print(f"  order {order['order_id']}, number {order['number']}: {stage}")
    for under_way in view.under_way:
        errors.print(f"waits for order {under_way.order_id}: its shipment needs the address")
    for documented in view.documented:
        errors.print(f"kept for order {documented.order_id}: {GROUND_FOR_NFE}")
    errors.print("Erased: name, document, e-mail, telephone and address, wherever we keep them.")
    errors.print("Kept: the log itself, which names nobody, and what Bling and 360Hub hold.")
