"""What operators see of a gateway's accounts and parked work, and do about it."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from shared.bus import Delivery
from shared.contracts import Message, UnknownTypeError, bling_gateway, partition_of
from shared.contracts.sync_core import SOURCE, PauseAccount
from shared.gateway import accounts, inbox
from shared.gateway.commands import CommandConsumer
from shared.gateway.erasing import Erasing
from shared.gateway.pace import PaceRule
from shared.gateway.pacing import Pacer
from shared.gateway.pausing import Pausing
from shared.gateway.store import differences
from shared.gateway.values import Priority, Work, utc_now
from tests.shared.gateway.conftest import SCHEMA
from tests.shared.gateway.kit import SYSTEM, Kit, command, hint, nothing, piece
from tests.shared.gateway.shell import COMPARED_AT, Shell, to_work
from tests.waiting import eventually


@pytest.fixture
def shell(service_url: str, kit: Kit) -> Shell:
    """The desk has no more rights than the service."""
    return Shell(service_url, SCHEMA)


async def open_account(kit: Kit, tag: str) -> UUID:
    account_id = uuid4()
    async with kit.pool.acquire() as conn:
        await accounts.know(conn, account_id, tag=tag, name=f"Loja {tag}")
        await accounts.connected(conn, account_id)
    return account_id


async def parked(kit: Kit, account_id: UUID, **changes: object) -> Work:
    """Have a piece of work parked, as if it had been refused."""
    await kit.enqueue(piece(account_id, "Rua do Comprador, 7", **changes))
    kit.clock.now = utc_now()
    work = await kit.claim()
    await kit.queue.park(work, "refused")
    return work


# --- accounts


async def test_all_accounts_are_listed_with_what_waits(kit: Kit, shell: Shell) -> None:
    busy, paused = await open_account(kit, "busy"), await open_account(kit, "paused")
    await parked(kit, paused)
    await kit.enqueue(
        piece(busy, stream="order-1", priority=Priority.CANCELLATION),
        piece(busy, stream="order-2", priority=Priority.STATUS),
        piece(busy, stream="order-3", priority=Priority.STATUS),
    )
    await Pacer(kit.pool, PaceRule(2, per_day=100)).turn(busy, Priority.STATUS)
    async with kit.pool.acquire() as conn:
        await accounts.paused(conn, paused, "inventário")
        await inbox.store(conn, "w1", {}, b"{}", busy, clock=lambda: utc_now() - timedelta(hours=2))
        await inbox.store(conn, "w2", {}, b"{}", busy)

    people = await shell.type("accounts", "list")
    programs = await shell.type("accounts", "list", "--json")

    assert (people.code, programs.code) == (0, 0)
    lines = [" ".join(line.split()) for line in people.output.splitlines()]
    assert lines[1].startswith("busy Loja busy connected 3 about 2 s 0 0 s ago")
    assert lines[2].startswith("paused Loja paused connected, paused 0 1 never")
    first, second = programs.json
    assert first["waiting"] == {
        "cancellation": 1,
        "status": 2,
        "content": 0,
        "catalogue": 0,
        "reconcile": 0,
    }
    assert (first["calls_per_second"], first["calls_left_today"]) == (2.0, 99)
    assert first["estimate_s"] == 2.5
    assert second["paused_reason"] == "inventário"
    assert (second["parked"], second["last_webhook_at"]) == (1, None)


async def test_where_there_is_no_account_a_script_is_told(shell: Shell) -> None:
    typed = await shell.type("accounts", "list", "--json")

    assert (typed.code, typed.json) == (1, [])


async def test_an_account_is_found_by_its_tag_and_by_its_id(kit: Kit, shell: Shell) -> None:
    account_id = await open_account(kit, "loja")
    await open_account(kit, "loja2")

    by_tag = await shell.type("accounts", "show", "loja", "--json")
    by_id = await shell.type("accounts", "show", str(account_id), "--json")
    nobody = await shell.type("accounts", "show", "loj")

    assert by_tag.json == by_id.json
    assert by_tag.json["account_id"] == str(account_id)
    assert (nobody.code, nobody.complaints) == (1, "There is no account loj\n")


async def test_an_account_is_shown_with_what_only_its_side_knows(kit: Kit, shell: Shell) -> None:
    account_id = await open_account(kit, "loja")
    await Pacer(kit.pool, PaceRule(2, per_day=100)).turn(account_id, Priority.STATUS)
    await kit.enqueue(piece(account_id, stream="order-1"))

    typed = await shell.type("accounts", "show", "loja")

    rows = dict(line.split("  ", 1) for line in typed.output.splitlines() if "  " in line)
    shown = {name.strip(): value.strip() for name, value in rows.items()}
    assert shown["account"] == f"loja ({account_id})"
    assert shown["shop number"] == "7"
    assert shown["token expires at"] == "not known"
    assert shown["quota left today"] == "99 calls of 100"
    assert shown["pace"] == "2 calls a second"
    assert shown["last compared"].startswith(f"{COMPARED_AT:%Y-%m-%d %H:%M:%S} UTC")
    assert shown["waiting: content"] == "1"
    assert shown["done in"] == "about 1 s"


async def test_what_waits_for_a_paused_account_is_not_said_to_be_done_soon(
    kit: Kit, shell: Shell
) -> None:
    account_id = await open_account(kit, "loja")
    await Pacer(kit.pool, PaceRule(2)).turn(account_id, Priority.STATUS)
    await kit.enqueue(piece(account_id, stream="order-1"))
    async with kit.pool.acquire() as conn:
        await accounts.paused(conn, account_id, "inventário")

    listed, shown = (
        await shell.type("accounts", "list"),
        await shell.type("accounts", "show", "loja"),
    )

    assert "about" not in listed.output
    assert "about 1 s, once it goes on" in shown.output
    assert "inventário" in shown.output


async def test_a_pause_and_its_end_are_told_with_who_it_was(kit: Kit, shell: Shell) -> None:
    account_id = await open_account(kit, "loja")
    pause = ("accounts", "pause", "loja", "--reason", "inventário", "--by")

    paused, again = await shell.type(*pause, "ana"), await shell.type(*pause, "rui")
    resumed = await shell.type("accounts", "resume", str(account_id), "--by", "ana")
    not_paused = await shell.type("accounts", "resume", "loja", "--by", "ana")

    outputs = [typed.output for typed in (paused, again, resumed, not_paused)]
    assert outputs == [
        "loja is paused: inventário\n",
        "loja was paused so already\n",
        "loja goes on\n",
        "loja was not paused\n",
    ]
    assert await kit.told(account_id) == [
        bling_gateway.AccountPaused(by="ana", reason="inventário"),
        bling_gateway.AccountResumed(by="ana"),
    ]


async def test_who_does_not_say_who_they_are_is_known_by_their_login(
    kit: Kit, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = await open_account(kit, "loja")
    monkeypatch.setenv("LOGNAME", "operadora")

    await shell.type("accounts", "pause", "loja", "--reason", "inventário")

    [paused] = await kit.told(account_id)
    assert paused == bling_gateway.AccountPaused(by="operadora", reason="inventário")


@pytest.mark.parametrize(
    "arguments",
    [
        ("accounts", "pause", "loja"),
        ("accounts", "pause", "loja", "--reason", " "),
        ("accounts", "show"),
        ("parked", "retry"),
        ("parked", "retry", "work-1", "--all"),
        ("parked", "retry", "work-1", "--account", "loja"),
        ("parked", "discard", "work-1"),
        ("parked", "discard", "work-1", "--reason", ""),
        ("reconcile",),
        ("reconcile", "loja", "--all"),
        ("reconcile", "loja", "--within", "soon"),
    ],
    ids=" ".join,
)
async def test_what_cannot_be_meant_is_refused_as_usage(
    shell: Shell, arguments: tuple[str, ...]
) -> None:
    typed = await shell.type(*arguments)

    assert (typed.code, typed.output) == (2, "")
    assert typed.complaints != ""


# --- parked work


async def test_parked_work_is_shown_without_what_it_is_about(kit: Kit, shell: Shell) -> None:
    account_id = await open_account(kit, "loja")
    work = await parked(kit, account_id, stream="order-7", command=command(shipment=2))
    assert work.command

    people = await shell.type("parked", "list")
    programs = await shell.type("parked", "list", "--json")
    one = await shell.type("parked", "show", f"work-{work.id}")

    [row] = programs.json
    since, enqueued = row.pop("since"), row.pop("enqueued_at")
    assert since >= enqueued
    assert row == {
        "id": f"work-{work.id}",
        "account": "loja",
        "account_id": str(account_id),
        "stream": "order-7",
        "what": "write",
        "command_id": str(work.command.id),
        "shipment": 2,
        "attempts": 1,
        "cause": "refused",
    }
    assert row["id"] in people.output
    assert str(work.command.id) in one.output
    assert "since" in one.output
    assert "Comprador" not in people.output + programs.output + one.output


async def test_parked_work_of_one_account_is_listed_alone(kit: Kit, shell: Shell) -> None:
    loja, other = await open_account(kit, "loja"), await open_account(kit, "outra")
    await parked(kit, loja)
    await parked(kit, other)

    by_tag = await shell.type("parked", "list", "--account", "outra", "--json")
    by_id = await shell.type("parked", "list", "--account", str(other), "--json")
    nobody = await shell.type("parked", "list", "--account", "nobody")

    assert [row["account"] for row in by_tag.json] == ["outra"]
    assert by_id.json == by_tag.json
    assert (nobody.code, nobody.complaints) == (1, "Nothing is parked\n")


@pytest.mark.parametrize("asked_for", [True, False], ids=["by a command", "by a webhook"])
async def test_parked_work_is_taken_up_again(kit: Kit, shell: Shell, asked_for: bool) -> None:
    account_id = await open_account(kit, "loja")
    work = await parked(kit, account_id, command=command() if asked_for else None)

    first = await shell.type("parked", "retry", f"work-{work.id}")
    second = await shell.type("parked", "retry", f"work-{work.id}")

    assert (first.code, first.output) == (0, "taken up again: 1, still parked: 0\n")
    assert (second.code, second.complaints) == (1, f"work-{work.id} is not parked\n")
    kit.clock.now = utc_now()
    assert (await kit.claim()).id == work.id


async def test_everything_is_taken_up_at_once(kit: Kit, shell: Shell) -> None:
    loja, other = await open_account(kit, "loja"), await open_account(kit, "outra")
    for account_id in (loja, other):
        await parked(kit, account_id, stream="order-1")
        await parked(kit, account_id, stream="order-2", command=None)

    narrow = await shell.type("parked", "retry", "--all", "--account", "loja")
    wide = await shell.type("parked", "retry", "--all")

    assert narrow.output == wide.output == "taken up again: 2, still parked: 0\n"
    assert len(await kit.waiting_labels()) == 4


@pytest.mark.parametrize("asked_for", [True, False], ids=["by a command", "by a webhook"])
async def test_parked_work_is_given_up(kit: Kit, shell: Shell, asked_for: bool) -> None:
    account_id = await open_account(kit, "loja")
    asked = command() if asked_for else None
    work = await parked(kit, account_id, command=asked)
    give_up = ("parked", "discard", f"work-{work.id}", "--reason", "vendido na loja")

    first, second = await shell.type(*give_up), await shell.type(*give_up)

    assert (first.code, second.code) == (0, 1)
    assert await kit.state_of(work) is None
    assert await kit.pool.fetchval("SELECT count(*) FROM turn") == 0
    discarded = [
        fact
        for fact in await kit.told(account_id)
        if isinstance(fact, bling_gateway.CommandDiscarded)
    ]
    assert [(fact.command_id, fact.cause) for fact in discarded] == (
        [(asked.id, "vendido na loja")] if asked else []
    )


# --- parked messages


def consumer(kit: Kit, account_id: UUID) -> CommandConsumer:
    return CommandConsumer(
        partition_of(account_id),
        kit.pool,
        SYSTEM,
        kit.queue,
        Pausing(SYSTEM, kit.facts),
        Erasing(kit.pool, SYSTEM, kit.queue, kit.facts, nothing),
        to_work,
        committed=lambda partition: None,
    )


def pause_of(account_id: UUID) -> bytes:
    pause = PauseAccount(by="ana", reason="inventário")
    return Message(
        id=uuid4(),
        source=SOURCE,
        type=pause.TYPE,
        subject="account",
        time=utc_now(),
        dataschema=pause.dataschema(),
        accountid=account_id,
        sequence=1,
        correlationid=uuid4(),
        data=pause.model_dump(mode="json"),
    ).encode()


async def park_message(kit: Kit, account_id: UUID, body: bytes, error: Exception) -> None:
    delivery = Delivery(body=body, deliveries=0, redelivered=False)
    await consumer(kit, account_id).park(delivery, error)


async def test_a_message_that_can_be_used_by_now_is_used(kit: Kit, shell: Shell) -> None:
    account_id = uuid4()
    await park_message(kit, account_id, pause_of(account_id), accounts.UnknownAccount())
    [row] = (await shell.type("parked", "list", "--json")).json
    too_early = await shell.type("parked", "retry", row["id"])
    async with kit.pool.acquire() as conn:
        await accounts.know(conn, account_id, tag="loja", name="Loja")

    in_time = await shell.type("parked", "retry", "--all")

    assert (row["what"], row["account_id"]) == ("account.pause", str(account_id))
    assert (row["cause"], row["attempts"]) == ("UnknownAccount", None)
    assert (too_early.code, too_early.output) == (1, "taken up again: 0, still parked: 1\n")
    assert too_early.complaints == f"{row['id']} failed again: UnknownAccount\n"
    assert (in_time.code, in_time.output) == (0, "taken up again: 1, still parked: 0\n")
    assert await kit.pool.fetchval("SELECT paused_reason FROM account") == "inventário"
    assert await kit.pool.fetchval("SELECT count(*) FROM parked_message") == 0


async def test_a_message_that_nobody_can_read_is_given_up(kit: Kit, shell: Shell) -> None:
    await park_message(kit, uuid4(), b"Rua do Comprador, 7", UnknownTypeError("?"))
    [row] = (await shell.type("parked", "list", "--json")).json

    one = await shell.type("parked", "show", row["id"])
    given_up = await shell.type("parked", "discard", row["id"], "--reason", "lixo")

    assert (row["what"], row["account_id"]) == (None, None)
    assert "UnknownTypeError" in one.output
    assert "Comprador" not in one.output
    assert (given_up.code, given_up.output) == (0, f"{row['id']} is given up: lixo\n")
    assert await kit.pool.fetchval("SELECT count(*) FROM parked_message") == 0


# --- comparing


async def compare(kit: Kit, *found: str) -> None:
    """Do what a gateway that serves does: compare, remember what differs, end the work."""

    async def is_asked() -> bool:
        return await _waits(kit, "reconcile")

    await eventually(is_asked)
    kit.clock.now = utc_now()
    work = await kit.claim()
    async with kit.queue.completing(work) as conn:
        await differences.record(conn, work.account_id, found)


async def test_what_is_found_to_differ_is_named(kit: Kit, shell: Shell) -> None:
    account_id = await open_account(kit, "loja")
    async with kit.pool.acquire() as conn:
        await differences.record(conn, account_id, ["order-1"])

    typed, _ = await asyncio.gather(
        shell.type("reconcile", "loja", "--json"), compare(kit, "order-9", "order-8")
    )

    assert typed.code == 0
    assert typed.json == [
        {
            "account": "loja",
            "account_id": str(account_id),
            "outcome": "compared",
            "differing": ["order-8", "order-9"],
        }
    ]


async def test_a_difference_that_is_found_again_is_named_again(kit: Kit, shell: Shell) -> None:
    account_id = await open_account(kit, "loja")
    async with kit.pool.acquire() as conn:
        await differences.record(conn, account_id, ["order-1"])

    typed, _ = await asyncio.gather(shell.type("reconcile", "--all"), compare(kit, "order-1"))

    assert typed.code == 0
    assert typed.output.splitlines()[1].split() == ["loja", "compared", "order-1"]


async def test_what_cannot_be_compared_is_named_with_why(kit: Kit, shell: Shell) -> None:
    paused, lost = await open_account(kit, "paused"), await open_account(kit, "lost")
    async with kit.pool.acquire() as conn:
        await accounts.paused(conn, paused, "inventário")
        await accounts.disconnected(conn, lost)

    typed = await shell.type("reconcile", "--all")
    unknown = await shell.type("reconcile", "nobody")

    assert (typed.code, typed.output) == (1, "")
    assert typed.complaints.splitlines() == [
        "lost cannot be compared: it is not connected",
        "paused cannot be compared: it is paused (inventário)",
    ]
    assert (unknown.code, unknown.complaints) == (1, "There is no account nobody\n")


async def test_a_comparison_that_does_not_end_is_not_waited_for_for_ever(
    kit: Kit, shell: Shell
) -> None:
    await open_account(kit, "loja")

    typed = await shell.type("reconcile", "loja", "--within", "1")

    assert typed.code == 1
    assert "still under way" in typed.output


async def test_a_comparison_that_is_parked_is_not_waited_for(kit: Kit, shell: Shell) -> None:
    await open_account(kit, "loja")

    async def park_it() -> None:
        await eventually(lambda: _is_asked(kit))
        kit.clock.now = utc_now()
        await kit.queue.park(await kit.claim(), "Bling speaks another language")

    typed, _ = await asyncio.gather(shell.type("reconcile", "loja"), park_it())

    assert typed.code == 1
    assert typed.output.splitlines()[-1].split() == ["loja", "parked", "nothing"]


async def _is_asked(kit: Kit) -> bool:
    return bool(await kit.pool.fetchval("SELECT count(*) FROM work"))


async def test_hints_of_other_work_are_no_comparison(kit: Kit, shell: Shell) -> None:
    account_id = await open_account(kit, "loja")
    await kit.enqueue(hint(account_id, "webhook", stream="order-1"))

    typed, _ = await asyncio.gather(shell.type("reconcile", "loja"), _compare_only(kit))

    assert typed.code == 0


async def _compare_only(kit: Kit) -> None:
    """Compare, whatever else waits."""
    await eventually(lambda: _waits(kit, "reconcile"))
    kit.clock.now = utc_now()
    works = [await kit.claim()]
    if works[0].kind != "reconcile":
        works.append(await kit.claim())
    [comparison] = [work for work in works if work.kind == "reconcile"]
    await kit.complete(comparison)


async def _waits(kit: Kit, kind: str) -> bool:
    return bool(await kit.pool.fetchval("SELECT count(*) FROM work WHERE kind = $1", kind))
