"""Queue triggers against real storage: how a message comes in, and every way it can end."""

import threading
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from dev.azurite import Azurite
from dev.doors import queue_trigger
from dev.doors.functions import Function
from dev.doors.host_json import QueueOptions
from dev.doors.queue_trigger import QueueDoor
from tests.host.apps import HOST_JSON, run_script, write_app

APP = """
import json

class Killed(BaseException):
    pass

seen = []

@app.queue_trigger(arg_name="message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
def one(message: func.QueueMessage) -> None:
    text = message.get_body().decode()
    seen.append([text, message.id, message.dequeue_count])
    if text == "fails" or (text == "fails once" and message.dequeue_count == 1):
        raise ValueError(text)
    if text == "is killed" and message.dequeue_count == 1:
        raise Killed
    if text.startswith("puts "):
        import os
        from azure.storage.queue import QueueClient, TextBase64EncodePolicy
        client = QueueClient.from_connection_string(os.environ["AzureWebJobsStorage"], os.environ["SECOND"],
                                                    message_encode_policy=TextBase64EncodePolicy())
        client.send_message(text.removeprefix("puts "))

@app.queue_trigger(arg_name="message", queue_name="%SECOND%", connection="AzureWebJobsStorage")
def two(message: str) -> None:
    seen.append(["two", type(message).__name__, message])
"""


class Queue:
    """A queue of its own for one test, and the app that it wakes."""

    def __init__(self, azurite: Azurite, folder: Path) -> None:
        self.name = f"q{uuid4().hex[:20]}"
        self.settings = {
            "AzureWebJobsStorage": azurite.connection_string,
            "QUEUE": self.name,
            "SECOND": f"{self.name}-second",
        }
        self.folder = write_app(folder, APP)
        self._connection = azurite.connection_string
        for name in (self.name, f"{self.name}-second"):
            self.client(name).create_queue()

    def client(self, name: str) -> QueueClient:
        return QueueClient.from_connection_string(
            self._connection, name, message_encode_policy=TextBase64EncodePolicy()
        )

    def send(self, *texts: str, delay: int = 0) -> None:
        for text in texts:
            self.client(self.name).send_message(text, visibility_timeout=delay)

    def run(self, script: str) -> Any:
        return run_script(
            self.folder, self.settings, f"import function_app, dataclasses\nqueue = '{self.name}'\n{script}"
        )

    def poison(self) -> list[str]:
        return [message.content for message in self.client(f"{self.name}-poison").receive_messages()]


@pytest.fixture
def queue(azurite: Azurite, tmp_path: Path) -> Queue:
    return Queue(azurite, tmp_path)


def test_messages_run_and_go(queue: Queue) -> None:
    queue.send("a", "b", "c", "d", "e", "f", "g")
    drained, seen = queue.run("result = [dataclasses.asdict(host.drain()), function_app.seen]")
    assert drained == {"done": 7, "failed": 0, "poisoned": 0, "delayed": {}}
    assert sorted(text for text, _id, count in seen if count == 1) == list("abcdefg")


def test_a_message_that_puts_another_is_drained_with_it(queue: Queue) -> None:
    queue.send("puts grüße")
    drained, seen = queue.run("result = [dataclasses.asdict(host.drain()), function_app.seen]")
    assert drained["done"] == 2
    assert seen[1] == ["two", "str", "grüße"]


def test_a_failed_message_is_hidden_and_tried_again(queue: Queue) -> None:
    queue.send("fails once")
    first, visible, second = queue.run(
        "result = [dataclasses.asdict(host.drain()), host.make_visible(), dataclasses.asdict(host.drain())]"
    )
    assert first == {"done": 0, "failed": 1, "poisoned": 0, "delayed": {queue.name: 1}}
    assert visible == 1
    assert second == {"done": 1, "failed": 0, "poisoned": 0, "delayed": {}}


def test_after_the_last_try_it_is_poison(queue: Queue) -> None:
    queue.send("fails")
    ends, seen = queue.run(
        "ends = []\nfor _ in range(4):\n    ends.append(host.step(queue))\n    host.make_visible()\n"
        "result = [ends, function_app.seen]"
    )
    assert ends == ["failed", "failed", "poisoned", None]
    assert [count for _text, _id, count in seen] == [1, 2, 3]
    assert queue.poison() == ["ZmFpbHM="]


def test_a_message_that_is_not_base64_is_poison_at_once(queue: Queue) -> None:
    QueueClient.from_connection_string(queue.settings["AzureWebJobsStorage"], queue.name).send_message("{not base64}")
    ended, seen = queue.run("result = [host.step(queue), function_app.seen]")
    assert (ended, seen) == ("poisoned", [])
    assert queue.poison() == ["{not base64}"]


def test_a_poison_queue_has_no_poison_queue_of_its_own(queue: Queue) -> None:
    queue.settings["QUEUE"] = f"{queue.name}-poison"
    queue.client(f"{queue.name}-poison").create_queue()
    queue.client(f"{queue.name}-poison").send_message("fails")
    ends, seen = queue.run(
        "ends = []\nfor _ in range(4):\n    ends.append(host.step(queue + '-poison'))\n    host.make_visible()\n"
        "result = [ends, function_app.seen]"
    )
    assert ends == ["failed", "failed", "failed", "failed"]
    assert [count for _text, _id, count in seen] == [1, 2, 3, 4]


def test_a_message_that_runs_long_stays_hidden(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_trigger, "LEASE_SECONDS", 2)
    queue.send("long")
    client, ending = queue.client(queue.name), threading.Event()
    trigger = {"name": "message", "type": "queueTrigger"}
    function = Function("one", "one", trigger, (trigger,))
    door = QueueDoor(function, client, None, QueueOptions(), lambda _call: ending.wait(10))
    running = threading.Thread(target=door.handle, args=door.take(1))
    running.start()
    for _ in range(3):
        time.sleep(1.1)
        door.renew_leases()
    assert list(client.receive_messages()) == []
    ending.set()
    running.join()
    assert door.waiting() == 0


def test_step_takes_one(queue: Queue) -> None:
    queue.send("a", "b")
    assert queue.run("result = [host.step(queue), len(function_app.seen), host.step(queue), host.step(queue)]") == [
        "done",
        1,
        "done",
        None,
    ]


@pytest.mark.parametrize("take", ["host.step(queue)", "host.drain()"])
def test_a_killed_run_leaves_the_message_and_is_told(queue: Queue, take: str) -> None:
    queue.send("is killed")
    killed, hidden, visible, again = queue.run(
        f"try:\n    {take}\n    killed = False\nexcept function_app.Killed:\n    killed = True\n"
        "result = [killed, host.step(queue), host.make_visible(), host.step(queue)]"
    )
    assert (killed, hidden, visible, again) == (True, None, 1, "done")


def test_delayed_messages_are_reported_and_left(queue: Queue) -> None:
    queue.send("later", delay=60)
    drained, seen = queue.run("result = [dataclasses.asdict(host.drain()), function_app.seen]")
    assert drained["delayed"] == {queue.name: 1}
    assert seen == []


def test_properties_of_a_json_message_replace_its_metadata(queue: Queue) -> None:
    queue.send('{"id": "mine", "dequeueCount": 9}')
    ended, seen = queue.run("result = [host.step(queue), function_app.seen]")
    assert ended == "done"
    assert seen[0][1:] == ["mine", 9]


def test_a_json_message_with_a_broken_time_fails_before_the_function(queue: Queue) -> None:
    queue.send('{"insertionTime": "yesterday"}')
    assert queue.run("result = [host.step(queue), function_app.seen]") == ["failed", []]


def test_a_queue_that_does_not_exist_is_an_empty_one(queue: Queue) -> None:
    queue.client(queue.name).delete_queue()
    assert queue.run("result = [host.step(queue), dataclasses.asdict(host.drain())]") == [
        None,
        {"done": 0, "failed": 0, "poisoned": 0, "delayed": {}},
    ]


def test_a_function_is_run_by_hand(queue: Queue) -> None:
    failure, seen = queue.run(
        "host.run('two', 'by hand')\ntry:\n    host.run('one', 'fails')\n    failure = ''\n"
        "except FunctionFailed as error:\n    failure = str(error)\nresult = [failure, function_app.seen]"
    )
    assert failure == "one: ValueError: fails"
    assert seen[0] == ["two", "str", "by hand"]


def test_serving_takes_messages_by_itself(queue: Queue) -> None:
    queue.send("a", "b")
    seen = queue.run(
        "import time\nhost.serve()\ndeadline = time.monotonic() + 5\nresult = function_app.seen\n"
        "while len(result) < 2 and time.monotonic() < deadline:\n    time.sleep(0.02)"
    )
    assert sorted(text for text, _id, _count in seen) == ["a", "b"]


def test_messages_of_one_queue_run_side_by_side_up_to_the_limit(azurite: Azurite, tmp_path: Path) -> None:
    name = f"q{uuid4().hex[:20]}"
    host_json = {**HOST_JSON, "extensions": {"queues": {"batchSize": 2, "newBatchThreshold": 1}}}
    app = """
    import threading, time
    lock, now, most = threading.Lock(), 0, 0

    @app.queue_trigger(arg_name="message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
    def one(message: str) -> None:
        global now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.5 if message == "0" else 0.02)
        with lock:
            now -= 1
    """
    folder = write_app(tmp_path, app, host_json)
    client = QueueClient.from_connection_string(
        azurite.connection_string, name, message_encode_policy=TextBase64EncodePolicy()
    )
    client.create_queue()
    for number in range(9):
        client.send_message(str(number))
    settings = {
        "AzureWebJobsStorage": azurite.connection_string,
        "QUEUE": name,
        "PYTHON_THREADPOOL_THREAD_COUNT": "16",
    }
    assert run_script(folder, settings, "import function_app\nhost.drain()\nresult = function_app.most") == 3
