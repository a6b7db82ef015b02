"""Commands from the bus become work, once each, and what cannot be read is kept aside."""

from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from shared.bus import Delivery
from shared.contracts import (
    Contract,
    Message,
    UnknownTypeError,
    UnknownVersionError,
    bling_gateway,
    partition_of,
)
from shared.contracts.sync_core import (
    SOURCE,
    CancelOrder,
    ConnectAccount,
    DiscardWork,
    DisconnectAccount,
    PauseAccount,
    ReadOrder,
    ReadProduct,
    ResumeAccount,
    RetryWork,
)
from shared.gateway import accounts
from shared.gateway.commands import CommandConsumer, UnexpectedCommandError
from shared.gateway.erasing import Erasing
from shared.gateway.pausing import Pausing
from shared.gateway.values import Command, NewWork, Priority, Supersedes
from tests.shared.gateway.kit import SYSTEM, Kit, nothing

ACCOUNT = uuid4()


def to_work(message: Message, contract: Contract) -> NewWork | None:
    match contract:
        case ReadOrder():
            kind, priority, supersedes = "read", Priority.CONTENT, Supersedes.SAME_KIND
        case CancelOrder():
            kind, priority, supersedes = "cancel", Priority.CANCELLATION, Supersedes.SHIPMENT
        case _:
            return None
    return NewWork(
        account_id=message.accountid,
        stream=message.subject,
        lane="outbound",
        kind=kind,
        payload=contract,
        priority=priority,
        supersedes=supersedes,
        command=Command(message.id, message.type, message.correlationid, 1),
    )


def delivery(contract: Contract, *, message_id: UUID | None = None) -> Delivery:
    message = Message(
        id=message_id or uuid4(),
        source=SOURCE,
        type=contract.TYPE,
        subject="order-7",
        time="2026-03-02T12:00:00Z",
        dataschema=contract.dataschema(),
        accountid=ACCOUNT,
        sequence=1,
        correlationid=uuid4(),
        data=contract.model_dump(mode="json"),
    )
    return Delivery(body=message.encode(), deliveries=0, redelivered=False)


@pytest.fixture
def stirred() -> list[int]:
    return []


@pytest.fixture
def consumer(kit: Kit, stirred: list[int]) -> CommandConsumer:
    return CommandConsumer(
        partition_of(ACCOUNT),
        kit.pool,
        SYSTEM,
        kit.queue,
        Pausing(SYSTEM, kit.facts, clock=kit.clock),
        Erasing(kit.pool, SYSTEM, kit.queue, kit.facts, nothing, clock=kit.clock),
        to_work,
        committed=stirred.append,
        clock=kit.clock,
    )


async def connect(kit: Kit, consumer: CommandConsumer) -> None:
    await consumer.take([delivery(ConnectAccount(name="Loja", tag="loja"))])
    async with kit.pool.acquire() as conn:
        await accounts.connected(conn, ACCOUNT, clock=kit.clock)


async def test_an_account_and_its_work_come_in_one_batch(
    kit: Kit, consumer: CommandConsumer, stirred: list[int]
) -> None:
    await consumer.take(
        [
            delivery(ConnectAccount(name="Loja", tag="loja")),
            delivery(ReadOrder(order_id=7)),
        ]
    )

    async with kit.pool.acquire() as conn:
        account = await accounts.find(conn, ACCOUNT)
        assert account == accounts.Account(ACCOUNT, "loja", "Loja", "known", None)
        assert await kit.queue.claim(1) == [], "it is not connected yet"
        await accounts.connected(conn, ACCOUNT, clock=kit.clock)
    work = await kit.claim()
    assert work.read(ReadOrder) == ReadOrder(order_id=7)
    assert stirred == [partition_of(ACCOUNT)]


async def test_a_batch_that_comes_again_changes_nothing(
    kit: Kit, consumer: CommandConsumer
) -> None:
    batch = [delivery(ConnectAccount(name="Loja", tag="loja")), delivery(ReadOrder(order_id=7))]
    await consumer.take(batch)

    await consumer.take(batch)

    assert await kit.pool.fetchval("SELECT count(*) FROM work") == 1


async def test_a_retry_takes_up_parked_work(kit: Kit, consumer: CommandConsumer) -> None:
    await connect(kit, consumer)
    command_id = uuid4()
    await consumer.take([delivery(ReadOrder(order_id=7), message_id=command_id)])
    await kit.queue.park(await kit.claim(), "refused")

    await consumer.take(
        [delivery(RetryWork(command_id=command_id)), delivery(RetryWork(command_id=uuid4()))]
    )

    work = await kit.claim()
    assert work.command
    assert work.command.id == command_id


async def test_a_retry_does_not_revive_what_the_same_batch_cancels(
    kit: Kit, consumer: CommandConsumer
) -> None:
    await connect(kit, consumer)
    command_id = uuid4()
    await consumer.take([delivery(ReadOrder(order_id=7), message_id=command_id)])
    await kit.queue.park(await kit.claim(), "refused")

    await consumer.take(
        [
            delivery(
                CancelOrder(
                    order_id=7,
                    shipment=1,
                    reference="bling-loja-7",
                    version=2,
                    reason_code="cancelled_in_erp",
                )
            ),
            delivery(RetryWork(command_id=command_id)),
        ]
    )

    assert (await kit.claim()).kind == "cancel"
    assert await kit.pool.fetchval("SELECT count(*) FROM work") == 1


async def test_a_pause_and_its_end_are_told_once_each_however_often_they_come(
    kit: Kit, consumer: CommandConsumer
) -> None:
    await connect(kit, consumer)
    await consumer.take([delivery(ReadOrder(order_id=7))])
    pause = delivery(PauseAccount(by="ana", reason="inventário"))
    resume = delivery(ResumeAccount(by="ana"))

    await consumer.take([pause, pause])
    assert await kit.queue.claim(1) == [], "it is paused"
    await consumer.take([resume])
    await consumer.take([pause, resume])

    assert (await kit.claim()).kind == "read"
    assert await kit.told(ACCOUNT) == [
        bling_gateway.AccountPaused(by="ana", reason="inventário"),
        bling_gateway.AccountResumed(by="ana"),
    ]
    for message, caused in zip(await kit.messages(ACCOUNT), (pause, resume), strict=True):
        assert message.subject == "account"
        assert message.causationid == Message.decode(caused.body).id


async def test_what_changes_nothing_is_not_told(kit: Kit, consumer: CommandConsumer) -> None:
    await connect(kit, consumer)

    await consumer.take([delivery(ResumeAccount(by="ana"))])
    await consumer.take([delivery(PauseAccount(by="ana", reason="inventário"))])
    await consumer.take([delivery(PauseAccount(by="rui", reason="inventário"))])
    await consumer.take([delivery(PauseAccount(by="rui", reason="férias"))])

    assert await kit.told(ACCOUNT) == [
        bling_gateway.AccountPaused(by="ana", reason="inventário"),
        bling_gateway.AccountPaused(by="rui", reason="férias"),
    ]


async def test_an_account_that_nobody_made_known_cannot_be_paused(
    kit: Kit, consumer: CommandConsumer
) -> None:
    with pytest.raises(accounts.UnknownAccount):
        await consumer.take([delivery(PauseAccount(by="ana", reason="inventário"))])

    assert await kit.told(ACCOUNT) == []


async def test_parked_work_is_given_up_once(kit: Kit, consumer: CommandConsumer) -> None:
    await connect(kit, consumer)
    command_id = uuid4()
    await consumer.take([delivery(ReadOrder(order_id=7), message_id=command_id)])
    await kit.queue.park(await kit.claim(), "refused")
    discard = delivery(DiscardWork(command_id=command_id, cause="Ana gave it up"))

    await consumer.take([discard, delivery(DiscardWork(command_id=uuid4(), cause="not ours"))])
    await consumer.take([discard])

    assert await kit.pool.fetchval("SELECT count(*) FROM work") == 0
    _, discarded = await kit.told(ACCOUNT)
    assert discarded == bling_gateway.CommandDiscarded(
        command_id=command_id, command_type="bling.read_order", shipment=1, cause="Ana gave it up"
    )


@pytest.mark.parametrize("state", ["paused", "disconnected", "resting"])
async def test_an_account_can_be_disconnected_whatever_state_it_is_in(
    kit: Kit, consumer: CommandConsumer, state: str
) -> None:
    await connect(kit, consumer)
    async with kit.pool.acquire() as conn:
        match state:
            case "paused":
                await accounts.paused(conn, ACCOUNT, "inventário", clock=kit.clock)
            case "disconnected":
                await accounts.disconnected(conn, ACCOUNT, clock=kit.clock)
            case _:
                await accounts.rest(conn, ACCOUNT, 600, clock=kit.clock)
    await consumer.take([delivery(ReadOrder(order_id=7))])

    await consumer.take([delivery(DisconnectAccount(side="bling"))])

    work = await kit.claim()
    assert work.read(DisconnectAccount) == DisconnectAccount(side="bling")
    assert await kit.queue.claim(1) == [], "its other work waits"
    await kit.queue.park(work, "as if it were impossible")
    assert [message.subject for message in await kit.messages(ACCOUNT)] == ["account"]


async def test_the_other_sides_disconnection_is_none_of_ours(
    kit: Kit, consumer: CommandConsumer
) -> None:
    await connect(kit, consumer)

    await consumer.take([delivery(DisconnectAccount(side="hub"))])

    assert await kit.pool.fetchval("SELECT count(*) FROM work") == 0


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"not json", ValidationError),
        (b'{"id": "no"}', ValidationError),
        (delivery(ReadProduct(product_id=1)).body, UnexpectedCommandError),
        (
            delivery(ReadOrder(order_id=7)).body.replace(b"bling.read_order", b"bling.dream"),
            UnknownTypeError,
        ),
        (
            delivery(ReadOrder(order_id=7)).body.replace(b"read_order:1", b"read_order:2"),
            UnknownVersionError,
        ),
        (delivery(ReadOrder(order_id=7)).body.replace(b":7}", b':"x"}'), ValidationError),
    ],
    ids=["not json", "no message", "not ours to do", "unknown type", "newer version", "wrong data"],
)
async def test_what_cannot_be_used_fails_its_batch_and_is_parked(
    kit: Kit, consumer: CommandConsumer, body: bytes, error: type[Exception]
) -> None:
    bad = Delivery(body=body, deliveries=0, redelivered=False)

    with pytest.raises(error) as raised:
        await consumer.take([delivery(ReadOrder(order_id=7)), bad])
    assert await kit.pool.fetchval("SELECT count(*) FROM work") == 0

    await consumer.park(bad, raised.value)
    await consumer.park(bad, raised.value)
    row = await kit.pool.fetchrow("SELECT * FROM parked_message")
    assert row is not None
    assert (row["body"], row["error"]) == (body, type(raised.value).__name__)


async def test_a_suspect_is_marked_once(consumer: CommandConsumer) -> None:
    suspect = delivery(ReadOrder(order_id=7))

    assert await consumer.mark(suspect)
    assert not await consumer.mark(suspect)
    await consumer.unmark(suspect)
    assert await consumer.mark(suspect)
