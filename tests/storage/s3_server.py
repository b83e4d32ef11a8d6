"""moto's S3 over HTTP, with a gate in front where a test breaks what it wants to see broken."""

import io
import socket
import threading
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

_ERROR = '<?xml version="1.0"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
_SNS_ERROR = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    "<RequestId>1</RequestId></ErrorResponse>"
)


class _Quiet(MotoRequestHandler):
    def log_request(self, *arguments):
        """A line for every request would bury what a failed test has to say."""


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    query: str
    headers: dict = field(repr=False)
    # Of services that are asked by form, such as SNS.
    form: dict = field(repr=False, default_factory=dict)

    @property
    def is_photo(self):
        return self.method == "GET" and "/originals/" in self.path


class S3Server:
    """`asked` lists all requests; `rule(request)` may answer one: `error(…)`, `cut()`, `hang_up()`."""

    def __init__(self):
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, True, request_handler=_Quiet)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.reset()

    def reset(self):
        self.asked = []
        self.rule = lambda asked: None

    def stop(self):
        self._server.shutdown()
        self._thread.join()

    def calls(self, method, contains=""):
        """Return the requests of a method whose path and query contain these words."""
        return [a for a in self.asked if a.method == method and contains in f"{a.path}?{a.query}"]

    def _answer(self, environ, start_response):
        headers = {
            name[5:].replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        asked = Asked(
            environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"], headers, _form(environ)
        )
        if asked.path.startswith("/moto-api/"):
            return self._moto(environ, start_response)
        self.asked.append(asked)
        broken = self.rule(asked)
        if broken is None:
            return self._moto(environ, start_response)
        return broken(self._moto, environ, start_response)


def _form(environ):
    if not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return {}
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def error(status, code):
    """Return an answer that is this error of S3's."""
    return _error(status, code, _ERROR.format(code=code))


def sns_error(status, code, message):
    """Return an answer that is this error of SNS's."""
    return _error(status, code, _SNS_ERROR.format(code=code, message=message))


def _error(status, code, words):

    def answer(moto, environ, start_response):
        # Read first: a connection that is closed on a request half sent looks like a broken one.
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        body = b"" if environ["REQUEST_METHOD"] == "HEAD" else words.encode()
        headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
        start_response(f"{status} {code}", headers)
        return [body]

    return answer


def hang_up(after=1000):
    """Return what breaks the connection off in the middle of the request, and answers nothing."""

    def answer(moto, environ, start_response):
        environ["wsgi.input"].read(after)
        # What is left of the request would be read as the next one.
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError("hung up by the test")

    return answer


def cut(after=100):
    """Return the true answer, its connection broken off after so many bytes of the body."""

    def answer(moto, environ, start_response):
        body = b"".join(moto(environ, start_response))

        def pieces():
            yield body[:after]
            raise ConnectionAbortedError("cut off by the test")

        return pieces()

    return answer
