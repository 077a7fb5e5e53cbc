"""A stand-in for the hub on this machine: the three addresses that downloads of a snapshot ask for."""

import contextlib
import hashlib
import http.server
import json
import threading
from urllib.parse import unquote, urlsplit


class Hub:
    """Repositories in memory, and what was asked for.

    Parameters
    ----------
    files : repository -> revision -> path -> bytes; a revision is known by its name and by its commit
    """

    def __init__(self, files):
        self.files, self.taken = files, []

    @staticmethod
    def commit(repository, revision):
        return hashlib.sha1(f"{repository} {revision}".encode()).hexdigest()

    def revision(self, repository, name):
        """(commit, path -> bytes), or None."""
        for revision, files in self.files.get(repository, {}).items():
            if name in (revision, self.commit(repository, revision)):
                return self.commit(repository, revision), files
        return None

    @contextlib.contextmanager
    def serve(self):
        """Its address, while it serves."""
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, body, **headers):
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(body))} | headers).items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            def do_GET(self):
                path = unquote(urlsplit(self.path).path)
                if path.startswith("/api/models/"):
                    owner, name, kind, revision, *_ = path.removeprefix("/api/models/").split("/", 3)
                    given = hub.revision(f"{owner}/{name}", revision)
                    if given is None:
                        return self.answer(404, b"{}", X_Error_Code="RevisionNotFound")
                    commit, files = given
                    tree = [{"type": "file", "path": p, "size": len(b), "oid": _oid(b)} for p, b in files.items()]
                    body = tree if kind == "tree" else {"id": f"{owner}/{name}", "sha": commit, "siblings": []}
                    return self.answer(200, json.dumps(body).encode(), Content_Type="application/json")
                owner, name, _, revision, file = path.removeprefix("/").split("/", 4)
                commit, files = hub.revision(f"{owner}/{name}", revision) or ("", {})
                if file not in files:
                    return self.answer(404, b"", X_Error_Code="EntryNotFound")
                if self.command == "GET":
                    hub.taken.append(file)
                return self.answer(200, files[file], ETag=f'"{_oid(files[file])}"', X_Repo_Commit=commit)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _oid(data):
    return hashlib.sha1(data).hexdigest()
