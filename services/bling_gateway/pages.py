"""The plain pages that a seller sees while connecting, in Portuguese."""

from html import escape

from aiohttp import web

_PAGE = """<!doctype html>
<html lang="pt-BR">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 1.05rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 4rem auto; }}
body {{ padding: 0 1rem }}
h1 {{ font-size: 1.5rem }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{text}</p>
</body>
</html>
"""

CONNECTED = "Bling conectado"


def page(title: str, text: str, *, status: int = 200) -> web.Response:
    """Return a page of one heading and one paragraph."""
    return web.Response(
        text=_PAGE.format(title=escape(title), text=escape(text)),
        content_type="text/html",
        status=status,
        headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
    )


def connected(company: str) -> web.Response:
    """Tell the seller that all is well."""
    return page(
        CONNECTED,
        f"A conta {company} do Bling está conectada. Você já pode fechar esta página.",
    )


def went_wrong(text: str, *, status: int = 400) -> web.Response:
    """Tell the seller what went wrong and what to do."""
    return page("O Bling não foi conectado", text, status=status)
