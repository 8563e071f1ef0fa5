"""A host for tests: the imports of the contract, answered one after the other."""

from __future__ import annotations

from typing import Any
from unittest import mock

from componentize_py_types import Err
from wit_world.imports import clock, http, job
from wit_world.imports.types import Content_Text

NOW_MS = 784_111_777_000
"""Sun, 06 Nov 1994 08:49:37 GMT"""


class Host:
    """Puts itself in place of the imports. An answer is `(status, body[, headers])`, or the import's error."""

    def __init__(self, *answers: Any, attempt: int = 1) -> None:
        self.answers, self.requests = list(answers), []
        self._patches = [
            mock.patch.object(http, "send", self._send),
            mock.patch.object(clock, "now_ms", lambda: NOW_MS),
            mock.patch.object(job, "attempt", lambda: attempt),
        ]

    def __enter__(self) -> Host:
        for patch in self._patches:
            patch.start()
        return self

    def __exit__(self, *_: object) -> None:
        for patch in self._patches:
            patch.stop()

    def _send(self, request: http.Request) -> http.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if not isinstance(answer, tuple):
            raise Err(answer)
        status, body, headers = (*answer, {})[:3]
        return http.Response(status, list(headers.items()), Content_Text(body))
