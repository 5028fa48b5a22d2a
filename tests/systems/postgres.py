"""A real PostgreSQL server for tests: made in a folder of its own, started, killed, asked.

As root it runs as Debian's user `postgres`, since it refuses to run as root. Its folder lies under
/tmp and not in a test's own: another user must get through, and a socket's path must be short.

As a program, `python3 -m tests.systems.postgres PROGRAM...` starts one, runs each program with
FISHPLATE_TEST_POSTGRES (the location of an empty database) set, and ends with the first failure.
"""
# SPDX-License-Identifier: Apache-2.0
import glob
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.systems.tryton import free_port

USER = "fishplate"


def _program(name):
    """A program of the newest PostgreSQL of this machine."""
    found = glob.glob(f"/usr/lib/postgresql/*/bin/{name}")
    if not found:
        raise RuntimeError("PostgreSQL is not installed: apt install postgresql")
    return max(found, key=lambda path: int(path.split("/")[4]))


class Postgres:
    """One PostgreSQL with an empty database `fishplate`. `tcp`: it listens on 127.0.0.1 too, with
    TLS where `certificate` and `key` (files) are given. `password` is its user's."""

    def __init__(self, tcp=False, certificate=None, key=None):
        self.directory = Path(tempfile.mkdtemp(prefix="fishplate-pg-", dir="/tmp"))
        self.port = free_port() if tcp else 5432
        self.password = secrets.token_hex(16)
        self._tcp = tcp
        self._tls = (certificate, key)
        self._process = None
        self._made = False

    # -- the server ---------------------------------------------------------------------------
    def _as_user(self, *command):
        if os.getuid() != 0:
            return list(command)
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--",
                *command]

    def _own(self, path, mode):
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(path, user.pw_uid, user.pw_gid)
        os.chmod(path, mode)

    def create(self):
        self._own(self.directory, 0o755)
        secret = self.directory / "password"
        secret.write_text(self.password)
        self._own(secret, 0o600)
        subprocess.run(
            self._as_user(_program("initdb"), "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8",
                          f"--username={USER}", f"--pwfile={secret}", "--auth-local=trust",
                          "--auth-host=scram-sha-256", "-D", str(self.directory / "data")),
            check=True, capture_output=True, cwd="/")
        settings = {"listen_addresses": "'127.0.0.1'" if self._tcp else "''",
                    "port": self.port, "unix_socket_directories": f"'{self.directory}'",
                    "shared_buffers": "'16MB'", "max_connections": 40, "fsync": "off",
                    "logging_collector": "off", "timezone": "'UTC'"}
        if self._tls[0]:
            for name, source in zip(("tls.crt", "tls.key"), self._tls):
                shutil.copyfile(source, self.directory / name)
                self._own(self.directory / name, 0o600)
            settings.update(ssl="on", ssl_cert_file=f"'{self.directory / 'tls.crt'}'",
                            ssl_key_file=f"'{self.directory / 'tls.key'}'")
        with open(self.directory / "data" / "postgresql.conf", "a", encoding="utf-8") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())
        self._made = True

    def start(self, deadline=30.0):
        if not self._made:
            self.create()
        with open(self.directory / "postgres.log", "ab") as log:
            # Should this process be killed, the server ends too: nothing is left behind.
            self._process = subprocess.Popen(
                self._as_user("setpriv", "--pdeathsig", "INT", "--", _program("postgres"),
                              "-D", str(self.directory / "data")),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/")
        end = time.monotonic() + deadline
        while True:
            try:
                self.sql("SELECT 1", database="postgres")
                break
            except subprocess.CalledProcessError as error:
                if self._process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"PostgreSQL not ready: {error.stderr} {self.log()}") \
                        from error
            time.sleep(0.05)
        if not self.sql("SELECT 1 FROM pg_database WHERE datname='fishplate'", database="postgres"):
            self.sql("CREATE DATABASE fishplate", database="postgres")
        return self

    def stop(self, how=signal.SIGINT, deadline=20.0):
        """SIGINT ends it at once and in order, SIGQUIT as a crash would. Harmless when none runs."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(how)
        try:
            process.wait(deadline)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def crash(self):
        """All of its processes end without a word, as after a loss of power."""
        self.stop(signal.SIGQUIT)

    def remove(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def log(self):
        path = self.directory / "postgres.log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.remove()
            raise

    def __exit__(self, *_exception):
        self.remove()

    # -- asking it ----------------------------------------------------------------------------
    def location(self, database="fishplate"):
        """Of a database, over the Unix socket."""
        return f"postgresql:///{database}?host={self.directory}&port={self.port}&user={USER}"

    def tcp_location(self, database="fishplate", host="127.0.0.1", more=""):
        return f"postgresql://{USER}@{host}:{self.port}/{database}{more}"

    def sql(self, text, database="fishplate"):
        """Runs statements as another program would; what they answer, as text."""
        result = subprocess.run(
            [_program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d",
             self.location(database), "-c", text],
            capture_output=True, text=True, check=True, timeout=60)
        return result.stdout.strip()


def main(programs):
    with Postgres() as server:
        environment = dict(os.environ, FISHPLATE_TEST_POSTGRES=server.location())
        return max((subprocess.run([program], env=environment).returncode
                    for program in programs), key=abs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
