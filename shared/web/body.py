"""Request bodies, parsed once at the edge."""

from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from shared.web.problems import Problem

Model = TypeVar("Model", bound=BaseModel)


async def body_of(request: web.Request, model: type[Model]) -> Model:
    """Parse the JSON body into ``model``; raise a problem that names what is wrong, not its value.

    400 if it is not JSON, 422 if it is JSON of another shape.
    """
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as error:
        raise _problem(error) from error


def _problem(error: ValidationError) -> Problem:
    errors = error.errors(include_url=False, include_input=False, include_context=False)
    if any(each["type"] == "json_invalid" for each in errors):
        return Problem(400, "body_not_json", "The body is not valid JSON")
    wrong = [
        {"pointer": "/" + "/".join(map(str, each["loc"])), "detail": each["msg"]} for each in errors
    ]
    return Problem(422, "body_invalid", "The body does not have the expected form", errors=wrong)
