"""The limits of an outgoing address, and leaving a troubled account alone."""

import time
from datetime import timedelta
from uuid import uuid4

import pytest

from services.bling_gateway.errors import LeftAloneError, ThrottledError
from services.bling_gateway.limits import AddressLimits, Breakers
from shared.gateway.store import Pool


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Address:
    """An address of the test's own, behind which there may be several replicas."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.name = uuid4().hex
        self.waits: list[float] = []

    def replica(self) -> AddressLimits:
        """What one replica knows. Its waits are noted and do not pass."""
        return AddressLimits(self.pool, self.name, sleep=self._note)

    async def later(self, **span: float) -> None:
        """Let time pass, which is the database's: everything known gets so much older."""
        await self.pool.execute(
            "UPDATE address SET requests_free_at = requests_free_at - $2::interval,"
            " tokens_free_at = tokens_free_at - $2, errors_free_at = errors_free_at - $2,"
            " blocked_until = blocked_until - $2, tokens_blocked_until = tokens_blocked_until - $2"
            " WHERE name = $1",
            self.name,
            timedelta(**span),
        )

    async def _note(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture
def address(pool: Pool) -> Address:
    return Address(pool)


async def token_calls_that_fit(*replicas: AddressLimits) -> int:
    """Make token calls, by the replicas in turn, until one is refused; a hundred at most."""
    for count in range(100):
        try:
            await replicas[count % len(replicas)].token_call()
        except ThrottledError:
            return count
    return 100


async def test_replicas_send_no_more_requests_together_than_fit_into_ten_seconds(
    address: Address,
) -> None:
    replicas = [address.replica() for _ in range(3)]

    async def sent_at(replica: AddressLimits) -> float:
        waits_before = len(address.waits)
        await replica.request()
        return time.monotonic() + sum(address.waits[waits_before:])

    sent = sorted([await sent_at(replicas[n % 3]) for n in range(700)])

    most = max(sum(first <= moment < first + 10 for moment in sent) for first in sent)
    assert 500 <= most < 600
    assert sent[-1] - sent[0] == pytest.approx(610 / 45, abs=1)


async def test_a_reading_and_its_write_wait_together(address: Address) -> None:
    ours = address.replica()
    await ours.request(90)

    await ours.request(2)

    assert address.waits == [pytest.approx(2 / 45, abs=0.02)]


async def test_replicas_of_another_address_have_its_limits_to_themselves(pool: Pool) -> None:
    busy, other = Address(pool), Address(pool)
    await busy.replica().request(600)
    await busy.replica().token_calls_blocked()

    await other.replica().request()
    await other.replica().token_call()

    assert other.waits == []


async def test_token_calls_of_all_replicas_stay_below_blings_limit(address: Address) -> None:
    """Pitfall 4: a loop of token calls would block the address, for all sellers, for an hour."""
    one, other = address.replica(), address.replica()

    made = await token_calls_that_fit(one, other)
    for _ in range(60):
        await address.later(seconds=1)
        made += await token_calls_that_fit(one, other)

    assert made in (17, 18)


async def test_token_calls_are_spread_over_the_minute(address: Address) -> None:
    ours = address.replica()

    at_once = await token_calls_that_fit(ours)
    await address.later(seconds=4)

    assert at_once == 3
    assert await token_calls_that_fit(ours) == 1


async def test_a_block_that_one_replica_meets_is_known_to_all(address: Address) -> None:
    one, other = address.replica(), address.replica()
    await one.request()
    await one.shut_out(uuid4())
    await one.shut_out(uuid4())

    with pytest.raises(ThrottledError):
        await other.request()
    with pytest.raises(ThrottledError):
        await other.token_call()

    await address.later(minutes=10)
    await other.request()
    await other.token_call()


async def test_token_calls_wait_for_an_hour_and_the_rest_for_ten_minutes(address: Address) -> None:
    ours = address.replica()
    await ours.token_call()
    await ours.token_calls_blocked()

    await address.later(minutes=10)
    await ours.request()
    with pytest.raises(ThrottledError):
        await ours.token_call()

    await address.later(minutes=50)
    await ours.token_call()


async def test_one_account_that_is_shut_out_does_not_stop_the_others(address: Address) -> None:
    ours, troubled, other = address.replica(), uuid4(), uuid4()
    for _ in range(5):
        await ours.shut_out(troubled)
    await ours.request()
    ours.let_in()
    await ours.shut_out(other)
    await ours.request()

    await ours.shut_out(troubled)

    with pytest.raises(ThrottledError):
        await ours.request()


async def test_an_error_storm_is_ended_before_bling_ends_it(address: Address) -> None:
    """Pitfall 5: 300 errors in ten seconds block the address."""
    one, other = address.replica(), address.replica()
    for _ in range(90):
        await one.request()
        await one.error_answered()
    for _ in range(50):
        await other.error_answered()

    with pytest.raises(ThrottledError):
        await one.request()

    await address.later(seconds=10)
    await other.request()


def test_an_account_in_trouble_is_left_alone_and_nobody_else() -> None:
    """Pitfall 5: each process leaves an account alone that only fails."""
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
