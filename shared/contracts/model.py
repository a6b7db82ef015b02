"""The base of every model that crosses the bus, and the marks on what is personal."""

from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


class _PersonalMark:
    """The mark of a field that tells who a person is: kept apart, encrypted, erasable."""

    def __repr__(self) -> str:
        return "Personal"

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(core_schema), "x-personal": True}


Personal: Final = _PersonalMark()


class Frozen(BaseModel):
    """A value: never changed after it was made, and readable when it grows new fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        for name, field in cls.model_fields.items():
            if Personal in field.metadata and (field.is_required() or field.default is not None):
                # A logged event must parse again after its personal part was erased.
                raise TypeError(f"{cls.__name__}.{name} is personal and must default to None")


class Contract(Frozen):
    """The data of one message type. Subclasses name their ``TYPE`` and ``VERSION``."""

    TYPE: ClassVar[str]
    VERSION: ClassVar[int] = 1

    @classmethod
    def dataschema(cls) -> str:
        """Return the CloudEvents ``dataschema`` of this model: its name and version."""
        return f"urn:bling-360hub-sync:{cls.TYPE}:{cls.VERSION}"


def split_personal(value: Frozen) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Part a model's JSON form into what anyone may read and what is personal (or None)."""
    public = value.model_dump(mode="json")
    personal = _take_personal(value, public)
    return public, personal or None


def join_personal(public: dict[str, Any], personal: dict[str, Any] | None) -> dict[str, Any]:
    """Undo :func:`split_personal`."""
    if not personal:
        return public
    joined = dict(public)
    for key, part in personal.items():
        inner = joined.get(key)
        joined[key] = join_personal(inner, part) if isinstance(inner, dict) else part
    return joined


def _take_personal(value: Frozen, public: dict[str, Any]) -> dict[str, Any]:
    taken: dict[str, Any] = {}
    for name, field in type(value).model_fields.items():
        inner = getattr(value, name)
        if inner is None:
            continue
        if Personal in field.metadata:
            taken[name] = public.pop(name)
        elif isinstance(inner, Frozen) and (part := _take_personal(inner, public[name])):
            taken[name] = part
    return taken
