"""Real servers as processes on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 30.0
"""Seconds until something that should happen at once counts as a failure."""

SITE = Path(__file__).with_name("site")
PYTHON = [sys.executable, "-W", "ignore", "-m"]

UVICORN = [*PYTHON, "uvicorn", "served:asgi_app", "--port={port}", "--lifespan=off", "--no-access-log"]
SERVERS: Mapping[str, list[str]] = {
    "uvicorn-h11": [*UVICORN, "--http=h11", "--h11-max-incomplete-event-size=65536"],
    "uvicorn-httptools": [*UVICORN, "--http=httptools"],
    "hypercorn": [*PYTHON, "hypercorn", "served:asgi_app", "--bind=127.0.0.1:{port}"],
    "granian": [*PYTHON, "granian", "--interface=asgi", "served:asgi_app", "--host=127.0.0.1", "--port={port}"],
    "gunicorn": [
        *PYTHON,
        *("gunicorn", "served:wsgi_app", "--bind=127.0.0.1:{port}", "--worker-class=gthread", "--threads=4"),
        "--limit-request-field_size=32768",
    ],
    "waitress": [*PYTHON, "waitress", "--listen=127.0.0.1:{port}", "served:wsgi_app"],
}
ASGI_SERVERS = ("uvicorn-h11", "uvicorn-httptools", "hypercorn", "granian")


def with_websockets(server: str) -> list[str]:
    """The command of an ASGI server that serves `sockets:app`."""
    command = ["sockets:app" if part == "served:asgi_app" else part for part in SERVERS[server]]
    return [*command, "--ws=wsproto"] if server.startswith("uvicorn") else command


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    port: int
    log: Path

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.authority}"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running(
    command: list[str], folder: Path, environment: Mapping[str, str], port: int | None = None
) -> Iterator[Server]:
    """The process, from when it takes connections until the end of the block.

    Args:
        command: With `{port}` where the port goes.
        folder: For its log.
        environment: Added to this process's own.
        port: Where it listens; a free one when not given.
    """
    port = port or free_port()
    log = folder / f"{Path(command[3] if command[0] == sys.executable else command[0]).name}-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [part.format(port=port) if "{port}" in part else part for part in command],
            cwd=SITE,
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _await_listening(process, port, log)
            yield Server(port, log)
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.05)):
        if process.poll() is not None:
            raise AssertionError(f"the server ended: {log.read_text()}")
        with socket.socket() as connection:
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                return
        pause.wait(0.05)
    raise AssertionError(f"the server does not listen: {log.read_text()}")


def missing(server: str) -> str | None:
    """Why this server cannot be tested here, or nothing."""
    module = server.partition("-")[0]
    found = subprocess.run([sys.executable, "-c", f"import {module}"], check=False, capture_output=True)
    return None if found.returncode == 0 else f"{module} is not installed"


NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
