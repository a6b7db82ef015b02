"""When webhooks count as switched off."""

from datetime import UTC, datetime, timedelta

from services.bling_gateway.silence import Listening, News, after_comparison

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def minutes(count: int) -> datetime:
    return NOON + timedelta(minutes=count)


def test_a_change_whose_webhook_may_be_under_way_is_no_silence() -> None:
    listening, news = after_comparison(Listening(), 1, minutes(0))

    assert news is None
    assert listening.missed_since == minutes(0)


def test_no_webhook_ten_minutes_after_a_change_was_found_is_silence() -> None:
    """Pitfall 12: a resource that Bling switched off is noticed."""
    listening, _ = after_comparison(Listening(heard_at=minutes(-60)), 2, minutes(0))

    listening, news = after_comparison(listening, 3, minutes(15))

    assert news is News.SILENT
    assert listening.missed == 5
    assert listening.heard_at == minutes(-60)


def test_silence_is_told_once() -> None:
    listening, _ = after_comparison(Listening(), 1, minutes(0))
    listening, _ = after_comparison(listening, 1, minutes(15))

    _, news = after_comparison(listening, 1, minutes(30))

    assert news is None


def test_a_webhook_in_between_begins_anew() -> None:
    listening, _ = after_comparison(Listening(), 1, minutes(0))
    heard = Listening(minutes(3), listening.missed_since, listening.missed, listening.silent)

    listening, news = after_comparison(heard, 0, minutes(15))

    assert news is None
    assert listening == Listening(heard_at=minutes(3))


def test_a_webhook_that_came_within_the_minute_of_another_counts() -> None:
    """Only the first webhook of a minute is noted: the account may have heard since."""
    listening, _ = after_comparison(Listening(), 1, minutes(1))
    noted = NOON + timedelta(seconds=20)
    heard = Listening(noted, listening.missed_since, listening.missed, listening.silent)

    listening, news = after_comparison(heard, 0, minutes(16))

    assert news is None
    assert listening == Listening(heard_at=noted)


def test_a_webhook_ends_the_silence() -> None:
    silent = Listening(minutes(20), minutes(0), 4, silent=True)

    listening, news = after_comparison(silent, 0, minutes(30))

    assert news is News.HEARD
    assert not listening.silent


def test_quiet_without_changes_is_no_silence() -> None:
    listening, news = after_comparison(Listening(heard_at=minutes(-600)), 0, minutes(0))

    assert news is None
    assert listening == Listening(heard_at=minutes(-600))
