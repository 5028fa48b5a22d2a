"""SSRF (threat 7): whatever address a customer types, egress connects only where the operator allowed
it. Run in a network namespace of its own where the machine allows one, with listeners on the very
addresses of metadata services and private networks; otherwise on loopback aliases only."""
# SPDX-License-Identifier: Apache-2.0
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CREDENTIALS = {"database": "erp", "username": "admin", "password": "Adm1n-secret"}


class Trap:
    """Listens on an address and counts who connects; nothing may."""

    def __init__(self, address, port=0):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((address, port))
        self.socket.listen(16)
        self.port = self.socket.getsockname()[1]
        self.visits = 0
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.visits += 1
            connection.close()


def refused(server, token, url):
    answer = server.connect(token, {**CREDENTIALS, "url": url})
    assert (answer.status, answer.code) == (422, "SOURCE_ADDRESS_REFUSED"), (url, answer)
    assert CREDENTIALS["password"] not in answer.body.decode()


def malformed(server, token, url):
    answer = server.connect(token, {**CREDENTIALS, "url": url})
    assert answer.status == 422 and answer.code in ("FIELD_INVALID", "SOURCE_SETTINGS_INVALID"), (
        url, answer)


def test_source_addresses__threat_7_on_loopback_aliases(own_fishplate):
    """Only 127.0.0.1 is allowed; its neighbours and every other spelling of them are not."""
    trap = Trap("127.0.0.2")
    own_fishplate.settings["egress.networks"] = "127.0.0.1"
    own_fishplate.start()
    token = own_fishplate.app_token(own_fishplate.create_app())
    for host in ("127.0.0.2", "127.2", "2130706434", "0x7f000002", "0177.0.0.2", "0x7f.2",
                 "[::ffff:127.0.0.2]", "[::127.0.0.2]", "[64:ff9b::7f00:2]", "[2002:7f00:2::]",
                 "0.0.0.0", "0", "[::]", "[::1]", "169.254.169.254", "2852039166", "100.100.100.200",
                 "[fd00:ec2::254]", "[fe80::1]", "224.0.0.1", "255.255.255.255", "10.0.0.1",
                 "192.168.0.1", "172.16.0.1", "100.64.0.1", "[fc00::1]"):
        for scheme in ("http", "https"):
            refused(own_fishplate, token, f"{scheme}://{host}:{trap.port}")
    for url in ("http://127.0.0.1@127.0.0.2/", "file:///etc/passwd", "gopher://127.0.0.2/",
                "http://127.0.0.1:99999/", "http://127.0.0.1\\@127.0.0.2/", "//127.0.0.2/",
                "http://127.0.0.1#@127.0.0.2/", "http://[fe80::1%25lo]/", "http:///", "javascript:1",
                "http://127.0.0.1:22 /", "http://127.0.0.1/\r\nX: y"):
        malformed(own_fishplate, token, url)
    assert trap.visits == 0
    assert own_fishplate.probe("/readyz").status == 200


def may_unshare():
    return os.geteuid() == 0 and subprocess.run(
        ["unshare", "--net", "--", "ip", "link", "set", "lo", "up"], capture_output=True,
        check=False).returncode == 0


@pytest.mark.skipif(not may_unshare(), reason="no network namespace of our own on this machine")
def test_source_addresses__threat_7_in_a_network_namespace(tmp_path):
    """Metadata service, private network and multicast really there, and still not reached."""
    done = subprocess.run(
        ["unshare", "--net", "--", sys.executable, "-m", "tests.integration.test_source_addresses",
         str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    verdict = json.loads(done.stdout.strip().splitlines()[-1])
    assert verdict["refused"] > 10
    assert verdict["visits"] == {"169.254.169.254": 0, "10.66.0.1": 0, "fd00:ec2::254": 0,
                                 "127.0.0.2": 0}
    assert verdict["allowed"] > 0  # the one private address that the operator allowed is reached


def in_namespace(directory):
    sys.path.insert(0, str(ROOT))
    from tests.systems.fishplate import Fishplate  # only here: the module is also run on its own
    for command in ("link set lo up", "addr add 169.254.169.254/32 dev lo",
                    "addr add 10.66.0.1/32 dev lo", "addr add 10.66.0.2/32 dev lo",
                    "addr add fd00:ec2::254/128 dev lo nodad"):
        subprocess.run(["ip", *command.split()], check=True)
    traps = {address: Trap(address, 8069) for address in
             ("169.254.169.254", "10.66.0.1", "fd00:ec2::254", "127.0.0.2")}
    allowed = Trap("10.66.0.2", 8069)
    count = 0
    settings = {"egress.networks": "10.66.0.2/32,169.254.0.0/16,fd00::/8,127.0.0.1"}
    with Fishplate(Path(directory) / "fishplate", settings=settings) as server:
        token = server.app_token(server.create_app())
        for host in ("169.254.169.254", "2852039166", "0xa9fea9fe", "[fd00:ec2::254]",
                     "[::ffff:169.254.169.254]", "10.66.0.1", "[::ffff:10.66.0.1]", "127.0.0.2"):
            for scheme in ("http", "https"):
                refused(server, token, f"{scheme}://{host}:8069")
                count += 1
        refused(server, token, "http://10.66.0.2:8069")  # plain http beyond loopback
        answer = server.connect(token, {**CREDENTIALS, "url": "https://10.66.0.2:8069"})
        assert answer.code in ("SOURCE_UNREACHABLE", "SOURCE_TLS_FAILED"), answer
    print(json.dumps({"refused": count, "allowed": allowed.visits,
                      "visits": {address: trap.visits for address, trap in traps.items()}}))


if __name__ == "__main__":
    in_namespace(sys.argv[1])
