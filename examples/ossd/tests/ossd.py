"""An ossd of the tests' own: started on a free port of the loopback within a bounded time, ended by its process id."""

import dataclasses
import json
import os
import pathlib
import queue
import re
import secrets
import shutil
import signal
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

BINARY = pathlib.Path(os.environ["OSSD"])
SANITIZED = os.environ.get("SANITIZE") == "1"
START_SECONDS = 60
STOP_SECONDS = 60
REPORTS = re.compile(r"ERROR: \w+Sanitizer|runtime error:|terminate called")


@dataclasses.dataclass(frozen=True)
class User:
    """Who signs, and the customer master keys that the user may use, as the users file of ossd has it."""

    key_id: str
    secret: str
    cmk: str


# The first is the administrator. Secrets are of one run only.
ADMIN = User("AdminKey", secrets.token_hex(15), "*")
ALICE = User("AliceKey", secrets.token_hex(15), "*")
NO_CMK = User("NoCmkKey", secrets.token_hex(15), "none")
DEFAULT_CMK = User("DefaultCmkKey", secrets.token_hex(15), "alias/acs/oss")
USERS = (ADMIN, ALICE, NO_CMK, DEFAULT_CMK)


class ApiError(Exception):
    """An answer of the console's API other than 2xx."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body}")
        self.status = status


class Daemon:
    """One ossd over one folder. It can be stopped or killed, and started again on the same folder."""

    def __init__(self, folder, *options):
        self.folder = pathlib.Path(folder)
        self.store = self.folder / "store"
        self.options = options
        self.log = self.folder / "ossd.log"
        self.process = None
        self.endpoint = self.console = None
        self.folder.mkdir(parents=True, exist_ok=True)
        self.users = self.folder / "users"
        self.users.write_text("".join(f"{u.key_id} {u.secret} cmk={u.cmk}\n" for u in USERS))
        self.users.chmod(0o600)

    def start(self):
        """Starts it and returns when it is ready."""
        command = [BINARY, "--store", self.store, "--listen", "127.0.0.1:0", "--users", self.users, *self.options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        try:
            self._read_addresses()
        except BaseException:
            self.kill()
            raise
        return self

    def _read_addresses(self):
        lines = queue.Queue()

        def pump(stream):
            with stream:
                for line in stream:
                    lines.put(line.decode().strip())
            lines.put(None)

        threading.Thread(target=pump, args=(self.process.stdout,), daemon=True).start()
        found = {}
        while len(found) < 2:
            line = lines.get(timeout=START_SECONDS)
            if line is None:
                raise RuntimeError(f"ossd ended before it was ready, see its log:\n{self.log_text()[-4000:]}")
            for name, start in (("endpoint", "listening on "), ("console", "console ")):
                if line.startswith(start):
                    found[name] = line.removeprefix(start)
        self.endpoint, self.console = found["endpoint"], found["console"]

    @property
    def address(self):
        """127.0.0.1:PORT"""
        return self.endpoint.removeprefix("http://")

    def stop(self):
        """Ends it as an operator would, and takes any other end than a clean one for a failure."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"ossd did not end within {STOP_SECONDS} s") from None
        assert code == 0, f"ossd ended with {code}:\n{self.log_text()[-4000:]}"
        self.check_log()

    def kill(self):
        """kill -9"""
        if self.process is not None:
            process, self.process = self.process, None
            process.kill()
            process.wait()

    def log_text(self):
        return self.log.read_text(errors="replace")

    def check_log(self):
        """A sanitizer's report is a failure, whatever the clients saw."""
        report = REPORTS.search(self.log_text())
        assert report is None, self.log_text()[report.start() :][:8000]

    def remove(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def api(self, method, path, body=None, token=None):
        """A call of the console's API, with the token that was printed at the start unless another is given."""
        parts = urllib.parse.urlsplit(self.console)
        if token is None:
            token = urllib.parse.parse_qs(parts.query)["token"][0]
        request = urllib.request.Request(
            f"http://{parts.netloc}/-/api/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Content-Type": "application/json", "X-Ossd-Token": token},
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise ApiError(error.code, error.read().decode(errors="replace")) from None
        return json.loads(text) if text else None
