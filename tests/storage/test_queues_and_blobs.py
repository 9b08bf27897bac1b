"""Messages and files, made where they are first needed."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient
from pydantic import SecretStr

from shared.errors import NotFound
from shared.storage.blobs import CONTAINER
from shared.work import CareForSubscription
from tests.world import World


def test_a_file_comes_back_as_it_was_and_may_be_written_again(world: World) -> None:
    with pytest.raises(NotFound):
        world.rt.blobs.get("raw/a.eml")
    for data in (bytes(range(256)), b""):
        world.rt.blobs.put("raw/a.eml", data)
        assert world.rt.blobs.get("raw/a.eml") == data


@pytest.mark.parametrize("name", ["a b+c%2F#1?d=e&f.txt", "å/日本/😀.eml", "~tilde/'quoted' (1).eml", "100%.txt"])
def test_a_file_is_found_by_its_name_and_type_as_the_sdk_reads_them(world: World, name: str) -> None:
    world.rt.blobs.put(name, b"what it holds", "text/calendar; method=REQUEST")
    assert world.rt.blobs.list_names("") == [name]
    assert world.rt.blobs.get(name) == b"what it holds"
    stored = BlobServiceClient.from_connection_string(world.rt.settings.storage_connection.get_secret_value())
    container = stored.get_container_client(world.rt.settings.storage_prefix + CONTAINER)
    assert container.get_blob_client(name).get_blob_properties().content_settings.content_type == (
        "text/calendar; method=REQUEST"
    )


def test_a_file_that_storage_refuses_is_not_taken_for_stored(world: World) -> None:
    connection = world.rt.settings.storage_connection.get_secret_value()
    other_key = re.sub("AccountKey=[^;]+", "AccountKey=b3RoZXI=", connection)
    stranger = replace(
        world.rt, settings=world.rt.settings.model_copy(update={"storage_connection": SecretStr(other_key)})
    )
    with pytest.raises(HttpResponseError):
        stranger.blobs.put("raw/a.eml", b"signed with another key")


def test_a_queue_is_made_by_its_first_message(world: World) -> None:
    assert world.rt.queues.length("subscription-care") == 0
    world.rt.queues.put(CareForSubscription(mailbox_id="nobody", cause="asked"))
    assert world.rt.queues.length("subscription-care") == 1
    world.settle()
    assert world.rt.queues.length("subscription-care") == 0


def test_a_delay_is_never_cut_short(world: World) -> None:
    began = time.monotonic()
    world.rt.queues.put(CareForSubscription(mailbox_id="nobody", cause="asked"), delay=0.4)
    world.settle(patience=5)
    assert world.rt.queues.length("subscription-care") == 0
    assert time.monotonic() - began >= 0.4
