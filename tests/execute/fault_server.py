"""A Step Functions endpoint on loopback that answers as a plan says: well, slowly, wrongly or not at all.

Speaks what StartExecution needs of HTTP/1.1, with connections kept alive, and acts as a standard state machine does: the
same name with the same input is the same execution, the same name with another input is ExecutionAlreadyExists. It keeps
what it started and every request that it saw, and recomputes each request's signature.

    with FaultServer(plan) as server:          # plan(request) gives a behaviour: ok, throttled, reset, slow(0.1), ...
        run(..., "--endpoint-url", server.url)
    server.started                             # {(machine, name): input}

As a program (`fault_server.py [PORT]`) it prints its address, starts everything that is asked of it, and prints its counts
when its standard input ends.

Threads: an event loop on a thread of its own; read `started` and `requests` after the client has ended.
"""
import asyncio
import calendar
import hashlib
import hmac
import json
import re
import socket
import struct
import sys
import threading
import time

ACCESS_KEY, SECRET_KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
CLOCK_SKEW_SECONDS_MAX = 300


# --- Signature Version 4 -------------------------------------------------------------------------------------------------


def signing_key(secret, date, region, service):
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def canonical_request(method, path, query, headers, signed, body):
    """`headers` is a dict with names in lower case; `query` is canonical already."""
    lines = [f"{name}:{' '.join(headers[name].split())}" for name in signed]
    return "\n".join([method, path, query, *lines, "", ";".join(signed), hashlib.sha256(body).hexdigest()])


def string_to_sign(canonical, timestamp, region, service):
    scope = f"{timestamp[:8]}/{region}/{service}/aws4_request"
    return "\n".join(["AWS4-HMAC-SHA256", timestamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])


def signature(canonical, timestamp, region, service, secret):
    key = signing_key(secret, timestamp[:8], region, service)
    return hmac.new(key, string_to_sign(canonical, timestamp, region, service).encode(), hashlib.sha256).hexdigest()


AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?"
                           r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})")


def signature_fault(request, credentials):
    """What is wrong with the signature of a request to Step Functions; None if nothing is."""
    headers = request.headers
    found = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if not found:
        return f"no signature: {headers.get('authorization')!r}"
    access, date, region, service, names, given = found.groups()
    timestamp = headers.get("x-amz-date", "")
    if not re.fullmatch(r"\d{8}T\d{6}Z", timestamp) or not timestamp.startswith(date):
        return f"X-Amz-Date {timestamp!r} and scope {date} differ"
    if abs(calendar.timegm(time.strptime(timestamp, "%Y%m%dT%H%M%SZ")) - time.time()) > CLOCK_SKEW_SECONDS_MAX:
        return f"X-Amz-Date {timestamp} is not now"
    if service != "states" or region != request.machine.split(":")[3]:
        return f"scope {region}/{service} for {request.machine}"
    if access not in credentials:
        return f"unknown access key {access}"
    secret, token = credentials[access]
    if headers.get("x-amz-security-token") != token:
        return f"session token {headers.get('x-amz-security-token')!r}, expected {token!r}"
    signed = names.split(";")
    needed = {"host", "x-amz-date", "x-amz-target"} | ({"x-amz-security-token"} if token else set())
    if signed != sorted(signed) or not needed <= set(signed):
        return f"signed headers {names}"
    if not set(signed) <= set(headers):
        return f"signed headers that were not sent: {names}"
    canonical = canonical_request("POST", request.path, "", headers, signed, request.body)
    expected = signature(canonical, timestamp, region, service, secret)
    return None if expected == given else f"signature {given}, expected {expected}, of:\n{canonical}"


# --- Behaviours: how a request is answered -------------------------------------------------------------------------------


def ok(connection, request):
    connection.answer(*connection.server.start(request))


def error(status, code, message="", prefix="com.amazonaws.swf.service.v2.model#", member="message"):
    def behaviour(connection, request):
        body = {"__type": prefix + code, **({member: message} if message else {})}
        connection.answer(status, json.dumps(body).encode())

    behaviour.__name__ = code
    return behaviour


throttled = error(400, "ThrottlingException", "Rate exceeded", prefix="")
limit_exceeded = error(400, "ExecutionLimitExceeded", "The maximum number of running executions has been reached.")
already_exists = error(400, "ExecutionAlreadyExists", "Execution Already Exists: 'arn'")
access_denied = error(400, "AccessDeniedException", "User is not authorized to perform: states:StartExecution",
                      prefix="com.amazon.coral.service#", member="Message")
no_machine = error(400, "StateMachineDoesNotExist", "State Machine Does Not Exist: 'arn'")
deleting = error(400, "StateMachineDeleting", "State Machine is being deleted: 'arn'")
invalid_input = error(400, "InvalidExecutionInput", "Invalid State Machine Execution Input: 'Invalid execution input.'")
invalid_name = error(400, "InvalidName", "Invalid Name: 'x'")
invalid_arn = error(400, "InvalidArn", "Invalid Arn: 'x'")
validation = error(400, "ValidationException", "1 validation error detected", prefix="com.amazon.coral.validate#")
expired_token = error(400, "ExpiredTokenException", "The security token included in the request is expired",
                      prefix="com.amazon.coral.service#")
kms_throttled = error(400, "KmsThrottlingException", "Rate exceeded")
kms_denied = error(400, "KmsAccessDeniedException", "No access to the key")
internal_failure = error(500, "InternalFailure", "We encountered an internal error.", prefix="com.amazon.coral.service#")


def unavailable(connection, request):
    connection.answer(503, b"<html><body>503 Service Unavailable</body></html>", kind="text/html")


def bad_gateway(connection, request):
    connection.answer(502, b"")


def garbage(connection, request):
    """HTTP is fine, the body is not; nothing was started."""
    connection.answer(200, b'\xff\xfe{"executionArn": ', kind="text/plain")


def noise(connection, request):
    """Not HTTP at all."""
    connection.transport.write(b"\x16\x03\x01\x02\x00 this is no HTTP\r\n\r\n")
    connection.close()


def reset(connection, request):
    connection.reset()


def started_then_reset(connection, request):
    """The execution starts, and its caller never hears of it."""
    connection.server.start(request)
    connection.reset()


def started_then_500(connection, request):
    connection.server.start(request)
    internal_failure(connection, request)


def cut(connection, request):
    """Ends in the middle of an answer, after the execution was started."""
    connection.server.start(request)
    connection.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"executionArn\":\"arn:")
    connection.close()


def half_closed(connection, request):
    """Closes its own direction without an answer and goes on reading."""
    connection.transport.write_eof()


def ok_then_closed(connection, request):
    """Answers, promises to keep the connection, and closes it."""
    ok(connection, request)
    connection.close()


def never(connection, request):
    """Takes the request and says nothing."""


def slow(seconds, then=ok):
    def behaviour(connection, request):
        connection.server.loop.call_later(seconds, connection.act, then, request)

    return behaviour


def always(behaviour):
    return lambda request: behaviour


def first(count, behaviour, then=ok):
    """`behaviour` for the first `count` requests of each name."""
    return lambda request: behaviour if request.attempt <= count else then


# --- The server ----------------------------------------------------------------------------------------------------------


CONTENT_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)\r\n")
NEEDED = (re.compile(rb"\APOST /\S* HTTP/1\.1\r\n"),
          re.compile(rb"(?i:\r\nx-amz-target): *AWSStepFunctions\.StartExecution(\r|\Z)"),
          re.compile(rb"(?i:\r\ncontent-type): *application/x-amz-json-1\.0(\r|\Z)"))


def headers_of(head):
    """By name in lower case."""
    pairs = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    return {name.lower(): value.strip() for name, _, value in pairs}


class Request:
    """A request as it came. `attempt` counts those of the same machine and name, from 1; `number` counts all."""

    __slots__ = ("path", "number", "attempt", "time", "machine", "name", "input", "headers", "body", "members", "connection",
                 "access_key", "fault", "behaviour")


class Connection(asyncio.Protocol):
    def __init__(self, server):
        self.server = server
        self.received = bytearray()
        self.busy = False

    def connection_made(self, transport):
        self.transport = transport
        self.server.connections.add(self)
        self.server.connection_count += 1
        self.number = self.server.connection_count

    def connection_lost(self, failure):
        self.idle()
        self.server.connections.discard(self)

    def data_received(self, data):
        self.received += data
        while not self.busy:
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                return
            found = CONTENT_LENGTH.search(self.received, 0, end + 2)
            length = int(found[1]) if found else 0
            if len(self.received) < end + 4 + length:
                if len(self.received) == end + 4 and b"\r\nexpect:" in self.received.lower():
                    self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            head, body = bytes(self.received[:end]), bytes(self.received[end + 4 : end + 4 + length])
            del self.received[: end + 4 + length]
            self.take(head, body)

    def take(self, head, body):
        self.busy = True
        self.server.pending += 1
        self.server.pending_max = max(self.server.pending_max, self.server.pending)
        request, behaviour = self.server.take(head, body)
        if request:
            request.connection = self.number
        self.act(behaviour, request)

    def act(self, behaviour, request):
        if not self.transport.is_closing():
            behaviour(self, request)

    def idle(self):
        if self.busy:
            self.busy = False
            self.server.pending -= 1

    def answer(self, status, body, kind="application/x-amz-json-1.0"):
        self.idle()
        self.server.answered += 1
        self.transport.write(b"HTTP/1.1 %d Answer\r\nx-amzn-RequestId: %d\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
                             % (status, self.server.answered, kind.encode(), len(body), body))
        if self.received and not self.transport.is_closing():
            self.server.loop.call_soon(self.data_received, b"")

    def close(self):
        self.idle()
        self.transport.close()

    def reset(self):
        self.idle()
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class FaultServer:
    """`credentials` maps an access key to its secret and session token (or None). A request whose signature is wrong is
    answered InvalidSignatureException and noted in `faults`. Where executions are `closed`, a second start of a name is
    ExecutionAlreadyExists whatever its input."""

    def __init__(self, plan=always(ok), credentials=None, verify=True, closed=False, keep_requests=True, port=0):
        self.plan = plan
        self.credentials = {ACCESS_KEY: (SECRET_KEY, None)} if credentials is None else credentials
        self.verify, self.closed, self.keep_requests, self.port = verify, closed, keep_requests, port
        self.started, self.start_times, self.requests, self.faults, self.attempts = {}, {}, [], [], {}
        self.request_count = self.connection_count = self.answered = self.pending = self.pending_max = 0
        self.connections = set()

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        listening = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(listening,), daemon=True)
        self.thread.start()
        if not listening.wait(10):
            raise RuntimeError("the fault server did not start")
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self._stop)
        self.thread.join(10)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def _run(self, listening):
        asyncio.set_event_loop(self.loop)
        self.listener = self.loop.run_until_complete(
            self.loop.create_server(lambda: Connection(self), "127.0.0.1", self.port, backlog=1024))
        self.port = self.listener.sockets[0].getsockname()[1]
        listening.set()
        self.loop.run_forever()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    def _stop(self):
        self.listener.close()
        for connection in list(self.connections):
            connection.transport.abort()
        self.loop.call_soon(self.loop.stop)

    def take(self, head, body):
        """The request and the behaviour that answers it. What is no StartExecution is a fault of the client."""
        try:
            members = json.loads(body)
            machine, name, text = members["stateMachineArn"], members["name"], members["input"]
            for needed in NEEDED:
                if not needed.search(head):
                    raise ValueError(f"no {needed.pattern}")
            if not isinstance(text, str):
                raise ValueError("input is not a string")
        except (ValueError, KeyError, TypeError) as problem:
            self.faults.append(f"no StartExecution: {problem!r}: {head} {body[:200]}")
            return None, error(400, "SerializationException", str(problem))
        request = Request()
        self.request_count += 1
        self.attempts[machine, name] = request.attempt = self.attempts.get((machine, name), 0) + 1
        request.number, request.time = self.request_count, time.monotonic()
        request.machine, request.name, request.input = machine, name, text
        request.body, request.members, request.fault = body, list(members), None
        if self.verify or self.keep_requests:
            request.headers = headers_of(head)
            request.path = head.split(b" ", 2)[1].decode()
            _, _, credential = request.headers.get("authorization", "").partition("Credential=")
            request.access_key = credential.partition("/")[0]
        if self.verify:
            request.fault = signature_fault(request, self.credentials)
        behaviour = self.plan(request)
        if request.fault and behaviour is not expired_token:
            self.faults.append(request.fault)
            behaviour = error(400, "InvalidSignatureException", "The request signature we calculated does not match the signature "
                              "you provided.", prefix="com.amazon.coral.service#")
        request.behaviour = behaviour.__name__
        if self.keep_requests:
            request.headers = request.body = None
            self.requests.append(request)
        return request, behaviour

    def start(self, request):
        """Starts what is asked for, once, and gives the status and body of the answer."""
        key = request.machine, request.name
        arn = request.machine.replace(":stateMachine:", ":execution:", 1) + ":" + request.name
        try:
            json.loads(request.input)
        except ValueError as problem:
            return 400, json.dumps({"__type": "InvalidExecutionInput",
                                    "message": f"Invalid State Machine Execution Input: '{problem}'"}).encode()
        if len(request.input.encode()) > 262144 or not re.fullmatch(r"[0-9A-Za-z_-]{1,80}", request.name):
            return 400, json.dumps({"__type": "ValidationException", "message": "too long, or not a name"}).encode()
        known = self.started.get(key)
        if known is not None and (self.closed or known != request.input):
            return 400, json.dumps({"__type": "ExecutionAlreadyExists",
                                    "message": f"Execution Already Exists: '{arn}'"}).encode()
        if known is None:
            self.started[key] = request.input
            self.start_times[key] = time.time()
        return 200, b'{"executionArn":"%s","startDate":%.3f}' % (arn.encode(), self.start_times[key])


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    with FaultServer(verify=False, keep_requests=False, port=port) as server:
        print(server.url, flush=True)
        sys.stdin.read()
    print(json.dumps({"requests": server.request_count, "started": len(server.started), "faults": len(server.faults),
                      "connections": server.connection_count, "in_flight_max": server.pending_max}))


if __name__ == "__main__":
    main()
