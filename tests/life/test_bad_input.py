"""Bad input through the real processes: each has its named answer, and nothing is lost.

What Bling and 360Hub call with is kept if it is authentic, and refused if it is not. What is wrong
with an order is a reason on it, said in words, until the seller mends or cancels it.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import pytest
from standardwebhooks import Webhook

from deploy.demo import story
from deploy.demo.players import Json, Play, PlayError, until
from deploy.demo.story import Scene
from deploy.product import BLING_CLIENT, Product
from services.hub_gateway.keyring import Keyring
from shared.database import open_pool
from shared.sealing import MasterKeys
from tests.life.conftest import new_account

OVER_THE_LIMIT = 1024 * 1024 + 1
BEYOND_32_BITS = 2**32


@pytest.fixture(scope="module")
async def play(system: Product) -> AsyncIterator[Play]:
    """One account for all: what is wrong with one order or webhook must not disturb the others."""
    async with new_account(system) as made:
        yield made


@dataclass(frozen=True)
class Outside:
    """Calls the gateways as Bling and 360Hub do, and looks at what was kept."""

    system: Product
    play: Play
    http: aiohttp.ClientSession
    hub_secret: str

    async def bling_sends(self, body: bytes, signature: str | None) -> int:
        """Post to the one address that Bling calls."""
        headers = {} if signature is None else {"X-Bling-Signature-256": signature}
        return await self._post("bling_gateway", "/webhooks/bling", body, headers)

    async def hub_sends(
        self,
        body: bytes,
        *,
        secret: str | None = None,
        account: str | None = None,
        age: timedelta = timedelta(),
        without: str | None = None,
    ) -> int:
        """Post to the account's address, signed by Standard Webhooks."""
        at, webhook_id = datetime.now(UTC) - age, f"evt_{uuid4().hex}"
        headers = {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret or self.hub_secret).sign(
                webhook_id, at, body.decode()
            ),
        }
        headers.pop(without or "", None)
        account = account or self.play.keeper.account_id
        return await self._post("hub_gateway", f"/webhooks/hub/{account}", body, headers)

    async def _post(self, service: str, path: str, body: bytes, headers: dict[str, str]) -> int:
        url = f"{self.system.url(service)}{path}"
        async with self.http.post(url, data=body, headers=headers) as answer:
            await answer.read()
            return answer.status

    async def kept(self, service: str, body: bytes) -> list[str]:
        """Return the state of every row of the service's inbox that holds just this body."""
        conn = await asyncpg.connect(self.system.database.owner_url)
        try:
            rows = await conn.fetch(f"SELECT state FROM {service}.inbox WHERE body = $1", body)  # noqa: S608
        finally:
            await conn.close()
        return [row["state"] for row in rows]


@pytest.fixture(scope="module")
async def outside(system: Product, play: Play) -> AsyncIterator[Outside]:
    keys = MasterKeys.parse(system.environment["HUB_GATEWAY_MASTER_KEY"])
    async with await open_pool(system.database.owner_url, "hub_gateway") as pool:
        secrets = await Keyring(pool, keys).webhook_secrets(UUID(play.keeper.account_id))
    async with aiohttp.ClientSession() as http:
        yield Outside(system, play, http, secrets[0])


def signed(body: bytes, secret: str = BLING_CLIENT.secret) -> str:
    """Sign as Bling does."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def bling_event(play: Play, **changes: Any) -> bytes:
    """Write a webhook about an order that does not exist."""
    event = {
        "eventId": str(uuid4()),
        "date": "2026-11-20T12:00:00Z",
        "version": "v1",
        "event": "order.updated",
        "companyId": play.seller.company,
        "data": {"id": 1, "situacao": {"id": 6, "valor": 0}},
    }
    return json.dumps(event | changes).encode()


def hub_event(**changes: Any) -> bytes:
    """Write an event about an order that is not ours."""
    event = {
        "id": f"evt_{uuid4().hex}",
        "type": "order.status_changed",
        "timestamp": "2026-11-20T12:00:00Z",
        "sequence": 1,
        "data": {"external_ref": "bling-none-1", "to": "in_manifest"},
    }
    return json.dumps(event | changes).encode()


class TestWhatBlingSends:
    @pytest.mark.parametrize("signature", [None, "sha256=" + "0" * 64, signed(b"{}", "no secret")])
    async def test_a_wrong_or_missing_signature_is_refused(
        self, outside: Outside, signature: str | None
    ) -> None:
        body = bling_event(outside.play)

        assert await outside.bling_sends(body, signature) == 401
        assert await outside.kept("bling_gateway", body) == []

    async def test_a_body_over_the_limit_is_refused(self, outside: Outside) -> None:
        body = b" " * OVER_THE_LIMIT

        assert await outside.bling_sends(body, signed(body)) == 413
        assert await outside.kept("bling_gateway", body) == []

    async def test_a_body_that_is_no_json_is_kept(self, outside: Outside) -> None:
        body = f"not json {uuid4()}".encode()

        assert await outside.bling_sends(body, signed(body)) == 200
        assert await outside.kept("bling_gateway", body) == ["unclaimed"]

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"companyId": "0" * 32}, id="unknown-company"),
            pytest.param({"event": "order.painted"}, id="unknown-event-type"),
            pytest.param({"event": "unicorn.created"}, id="unknown-resource"),
            pytest.param({"data": "text"}, id="data-of-the-wrong-type"),
            pytest.param({"data": {"id": "abc"}}, id="id-of-the-wrong-type"),
            pytest.param({"data": {"id": 2**63}}, id="id-beyond-64-bits"),
        ],
    )
    async def test_what_is_not_understood_is_kept(self, outside: Outside, changes: Json) -> None:
        body = bling_event(outside.play, **changes)

        assert await outside.bling_sends(body, signed(body)) == 200
        assert await outside.kept("bling_gateway", body) == ["unclaimed"]

    async def test_an_order_is_read_whatever_else_its_webhook_says(
        self, outside: Outside, scene: Scene
    ) -> None:
        """Fields of the wrong type beside a good id, dated long ago: Bling signs no time."""
        await scene.play.seller.webhooks(drop=1)
        scene.order = await scene.play.seller.places_order(situation=6)
        data = {"id": scene.order_id, "situacao": "aberta", "total": "muito"}
        body = bling_event(outside.play, data=data, date="2020-01-01T00:00:00Z")

        assert await outside.bling_sends(body, signed(body)) == 200

        assert await outside.kept("bling_gateway", body) == ["claimed"]
        state = await first_seen(scene)
        assert state["situation"]["name"] == "Em aberto"


class TestWhat360HubSends:
    async def test_a_wrong_signature_is_refused(self, outside: Outside) -> None:
        body = hub_event()
        other = "whsec_" + base64.b64encode(b"x" * 32).decode()

        assert await outside.hub_sends(body, secret=other) == 401
        assert await outside.kept("hub_gateway", body) == []

    @pytest.mark.parametrize("header", ["webhook-signature", "webhook-timestamp", "webhook-id"])
    async def test_a_missing_signature_is_refused(self, outside: Outside, header: str) -> None:
        body = hub_event()

        assert await outside.hub_sends(body, without=header) == 401
        assert await outside.kept("hub_gateway", body) == []

    @pytest.mark.parametrize("minutes", [6, -6])
    async def test_a_stale_timestamp_is_refused(self, outside: Outside, minutes: int) -> None:
        body = hub_event()

        assert await outside.hub_sends(body, age=timedelta(minutes=minutes)) == 401
        assert await outside.kept("hub_gateway", body) == []

    async def test_an_unknown_account_is_refused(self, outside: Outside) -> None:
        """There is no secret that such a call could be signed with."""
        body = hub_event()

        assert await outside.hub_sends(body, account=str(uuid4())) == 401
        assert await outside.kept("hub_gateway", body) == []

    async def test_a_body_over_the_limit_is_refused(self, outside: Outside) -> None:
        body = hub_event(data={"filler": "x" * OVER_THE_LIMIT})

        assert await outside.hub_sends(body) == 413
        assert await outside.kept("hub_gateway", body) == []

    async def test_a_body_that_is_no_json_is_kept(self, outside: Outside) -> None:
        body = f"not json {uuid4()}".encode()

        assert await outside.hub_sends(body) == 204
        assert await outside.kept("hub_gateway", body) == ["unclaimed"]

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"type": "galaxy.exploded"}, id="unknown-event-type"),
            pytest.param({"sequence": "x"}, id="sequence-of-the-wrong-type"),
            pytest.param({"sequence": 2**70}, id="sequence-beyond-64-bits"),
            pytest.param({"data": "text"}, id="data-of-the-wrong-type"),
            pytest.param({}, id="unknown-order"),
        ],
    )
    async def test_what_is_not_understood_is_kept(self, outside: Outside, changes: Json) -> None:
        body = hub_event(**changes)

        assert await outside.hub_sends(body) == 204
        assert await outside.kept("hub_gateway", body) == ["unclaimed"]

    async def test_what_was_refused_comes_again_and_is_not_lost(self, scene: Scene) -> None:
        await story.start(scene)
        await scene.play.operator.webhooks(retry_gaps_s=[0.2, 0.2])
        account = scene.play.operator.account
        fault = {"fault": "webhook_bad_signature", "count": 2, "account": account}
        await scene.play.operator.web.call("POST", "/_sandbox/faults", fault)

        await scene.play.operator.opens_manifest(scene.reference())

        await scene.both_show("Em romaneio", "in_manifest")


def replaced(order: Json, part: int, **changes: Any) -> Json:
    """Return the order's items with one of them changed."""
    items = [dict(item) for item in order["itens"]]
    items[part] |= changes
    return {"itens": items}


@dataclass(frozen=True)
class Fault:
    """How an order is odd from its birth or by an edit, and what is then to be read of it."""

    detail: str
    explanation: str
    wish: Json
    edit: Any = None


FAULTS = [
    Fault("no_items", "pedido sem itens", {"without": ["items"]}),
    Fault("no_address", "pedido sem endereço de entrega", {"without": ["address"]}),
    Fault("no_contact", "pedido sem cliente (contato)", {"without": ["contact"]}),
    Fault("item_without_product:items/1", "item 1 sem produto", {"item_without_product": True}),
    Fault(
        "item_without_product:items/2",
        "item 2 sem produto",
        {},
        lambda order: replaced(order, 1, produto={"id": 0}),
    ),
    Fault(
        "quantity_fractional:items/1",
        "item 1 com quantidade fracionada",
        {"fractional_quantity": True},
    ),
    Fault(
        "field_invalid:itens/1/quantidade",
        "valor inválido: item 2, quantidade",
        {},
        lambda order: replaced(order, 1, quantidade="duas"),
    ),
    Fault(
        "field_invalid:transporte/frete",
        "valor inválido: frete",
        {"override": {"transporte": {"frete": ["12"]}}},
    ),
]


class TestOddOrders:
    @pytest.fixture(params=FAULTS, ids=lambda fault: fault.detail)
    async def fault(self, request: pytest.FixtureRequest) -> Fault:
        """What is wrong with the order."""
        found: Fault = request.param
        return found

    async def test_it_is_held_with_the_cause_and_arrives_once_mended(
        self, scene: Scene, fault: Fault
    ) -> None:
        sound = await scene.play.seller.places_order(situation=6)

        await begin_odd(scene, fault)

        state = await scene.reason_is("held")
        (reason,) = state["reasons"]
        assert state["problems"] == [fault.detail]
        assert reason["details"] == [fault.detail]
        assert reason["explanations"] == [fault.explanation]
        assert reason["needs_person"]
        assert "edit_in_bling" in reason["actions"]
        told = [entry["sentence"] for entry in await scene.play.keeper.timeline(scene.order_id)]
        assert any(s.startswith("Bling: ") and fault.explanation in s for s in told)
        assert any(s.startswith("Atenção: ") and fault.explanation in s for s in told)
        assert await scene.play.operator.order(scene.reference()) is None

        await scene.play.seller.edits(
            scene.order_id, {part: sound[part] for part in ("itens", "contato", "transporte")}
        )

        await scene.both_show("Em andamento", "order_created")
        await story.products_are_approved(scene)
        await story.invoice_is_issued(scene)
        state = await scene.reason_is()
        assert state["problems"] == []

    async def test_it_can_still_be_cancelled(self, scene: Scene, fault: Fault) -> None:
        await begin_odd(scene, fault)
        await scene.reason_is("held")

        await scene.play.seller.sets(scene.order_id, "Cancelado")

        state = await scene.reason_is()
        assert state["stage"] == "cancelled"
        assert await scene.play.operator.order(scene.reference()) is None

    async def test_it_can_be_cancelled_at_360hub_too(self, scene: Scene) -> None:
        """What became odd after 360Hub had it."""
        await story.start(scene)
        await scene.play.seller.edits(scene.order_id, {"itens": []})
        await scene.reason_is("held")

        await story.cancelled_in_bling(scene)


class TestOddContacts:
    @pytest.mark.parametrize(
        ("wrong", "explanation"),
        [
            ({"numeroDocumento": "12345678900"}, "CPF ou CNPJ do cliente inválido"),
            ({"email": ["x"]}, "valor inválido: cliente (contato)"),
        ],
    )
    async def test_an_order_whose_contact_is_mended_arrives_when_it_is_tried_again(
        self, scene: Scene, wrong: Json, explanation: str
    ) -> None:
        """Bling tells nobody of a contact's changes: a person asks for another reading."""
        seller = scene.play.seller
        await seller.webhooks(hold=True)
        scene.order = await seller.places_order(situation=6)
        path = f"/_sandbox/contacts/{scene.order['contato']['id']}?company={seller.company}"
        sound = await seller.web.call("PATCH", path, {})
        await seller.web.call("PATCH", path, wrong)
        await seller.sets(scene.order_id, "Em andamento")
        await seller.webhooks(hold=False)
        await seller.releases_webhooks("as_is")
        await first_seen(scene)
        state = await scene.reason_is("held")
        assert [r["explanations"] for r in state["reasons"]] == [[explanation]]

        await seller.web.call("PATCH", path, {part: sound[part] for part in wrong})
        await scene.play.keeper.acts(scene.order_id, "retry")

        await scene.both_show("Em andamento", "order_created")


class TestOddProducts:
    async def test_a_product_of_another_shape_holds_its_order_until_a_person_retries(
        self, scene: Scene
    ) -> None:
        seller = scene.play.seller
        wrong = {"company": seller.company, "override": {"dimensoes": {"largura": "larga"}}}
        product = (await seller.web.call("POST", "/_sandbox/products", wrong))["id"]

        scene.order = await seller.places_order(situation=6, product_ids=[product])
        await seller.sets(scene.order_id, "Em andamento")

        await first_seen(scene)
        state = await scene.reason_is("held")
        (reason,) = state["reasons"]
        assert reason["explanations"] == [f"o produto {product} não pôde ser importado na 360Hub"]
        assert "retry" in reason["actions"]

        path = f"/_sandbox/products/{product}?company={seller.company}"
        await seller.web.call("PATCH", path, {"dimensoes": {"largura": 12}})
        await scene.play.keeper.acts(scene.order_id, "retry")

        await scene.both_show("Em andamento", "order_created")


class TestOddSituations:
    async def test_a_situation_that_nobody_knows_starts_nothing(self, scene: Scene) -> None:
        unknown = await new_situation(scene.play)

        scene.order = await scene.play.seller.places_order(situation=unknown)

        await first_seen(scene)
        state = await scene.reason_is("not_started")
        assert state["situation"]["id"] == unknown

        async def is_named() -> bool:
            shown = await scene.play.keeper.order(scene.order_id)
            return str(shown["situation"]["name"]).startswith("Minha ")

        await until("the situação to be known by its name", is_named)

    async def test_a_situation_that_nobody_knows_is_never_overwritten(self, scene: Scene) -> None:
        await story.start(scene)
        unknown = await new_situation(scene.play)
        await scene.play.seller.sets(scene.order_id, unknown)
        await shows(scene, unknown)

        await scene.play.operator.opens_manifest(scene.reference())

        await until("the core to see the romaneio", lambda: _has_status(scene, "in_manifest"))
        history = (await scene.play.seller.order(scene.order_id))["history"]
        assert history[-1]["situacao"] == unknown
        await scene.play.seller.sets(scene.order_id, "Em andamento")
        await scene.both_show("Em romaneio", "in_manifest")
        await scene.reason_is()


class TestWhatOnlyLooksBad:
    async def test_absent_references_and_ids_beyond_32_bits_are_usual(self, scene: Scene) -> None:
        absent = {"id": 0}
        override = {
            "loja": {"id": 0, "unidadeNegocio": absent},
            "vendedor": absent,
            "notaFiscal": absent,
            "categoria": absent,
        }

        await story.start(scene, store=0, override=override)

        products = [item["produto"]["id"] for item in scene.order["itens"]]
        ids = [scene.order_id, scene.order["contato"]["id"], *products]
        assert all(number > BEYOND_32_BITS for number in ids)
        await scene.reason_is()


async def begin_odd(scene: Scene, fault: Fault) -> None:
    """Bring an order with the fault to em andamento."""
    scene.order = await scene.play.seller.places_order(situation=6, **fault.wish)
    if fault.edit is not None:
        await scene.play.seller.edits(scene.order_id, fault.edit(scene.order))
    await scene.play.seller.sets(scene.order_id, "Em andamento")
    await first_seen(scene)


async def new_situation(play: Play) -> int:
    """The seller makes a situação that this system was never told of."""
    wish = {"name": f"Minha {uuid4().hex[:6]}", "inherits": 15, "company": play.seller.company}
    made: int = (await play.seller.web.call("POST", "/_sandbox/situations", wish))["id"]
    return made


async def first_seen(scene: Scene) -> Json:
    """Wait until the core knows the order, and return its state."""

    async def known() -> Json | None:
        try:
            return await scene.play.keeper.order(scene.order_id)
        except PlayError as error:
            if "→ 404" in str(error):
                return None
            raise

    return await until(f"the core to know order {scene.order_id}", known)


async def shows(scene: Scene, situation: int) -> None:
    """Wait until the core saw the situação."""

    async def saw() -> bool:
        state = await scene.play.keeper.order(scene.order_id)
        return bool(state["situation"]["id"] == situation)

    await until(f"the core to see situação {situation}", saw)


async def _has_status(scene: Scene, status: str) -> bool:
    return bool((await scene.play.keeper.order(scene.order_id))["status"] == status)
