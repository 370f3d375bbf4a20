"""Serves moto on a free port of 127.0.0.1, writes the port to the file named by the argument, ends with its input.

moto keeps its state without locks, so requests are handled one at a time: each is read whole before, and its answer is
sent after, so that a slow client holds up nobody.

`POST /plant` with {bucket, keys} puts an object of one byte at each key: thousands in the time that requests take for
hundreds.
"""

from __future__ import annotations

import copy
import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from moto.dynamodb import models as dynamodb
from moto.dynamodb.models.table import Table
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Transact = Callable[[dynamodb.DynamoDBBackend, list[dict[str, Any]]], None]


class OneAtATime:
    def __init__(self, application: WSGIApplication) -> None:
        self.application = application
        self.lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"]
        length = environ.get("CONTENT_LENGTH")
        content = body.read(int(length)) if length else body.read() if environ.get("wsgi.input_terminated") else b""
        environ["wsgi.input"] = io.BytesIO(content)
        with self.lock:
            if environ["PATH_INFO"] == "/plant":
                plant(**json.loads(content))
                start_response("204 No Content", [])
                return []
            return [b"".join(self.application(environ, start_response))]


def plant(bucket: str, keys: list[str]) -> None:
    backend = s3_backends["123456789012"]["aws"]
    for key in keys:
        backend.put_object(bucket, key, b"x")


class CopyOnce:
    """For moto's DynamoDB, which copies a whole table for each item of a transaction: once a transaction will do."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}

    def __getattr__(self, name: str) -> object:
        return getattr(copy, name)

    def deepcopy(self, value: object) -> object:
        if not isinstance(value, Table):
            return copy.deepcopy(value)
        if value.name not in self.tables:
            self.tables[value.name] = copy.deepcopy(value)
        return self.tables[value.name]

    def around(self, transact: Transact) -> Transact:
        def once(backend: dynamodb.DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
            self.tables = {}
            try:
                transact(backend, transact_items)
            finally:
                self.tables = {}

        return once


class KeepAlive(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"


copies = CopyOnce()
patch.object(dynamodb, "copy", copies).start()
transact = copies.around(dynamodb.DynamoDBBackend.transact_write_items)
patch.object(dynamodb.DynamoDBBackend, "transact_write_items", transact).start()
logging.getLogger("werkzeug").setLevel(logging.ERROR)
application = OneAtATime(DomainDispatcherApplication(create_backend_app))
server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=KeepAlive)
threading.Thread(target=server.serve_forever, daemon=True).start()
unfinished = Path(f"{sys.argv[1]}.part")
unfinished.write_text(str(server.server_port))
unfinished.replace(sys.argv[1])
# The test run holds the other end: however it ends, this process does not outlive it.
sys.stdin.read()
