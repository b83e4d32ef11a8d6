"""Amazon Rekognition as it is seen on the wire: JSON 1.1 over HTTP, the Region in the signature's scope.

Each Region has a bucket of tokens as Amazon's have, and a list of outcomes that are used up first. Time
is `clock`, so that a test without one never meets a limit.
"""

import base64
import io
import json
import re
import threading
import time
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image, UnidentifiedImageError

_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/([a-z0-9-]+)/rekognition/aws4_request")

# outcome: (HTTP status, error, message)
_ERRORS = {
    "throttle": (400, "ProvisionedThroughputExceededException", "Provisioned Rate exceeded."),
    "slow down": (400, "ThrottlingException", "Slow down; sudden increase in rate of requests"),
    "unavailable": (500, "ThrottlingException", "Service Unavailable"),
    "internal": (500, "InternalServerError", "Internal server error"),
    "denied": (400, "AccessDeniedException", "User: arn:aws:iam::1:user/x is not authorized"),
    "bad token": (400, "UnrecognizedClientException", "The security token in the request is invalid."),
    "expired": (400, "ExpiredTokenException", "The security token included in the request is expired"),
    "bad format": (400, "InvalidImageFormatException", "Request has invalid image format"),
    "too large": (400, "ImageTooLargeException", "Image size is too large"),
    "bad parameter": (400, "InvalidParameterException", "Request has invalid parameters"),
    "bad object": (400, "InvalidS3ObjectException", "Unable to get object metadata from S3."),
    "bad gateway": (502, "", ""),
}
_BODIES = {
    "garbage": b"<html>a proxy's page</html>",
    "cut short": b'{"Labels": [{"Name": "Sky", ',
    "empty": b"",
    "no labels": b"{}",
    "labels of none": b'{"Labels": null}',
    "no list": b'{"Labels": {"Name": "Sky"}}',
    "another shape": b"[1, 2]",
    "not UTF-8": b'{"Labels": [{"Name": "\xff\xfe"}]}',
    "odd labels": b"""{"LabelModelVersion": "3.0", "Labels": [
        {"Name": "Sky", "Confidence": 98.5, "Parents": [null, {}, {"Name": "Nature"}],
         "Instances": [null, {}, {"BoundingBox": null}], "Aliases": null},
        null, {}, {"Name": "Cloud", "Confidence": "high"}, {"Confidence": 90},
        {"Name": null, "Confidence": 90}]}""",
}


def _label(name, confidence, *parents):
    return {
        "Name": name,
        "Confidence": confidence,
        "Instances": [],
        "Parents": [{"Name": parent} for parent in parents],
        "Aliases": [],
        "Categories": [{"Name": "Nature and Outdoors"}],
    }


RESPONSES = {
    "DetectLabels": {
        "Labels": [
            _label("Nature", 98.5),
            _label("Sky", 98.5, "Nature"),
            _label("Cloud", 71.25, "Nature", "Sky"),
            _label("Weather", 45.5, "Nature"),
            _label("Azure Sky", 21.0, "Nature", "Sky"),
        ],
        "LabelModelVersion": "3.0",
    },
    "DetectModerationLabels": {
        "ModerationLabels": [
            {"Name": "Smoking", "ParentName": "Drugs & Tobacco", "Confidence": 80.5, "TaxonomyLevel": 2},
            {"Name": "Drugs & Tobacco", "ParentName": "", "Confidence": 80.5, "TaxonomyLevel": 1},
        ],
        "ModerationModelVersion": "7.0",
    },
    "DetectText": {
        "TextDetections": [
            {"DetectedText": "SUMMER SALE", "Type": "LINE", "Id": 0, "Confidence": 99.0},
            {"DetectedText": "SUMMER", "Type": "WORD", "Id": 1, "ParentId": 0, "Confidence": 98.5},
            {"DetectedText": "SALE", "Type": "WORD", "Id": 2, "ParentId": 0, "Confidence": 99.5},
        ],
        "TextModelVersion": "3.0",
    },
    "RecognizeCelebrities": {
        "CelebrityFaces": [
            {"Name": "Ada Lovelace", "Id": "3Ab4", "Urls": [], "MatchConfidence": 97.25, "Face": {}}
        ],
        "UnrecognizedFaces": [],
    },
}


@dataclass
class Region:
    """One Region's behaviour: `tps` None = no limit; `always` is the outcome when `script` is empty."""

    tps: float | None = None
    burst: float = 1.0  # seconds of its rate that the bucket holds
    latency: float = 0.0  # seconds
    always: str = "ok"
    script: deque = field(default_factory=deque)
    buckets: dict = field(default_factory=dict)  # operation: (tokens, at)

    def takes(self, operation, now):
        """Return whether a token is left for one more call at `now`."""
        if self.tps is None:
            return True
        most = max(1.0, self.tps * self.burst)
        tokens, at = self.buckets.get(operation, (most, now))
        tokens = min(most, tokens + (now - at) * self.tps)
        taken = tokens >= 1
        self.buckets[operation] = (tokens - taken, now)
        return taken


class FakeRekognition:
    """The service on a port of its own. `calls` holds (Region, operation, request) in order."""

    def __init__(self, clock=time.monotonic, keep_calls=True):
        self.clock = clock
        self.keep_calls = keep_calls
        self.regions = defaultdict(Region)
        self.calls = []
        self.outcomes = Counter()
        self.lock = threading.Lock()
        self.released = threading.Event()
        self.server = _Server(("127.0.0.1", 0), _Handler)
        self.server.fake = self
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def script(self, region, *outcomes):
        """Say what becomes of the next calls; a function is called before its call is answered."""
        self.regions[region].script.extend(outcomes)

    def regions_called(self, operation=None):
        """Return the Regions that were called, in order."""
        return [region for region, called, _ in self.calls if operation in (None, called)]

    def outcome(self, region, operation, request):
        """Return what becomes of one request."""
        behaviour = self.regions[region]
        with self.lock:
            if self.keep_calls:
                self.calls.append((region, operation, request))
            if behaviour.script:
                outcome = behaviour.script.popleft()
            elif behaviour.always != "ok":
                outcome = behaviour.always
            else:
                outcome = "ok" if behaviour.takes(operation, self.clock()) else "throttle"
            if callable(outcome):
                outcome = outcome() or "ok"
            if outcome == "ok":
                outcome = _judged(request.get("Image", {}))
            self.outcomes[region, outcome] += 1
        return outcome


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A headers packet and a body packet would otherwise wait 40 ms for each other.
    disable_nagle_algorithm = True

    def do_POST(self):
        fake = self.server.fake
        body = self.rfile.read(int(self.headers["Content-Length"]))
        region = _SCOPE.search(self.headers["Authorization"])[1]
        operation = self.headers["X-Amz-Target"].removeprefix("RekognitionService.")
        request = json.loads(body)
        outcome = fake.outcome(region, operation, request)
        if outcome == "stall":
            self._begin(200, 100)
            self.wfile.write(b'{"Labels": ')
        if outcome in ("hang", "stall"):
            fake.released.wait(20)
        if outcome in ("hang", "stall", "reset"):
            self.close_connection = True
            return
        if latency := fake.regions[region].latency:
            time.sleep(latency)
        self._answer(*_written(operation, outcome, request))

    def _answer(self, status, body):
        self._begin(status, len(body))
        self.wfile.write(body)

    def _begin(self, status, length):
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("x-amzn-RequestId", "00000000-0000-0000-0000-000000000001")
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *args):
        pass


def _judged(image):
    """Return how Amazon judges the Image parameter: format, bytes and sides."""
    if "S3Object" in image:
        return "ok"
    data = base64.b64decode(image.get("Bytes", ""))
    if not data:
        return "bad parameter"
    if len(data) > 5_242_880:
        return "too large"
    try:
        picture = Image.open(io.BytesIO(data))
    except UnidentifiedImageError:
        return "bad format"
    if picture.format not in ("JPEG", "PNG"):
        return "bad format"
    if min(picture.size) < 80:
        return "bad parameter"
    return "too large" if max(picture.size) > 10_000 else "ok"


def _written(operation, outcome, request):
    """Return (HTTP status, body) of an outcome."""
    if outcome in _ERRORS:
        status, code, message = _ERRORS[outcome]
        return status, json.dumps({"__type": code, "message": message}).encode() if code else b""
    if outcome in _BODIES:
        return 200, _BODIES[outcome]
    response = RESPONSES[operation]
    if operation == "DetectLabels":
        least = request.get("MinConfidence", 55)
        response = {
            **response,
            "Labels": [label for label in response["Labels"] if label["Confidence"] >= least],
        }
    return 200, json.dumps(response).encode()
