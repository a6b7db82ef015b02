"""Uses the operator's page of 360Hub's double as a person does: reads, fills in, presses."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

import aiohttp

Fields = list[tuple[str, str]]


@dataclass
class Button:
    text: str
    name: str | None
    value: str
    action: str | None


@dataclass
class Form:
    """One form as it was shown: where it leads, what stands in it, what can be pressed."""

    method: str
    action: str
    fields: Fields = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)


class Page(HTMLParser):
    """A page as it was answered."""

    def __init__(self, status: int, address: str, html: str) -> None:
        super().__init__()
        self.status, self.address, self.html = status, address, html
        self.forms: list[Form] = []
        self.text = ""
        self.notice: str | None = None
        self.refused = False
        self._named: dict[str, Form] = {}
        self._form: Form | None = None
        self._button: Button | None = None
        self._select: str | None = None
        self._in_notice = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        got = dict(attrs)
        owner = self._named.get(got.get("form") or "", self._form)
        match tag:
            case "form":
                self._form = Form(got.get("method") or "get", got.get("action") or "")
                self.forms.append(self._form)
                self._named[got.get("id") or ""] = self._form
            case "input" if owner and got.get("type") != "checkbox":
                owner.fields.append((got.get("name") or "", got.get("value") or ""))
            case "select":
                self._select = got.get("name")
            case "option" if self._select and owner:
                chosen = {name for name, _ in owner.fields}
                if self._select not in chosen or "selected" in got:
                    owner.fields[:] = [pair for pair in owner.fields if pair[0] != self._select]
                    owner.fields.append((self._select, got.get("value") or ""))
            case "button" if owner:
                value, action = got.get("value") or "", got.get("formaction")
                self._button = Button("", got.get("name"), value, action)
                owner.buttons.append(self._button)
            case "p" if "notice" in (got.get("class") or "").split():
                self.notice, self._in_notice = "", True
                self.refused = got.get("role") == "alert"

    def handle_endtag(self, tag: str) -> None:
        match tag:
            case "form":
                self._form = None
            case "select":
                self._select = None
            case "button":
                self._button = None
            case "p":
                self._in_notice = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._button is not None:
            self._button.text += data
        if self._in_notice:
            self.notice = (self.notice or "") + data

    def form_of(self, text: str) -> tuple[Form, Button]:
        for form in self.forms:
            for button in form.buttons:
                if button.text.strip() == text:
                    return form, button
        raise LookupError(f"no button {text!r} at {self.address}")


class Browser:
    """A person's browser: it keeps the page that is open, and its cookies."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http, self._url = http, url
        self.page = Page(0, "", "")

    async def open(self, address: str) -> Page:
        async with self._http.get(f"{self._url}{address}") as response:
            return await self._show(response)

    async def press(self, text: str, /, *more: tuple[str, str], **fields: str) -> Page:
        """Fill in the fields by name, tick `more`, press the first button that says `text`."""
        form, button = self.page.form_of(text)
        sent = [(name, fields.pop(name, value)) for name, value in form.fields]
        if fields:
            raise LookupError(f"no fields {', '.join(fields)} beside {text!r}")
        sent += [*more, *([(button.name, button.value)] if button.name else [])]
        url = f"{self._url}{button.action or form.action}"
        if form.method == "get":
            async with self._http.get(url, params=sent) as response:
                return await self._show(response)
        async with self._http.post(url, data=sent) as response:
            return await self._show(response)

    async def _show(self, response: aiohttp.ClientResponse) -> Page:
        address = urlsplit(str(response.url)).path
        self.page = Page(response.status, address, await response.text())
        return self.page
