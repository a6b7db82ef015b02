"""Data of an earlier version is brought up to today's wherever it is read, and never rewritten."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import uuid4

import pytest

from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from services.sync_core.log.history import history
from services.sync_core.log.kept_messages import without_person
from services.sync_core.log.outbox import LogOutbox
from services.sync_core.log.seal import Owner
from shared.contracts import (
    CONTRACTS,
    Contract,
    Message,
    UnknownTypeError,
    UnknownVersionError,
    bling_gateway,
    parse_data,
    sync_core,
)
from shared.contracts.sync_core import RegisterOrder
from shared.contracts.upcasting import UPCASTERS
from shared.gateway.values import Priority, Work
from tests.shared.gateway.kit import piece
from tests.sync_core.seller import AT, RECIPIENT, Seller, content, same
from tests.sync_core.test_outbox import offered, only, registered

Release = Callable[..., None]


class Parcel(Contract):
    """The third version: grams instead of kilograms, and who carries it."""

    TYPE: ClassVar[str] = "test.parcel"
    VERSION: ClassVar[int] = 3

    weight_g: int
    carrier: str


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Release:
    """Make a model today's, with the steps that lead to its version."""

    def released(model: type[Contract], *steps: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        monkeypatch.setitem(CONTRACTS, model.TYPE, model)
        for version, step in enumerate(steps, start=1):
            monkeypatch.setitem(UPCASTERS, (model.TYPE, version), step)

    return released


@pytest.fixture
def parcels(release: Release) -> None:
    release(
        Parcel,
        lambda data: {"weight_g": data["weight_kg"] * 1000},
        lambda data: data | {"carrier": "Correios"},
    )


@pytest.mark.usefixtures("parcels")
@pytest.mark.parametrize(
    ("version", "data"),
    [
        (1, {"weight_kg": 2}),
        (2, {"weight_g": 2000}),
        (3, {"weight_g": 2000, "carrier": "Correios"}),
    ],
)
def test_every_version_is_read_as_todays(version: int, data: dict[str, Any]) -> None:
    before = dict(data)

    assert parse_data("test.parcel", version, data) == Parcel(weight_g=2000, carrier="Correios")

    assert data == before, "what was logged is not changed in place"


@pytest.mark.usefixtures("parcels")
@pytest.mark.parametrize("version", [0, -1, 4])
def test_a_version_that_we_do_not_know_has_a_name_of_its_own(version: int) -> None:
    with pytest.raises(UnknownVersionError, match=f"test.parcel:{version}"):
        parse_data("test.parcel", version, {})


def test_a_type_that_we_do_not_know_is_told_before_its_version() -> None:
    with pytest.raises(UnknownTypeError):
        parse_data("test.dream", 99, {})


def test_every_version_before_todays_has_its_step_and_no_other() -> None:
    wanted = {(name, v) for name, model in CONTRACTS.items() for v in range(1, model.VERSION)}

    assert set(UPCASTERS) == wanted


class OrderObserved(bling_gateway.OrderObserved):
    """A second version whose phones begin with the country."""

    VERSION: ClassVar[int] = 2


def with_country(data: dict[str, Any]) -> dict[str, Any]:
    content = data["content"]
    if not content or not content.get("recipient"):
        return data
    recipient = content["recipient"] | {"phone": f"+55{content['recipient']['phone']}"}
    return data | {"content": content | {"recipient": recipient}}


class RegisterOrderNamed(sync_core.RegisterOrder):
    """A second version in which what names the content was called otherwise before."""

    VERSION: ClassVar[int] = 2


async def test_what_was_logged_before_leaves_in_todays_version_its_personal_part_too(
    log: EventLog, owner: Pool, release: Release
) -> None:
    """The content that a command names may be older than the command: both are brought up."""
    seller = await registered(log)
    await _log_as_it_was(owner, seller)
    release(OrderObserved, with_country)
    release(RegisterOrderNamed, lambda d: d | {"content_event": d["from"]})

    message = only(await offered(LogOutbox(log), seller), RegisterOrder.TYPE)

    register = RegisterOrder.model_validate(message.data)
    assert register.content is not None
    assert register.content.recipient == RECIPIENT.model_copy(update={"phone": "+5531988887777"})
    assert message.dataschema == "urn:bling-360hub-sync:hub.register_order:2"


async def _log_as_it_was(owner: Pool, seller: Seller) -> None:
    await owner.execute(
        "UPDATE event_log SET data = replace(data::text, '\"content_event\"', '\"from\"')::json"
        " WHERE account_id = $1 AND type = 'hub.register_order'",
        seller.id,
    )


async def test_rules_see_what_was_logged_before_in_todays_version(
    log: EventLog, pool: Pool, release: Release
) -> None:
    """They never see the personal part, so a step must do without it."""
    seller = await registered(log)
    release(OrderObserved, lambda data: with_country(data) | {"number": "upcast"})

    pages = [page async for page in history(pool, seller.id)]

    events = [logged.row.as_event() for page in pages for logged in page]
    seen = [event.data for event in events if isinstance(event.data, OrderObserved)]
    assert [order.number for order in seen] == ["upcast"]


async def test_what_a_newer_release_logged_waits_for_its_relay(log: EventLog, owner: Pool) -> None:
    """A replica of before leaves it, and everything of its account behind it."""
    seller = await registered(log)
    newer = "UPDATE event_log SET schema_version = 2 WHERE account_id = $1 AND type = $2"
    await owner.execute(newer, seller.id, RegisterOrder.TYPE)

    entries = await LogOutbox(log).waiting(seller.partition, 500)

    types = [entry.message.type for entry in entries if entry.account_id == seller.id]
    assert types
    assert RegisterOrder.TYPE not in types


def test_of_a_newer_version_nothing_is_kept_when_its_person_is_erased() -> None:
    """Nobody here knows where in it a person is."""
    seller = Seller()
    owner = Owner(seller.id, "contact-77")
    newer = same(
        seller.observed(1, content=content()),
        dataschema="urn:bling-360hub-sync:bling.order.observed:2",
    )

    kept = Message.decode(without_person(newer.encode(), owner, (1,)))

    assert (kept.id, kept.data) == (newer.id, {})


@pytest.mark.usefixtures("parcels")
@pytest.mark.parametrize(
    "kept",
    [
        b'{"weight_kg": 2}',
        b'{"schema_version": 2, "weight_g": 2000}',
        piece(uuid4(), payload=Parcel(weight_g=2000, carrier="Correios")).stored_payload,
    ],
    ids=["before versions were kept", "the second", "today's"],
)
def test_work_that_waited_over_a_release_is_read_in_todays_version(kept: bytes) -> None:
    work = Work(
        id=1,
        partition=0,
        account_id=uuid4(),
        stream="order-1",
        lane="outbound",
        kind="ship",
        payload=kept,
        priority=Priority.CONTENT,
        attempt=1,
        failures=0,
        defects=0,
        enqueued_at=AT,
        last_error=None,
        command=None,
    )

    assert work.read(Parcel) == Parcel(weight_g=2000, carrier="Correios")
