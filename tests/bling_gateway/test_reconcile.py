"""Which orders a comparison reads again."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.bling_gateway.reconcile import Period

CONNECTED = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

minutes = st.integers(0, 3000).map(lambda count: timedelta(minutes=count))


@given(
    pauses=st.lists(st.integers(1, 300), min_size=1, max_size=40),
    read_after=minutes,
    edited_after=minutes,
)
def test_every_edit_is_read_before_it_leaves_the_list(
    pauses: list[int], read_after: timedelta, edited_after: timedelta
) -> None:
    read_at = CONNECTED + read_after
    edited_at = read_at + edited_after + timedelta(seconds=1)

    now, is_listed, is_read = CONNECTED, False, False
    for minutes_later in pauses:
        period = Period.of(now, now := now + timedelta(minutes=minutes_later))
        was_listed, is_listed = is_listed, edited_at <= now and edited_at >= period.since
        is_read = is_read or (is_listed and read_at < period.read_since)
        if was_listed and not is_listed:
            assert is_read
