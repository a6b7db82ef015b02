"""Read what a control was asked: a JSON body or nothing, and the company that is meant."""

import json
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from sandbox.bling.context import SANDBOX
from sandbox.bling.errors import ControlError
from sandbox.bling.state import Company, Json


class Control(BaseModel):
    """A control's body; unknown fields are refused, so that a typing error does not pass."""

    model_config = ConfigDict(extra="forbid")

    company: str | None = None


Model = TypeVar("Model", bound=BaseModel)


async def read_json(request: web.Request) -> Json:
    """Read a JSON object; an empty body counts as an empty object."""
    raw = await request.read()
    if not raw.strip():
        return {}
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise ControlError("the body is not JSON") from error
    if not isinstance(body, dict):
        raise ControlError("the body is not a JSON object")
    return body


async def read_control(request: web.Request, model: type[Model]) -> Model:
    """Read a body as the control's model."""
    return model.model_validate(await read_json(request))


def asked_company(request: web.Request, control: Control | None = None) -> Company:
    """Find the company of the body or the query; without either, the first one."""
    named = control.company if control else None
    return request.app[SANDBOX].company(named or request.query.get("company"))


def control_id(request: web.Request, name: str) -> int:
    """Read an id of a control's path."""
    text = request.match_info[name]
    if not (text.isascii() and text.isdigit()):
        raise ControlError(f"{text} is not an id", status=404)
    return int(text)
