from __future__ import annotations

import io
import pathlib
from typing import Any

import pytest

from clearspan.formats import media


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("data:image/png;base64,iVBOR", {"modality": "image", "mime_type": "image/png", "content": "iVBOR"}),
        ("data:image/svg+xml;charset=utf-8;base64,PHN2", {"modality": "image", "mime_type": "image/svg+xml", "content": "PHN2"}),
        ("data:audio/wav;base64,UklG", {"modality": "audio", "mime_type": "audio/wav", "content": "UklG"}),
        ("data:application/pdf;base64,JVBE", {"modality": "document", "mime_type": "application/pdf", "content": "JVBE"}),
        ("data:;base64,AAAA", {"modality": "document", "content": "AAAA"}),
        ("data:image/png;base64,", {"modality": "image", "mime_type": "image/png", "content": ""}),
    ],
)  # fmt: skip
def test_data_urls_are_blobs(url: str, expected: dict[str, Any]) -> None:
    assert media.address(url) == {"type": "blob", **expected}


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/a.png",
        "gs://bucket/a.png",
        "data: [DONE]",
        "data:image/png,plain",
        "data:image/png;base64 is how it begins",
        "data:image/png;base64,!!",
        "DATA about base64,",
        "",
    ],
)
def test_what_only_looks_like_a_data_url_is_left_as_it_is(text: str) -> None:
    assert media.address(text, "image") == {"type": "uri", "modality": "image", "uri": text}


def test_a_huge_data_url_is_not_searched_to_its_end() -> None:
    content = "A" * 10_000_000
    part = media.address(f"data:image/png;base64,{content}")
    assert part["content"] == content


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"1234", {"size": 4}),
        (bytearray(b"12"), {"size": 2}),
        (("a.wav", b"123"), {"name": "a.wav", "size": 3}),
        (("a.wav", b"123", "audio/wav"), {"name": "a.wav", "size": 3}),
        (pathlib.PurePosixPath("/deep/down/a.wav"), {"name": "a.wav"}),
        ((None, pathlib.PurePosixPath("/deep/b.wav")), {"name": "b.wav"}),
        (io.BytesIO(b"123"), {}),
        (object(), {}),
        (("alone",), {}),
    ],
)
def test_uploads_are_named_and_measured(value: Any, expected: dict[str, Any]) -> None:
    assert media.upload(value, "audio") == {"type": "upload", "modality": "audio", **expected}


def test_an_open_file_is_named_and_not_read(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "voice.wav"
    path.write_bytes(b"123456")
    with path.open("rb") as file:
        assert media.upload(file, "audio") == {
            "type": "upload",
            "modality": "audio",
            "name": "voice.wav",
        }
        assert file.tell() == 0


def test_objects_of_the_host_are_not_asked_for_a_name() -> None:
    class Upload:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"asked for {name}")

        def read(self) -> bytes:
            raise AssertionError("read")

    assert media.upload(Upload(), "image") == {"type": "upload", "modality": "image"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}},
            {"type": "uri", "modality": "image", "uri": "https://example.org/a.png"},
        ),
        (
            {"type": "image_url", "image_url": "https://example.org/a.png"},
            {"type": "uri", "modality": "image", "uri": "https://example.org/a.png"},
        ),
        (
            {"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}},
            {"type": "uri", "modality": "video", "uri": "https://example.org/a.mp4"},
        ),
        (
            {"type": "input_image", "image_url": "data:image/gif;base64,R0lG"},
            {"type": "blob", "modality": "image", "content": "R0lG", "mime_type": "image/gif"},
        ),
        ({"type": "input_image", "file_id": "file-1"}, {"type": "file", "modality": "image", "file_id": "file-1"}),
        (
            {"type": "image_file", "image_file": {"file_id": "file-2"}},
            {"type": "file", "modality": "image", "file_id": "file-2"},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}},
            {"type": "blob", "modality": "audio", "content": "SUQz", "mime_type": "audio/mpeg"},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
            {"type": "blob", "modality": "audio", "content": "UklG", "mime_type": "audio/wav"},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "UklG"}},
            {"type": "blob", "modality": "audio", "content": "UklG"},
        ),
        ({"type": "file", "file": {"file_id": "file-3"}}, {"type": "file", "modality": "document", "file_id": "file-3"}),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
            {"type": "blob", "modality": "document", "content": "JVBE", "mime_type": "application/pdf", "name": "a.pdf"},
        ),
        (
            {"type": "input_file", "file_url": "https://example.org/a.pdf"},
            {"type": "uri", "modality": "document", "uri": "https://example.org/a.pdf"},
        ),
        (
            {"type": "input_file", "file_data": "JVBE", "filename": "a.pdf"},
            {"type": "blob", "modality": "document", "content": "JVBE", "name": "a.pdf"},
        ),
        (
            {"type": "input_file", "file_data": "https://example.org/a.pdf"},
            {"type": "uri", "modality": "document", "uri": "https://example.org/a.pdf"},
        ),
    ],
)  # fmt: skip
def test_parts_that_are_media(source: Any, expected: Any) -> None:
    assert media.part(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        {"type": "text", "text": "hi"},
        {"type": "image_url"},
        {"type": "image_url", "image_url": {"url": 7}},
        {"type": "input_image"},
        {"type": "input_audio", "input_audio": "UklG"},
        {"type": "file", "file": {}},
        {"type": "file"},
        {"type": ["image_url"]},
        {},
        None,
        "image_url",
    ],
)
def test_parts_that_are_none_or_broken(source: Any) -> None:
    assert media.part(source) is None
