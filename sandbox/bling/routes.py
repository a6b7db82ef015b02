"""Every address of the double: Bling's own below /Api/v3, the controls below /_sandbox."""

from aiohttp import web

from sandbox.bling import (
    api_order_writes,
    api_orders,
    api_records,
    api_situations,
    consent,
    controls,
    controls_seller,
)

_V3 = "/Api/v3"
_ORDER = f"{_V3}/pedidos/vendas/{{order_id}}"
_MODULES = f"{_V3}/situacoes/modulos"
_MODULE = f"{_MODULES}/{{module_id}}"
_TRANSITIONS = f"{_V3}/situacoes/transicoes"
_TRANSITION = f"{_TRANSITIONS}/{{transition_id}}"
_SITUATION = f"{_V3}/situacoes/{{situation_id}}"

API = [
    web.get(f"{_V3}/oauth/authorize", consent.show_consent),
    web.post(f"{_V3}/oauth/authorize", consent.take_consent),
    web.post(f"{_V3}/oauth/token", consent.issue_tokens),
    web.post(f"{_V3}/oauth/revoke", consent.revoke),
    web.get(f"{_V3}/pedidos/vendas", api_orders.list_orders),
    web.post(f"{_V3}/pedidos/vendas", api_order_writes.create_order),
    web.delete(f"{_V3}/pedidos/vendas", api_orders.delete_orders),
    web.get(_ORDER, api_orders.get_order),
    web.put(_ORDER, api_order_writes.replace_order),
    web.delete(_ORDER, api_orders.delete_order),
    web.patch(f"{_ORDER}/situacoes/{{situation_id}}", api_orders.change_situation),
    web.get(_MODULES, api_situations.list_modules),
    web.get(_MODULE, api_situations.list_situations),
    web.get(f"{_MODULE}/acoes", api_situations.list_actions),
    web.get(f"{_MODULE}/transicoes", api_situations.list_transitions),
    web.post(_TRANSITIONS, api_situations.create_transition),
    web.get(_TRANSITION, api_situations.get_transition),
    web.put(_TRANSITION, api_situations.change_transition),
    web.delete(_TRANSITION, api_situations.delete_transition),
    web.post(f"{_V3}/situacoes", api_situations.create_situation),
    web.get(_SITUATION, api_situations.get_situation),
    web.put(_SITUATION, api_situations.change_situation),
    web.delete(_SITUATION, api_situations.delete_situation),
    web.get(f"{_V3}/produtos", api_records.list_products),
    web.get(f"{_V3}/produtos/{{product_id}}", api_records.get_product),
    web.get(f"{_V3}/contatos/{{contact_id}}", api_records.get_contact),
    web.get(f"{_V3}/nfe", api_records.list_invoices),
    web.get(f"{_V3}/nfe/{{invoice_id}}", api_records.get_invoice),
    web.get(f"{_V3}/empresas/me/dados-basicos", api_records.get_company),
    web.get(f"{_V3}/canais-venda", api_records.list_channels),
    web.get(f"{_V3}/canais-venda/{{channel_id}}", api_records.get_channel),
    web.get("/fotos/{name}.png", api_records.get_photo),
    web.get("/fotos/externas/{name}.png", api_records.get_linked_photo),
]

_CONTROL_ORDER = "/_sandbox/orders/{order_id}"

CONTROLS = [
    web.get("/_sandbox/health", controls.health),
    web.post("/_sandbox/reset", controls.reset),
    web.get("/_sandbox/companies", controls.list_companies),
    web.post("/_sandbox/companies", controls.add_company),
    web.post("/_sandbox/tokens/expire", controls.expire_tokens),
    web.post("/_sandbox/tokens/revoke", controls.revoke_tokens),
    web.post("/_sandbox/limits", controls.set_limits),
    web.get("/_sandbox/requests", controls.list_requests),
    web.get("/_sandbox/webhooks", controls.list_webhooks),
    web.post("/_sandbox/webhooks", controls.set_webhooks),
    web.post("/_sandbox/webhooks/release", controls.release_webhooks),
    web.get("/_sandbox/faults", controls.list_faults),
    web.post("/_sandbox/faults", controls.arm_fault),
    web.delete("/_sandbox/faults", controls.clear_faults),
    web.post("/_sandbox/unconfirmed", controls.set_unconfirmed),
    web.get("/_sandbox/orders", controls_seller.list_orders),
    web.post("/_sandbox/orders", controls_seller.create_order),
    web.get(_CONTROL_ORDER, controls_seller.show_order),
    web.patch(_CONTROL_ORDER, controls_seller.edit_order),
    web.delete(_CONTROL_ORDER, controls_seller.delete_order),
    web.post(f"{_CONTROL_ORDER}/situation", controls_seller.choose_situation),
    web.post(f"{_CONTROL_ORDER}/nfe", controls_seller.issue_invoice),
    web.get("/_sandbox/products", controls_seller.list_products),
    web.post("/_sandbox/products", controls_seller.create_product),
    web.patch("/_sandbox/products/{product_id}", controls_seller.edit_product),
    web.delete("/_sandbox/products/{product_id}", controls_seller.delete_product),
    web.patch("/_sandbox/contacts/{contact_id}", controls_seller.edit_contact),
    web.get("/_sandbox/situations", controls_seller.list_situations),
    web.post("/_sandbox/situations", controls_seller.create_situation),
]
