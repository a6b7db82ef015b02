"""The limits of an outgoing address, and leaving a troubled account alone."""

from uuid import uuid4

import pytest

from services.bling_gateway.errors import LeftAloneError, ThrottledError
from services.bling_gateway.limits import AddressLimits, Breakers, Window


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_reservations_follow_each_other_at_the_windows_pace() -> None:
    clock = Clock()
    window = Window(2, 10.0, clock)

    assert [window.reserve() for _ in range(5)] == [0.0, 0.0, 10.0, 10.0, 20.0]

    clock.now += 30
    assert window.reserve() == 0.0


def test_token_calls_stay_below_blings_limit() -> None:
    clock = Clock()
    address = AddressLimits(15, clock)
    for _ in range(15):
        address.token_call()

    with pytest.raises(ThrottledError):
        address.token_call()

    clock.now += 61
    address.token_call()


async def test_nothing_is_sent_from_a_blocked_address() -> None:
    clock = Clock()
    address = AddressLimits(15, clock)
    address.blocked()

    with pytest.raises(ThrottledError):
        await address.request()

    clock.now += 601
    await address.request()


async def test_one_account_that_is_shut_out_does_not_stop_the_others() -> None:
    address = AddressLimits(15, Clock())
    troubled, other = uuid4(), uuid4()
    for _ in range(5):
        address.shut_out(troubled)
    await address.request()
    address.let_in()
    address.shut_out(other)
    await address.request()

    address.shut_out(troubled)

    with pytest.raises(ThrottledError):
        await address.request()


async def test_an_error_storm_is_ended_before_bling_ends_it() -> None:
    clock = Clock()
    address = AddressLimits(15, clock)
    for _ in range(200):
        address.error_answered()

    with pytest.raises(ThrottledError):
        await address.request()

    clock.now += 11
    await address.request()


def test_an_account_in_trouble_is_left_alone_and_nobody_else() -> None:
    clock = Clock()
    breakers = Breakers(clock)
    troubled, other = uuid4(), uuid4()
    for _ in range(5):
        breakers.refuse_if_open(troubled)
        breakers.failed(troubled)

    with pytest.raises(LeftAloneError):
        breakers.refuse_if_open(troubled)
    breakers.refuse_if_open(other)

    clock.now += 16
    breakers.refuse_if_open(troubled)
    breakers.answered(troubled)
    breakers.failed(troubled)
    breakers.refuse_if_open(troubled)
