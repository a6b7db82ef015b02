"""The rule of erasure, without a database: when it waits, and what it waits for."""

from datetime import timedelta
from typing import Any

import pytest

from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from shared.contracts.account import Mode
from tests.sync_core.domain.core import CANCELLED, OPEN, ORDER_ID, START, Core
from tests.sync_core.domain.test_order_rules import observed

SUBJECT = "contact-1"


def types(events: list[Any]) -> list[str]:
    return [event.data.TYPE for event in events]


def ask(core_: Core, subject: str) -> list[str]:
    return types(core_.human("account", core.ErasureRequested(subject=subject)))


def seen(core_: Core, situation: int = START) -> str:
    """Let the order be read, and return whose data it holds."""
    core_.fact(observed(OPEN))
    core_.fact(observed(situation))
    assert core_.order.data_subject is not None
    return core_.order.data_subject


def moves(core_: Core, status: str, sequence: int) -> None:
    core_.fact(
        hub.OrderStatusChanged(
            shipment=1, status=status, hub_sequence=sequence, happened_at=core_.now
        )
    )


DESTROYED = [core.SubjectKeyDestroyed.TYPE, core.EraseSubject.TYPE]


def test_an_order_that_never_started_holds_nothing_up() -> None:
    core_ = Core.live()
    subject = seen(core_, OPEN)

    assert ask(core_, subject)[1:] == DESTROYED


def test_what_is_only_observed_holds_nothing_up() -> None:
    core_ = Core.live()
    core_.human("account", core.ModeChanged(mode=Mode(to_hub="observe", to_bling="observe")))
    subject = seen(core_)
    assert core_.order.shipment is not None

    assert ask(core_, subject)[1:] == DESTROYED


def test_what_was_sent_before_the_account_only_observed_is_waited_for() -> None:
    core_ = Core.live()
    subject = seen(core_)
    moves(core_, "order_created", 1)
    core_.human("account", core.ModeChanged(mode=Mode(to_hub="observe", to_bling="observe")))

    assert ask(core_, subject)[1:] == [core.ErasureHeld.TYPE]


@pytest.mark.parametrize("status", ["delivered", "returning_to_sender", "lost", "cancelled"])
def test_it_goes_on_once_when_the_shipment_is_over(status: str) -> None:
    core_ = Core.live()
    subject = seen(core_)
    assert ask(core_, subject)[1:] == [core.ErasureHeld.TYPE]
    assert core_.account.erasures[subject].waits_for == (ORDER_ID,)

    moves(core_, "with_carrier", 1)
    assert core.EraseSubject.TYPE not in types(core_.log)
    moves(core_, status, 2)
    moves(core_, status, 3)
    core_.pass_time(timedelta(hours=1))

    assert types(core_.log).count(core.EraseSubject.TYPE) == 1
    assert core_.account.erasures[subject].orders == (ORDER_ID,)
    assert core_.folded_again()["account"]


def test_what_is_cancelled_before_it_was_sent_is_over() -> None:
    core_ = Core.live()
    subject = seen(core_)
    ask(core_, subject)

    core_.fact(observed(CANCELLED))

    assert types(core_.log).count(core.EraseSubject.TYPE) == 1


def test_what_a_backup_brought_back_is_erased_at_once() -> None:
    core_ = Core.live()
    subject = seen(core_)

    told = core_.human("account", core.ErasureReapplied(subject=subject))

    assert types(told)[1:] == DESTROYED


def test_two_people_are_forgotten_apart() -> None:
    core_ = Core.live()
    subject = seen(core_)
    ask(core_, subject)

    assert ask(core_, "contact-2")[1:] == DESTROYED

    assert core_.account.erasures[subject].waits_for == (ORDER_ID,)
    erase = core_.account.erasures["contact-2"]
    answer: dict[str, Any] = {
        "command_id": erase.command_id,
        "subject": "contact-2",
        "erased": {},
    }
    core_.fact(bling.SubjectErased(**answer), "account")
    core_.fact(hub.SubjectErased(**answer), "account")
    assert set(core_.account.erasures) == {subject}
