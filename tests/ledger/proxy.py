"""A proxy before PostgreSQL that cuts a connection at the worst instant: when it has committed unheard."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

__all__ = ["Proxy"]


class Proxy:
    """Listens on `port` of the loopback address. `cut_at` arms it for the next statement with these words."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._words: bytes | None = None
        self.cuts = 0
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_at(self, words: str) -> None:
        self._words = words.encode()

    def close(self) -> None:
        for one in (self._listening, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._open += [client, server]
                cutting = threading.Event()
                for names in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._pass_on, args=(*names, cutting), daemon=True).start()

    def _pass_on(
        self, source: socket.socket, sink: socket.socket, asks: bool, cutting: threading.Event
    ) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if asks and self._words is not None and self._words in data:
                    self._words = None
                    cutting.set()
                elif not asks and cutting.is_set():  # done, and nobody is told
                    self.cuts += 1
                    break
                sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
