"""ali-oss's flows, in ali_oss.test.mjs."""

import os
import pathlib
import shutil
import subprocess

import pytest

import ossd

MODULES = os.environ.get("OSSD_MODULES", "")


@pytest.mark.skipif(not MODULES or shutil.which("node") is None, reason="SKIPPED: NO NODE WITH ALI-OSS")
def test_ali_oss(daemon, tmp_path):
    script = pathlib.Path(__file__).with_name("ali_oss.test.mjs")
    environment = {
        **os.environ,
        "OSSD_ENDPOINT": daemon.endpoint,
        "OSSD_KEY_ID": ossd.ADMIN.key_id,
        "OSSD_SECRET": ossd.ADMIN.secret,
        "OSSD_WORK": str(tmp_path),
    }
    done = subprocess.run(
        ["node", "--test", "--test-concurrency=1", script], env=environment, capture_output=True, text=True, timeout=600
    )
    print(done.stdout[-12000:], done.stderr[-4000:])
    assert done.returncode == 0
    assert "# fail 0" in done.stdout and "# pass 16" in done.stdout
