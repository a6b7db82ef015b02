"""Our contracts to 360Hub's JSON and back, with no server."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from services.hub_gateway import port
from services.hub_gateway.hub_api import events, translate, wire
from shared.contracts import hub_gateway as facts
from shared.contracts.content import (
    Address,
    FiscalDocument,
    Item,
    OrderContent,
    ProductContent,
    Recipient,
    Totals,
    Volume,
)

REFERENCE = "bling-7k2p-20418877301"
AT = datetime(2026, 3, 11, 12, 40, 3, tzinfo=UTC)


def content(**changes: Any) -> OrderContent:
    values: dict[str, Any] = {
        "number": "10482",
        "store_order_number": "LJ-88213",
        "placed_at": datetime.fromisoformat("2026-03-10T11:02:11-03:00"),
        "recipient": Recipient(
            name="Cliente de Teste",
            document="12ABC34501DE35",
            address=Address(
                postal_code="01310100",
                street="Avenida Exemplo",
                number="1000",
                city="São Paulo",
                state="SP",
            ),
        ),
        "items": (
            Item(line="1", product_id=7, name="Camiseta", quantity=2, unit_price=Decimal("49.9")),
        ),
        "totals": Totals(
            items=Decimal("99.8"), shipping=Decimal(0), discount=Decimal(0), total=Decimal("99.80")
        ),
    }
    return OrderContent(**(values | changes))


def order(**changes: Any) -> port.OrderToRegister:
    return port.OrderToRegister(REFERENCE, 3, content(**changes), {7: "bling-7k2p-7"})


def event(kind: str, data: dict[str, Any], sequence: int | None = 5) -> wire.Event:
    return wire.Event.model_validate(
        {
            "id": "evt_1",
            "type": kind,
            "timestamp": "2026-03-11T12:40:03Z",
            "sequence": sequence,
            "data": {"external_ref": REFERENCE} | data,
        }
    )


def told(kind: str, data: dict[str, Any]) -> tuple[facts.SequencedFact, ...]:
    found = events.order_event(event(kind, data), shipment=2)
    assert found is not None
    return found.facts


class TestToTheHub:
    def test_an_order_is_written_in_the_hubs_words(self) -> None:
        body = translate.order_body(order())

        assert body["source_version"] == 3
        assert body["placed_at"] == "2026-03-10T14:02:11Z"
        assert body["items"] == [
            {
                "line_ref": "1",
                "product_ref": "bling-7k2p-7",
                "name": "Camiseta",
                "quantity": 2,
                "unit_price": "49.90",
            }
        ]
        assert body["totals"]["shipping"] == "0.00"
        assert body["recipient"]["document"] == "12ABC34501DE35"
        assert body["recipient"]["address"]["country"] == "BR"
        assert "complement" not in body["recipient"]["address"]

    def test_what_is_not_known_yet_is_left_out(self) -> None:
        body = translate.order_body(order(store_order_number=None))

        assert not {"store_order_number", "fiscal_document", "volumes"} & set(body)

    def test_fiscal_document_and_volumes_follow_once_known(self) -> None:
        volume = Volume(volume=1, weight_g=600, length_mm=300, width_mm=200, height_mm=80)
        document = FiscalDocument(kind="nfe", access_key="3" * 44)

        body = translate.order_body(order(volumes=(volume,), fiscal_document=document))

        assert body["fiscal_document"] == {"kind": "nfe", "access_key": "3" * 44}
        assert body["volumes"][0]["weight_g"] == 600

    def test_an_item_whose_product_was_never_imported_is_named(self) -> None:
        unknown = port.OrderToRegister(REFERENCE, 3, content(), {})

        with pytest.raises(translate.UntranslatableError) as raised:
            translate.order_body(unknown)

        assert raised.value.error.pointer == "/items/0/product_ref"

    def test_a_product_is_written_in_the_hubs_words(self) -> None:
        product = ProductContent(name="Camiseta", price=Decimal("49.9"), weight_g=250)

        body = translate.product_body(port.ProductToImport("bling-7k2p-7", 1, product, None))

        assert body == {
            "source": "bling",
            "source_version": 1,
            "name": "Camiseta",
            "price": "49.90",
            "weight_g": 250,
        }


class TestEvents:
    def test_a_status_move(self) -> None:
        (fact,) = told(
            "order.status_changed",
            {"from": "in_manifest", "to": "awaiting_dispatch", "manifest_id": "man_1"},
        )

        assert fact == facts.OrderStatusChanged(
            shipment=2,
            hub_sequence=5,
            happened_at=AT,
            previous="in_manifest",
            status="awaiting_dispatch",
            manifest_id="man_1",
        )

    def test_creation_is_the_first_status_with_its_holds(self) -> None:
        status, holds = told(
            "order.created", {"status": "order_created", "holds": [{"code": "address_invalid"}]}
        )

        assert isinstance(status, facts.OrderStatusChanged)
        assert (status.previous, status.status) == (None, "order_created")
        assert isinstance(holds, facts.OrderHoldChanged)
        assert holds.holds == (facts.Hold(code="address_invalid"),)

    def test_creation_without_holds_is_one_fact(self) -> None:
        assert len(told("order.created", {"status": "order_created", "holds": []})) == 1

    def test_a_status_of_an_unknown_name_is_kept_as_it_is(self) -> None:
        (fact,) = told("order.status_changed", {"from": "in_manifest", "to": "teleported"})

        assert isinstance(fact, facts.OrderStatusChanged)
        assert fact.status == "teleported"

    def test_an_unknown_type_is_kept_by_its_name(self) -> None:
        (fact,) = told("order.blessed", {"by": "someone"})

        assert isinstance(fact, facts.OrderEventUnrecognised)
        assert fact.raw_type == "order.blessed"

    def test_an_unknown_occurrence_is_kept_by_its_code(self) -> None:
        (fact,) = told(
            "order.occurrence_opened", {"occurrence": {"occurrence_id": "occ_1", "code": "ufo"}}
        )

        assert isinstance(fact, facts.OrderOccurrenceOpened)
        assert fact.occurrence.code == "ufo"

    @pytest.mark.parametrize(
        ("kind", "data", "expected"),
        [
            ("order.content_updated", {"source_version": 4}, facts.OrderContentUpdated),
            ("order.hold_changed", {"holds": []}, facts.OrderHoldChanged),
            (
                "order.labels_updated",
                {"labels": [{"label_id": "lbl_1", "volume": 1, "status": "ready"}]},
                facts.OrderLabelsUpdated,
            ),
            (
                "order.tracking_updated",
                {"stage": "accepted", "event": {"volume": 1}},
                facts.OrderTrackingUpdated,
            ),
            (
                "order.occurrence_resolved",
                {"occurrence": {"occurrence_id": "occ_1", "code": "lost"}},
                facts.OrderOccurrenceResolved,
            ),
        ],
    )
    def test_each_type_has_its_fact(
        self, kind: str, data: dict[str, Any], expected: type[facts.SequencedFact]
    ) -> None:
        (fact,) = told(kind, data)

        assert type(fact) is expected
        assert (fact.shipment, fact.hub_sequence, fact.happened_at) == (2, 5, AT)

    @pytest.mark.parametrize(
        ("kind", "data"),
        [
            ("order.status_changed", {"from": "in_manifest"}),
            ("order.status_changed", {"to": {"a": 1}}),
            ("order.labels_updated", {"labels": "none"}),
            ("order.occurrence_opened", {}),
        ],
    )
    def test_data_of_another_shape_yields_no_fact(self, kind: str, data: dict[str, Any]) -> None:
        assert told(kind, data) == ()

    def test_an_event_without_sequence_is_no_order_event(self) -> None:
        assert events.order_event(event("order.created", {}, sequence=None), 1) is None

    @pytest.mark.parametrize("reference", ["", "a b", "a\x00b", "x" * 65, 7, None])
    def test_what_cannot_be_one_of_our_references_is_about_nothing_of_ours(
        self, reference: object
    ) -> None:
        made = event("order.created", {"external_ref": reference})

        assert events.notice(made.model_dump_json().encode()) == port.UnrecognisedNotice(
            "order.created"
        )

    def test_an_occurrence_carries_what_people_need_and_no_text_of_the_carrier(self) -> None:
        told_of_it = {
            "occurrence_id": "occ_1",
            "volume": 2,
            "code": "carrier_status_unmapped",
            "group": "other",
            "severity": "info",
            "responsible": "unknown",
            "attempt": 3,
            "suggested_action": "contact_carrier",
            "act_before": "2026-03-20T00:00:00-03:00",
            "carrier_raw_code": "X9",
            "carrier_text": "recusado por Fulana de Tal",
        }

        (fact,) = told("order.occurrence_opened", {"occurrence": told_of_it})

        assert isinstance(fact, facts.OrderOccurrenceOpened)
        assert fact.occurrence == facts.Occurrence(
            occurrence_id="occ_1",
            volume=2,
            code="carrier_status_unmapped",
            group="other",
            severity="info",
            responsible="unknown",
            attempt=3,
            suggested_action="contact_carrier",
            act_before=datetime(2026, 3, 20, 3, tzinfo=UTC),
            carrier_code="X9",
        )
        assert "Fulana" not in fact.model_dump_json()

    def test_an_odd_detail_of_an_occurrence_does_not_lose_it(self) -> None:
        odd = {"occurrence_id": "occ_1", "code": "damaged", "attempt": "2ª", "act_before": "logo"}

        (fact,) = told("order.occurrence_opened", {"occurrence": odd})

        assert isinstance(fact, facts.OrderOccurrenceOpened)
        assert (fact.occurrence.attempt, fact.occurrence.act_before) == (None, None)

    def test_an_approval_tells_its_photos_where_360hub_counts_them(self) -> None:
        made = event(
            "product.approval_changed",
            {"to": "awaiting_photos", "photos_required": 2, "photos_accepted": 1},
        )

        found = events.product_event(made)

        assert found is not None
        assert found.approval == facts.Approval(
            status="awaiting_photos", photos_required=2, photos_accepted=1
        )

    @pytest.mark.parametrize(
        ("origin", "expected"),
        [
            ({"actor": "integration", "request_id": str(UUID(int=7))}, UUID(int=7)),
            ({"actor": "integration", "request_id": "req_01JPA4"}, None),
            ({"actor": "operator", "request_id": str(UUID(int=7))}, None),
            ({"actor": "integration"}, None),
            ("integration", None),
            (None, None),
        ],
    )
    def test_what_a_call_of_ours_caused_names_it(
        self, origin: object, expected: UUID | None
    ) -> None:
        plain = event("order.status_changed", {"to": "cancelled"}).model_dump(mode="json")
        made = wire.Event.model_validate({**plain, "origin": origin})
        kept = wire.Event.model_validate(made.model_dump(mode="json"))

        found = events.order_event(kept, 1)

        assert found is not None
        assert found.caused_by == expected

    @pytest.mark.parametrize(
        ("data", "references"),
        [
            ({"orders": ["bling-1", "bling-2"]}, ("bling-1", "bling-2")),
            ({"orders": []}, ()),
            ({"orders": [{"external_ref": "bling-1"}]}, None),
            ({"orders": None}, None),
            ({}, None),
        ],
    )
    def test_a_closed_romaneio_says_what_is_in_it_or_has_to_be_read(
        self, data: dict[str, Any], references: tuple[str, ...] | None
    ) -> None:
        made = event("manifest.closed", {"manifest_id": "man_1", "number": "R-1", **data})

        assert isinstance(events.notice(made.model_dump_json().encode()), port.ManifestNotice)
        assert events.manifest_event(made) == port.ManifestEvent(
            "evt_1", "man_1", "R-1", references, AT
        )

    @pytest.mark.parametrize(
        ("kind", "data"),
        [
            ("manifest.cancelled", {"manifest_id": "man_1", "orders": []}),
            ("manifest.closed", {"orders": []}),
        ],
    )
    def test_what_a_romaneio_tells_otherwise_is_kept_unclaimed(
        self, kind: str, data: dict[str, Any]
    ) -> None:
        made = event(kind, data)

        assert events.notice(made.model_dump_json().encode()) == port.UnrecognisedNotice(kind)

    def test_nul_is_kept_visible(self) -> None:
        (fact,) = told("order.status_changed", {"to": "a\x00b"})

        assert isinstance(fact, facts.OrderStatusChanged)
        assert fact.status == "a\\u0000b"


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-03:00"])
class TestMomentsThatNoCalendarHolds:
    """An empty date that somebody shifted by a time zone."""

    def test_an_event_of_such_a_moment_is_kept_unrecognised(self, at: str) -> None:
        body = event("order.status_changed", {}).model_dump_json()

        assert events.notice(body.encode().replace(b"2026-03-11T12:40:03Z", at.encode())) == (
            port.UnrecognisedNotice(None)
        )

    def test_what_must_be_done_by_then_has_no_end(self, at: str) -> None:
        found = wire.Occurrence.model_validate(
            {"occurrence_id": "occ_1", "code": "lost", "act_before": at}
        )

        assert found.act_before is None
