"""360Hub fails in every way at once, and still every order ends in step, or says why it is not."""

from collections.abc import AsyncIterator

import pytest

from deploy.product import Product
from deploy.servers import Found
from tests.life.conftest import running_system
from tests.life.faults.fates import FATES
from tests.life.faults.market import COMPARING_OFTEN, open_markets
from tests.life.faults.play import play, wrong_in_the_end
from tests.life.faults.report import Report
from tests.life.proofs import assert_order_kept

SELLERS = 3
PROBABILITY = 0.1


@pytest.fixture(scope="module")
async def failing(found: Found, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    """A system of this module's own, which looks often for what nobody told it."""
    state = tmp_path_factory.mktemp("faults")
    async with running_system("faults", found, state, **COMPARING_OFTEN) as made:
        yield made


@pytest.mark.timeout(900)
async def test_every_fate_ends_as_it_must_while_every_fault_strikes(failing: Product) -> None:
    """Each fate twice. ``make faults`` plays 500 orders, and prints what was repeated."""
    async with open_markets(failing, SELLERS) as markets:
        lives = await play(markets, 2 * len(FATES), PROBABILITY)

        assert await wrong_in_the_end(lives) == []
        await assert_order_kept(failing)
        report = await Report.of(markets)

    assert report.repeated.total() > 0, "no call was repeated: the faults did not strike"
