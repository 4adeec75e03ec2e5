"""A server of git repositories, as hosts of data sets serve them: ``git http-backend`` behind Python's own server."""

from __future__ import annotations

import http.server
import os
import subprocess
from pathlib import Path


def handler(folder: Path, asked: list[str]) -> type[http.server.BaseHTTPRequestHandler]:
    """Serves the bare repositories in ``folder`` and notes the addresses that were asked for."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            path, _, query = self.path.partition("?")
            asked.append(path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            environment = {
                "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(folder), "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                # whose the folder is does not matter to a test
                "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
            }  # fmt: skip
            done = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=True)
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            self.send_response(int(fields.pop("Status", "200").split()[0]))
            for name, value in fields.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer  # noqa: N815 - called so by the server

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def publish(folder: Path, name: str, files: Path) -> str:
    """Makes ``files`` the only commit of the bare repository ``folder/name`` and returns its id."""

    def git(*words: str) -> str:
        who = ("-c", "user.name=x", "-c", "user.email=x@x", "-c", "safe.directory=*", "-c", "init.defaultBranch=main")
        return subprocess.run(["git", *who, *words], capture_output=True, text=True, check=True).stdout.strip()

    git("init", "-q", str(files))
    git("-C", str(files), "add", "-A")
    git("-C", str(files), "commit", "-q", "-m", "as published")
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    git("clone", "-q", "--bare", str(files), str(folder / name))
    return git("-C", str(files), "rev-parse", "HEAD")
