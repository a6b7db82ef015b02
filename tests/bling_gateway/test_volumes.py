"""Tracking put into an order: nothing else of it changes."""

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.bling_gateway import wire
from services.bling_gateway.writing.volumes import OccupiedError, body_of, differences, tracked
from shared.contracts.sync_core import TrackedVolume

CODE, OTHER = "BR123456789BR", "XX000000001XX"

values = st.recursive(
    st.none()
    | st.booleans()
    | st.text(max_size=5)
    | st.integers(-(10**9), 10**9)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-9999, max_value=9999),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
parts = st.lists(st.fixed_dictionaries({"id": st.integers(1)}, optional={"x": values}), max_size=4)
volumes = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(1), "servico": st.sampled_from(["", "SEDEX"])}, optional={"x": values}
    ),
    max_size=4,
)
orders = st.builds(
    lambda known, unknown: {**unknown, **known},
    st.fixed_dictionaries(
        {
            "id": st.integers(1),
            "situacao": st.just({"id": 15, "valor": 3}),
            "notaFiscal": st.just({"id": 0}),
            "itens": parts,
            "parcelas": parts,
            "transporte": st.fixed_dictionaries({"volumes": volumes}, optional={"x": values}),
        }
    ),
    st.dictionaries(st.text(min_size=1, max_size=5), values, max_size=4),
)


def labels(count: int, code: str = CODE) -> list[TrackedVolume]:
    return [
        TrackedVolume(volume=number, tracking_code=f"{code}{number}", carrier="Jadlog", service="X")
        for number in range(1, count + 1)
    ]


@given(order=orders, count=st.integers(1, 5))
def test_only_the_tracking_differs(order: dict[str, Any], count: int) -> None:
    """Pitfall 13: a PUT drops what it leaves out, so all of the rest is in it as it came."""
    before = copy.deepcopy(order)

    result = tracked(order, labels(count), ours=())

    assert order == before
    for place in result.order["transporte"]["volumes"][:count]:
        place.pop("codigoRastreamento")
        if place["servico"] == "Jadlog X":
            place["servico"] = ""
    added = result.order["transporte"]["volumes"][len(order["transporte"]["volumes"]) :]
    del result.order["transporte"]["volumes"][len(order["transporte"]["volumes"]) :]
    assert result.order == before
    assert all(place == {"servico": ""} for place in added)


@given(order=orders)
def test_all_that_bling_does_not_write_by_itself_is_sent(order: dict[str, Any]) -> None:
    body = body_of(order)

    read_only = {"id", "situacao", "notaFiscal", "total", "totalProdutos"}
    assert read_only.isdisjoint(body)
    expected = {name: value for name, value in order.items() if name not in read_only}
    assert differences(_without_no_references(expected), body) == ()


def _without_no_references(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_no_references(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _without_no_references(each)
        for name, each in value.items()
        if each not in ({"id": 0}, {"id": "0"}, {"id": None})
    }


def test_ids_of_items_and_instalments_are_not_sent() -> None:
    """Pitfall 16: Bling gives them anew whenever it saves, and refuses the old ones."""
    order = {"itens": [{"id": 7, "valor": 1}], "parcelas": [{"id": 8, "valor": 2}]}

    assert body_of(order) == {"itens": [{"valor": 1}], "parcelas": [{"valor": 2}]}


def test_a_reference_to_nothing_is_not_sent() -> None:
    """Pitfall 22: `{"id": 0}` means that there is none."""
    order = {"loja": {"id": 0, "unidadeNegocio": {"id": 3}}, "vendedor": {"id": 0}}

    body = body_of(order)

    assert body["loja"] == {"id": 0, "unidadeNegocio": {"id": 3}}
    assert "vendedor" not in body


@given(
    number=st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20)
)
def test_a_number_is_sent_as_it_came(number: Decimal) -> None:
    """Money never passes through a float."""
    assert wire.parse_json(wire.json_text({"valor": number})) == {"valor": number}


def test_a_code_of_somebody_else_is_not_written_over() -> None:
    order = {"transporte": {"volumes": [{"codigoRastreamento": OTHER}]}}

    with pytest.raises(OccupiedError):
        tracked(order, labels(1), ours=())


def test_a_code_of_ours_is_replaced_when_a_label_was_issued_again() -> None:
    order = {"transporte": {"volumes": [{"codigoRastreamento": OTHER, "servico": "Jadlog X"}]}}

    result = tracked(order, labels(1), ours={OTHER})

    assert result.order["transporte"]["volumes"][0]["codigoRastreamento"] == f"{CODE}1"
    assert result.codes == {f"{CODE}1"}


def test_what_stands_there_already_is_nothing_new() -> None:
    """Pitfall 14: saving an order as it is saved already is refused."""
    order = {"transporte": {"volumes": [{"codigoRastreamento": f"{CODE}1", "servico": "SEDEX"}]}}

    assert not tracked(order, labels(1), ours=()).is_new


def test_the_service_that_the_seller_wished_stays() -> None:
    order = {"transporte": {"volumes": [{"servico": "SEDEX"}]}}

    result = tracked(order, labels(1), ours=())

    assert result.order["transporte"]["volumes"][0]["servico"] == "SEDEX"
    assert result.services == frozenset()


@pytest.mark.parametrize("absent", [{}, {"transporte": []}, {"transporte": {"volumes": None}}])
def test_an_order_without_transport_gets_volumes(absent: dict[str, Any]) -> None:
    result = tracked(absent, labels(2), ours=())

    codes = [place["codigoRastreamento"] for place in result.order["transporte"]["volumes"]]
    assert codes == [f"{CODE}1", f"{CODE}2"]


def test_what_differs_is_named_without_its_value() -> None:
    expected = {"observacoes": "secret", "itens": [{"id": 1, "valor": Decimal("1.50")}]}
    shown = {"observacoes": "", "itens": [{"id": 2, "valor": Decimal("1.5")}]}

    assert differences(expected, shown) == ("/observacoes",)
