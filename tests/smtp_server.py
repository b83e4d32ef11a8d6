"""An SMTP server at the wire that does what a test wants: take mail, refuse it, or fall silent."""

import socketserver
import threading
from contextlib import suppress


class SMTPServer:
    """Start with `with SMTPServer() as server:`; it takes mail until `server.plan` says otherwise.

    `plan` holds what the next connections meet: {"RCPT": "450 later"} answers a command so, and
    {"hello": None} is silent instead; "content" is the end of the mail itself.
    """

    def __init__(self):
        self.plan, self.mails, self.connections = [], [], 0

    def __enter__(self):
        self._ended = threading.Event()
        handler = type("Handler", (_Handler,), {"outer": self, "ended": self._ended})
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.host, self.port = self._server.server_address
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()


class _Silence(Exception):
    pass


class _Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.outer.connections += 1
        self.answers = self.outer.plan.pop(0) if self.outer.plan else {}
        with suppress(ConnectionError, _Silence):
            self._say("hello", "220 ready")
            while line := self.rfile.readline():
                verb = line[:4].decode().upper().strip()
                if verb == "DATA":
                    self._take_mail()
                else:
                    self._say(verb, "221 bye" if verb == "QUIT" else "250 ok")

    def _take_mail(self):
        if not self._say("DATA", "354 go on").startswith("354"):
            return
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line)
        answer = self.answers.get("content", "250 taken")
        # Who falls silent here has the mail.
        if answer is None or answer.startswith("250"):
            self.outer.mails.append(b"".join(lines).decode())
        self._say("content", answer)

    def _say(self, step, usual):
        answer = self.answers.get(step, usual)
        if answer is None:
            self.ended.wait(60)
            raise _Silence
        self.wfile.write(f"{answer}\r\n".encode())
        return answer
