"""Requests byte by byte as a test wants them: no client rewrites a path, a header or a signature here."""

import base64
import dataclasses
import email.utils
import hashlib
import hmac
import http.client
import time
import urllib.parse
import xml.etree.ElementTree

# Sub-resources that the V1 signature covers, as far as tests use them.
SUBRESOURCES = {
    "acl",
    "append",
    "bucketInfo",
    "continuation-token",
    "delete",
    "encryption",
    "live",
    "partNumber",
    "position",
    "response-content-type",
    "uploadId",
    "uploads",
    "versioning",
}


@dataclasses.dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def error(self):
        """The code in the error's body; for HEAD in the header that stands for it."""
        text = self.body or base64.b64decode(self.headers.get("x-oss-err", ""))
        return xml.etree.ElementTree.fromstring(text).findtext("Code")


def v1_signature(user, method, resource, headers, query):
    """OSS's V1. `resource` is /bucket/key with the key decoded."""
    lower = {name.lower(): value for name, value in headers.items()}
    own = "".join(f"{name}:{lower[name]}\n" for name in sorted(lower) if name.startswith("x-oss-"))
    covered = sorted((name, value) for name, value in query.items() if name in SUBRESOURCES)
    tail = "&".join(f"{name}={value}" if value else name for name, value in covered)
    text = "\n".join(
        [
            method,
            lower.get("content-md5", ""),
            lower.get("content-type", ""),
            lower.get("date", ""),
            own + resource + ("?" + tail if tail else ""),
        ]
    )
    mac = hmac.new(user.secret.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(mac).decode()


def send(address, method, target, headers, body=b""):
    """One request on a connection of its own, as given."""
    connection = http.client.HTTPConnection(address, timeout=60)
    try:
        connection.putrequest(method, target, skip_host="Host" in headers, skip_accept_encoding=True)
        if body or method in ("PUT", "POST"):
            headers = {"Content-Length": str(len(body)), **headers}
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body or None)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def request(daemon, user, method, bucket="", key="", query=None, headers=None, body=b"", *, raw=None, age=0, sign=None):
    """One request with a V1 signature.

    raw: the path as it goes over the wire, when it is not the key's usual encoding. age: how many seconds ago it was
    signed. sign: what is signed in place of /bucket/key.
    """
    query = query or {}
    headers = {"Date": email.utils.formatdate(time.time() - age, usegmt=True), **(headers or {})}
    resource = sign if sign is not None else f"/{bucket}/{key}" if bucket else "/"
    if user is not None:
        signature = v1_signature(user, method, resource, headers, query)
        headers["Authorization"] = f"OSS {user.key_id}:{signature}"
    path = raw if raw is not None else urllib.parse.quote(f"/{bucket}/{key}" if bucket else "/", safe="/")
    tail = "&".join(
        urllib.parse.quote(name, safe="") + (f"={urllib.parse.quote(value, safe='')}" if value else "")
        for name, value in query.items()
    )
    return send(daemon.address, method, path + ("?" + tail if tail else ""), headers, body)
