"""Sends events to the platform's stream: in batches, each event until Kinesis has it.

python producer.py <stream> < events.jsonl
"""

import json
import random
import signal
import sys
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import boto3

# What Kinesis takes in one request; a record counts with its key.
MAX_RECORDS = 500
MAX_BYTES = 5 * 1024 * 1024
MAX_RECORD_BYTES = 1024 * 1024

MAX_ATTEMPTS = 10
FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 10.0

Event = dict[str, Any]


def new_event(kind: str, payload: dict[str, Any]) -> Event:
    """An event as the platform takes it. Its id is made once: sent twice under one id, it counts once."""
    timestamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"eventId": str(uuid.uuid4()), "type": kind, "timestamp": timestamp, "payload": payload}


class NotDelivered(Exception):
    """Kinesis keeps refusing some events; they go on waiting, and `flush` may be called again."""


class Producer:
    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._client = boto3.client("kinesis")
        self._waiting: list[dict[str, Any]] = []
        self._bytes = 0

    def send(self, event: Event) -> None:
        """Takes an event; it is in the stream once `flush` has returned.

        Where events come seldom, call `flush` every second.
        """
        data = json.dumps(event, separators=(",", ":")).encode()
        size = len(data) + len(event["eventId"])
        if size > MAX_RECORD_BYTES:
            raise ValueError(f"an event must be at most {MAX_RECORD_BYTES} bytes, got {size}")
        if len(self._waiting) == MAX_RECORDS or self._bytes + size > MAX_BYTES:
            self.flush()
        # By its id an event's duplicate meets it in one shard, and the load is even.
        self._waiting.append({"PartitionKey": event["eventId"], "Data": data})
        self._bytes += size

    def flush(self) -> None:
        """Sends what waits. Raises NotDelivered where Kinesis keeps refusing some of it."""
        for attempt in range(1, MAX_ATTEMPTS + 1):
            if not self._waiting:
                return
            answers = self._client.put_records(StreamName=self._stream, Records=self._waiting)["Records"]
            # A request may succeed in part: what it refused is sent again, and nothing else.
            pairs = zip(self._waiting, answers, strict=True)
            self._waiting = [record for record, answer in pairs if "SequenceNumber" not in answer]
            self._bytes = sum(len(record["PartitionKey"]) + len(record["Data"]) for record in self._waiting)
            if self._waiting and attempt < MAX_ATTEMPTS:
                time.sleep(random.random() * min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**attempt))
        if self._waiting:
            raise NotDelivered(f"{len(self._waiting)} events are not delivered after {MAX_ATTEMPTS} attempts")


def stop(*_: object) -> None:
    """Ends the reading of events; what is being flushed behind it is not disturbed again."""
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)
    raise KeyboardInterrupt


def parsed(line: str, number: int) -> dict[str, Any]:
    """The event of a line. An error tells its number alone: the line may hold personal data."""
    try:
        event = json.loads(line)
        if event["type"] and event["payload"]:
            return dict(event)
    except (ValueError, KeyError, TypeError):
        pass
    raise SystemExit(f"line {number} must be a JSON document with type and payload; correct it and send from there on")


def main(stream: str) -> None:
    """Sends the events of standard input, one JSON document a line, until its end or the first SIGINT or SIGTERM."""
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, stop)
    producer = Producer(stream)
    count = 0
    try:
        for line in sys.stdin:
            given = parsed(line, count + 1)
            producer.send({**new_event(given["type"], given["payload"]), **given})
            count += 1
    except KeyboardInterrupt:
        # A request that was cut off is made again: the same ids count once.
        pass
    finally:
        # Also behind a line that cannot be sent: what was taken before it is delivered.
        producer.flush()
    print(f"{count} events are in {stream}.")


if __name__ == "__main__":
    main(sys.argv[1])
