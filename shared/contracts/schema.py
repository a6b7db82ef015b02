"""What a message type looks like on the wire, as JSON Schema: what others may rely on."""

from typing import Any, Final

from shared.contracts.model import Contract

Schema = dict[str, Any]

_UNSAID: Final = ("title", "description", "$defs")
"""What says nothing of the shape: names and words for people."""


def schema_of(model: type[Contract]) -> Schema:
    """Return the model's JSON Schema (2020-12) in one piece: nested models stand where they are.

    Personal fields carry ``"x-personal": true``.
    """
    whole = model.model_json_schema(mode="serialization")
    schema: Schema = _plain(whole, whole.get("$defs", {}))
    return schema


def _plain(node: Any, models: dict[str, Schema]) -> Any:
    if isinstance(node, list):
        return [_plain(each, models) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        named = models[node["$ref"].rpartition("/")[2]]
        return _plain(named, models) | _plain(_without(node, ("$ref",)), models)
    plain = {key: _plain(value, models) for key, value in _without(node, _UNSAID).items()}
    if "properties" in node:
        fields = node["properties"].items()
        plain["properties"] = {name: _plain(field, models) for name, field in fields}
    if "const" in plain:
        plain["enum"] = [plain.pop("const")]
    return plain


def _without(node: Schema, keys: tuple[str, ...]) -> Schema:
    return {key: value for key, value in node.items() if key not in keys}
