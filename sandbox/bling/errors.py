"""Bling's error envelope, and the answers that several endpoints share."""

from aiohttp import web

from sandbox.bling.state import Json

# Codes inside `fields` that are known from the specification's examples or from real accounts.
IDENTICAL_ORDER = 3
BAD_PAYMENT_METHOD = 12
INSTALMENTS_DIFFER = 22
ERRORS_IN_INSTALMENTS = 49
SAME_SITUATION = 50


class ApiError(Exception):
    """The API refuses a request."""

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        description: str = "",
        fields: list[Json] | None = None,
        extra: Json | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {
            "error": {
                "type": kind,
                "message": message,
                "description": description or message,
                **({"fields": fields} if fields else {}),
                **(extra or {}),
            }
        }

    def response(self) -> web.Response:
        """Answer with the envelope."""
        return web.json_response(self.body, status=self.status)

    def oauth_response(self) -> web.Response:
        """Answer in OAuth's own form (RFC 6749, 5.2), with Bling's types as they are."""
        error = self.body["error"]
        body = {"error": error["type"], "error_description": error["description"]}
        return web.json_response(body, status=self.status)


class ControlError(Exception):
    """A control under /_sandbox cannot do what it was asked."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def not_found() -> ApiError:
    """Refuse an unknown path, method or id."""
    return ApiError(
        404,
        "RESOURCE_NOT_FOUND",
        "Recurso não encontrado",
        description="O recurso requisitado não foi encontrado.",
    )


def validation(
    message: str, *, description: str = "", fields: list[Json] | None = None
) -> ApiError:
    """Refuse content that the rules of a record do not admit."""
    return ApiError(400, "VALIDATION_ERROR", message, description=description, fields=fields)


def order_not_saved(*fields: Json) -> ApiError:
    """Refuse a sales order for the named reasons."""
    return validation(
        "Não foi possível salvar a venda",
        description="A venda não pode ser salva, pois ocorreram problemas em sua validação.",
        fields=list(fields),
    )


def field(code: int, text: str, element: str, **more: object) -> Json:
    """Describe one fault of a sales order."""
    return {"code": code, "msg": text, "element": element, "namespace": "VENDAS", **more}


def missing(element: str) -> ApiError:
    """Refuse a body without a required element."""
    return ApiError(
        400,
        "MISSING_REQUIRED_FIELD_ERROR",
        "Campo obrigatório não informado",
        description=f"O campo {element} é obrigatório.",
    )
