"""What each answer means: 360Hub's own, those of somebody in between, and what stays open."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.hub_gateway import port
from services.hub_gateway.hub_api import wire
from services.hub_gateway.hub_api.answers import Answer, settle
from services.hub_gateway.hub_api.client import HubClient, open_http
from services.hub_gateway.port import Credentials, at_once
from shared.contracts.hub_gateway import FieldError
from tests.hub_gateway.samples import PRODUCT, order_content, product_content

ACCOUNT = UUID(int=1)
PAGE = b"<html>manuten\xc3\xa7\xc3\xa3o</html>"


class Given:
    async def credentials(self, _account_id: UUID) -> Credentials:
        return Credentials("client", "secret")


class Front:
    """What answers at 360Hub's address."""

    def __init__(self) -> None:
        self.refusal: web.Response | None = None
        self.answer: tuple[int, Any] = (200, {})
        self.tokens = 0

    async def token(self, _request: web.Request) -> web.Response:
        if self.refusal is not None:
            return self.refusal
        self.tokens += 1
        token = {"access_token": f"t{self.tokens}", "expires_in": 3600, "account_id": "acc"}
        return web.json_response(token)

    async def product(self, request: web.Request) -> web.Response:
        if request.headers["Authorization"] == "Bearer t1":
            return web.json_response({"code": "token-invalid"}, status=401)
        return web.json_response({"code": "product-not-found"}, status=404)

    async def other(self, _request: web.Request) -> web.Response:
        status, document = self.answer
        return web.json_response(document, status=status)


@pytest.fixture
def front() -> Front:
    return Front()


@pytest.fixture
async def hub(front: Front) -> AsyncIterator[HubClient]:
    app = web.Application()
    app.router.add_post("/oauth/token", front.token)
    app.router.add_get("/v1/products/{reference}", front.product)
    app.router.add_route("*", "/v1/{path:.*}", front.other)
    server = TestServer(app)
    async with server, open_http("tests@example.com") as http:
        yield HubClient(http, str(server.make_url("")).rstrip("/"), Given(), at_once)


async def test_a_token_that_is_no_longer_known_is_replaced_once(
    hub: HubClient, front: Front
) -> None:
    assert await hub.product(ACCOUNT, "p") == port.NotFound()
    assert front.tokens == 2


@pytest.mark.parametrize("status", [302, 403, 404, 502])
async def test_a_refusal_that_is_not_the_hubs_disconnects_nobody(
    hub: HubClient, front: Front, status: int
) -> None:
    front.refusal = web.Response(status=status, body=PAGE, content_type="text/html")

    with pytest.raises(port.UnavailableError):
        await hub.hub_account(ACCOUNT)


async def test_a_token_page_instead_of_a_token_is_no_token(hub: HubClient, front: Front) -> None:
    front.refusal = web.Response(body=PAGE, content_type="text/html")

    with pytest.raises(port.UnavailableError):
        await hub.hub_account(ACCOUNT)


async def test_credentials_refused_with_a_fresh_token_too_are_unauthorised(
    hub: HubClient, front: Front
) -> None:
    front.answer = (401, {"code": "token-expired"})

    with pytest.raises(port.UnauthorisedError, match="token-expired"):
        await hub.order(ACCOUNT, "o")

    assert front.tokens == 2


async def test_another_address_than_the_hubs_holds_nothing_and_says_nothing(
    hub: HubClient, front: Front
) -> None:
    front.answer = (404, {"code": "not-found"})

    with pytest.raises(port.MisunderstoodError, match="not-found"):
        await hub.order(ACCOUNT, "o")


@pytest.mark.parametrize("status", [302, 401, 403, 404, 408, 410])
def test_what_somebody_in_between_answers_settles_nothing(status: int) -> None:
    with pytest.raises(port.UnavailableError):
        settle(Answer(status, {}, PAGE))


class Setback(NamedTuple):
    """An answer that decides nothing, and what becomes of the call."""

    status: int
    code: str
    meaning: type[port.HubError]
    retryable: bool = False

    @property
    def body(self) -> bytes:
        return orjson.dumps({"code": self.code, "retryable": self.retryable})


SETBACKS = [
    Setback(400, "malformed", port.MisunderstoodError),
    Setback(400, "unknown-parameter", port.MisunderstoodError),
    Setback(401, "token-missing", port.UnauthorisedError),
    Setback(401, "token-expired", port.UnauthorisedError),
    Setback(401, "token-invalid", port.UnauthorisedError),
    Setback(403, "scope", port.UnauthorisedError),
    Setback(403, "account-suspended", port.UnauthorisedError),
    Setback(409, "concurrent-update", port.BusyError, retryable=True),
    Setback(409, "idempotency-in-progress", port.UnavailableError, retryable=True),
    Setback(409, "a-code-of-tomorrow", port.BusyError, retryable=True),
    Setback(422, "idempotency-key-reused", port.MisunderstoodError),
    Setback(423, "a-code-of-tomorrow", port.BusyError, retryable=True),
    Setback(423, "a-code-of-tomorrow", port.MisunderstoodError),
    Setback(429, "rate-limited", port.ThrottledError, retryable=True),
    Setback(500, "internal", port.UnavailableError, retryable=True),
    Setback(502, "upstream", port.UnavailableError, retryable=True),
    Setback(503, "unavailable", port.UnavailableError, retryable=True),
    Setback(504, "timeout", port.UnavailableError, retryable=True),
    Setback(501, "not-built", port.MisunderstoodError),
]


@pytest.mark.parametrize("row", SETBACKS, ids=lambda row: f"{row.status}-{row.code}")
def test_what_decides_nothing_says_what_becomes_of_the_call(row: Setback) -> None:
    with pytest.raises(row.meaning) as raised:
        settle(Answer(row.status, {}, row.body))

    assert type(raised.value) is row.meaning


@pytest.mark.parametrize("row", SETBACKS, ids=lambda row: f"{row.status}-{row.code}")
def test_a_setback_repeated_for_a_key_asks_for_another_key(row: Setback) -> None:
    with pytest.raises(port.RepeatedError):
        settle(Answer(row.status, {"Idempotent-Replayed": "true"}, row.body))


@pytest.mark.parametrize("status", [400, 405, 409, 413, 415, 422])
def test_a_refusal_without_a_code_needs_a_person(status: int) -> None:
    with pytest.raises(port.MisunderstoodError, match=f"360Hub answered {status}"):
        settle(Answer(status, {}, PAGE))


@pytest.mark.parametrize(
    ("headers", "pause_s"), [({}, 5.0), ({"Retry-After": "7"}, 7.0), ({"Retry-After": "x"}, 5.0)]
)
def test_too_many_calls_wait_as_long_as_was_asked(headers: dict[str, str], pause_s: float) -> None:
    with pytest.raises(port.ThrottledError) as raised:
        settle(Answer(429, headers, PAGE))

    assert raised.value.retry_after_s == pause_s


# --- what 360Hub decided, call by call

ORDER = port.OrderToRegister("o", 3, order_content(), {7: PRODUCT})
IMPORT = port.ProductToImport(PRODUCT, 3, product_content(), None)
WISH = port.Cancellation("o", 3, "cancelled_in_erp", datetime(2026, 3, 11, tzinfo=UTC))
PHOTO = port.PhotoToAdd(PRODUCT, 1, "https://fotos.example/1.jpg")
ERROR = {"pointer": "/items/0/product_ref", "code": "unknown-product", "message": "Não importado"}
FIELD = {"pointer": "/number", "code": "missing"}
NO_PRODUCT = FieldError(
    pointer="/items/0/product_ref", code="unknown-product", message="Não importado"
)
BAD_FIELD = FieldError(pointer="/number", code="missing")


class Refusal(NamedTuple):
    """A refusal, and the outcome that each call makes of it; None if it needs a person."""

    status: int
    code: str
    register: port.RegisterOutcome | None = None
    cancel: port.CancelOutcome | None = None
    product: port.ImportOutcome | None = None
    photo: port.PhotoOutcome | None = None
    more: Any = None


SHOWN = {"current_source_version": 4, "current_status": "with_carrier"}
REFUSALS = [
    Refusal(
        409,
        "stale-version",
        register=port.Stale(4, "with_carrier"),
        product=port.Stale(4, None),
        more=SHOWN,
    ),
    Refusal(409, "version-conflict", more=SHOWN),
    Refusal(409, "order-locked", register=port.Locked("with_carrier"), more=SHOWN),
    Refusal(
        409,
        "order-closed",
        register=port.Closed("with_carrier"),
        cancel=port.Closed("with_carrier"),
        more=SHOWN,
    ),
    Refusal(409, "not-cancellable", cancel=port.NotCancellable("with_carrier"), more=SHOWN),
    Refusal(409, "not-cancellable", cancel=port.NotCancellable(None), more={"current_status": 7}),
    Refusal(409, "a-code-of-tomorrow"),
    Refusal(404, "order-not-found", cancel=port.NotFound()),
    Refusal(404, "product-not-found", photo=port.NotFound()),
    Refusal(404, "not-found"),
    Refusal(
        422,
        "validation",
        register=port.Invalid((BAD_FIELD,)),
        product=port.Invalid((BAD_FIELD,)),
        photo=port.Invalid((BAD_FIELD,)),
        more={"errors": [FIELD]},
    ),
    Refusal(
        422,
        "validation",
        register=port.UnknownProduct((NO_PRODUCT,)),
        product=port.Invalid((NO_PRODUCT,)),
        photo=port.Invalid((NO_PRODUCT,)),
        more={"errors": [ERROR]},
    ),
    Refusal(
        422,
        "validation",
        register=port.Invalid(()),
        product=port.Invalid(()),
        photo=port.Invalid(()),
        more={"errors": "none that could be read"},
    ),
    Refusal(
        422,
        "unknown-product",
        register=port.UnknownProduct((NO_PRODUCT,)),
        more={"errors": [ERROR]},
    ),
    Refusal(
        501,
        "capability-off",
        register=port.Unsupported("updates"),
        cancel=port.Unsupported("cancellation"),
        product=port.Unsupported("updates"),
        photo=port.Unsupported("photos"),
    ),
]


@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: f"{row.status}-{row.code}")
@pytest.mark.parametrize("call", ["register", "cancel", "product", "photo"])
async def test_a_refusal_is_the_outcome_that_the_call_knows_or_needs_a_person(
    hub: HubClient, front: Front, row: Refusal, call: str
) -> None:
    front.answer = (row.status, {"code": row.code, "retryable": False, **(row.more or {})})
    expected = getattr(row, call)

    async def make() -> Any:
        match call:
            case "register":
                return await hub.register_order(ACCOUNT, ORDER, ACCOUNT)
            case "cancel":
                wish = hub.prepare_cancellation(WISH, "a-key-of-ours")
                return await hub.cancel_order(ACCOUNT, "o", wish, ACCOUNT)
            case "product":
                return await hub.import_product(ACCOUNT, IMPORT, ACCOUNT)
            case _:
                photo = hub.prepare_photo(PHOTO, "a-key-of-ours")
                return await hub.add_product_photo(ACCOUNT, PRODUCT, photo, ACCOUNT)

    if expected is None:
        with pytest.raises(port.MisunderstoodError, match=row.code):
            await make()
    else:
        assert await make() == expected


async def test_reading_tells_what_is_not_there(hub: HubClient, front: Front) -> None:
    front.answer = (404, {"code": "order-not-found"})
    assert await hub.order(ACCOUNT, "o") == port.NotFound()
    assert await hub.order_events(ACCOUNT, "o", shipment=1, after=0) == []
    assert await hub.labels(ACCOUNT, "o") == ()
    assert await hub.scans(ACCOUNT, "o") == ()
    assert await hub.occurrences(ACCOUNT, "o") == ()

    front.answer = (404, {"code": "manifest-not-found"})
    assert await hub.manifest(ACCOUNT, "man_1") == port.NotFound()

    front.answer = (410, {"code": "cursor-expired"})
    assert await hub.changes(ACCOUNT, "old") == port.CursorExpired()


async def test_one_odd_entry_of_a_list_does_not_hide_the_others(
    hub: HubClient, front: Front
) -> None:
    sound = {"resource": "order", "external_ref": "o", "sequence": 5}
    odd = [
        sound | {"sequence": 2**70},
        sound | {"external_ref": "o\x00"},
        {"resource": "manifest", "sequence": 3},
        7,
    ]
    front.answer = (200, {"changes": [*odd, sound], "next_cursor": "c"})
    page = await hub.changes(ACCOUNT, None)
    assert page == port.ChangePage((port.Change("order", "o", 5),), "c", False)

    label = {"label_id": "lbl_1", "volume": 1, "status": "processing"}
    front.answer = (200, {"labels": [{"volume": 1}, label]})
    assert [found.status for found in await hub.labels(ACCOUNT, "o")] == ["processing"]


async def test_null_is_the_same_as_absent(hub: HubClient, front: Front) -> None:
    order = {
        "external_ref": "o",
        "status": "order_created",
        "status_changed_at": "2026-03-11T12:40:03Z",
        "sequence": 1,
    }
    front.answer = (200, order | {"holds": None, "volumes": None, "carrier": None})

    found = await hub.order(ACCOUNT, "o")

    assert isinstance(found, port.OrderSnapshot)
    assert (found.holds, found.labels) == ((), ())


def test_a_page_instead_of_an_answer_leaves_the_result_open() -> None:
    with pytest.raises(port.UnavailableError):
        Answer(200, {}, PAGE).read(wire.CancelAnswer)


def test_an_answer_of_another_shape_is_a_defect() -> None:
    with pytest.raises(port.MisunderstoodError):
        Answer(200, {}, b'{"result": 1}').read(wire.CancelAnswer)


def test_a_call_that_still_runs_leaves_the_result_open() -> None:
    body = b'{"code": "idempotency-in-progress", "retryable": true}'

    with pytest.raises(port.UnavailableError):
        settle(Answer(409, {}, body))


def test_a_pause_of_no_length_is_none() -> None:
    with pytest.raises(port.UnavailableError) as raised:
        settle(Answer(503, {"Retry-After": "0"}, b""))

    assert raised.value.retry_after_s is None
