"""``audit subject``: what is held about a person (the right of access, LGPD art. 18, II)."""

from dataclasses import asdict
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from rich.table import Table

from services.sync_core.audit.commands.output import (
    Json,
    NoSuchAccountError,
    console,
    finish,
    print_json,
    progress_bar,
    usage_error,
)
from services.sync_core.audit.places import OUTSIDE, PLACES
from services.sync_core.audit.subjects import (
    Disclosed,
    SubjectView,
    account_named,
    disclosed,
    subject_view,
    subjects_called,
)
from services.sync_core.log import sql
from services.sync_core.log.append import EventLog
from services.sync_core.repairing import repairing
from shared.contracts import partition_of

Subject = Annotated[
    str,
    typer.Argument(
        metavar="SUBJECT",
        help="The person: contact-<Bling's id>, order-<Bling's id>, a CPF or CNPJ, or the key of an"
        " order of theirs (<account's tag>-<Bling's id>).",
    ),
]
SubjectsAccount = Annotated[
    UUID | None,
    typer.Option("--account", help="The person's account, by its id. An order's key needs none."),
]
_ERASED: Final = "(erased)"


def subject(subject: Subject, account: SubjectsAccount = None, as_json: Json = False) -> None:
    """Show everything that is held about one person, where and why. It opens what is sealed."""
    finish(_show(subject, account, as_json=as_json))


async def _show(text: str, account_id: UUID | None, *, as_json: bool) -> int:
    async with repairing() as log:
        view = await the_subject(log, text, account_id)
        if isinstance(view, str):
            return usage_error(view)
        found = await _disclosed(log, view)
    if as_json:
        _print_json(view, found)
    else:
        _print(view, found)
    return 0


async def the_subject(log: EventLog, text: str, account_id: UUID | None) -> SubjectView | str:
    """Return the one subject that is meant, or the sentence that says why it is not clear."""
    account_id = account_id or await account_named(log.pool, text)
    if account_id is None:
        return "Name the person's account: --account ID"
    if await log.pool.fetchval(sql.HEAD, partition_of(account_id), account_id) is None:
        raise NoSuchAccountError(account_id)
    called = await subjects_called(log, account_id, text)
    if len(called) > 1:
        return f"Several subjects are meant: {', '.join(called)}"
    view = await subject_view(log.pool, account_id, called[0]) if called else None
    # What was asked for may be a document: it is not repeated.
    return view if view is not None and view.known else "Nothing is held about this subject"


async def _disclosed(log: EventLog, view: SubjectView) -> list[Disclosed]:
    found: list[Disclosed] = []
    place = (partition_of(view.account_id), view.account_id)
    head = await log.pool.fetchval(sql.HEAD, *place)
    with progress_bar() as bar:
        task = bar.add_task("subject", total=head)
        async for read, more in disclosed(log, view.account_id, view.subject):
            found += more
            bar.advance(task, read)
    return found


def order_lines(view: SubjectView) -> list[dict[str, Any]]:
    """Return the subject's orders as they are shown, one object for each."""
    return [
        {
            "order_id": order.order_id,
            "number": order.number,
            "stage": order.stage,
            "under_way": order in view.under_way,
            "nfe": order in view.documented,
        }
        for order in view.orders
    ]


def _print_json(view: SubjectView, found: list[Disclosed]) -> None:
    print_json(
        {
            "account_id": str(view.account_id),
            "subject": view.subject,
            "state": view.state,
            "erased_at": view.erased_at and view.erased_at.isoformat(),
            "waits_for": list(view.waits_for),
            "orders": order_lines(view),
        }
    )
    for each in found:
        print_json(asdict(each) | {"recorded_at": each.recorded_at.isoformat()})
    for place in PLACES:
        print_json(asdict(place))


def _print(view: SubjectView, found: list[Disclosed]) -> None:
    console.print(f"subject: {view.subject}  account: {view.account_id}  state: {view.state}")
    if view.erased_at is not None:
        console.print(f"erased at: {view.erased_at:%Y-%m-%d %H:%M:%S} UTC")
    console.print(_orders(view))
    console.print(_recipients(found))
    console.print(_places())
    for sentence in OUTSIDE:
        console.print(sentence)


def _orders(view: SubjectView) -> Table:
    table = Table("order", "number", "stage", "under way", "NF-e", box=None, title="Orders")
    for order in order_lines(view):
        table.add_row(*(_text(value) for value in order.values()))
    return table


def _recipients(found: list[Disclosed]) -> Table:
    table = Table("order", "position", "read at", "held", box=None, title="Readings")
    for each in found:
        at = f"{each.recorded_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(each.stream, str(each.position), at, _plain(each.recipient))
    return table


def _plain(recipient: dict[str, Any] | None) -> str:
    if recipient is None:
        return _ERASED
    address = recipient["address"]
    parts = [recipient[name] for name in ("name", "document", "email", "phone")]
    parts += [address[name] for name in ("street", "number", "complement", "district")]
    parts += [address["postal_code"], f"{address['city']}/{address['state']}"]
    return ", ".join(part for part in parts if part)


def _places() -> Table:
    table = Table("where", "what", "what for", "until", box=None, title="Where it may be kept")
    for place in PLACES:
        table.add_row(f"{place.system}: {place.table}", place.what, place.purpose, place.until)
    return table


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
