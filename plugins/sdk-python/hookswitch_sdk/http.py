"""JSON over HTTP, with statuses and lost answers turned into failures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal
from urllib.parse import quote

from componentize_py_types import Err
from wit_world.imports import http as gate
from wit_world.imports.types import Content_Text

from .answer import Answer, no_answer
from .failure import Failure
from .shape import unlike

Effect = Literal["read", "idempotent", "once"]
"""What sending a request twice would do: nothing, nothing more than once, or everything twice."""

Pairs = Mapping[str, Any] | Iterable[tuple[str, Any]]

# Where the plugin does not say. A method that creates is taken for the worst.
_EFFECTS: dict[str, Effect] = {"GET": "read", "HEAD": "read", "PUT": "idempotent", "DELETE": "idempotent"}


class Client:
    """Requests that have something in common: the credential, headers, how the CRM tells of an error inside a 200.

    `problem` looks into the JSON of a 2xx answer, and returns the failure that it tells of, or None.
    """

    def __init__(
        self,
        credential: str | None = None,
        headers: Mapping[str, str] | None = None,
        problem: Callable[[Any], Failure | None] | None = None,
    ) -> None:
        self.credential, self.headers, self.problem = credential, dict(headers or {}), problem

    def get(self, url: str, **options: Any) -> Any:
        """Sends a request that reads, and returns the JSON of the answer. Options: see `call`."""
        return self.call("GET", url, **options)

    def post(self, url: str, **options: Any) -> Any:
        """Posts, and returns the JSON of the answer. Say what sending it twice would do: `effect`, else `once`."""
        return self.call("POST", url, **options)

    def put(self, url: str, **options: Any) -> Any:
        return self.call("PUT", url, **options)

    def patch(self, url: str, **options: Any) -> Any:
        return self.call("PATCH", url, **options)

    def delete(self, url: str, **options: Any) -> Any:
        return self.call("DELETE", url, **options)

    def call(self, method: str, url: str, *, nothing: Iterable[int] = (), like: Any = None, **options: Any) -> Any:
        """Sends a request and returns the JSON of its answer; None with 204, and with a status in `nothing`.

        `like` is an example of the answer (see `shape`). Raises the failure that follows from everything else. Further
        options: those of `request`.
        """
        answer = self.request(method, url, **options)
        if answer.status in nothing:
            return None
        value = answer.success().json()
        refusal = self.problem(value) if self.problem else None
        if refusal is not None:
            raise refusal
        wrong = None if value is None else unlike(value, like)
        if wrong is not None:
            raise answer.not_understood(wrong)
        return value

    def request(
        self,
        method: str,
        url: str,
        *,
        query: Pairs | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Pairs | None = None,
        body: gate.Body | None = None,
        effect: Effect | None = None,
        timeout_ms: int | None = None,
        keep_secret: Iterable[str] = (),
    ) -> Answer:
        """Sends a request. Any complete answer is fine here, whatever its status.

        Parameters of `query` that are None are left out. The body is `json`, `form`, or any other of the contract.
        Raises the failure that follows from a request without an answer.
        """
        effect = effect or _EFFECTS.get(method, "once")
        content, content_type = _body(json, form, body)
        all_headers = {"accept": "application/json", **content_type, **self.headers, **(headers or {})}
        request = gate.Request(
            method, url + _query(query, url), list(all_headers.items()), self.credential, content,
            gate.Effect[effect.upper()], timeout_ms, list(keep_secret),
        )
        try:
            response = gate.send(request)
        except Err as error:
            raise no_answer(error.value, effect) from None
        text = response.body.value if isinstance(response.body, Content_Text) else ""
        return Answer(effect, response.status, response.headers, text)


def _body(data: Any, form: Pairs | None, body: gate.Body | None) -> tuple[gate.Body, dict[str, str]]:
    if data is not None:
        return gate.Body_Text(json.dumps(data, ensure_ascii=False)), {"content-type": "application/json"}
    if form is not None:
        return gate.Body_Form([(name, str(value)) for name, value in _pairs(form)]), {}
    return body or gate.Body_Empty(), {}


def _query(query: Pairs | None, url: str) -> str:
    parameters = [f"{quote(name, safe='')}={quote(_text(value), safe='')}" for name, value in _pairs(query) if value is not None]
    return ("&" if "?" in url else "?") + "&".join(parameters) if parameters else ""


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pairs(pairs: Pairs | None) -> Iterable[tuple[str, Any]]:
    return pairs.items() if isinstance(pairs, Mapping) else pairs or ()
