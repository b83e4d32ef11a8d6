"""OpenStack Swift with its S3 interface, alone on this machine: `/usr/bin/python3 swift_server.py FOLDER`.

Runs with Debian's Python, which has python3-swift; nothing of the project is imported. Its four servers
(proxy, account, container, object) share one process, which starts in a quarter of the time of four.
Prints its address when it is ready. Tenant "tests", whose key is "secret".
"""

import logging
import os
import sys
import time
from pathlib import Path

# Before Swift is imported: dates it signs and lists are read as UTC, and its sockets must be eventlet's.
os.environ["TZ"] = "UTC+0"
time.tzset()

import eventlet  # noqa: E402

eventlet.patcher.monkey_patch()

from eventlet import event, wsgi  # noqa: E402
from swift.common import utils  # noqa: E402

_BACKS = ("account", "container", "object")
_DEFAULTS = "[DEFAULT]\nswift_dir = {folder}\nlog_level = ERROR\n"
_SWIFT = """\
[swift-hash]
swift_hash_path_suffix = tests
[storage-policy:0]
name = one
default = yes
"""
_BACK = """\
devices = {folder}/devices
mount_check = false
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
"""
# Short pages, so that a handful of objects and parts is already a listing of several, and few parts.
# There is no memcached: tempauth asks that a cache be configured, and does without its answers.
_PROXY = """\
[pipeline:main]
pipeline = catch_errors cache s3api tempauth copy slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:9
[filter:s3api]
use = egg:swift#s3api
max_bucket_listing = 3
max_parts_listing = 2
max_upload_part_num = 4
[filter:tempauth]
use = egg:swift#tempauth
user_tests_photomgr = secret .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
"""


def main(folder):
    (folder / "devices" / "disk").mkdir(parents=True)
    (folder / "swift.conf").write_text(_SWIFT)
    utils.set_swift_dir(str(folder))
    # Only now: importing them reads the configuration.
    from swift.common.wsgi import SwiftHttpProtocol, loadapp

    sockets = {
        name: eventlet.listen(("127.0.0.1", 0)) for name in ("account", "container", "object", "proxy")
    }
    ports = {name: socket.getsockname()[1] for name, socket in sockets.items()}
    for name in _BACKS:
        _ring(folder / f"{name}.ring.gz", ports[name])
    for name, socket in sockets.items():
        settings = _DEFAULTS + (_PROXY if name == "proxy" else _BACK)
        path = folder / f"{name}.conf"
        path.write_text(settings.format(folder=folder, name=name))
        # As Swift's own run_server does it: boto3 wants "ETag", which eventlet would write "Etag".
        options = {"protocol": SwiftHttpProtocol, "capitalize_response_headers": False, "log_output": False}
        eventlet.spawn(wsgi.server, socket, loadapp(str(path)), logging.getLogger(name), **options)
    print(f"http://127.0.0.1:{ports['proxy']}", flush=True)
    event.Event().wait()


def _ring(path, port):
    """Write down that everything lies in one place: the server at this port."""
    from swift.common.ring import RingBuilder

    ring = RingBuilder(part_power=2, replicas=1, min_part_hours=0)
    place = {"ip": "127.0.0.1", "port": port, "replication_ip": "127.0.0.1", "replication_port": port}
    ring.add_dev({"region": 1, "zone": 1, "device": "disk", "weight": 1, "meta": "", **place})
    ring.rebalance()
    ring.get_ring().save(str(path))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
