"""Newer work makes older work void that has not started, and each void command is told."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from shared.contracts.bling_gateway import CommandSuperseded
from shared.gateway.values import NewWork, Priority, Supersedes
from tests.shared.gateway.kit import Kit, command, hint, label_of, piece


def register(account_id: UUID, version: int, *, shipment: int = 1, label: str = "") -> NewWork:
    return piece(
        account_id,
        label or f"register v{version}",
        kind="register",
        supersedes=Supersedes.LOWER_VERSIONS,
        version=version,
        command=command("hub.register_order", shipment),
    )


def set_situation(account_id: UUID, label: str, *, shipment: int = 1) -> NewWork:
    return piece(
        account_id,
        label,
        kind="set_situation",
        supersedes=Supersedes.SAME_KIND,
        priority=Priority.STATUS,
        command=command("bling.set_situation", shipment),
    )


def news(account_id: UUID, label: str, *, stream: str = "order-1") -> NewWork:
    return hint(account_id, label, stream=stream, supersedes=Supersedes.SAME_KIND)


def cancel(account_id: UUID, label: str = "cancel", *, shipment: int = 1) -> NewWork:
    return piece(
        account_id,
        label,
        kind="cancel",
        supersedes=Supersedes.SHIPMENT,
        priority=Priority.CANCELLATION,
        command=command("hub.cancel_order", shipment),
    )


@dataclass
class Case:
    """What waits, what comes, and what waits then."""

    older: list[tuple[Any, ...]]
    newer: tuple[Any, ...]
    left: list[str]


CASES = {
    "hint by hint": Case([(news, "a")], (news, "b"), ["b"]),
    "hint by hint of another order: never": Case(
        [(news, "a")], (news, "b", {"stream": "order-2"}), ["a", "b"]
    ),
    "register by a higher version": Case([(register, 1)], (register, 2), ["register v2"]),
    "register by the same version: never": Case(
        [(register, 2)], (register, 2), ["register v2", "register v2"]
    ),
    "register by a lower version: never": Case(
        [(register, 2)], (register, 1), ["register v2", "register v1"]
    ),
    "register by another shipment's: never": Case(
        [(register, 1)], (register, 2, {"shipment": 2}), ["register v1", "register v2"]
    ),
    "situation by a newer one": Case([(set_situation, "a")], (set_situation, "b"), ["b"]),
    "situation by a register: never": Case(
        [(set_situation, "a")], (register, 1), ["a", "register v1"]
    ),
    "everything of the shipment by a cancel": Case(
        [(register, 1), (piece, "other"), (set_situation, "a")], (cancel,), ["cancel"]
    ),
    "another shipment by a cancel: never": Case(
        [(register, 1, {"shipment": 2})], (cancel,), ["register v1", "cancel"]
    ),
    "a hint by a cancel: never": Case([(news, "a")], (cancel,), ["a", "cancel"]),
    "a cancel by a register: never": Case([(cancel,)], (register, 5), ["cancel", "register v5"]),
}


def build(account_id: UUID, entry: tuple[Any, ...]) -> NewWork:
    make, *arguments = entry
    changes = arguments.pop() if arguments and isinstance(arguments[-1], dict) else {}
    built = make(account_id, *arguments, **changes)
    assert isinstance(built, NewWork)
    return built


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("parked", [False, True], ids=["waiting", "parked"])
async def test_what_newer_work_makes_void(kit: Kit, case: Case, parked: bool) -> None:
    account_id = await kit.account()
    older = [build(account_id, entry) for entry in case.older]
    newer = build(account_id, case.newer)
    await kit.enqueue(*older)
    if parked:
        for _ in older:
            await kit.queue.park(await kit.claim(), "a reason")
        await kit.pool.execute("DELETE FROM outbox")

    await kit.enqueue(newer)

    await kit.pool.execute("UPDATE work SET state = 'waiting'")
    assert await kit.waiting_labels() == case.left
    void = [old.command for old in older if old.command and not_left(old, case)]
    assert newer.command or not void
    assert await kit.told(account_id) == [
        CommandSuperseded(
            command_id=each.id,
            command_type=each.type,
            shipment=each.shipment,
            superseded_by=newer.command.id if newer.command else each.id,
        )
        for each in void
    ]


def not_left(work: NewWork, case: Case) -> bool:
    return work.payload.model_dump()["label"] not in case.left


async def test_within_one_batch_newer_supersedes_older(kit: Kit) -> None:
    account_id = await kit.account()

    await kit.enqueue(register(account_id, 1), register(account_id, 2), cancel(account_id))

    assert await kit.waiting_labels() == ["cancel"]
    assert len(await kit.told(account_id)) == 2


async def test_superseded_fact_belongs_to_the_story_of_its_command(kit: Kit) -> None:
    account_id = await kit.account()
    older = register(account_id, 1)

    await kit.enqueue(older, register(account_id, 2))

    [message] = await kit.messages(account_id)
    assert older.command
    assert message.causationid == older.command.id
    assert message.correlationid == older.command.correlation
    assert message.subject == "order-1"
    assert message.type == "bling.command.superseded"


async def test_running_work_is_not_superseded(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(register(account_id, 1))
    running = await kit.claim()

    await kit.enqueue(cancel(account_id))

    assert await kit.claim_labels() == []
    await kit.complete(running)
    assert await kit.claim_labels() == ["cancel"]
    assert await kit.told(account_id) == []


@pytest.mark.parametrize("ending", ["again", "put_back", "park"])
async def test_work_that_did_not_end_yields_to_what_came_meanwhile(kit: Kit, ending: str) -> None:
    """Or else a parked register could be retried after the cancellation."""
    account_id = await kit.account()
    older, newer = register(account_id, 1), cancel(account_id)
    await kit.enqueue(older)
    running = await kit.claim()
    await kit.enqueue(newer)

    if ending == "again":
        await kit.queue.again(running, 60, "timeout")
    elif ending == "park":
        await kit.queue.park(running, "refused")
    else:
        await kit.queue.put_back(running)

    assert await kit.state_of(running) is None
    assert await kit.claim_labels() == ["cancel"]
    assert older.command
    assert newer.command
    assert await kit.told(account_id) == [
        CommandSuperseded(
            command_id=older.command.id,
            command_type="hub.register_order",
            shipment=1,
            superseded_by=newer.command.id,
        )
    ]


async def test_waiting_for_the_next_attempt_can_be_superseded(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(register(account_id, 1))
    await kit.queue.again(await kit.claim(), 600, "timeout")

    await kit.enqueue(cancel(account_id))

    assert await kit.claim_labels() == ["cancel"]


async def test_newer_takes_the_turn_of_what_it_supersedes(kit: Kit) -> None:
    """An order with news every second must not move to the end again and again."""
    account_id = await kit.account()
    await kit.enqueue(news(account_id, "old news"))
    kit.clock.advance(seconds=1)
    await kit.enqueue(hint(account_id, "patient", stream="order-2"))
    kit.clock.advance(seconds=1)

    await kit.enqueue(news(account_id, "news"))

    assert label_of(await kit.claim()) == "news"


async def test_work_of_a_webhook_does_not_supersede_a_command(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(piece(account_id, "asked for", kind="read", lane="inbound"))

    await kit.enqueue(hint(account_id, "seen", kind="read", supersedes=Supersedes.SAME_KIND))

    assert await kit.waiting_labels() == ["asked for", "seen"]


async def test_newer_is_as_urgent_as_what_it_supersedes(kit: Kit) -> None:
    """Reconciling must not make a cancellation that waits to be read the last in line."""
    account_id = await kit.account()
    same = {"supersedes": Supersedes.SAME_KIND}
    await kit.enqueue(hint(account_id, "cancelled", priority=Priority.CANCELLATION, **same))
    await kit.enqueue(hint(account_id, "other", stream="order-2", priority=Priority.STATUS))

    await kit.enqueue(hint(account_id, "compared", priority=Priority.RECONCILE, **same))

    work = await kit.claim()
    assert (label_of(work), work.priority) == ("compared", Priority.CANCELLATION)
