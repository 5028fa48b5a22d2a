"""What docs/operations.md says about backup: store and audit log of one moment come back
together, the store alone does not, another master key does not open it."""
# SPDX-License-Identifier: Apache-2.0
import shutil

import pytest

from tests.api.errors import check_error
from tests.api.world import connect, new_app

DATA = "/api/erp/currencies"


@pytest.fixture
def backup(own_fishplate, tryton, tmp_path):
    """A stopped server, its backup, and what was connected before and after the backup."""
    server = own_fishplate.start()
    app = new_app(server)
    before = connect(server, app.token, tryton, name="Before")
    assert server.stop() == 0
    copy = tmp_path / "backup"
    shutil.copytree(server.directory, copy, copy_function=shutil.copy2)
    server.start()
    after = connect(server, app.token, tryton, name="After")
    assert server.stop() == 0
    return server, copy, before, after


def put_back(server, copy, *names):
    """Copies over what is there, which keeps owner and mode."""
    for name in names:
        target = server.directory / name
        if target.is_dir():
            for old in target.iterdir():
                old.unlink()
            owner = target.stat()
            for file in (copy / name).iterdir():
                shutil.copyfile(file, target / file.name)
                (target / file.name).chmod(file.stat().st_mode & 0o777)
                shutil.chown(target / file.name, owner.st_uid, owner.st_gid)
        else:
            target.write_bytes((copy / name).read_bytes())


def test_store_and_audit_log_come_back_together(backup):
    server, copy, before, after = backup
    put_back(server, copy, "data/store.db", "data/audit")
    server.start()
    assert server.get(DATA, before.token).status == 200
    check_error(server.get(DATA, after.token), "TOKEN_UNKNOWN")


def refused(server):
    """The start fails with a code in the log."""
    with pytest.raises(RuntimeError):
        server.start()
    server.stop()
    return server.log_text()


def test_an_older_store_alone_is_refused(backup):
    server, copy, _before, _after = backup
    put_back(server, copy, "data/store.db")
    assert "STORE_ROLLED_BACK" in refused(server)


def test_another_master_key_is_refused(backup, tmp_path):
    server, _copy, _before, _after = backup
    other = tmp_path / "other"
    server.run("init", "--dir", str(other), config=False)
    (server.directory / "master.key").write_bytes((other / "master.key").read_bytes())
    assert "KEY_OTHER_MASTER" in refused(server)
