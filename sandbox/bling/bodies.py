"""How bodies are read: null counts as absent, numbers may be strings, unknown names are kept."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sandbox.bling import errors
from sandbox.bling.state import Json

Number = int | float
Filled = Annotated[str, Field(min_length=1)]

_ABSENT = ("missing", "too_short", "string_too_short")


class Part(BaseModel):
    """A body or a part of one."""

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, sent: Any) -> Any:
        if not isinstance(sent, dict):
            return sent
        return {name: value for name, value in sent.items() if value is not None}


class Reference(Part):
    """Another record; 0 is none."""

    id: int = 0


def completed(model: type[Part], sent: Json) -> Json:
    """Check a body's types and complete it with empty values; refuse it as Bling's API does."""
    try:
        body = model.model_validate(sent)
    except ValidationError as error:
        first = error.errors()[0]
        element = ".".join(part for part in first["loc"] if isinstance(part, str))
        if first["type"] in _ABSENT:
            raise errors.missing(element) from error
        # Bling's own complaint about wrong types is not documented.
        raise errors.validation(f"O campo {element} é inválido") from error
    return body.model_dump(exclude_none=True)
