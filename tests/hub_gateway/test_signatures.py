"""Standard Webhooks: only authentic and recent requests are accepted."""

import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from services.hub_gateway.hub_api.signatures import usable, verify
from services.hub_gateway.port import NotAuthenticError

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
OTHER = "whsec_" + base64.b64encode(b"another secret, thirty-two bytes").decode()
NOW_S = 1773322511
BODY = (
    b'{"id":"evt_01JPB7Q4ZK","type":"endpoint.verification",'
    b'"timestamp":"2026-03-12T13:35:11Z","data":{"challenge":"a1b2c3"}}'
)
HEADERS = {
    "webhook-id": "evt_01JPB7Q4ZK",
    "webhook-timestamp": str(NOW_S),
    "webhook-signature": "v1,pgsrtWO5cxNeDOq8wk3gqLPEjz4DYNAEPioandaR03I=",
}


def signed(body: bytes, *, secret: str = SECRET, at_s: int = NOW_S) -> dict[str, str]:
    """Sign as an independent implementation does."""
    at = datetime.fromtimestamp(at_s, UTC)
    return {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(at_s),
        "webhook-signature": Webhook(secret).sign("evt_1", at, body.decode()),
    }


def test_the_published_example_is_accepted() -> None:
    assert verify(HEADERS, BODY, [SECRET], now_s=NOW_S) == "evt_01JPB7Q4ZK"


def test_another_implementations_signature_is_accepted() -> None:
    body = '{"nome":"Conceição"}'.encode()

    assert verify(signed(body), body, [SECRET], now_s=NOW_S) == "evt_1"


@pytest.mark.parametrize("away_s", [-300, 300])
def test_five_minutes_away_is_still_accepted(away_s: int) -> None:
    verify(signed(BODY), BODY, [SECRET], now_s=NOW_S + away_s)


@pytest.mark.parametrize("away_s", [-301, 301])
def test_more_than_five_minutes_away_is_refused(away_s: int) -> None:
    with pytest.raises(NotAuthenticError):
        verify(signed(BODY), BODY, [SECRET], now_s=NOW_S + away_s)


def test_either_of_two_active_secrets_is_accepted() -> None:
    verify(signed(BODY, secret=OTHER), BODY, [SECRET, OTHER], now_s=NOW_S)


def test_one_of_several_signatures_is_enough() -> None:
    other = signed(BODY, secret=OTHER)["webhook-signature"]
    both = {**HEADERS, "webhook-signature": f"v1a,abc {other} {HEADERS['webhook-signature']}"}

    verify(both, BODY, [SECRET], now_s=NOW_S)


@pytest.mark.parametrize("missing", list(HEADERS))
def test_a_missing_header_is_refused(missing: str) -> None:
    headers = {name: value for name, value in HEADERS.items() if name != missing}

    with pytest.raises(NotAuthenticError):
        verify(headers, BODY, [SECRET], now_s=NOW_S)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,não é base64"},
        {"webhook-signature": HEADERS["webhook-signature"].replace("v1,", "v2,")},
        {"webhook-signature": signed(BODY, secret=OTHER)["webhook-signature"]},
        {"webhook-id": "evt_01JPB7Q4ZX"},
        {"webhook-id": "evt\udcff"},
        {"webhook-timestamp": str(NOW_S + 1)},
        {"webhook-timestamp": "now"},
        {"webhook-timestamp": "²"},
        {"webhook-timestamp": "9" * 400},
    ],
)
def test_anything_changed_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(NotAuthenticError):
        verify({**HEADERS, **changed}, BODY, [SECRET], now_s=NOW_S)


def test_a_changed_body_is_refused() -> None:
    with pytest.raises(NotAuthenticError):
        verify(HEADERS, BODY + b" ", [SECRET], now_s=NOW_S)


def test_without_a_secret_nothing_is_accepted() -> None:
    with pytest.raises(NotAuthenticError):
        verify(HEADERS, BODY, [], now_s=NOW_S)


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        (SECRET, True),
        ("AAEC", False),
        ("whsec_", False),
        ("whsec_?", False),
        ("whsec_AAE", False),
        ("whsec_ã", False),
    ],
)
def test_only_secrets_of_the_agreed_form_are_usable(secret: str, expected: bool) -> None:
    assert usable(secret) is expected
