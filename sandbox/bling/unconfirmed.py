"""What Bling documents neither way: each is a switch, so that a client can be tested with both."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Unconfirmed(BaseModel):
    """The switches, at the values that the double starts with."""

    model_config = ConfigDict(extra="forbid")

    transition_required: bool = False
    """Refuse a change of situação for which no active transition exists."""
    invoice_updates_order: bool = True
    """Raise order.updated when an order gets its invoice."""
    invoiced_order_writable: bool = False
    """Take a PUT of an order whose NF-e is authorised."""
    invoiced_order_moves: bool = True
    """Take a change of situação of an order whose NF-e is authorised."""
    situation_creation: Literal["allowed", "unannounced", "refused"] = "allowed"
    """Whether situações can be created; `unannounced`: although the module denies it."""
    stock_filter_by_default: bool = True
    """Leave out of the product list what is sold out, unless the filter says otherwise."""
    change_dates_need_hour: bool = True
    """Refuse a bare date in the filters of change dates."""
    parcel_size_name: Literal["dimensoes", "dimensao"] = "dimensoes"
    """Under which name the size of a logistics object is written."""
    parcels_are_volumes: bool = False
    """A logistics object is a volume of its order, with the same id."""
    refresh_restarts_life: bool = True
    """A refresh gives another 30 days; otherwise they count from the consent."""
    refresh_keeps_access: bool = True
    """The access token from before a refresh stays good until its end."""
    token_errors: Literal["envelope", "oauth"] = "envelope"
    """The token endpoint's refusals: in the API's envelope, or in OAuth's own plain form."""
    refused_refresh_status: Literal[400, 401] = 400
    """The status of a refused refresh token."""
    opaque_with_jwt_header: Literal["accepted", "refused"] = "accepted"
    """What a resource call with `enable-jwt: 1` but an opaque token gets."""
    revoke_status: Literal[200, 204] = 200
    """The status of a successful revocation."""
    blocked_address: Literal["page", "too_many_requests", "closed"] = "page"
    """What a blocked address receives: 403 with a page, a bare 429, or a closed connection."""
    day_turns_in: Literal["brasilia", "utc"] = "brasilia"
    """Where it must be midnight for a new day's limit."""
    retried_event_id: Literal["same", "new"] = "same"
    """The `eventId` of a webhook's further attempts."""
    webhook_date: Literal["change", "sending"] = "change"
    """What a webhook's `date` tells: when the thing changed, or when the webhook was sent."""

    def change(self, wish: dict[str, object]) -> None:
        """Set the named switches, or none of them if one is wrong."""
        checked = Unconfirmed.model_validate({**self.model_dump(), **wish})
        for name in wish:
            setattr(self, name, getattr(checked, name))
