"""360Hub fails in every way at once, and still every order ends in step, or says why it is not."""

from collections.abc import AsyncIterator

import pytest

from deploy.product import Product
from deploy.servers import Found
from tests.life.conftest import running_system
from tests.life.faults.market import open_markets
from tests.life.faults.play import play, wrong_in_the_end
from tests.life.faults.report import Report
from tests.life.test_crashes import assert_order_kept
