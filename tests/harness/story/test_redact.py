"""What opens a door is not shown."""

from __future__ import annotations

import pytest

from harness.story.redact import HIDDEN, redacted


@pytest.mark.parametrize(
    "text",
    [
        "authorization: Bearer s3cr3t-key",
        '{"api_key": "s3cr3t-key", "model": "x"}',
        "{'api_key': 's3cr3t-key'}",
        "llm-worker-rbee --api-key s3cr3t-key --port 8001",
        "llm-worker-rbee --api-key=s3cr3t-key",
        "[worker] my key is fine, api_key=s3cr3t-key",
        "password: s3cr3t-key",
        "-----BEGIN OPENSSH PRIVATE KEY-----\ns3cr3t-key\n-----END OPENSSH PRIVATE KEY-----",
    ],
)
def test_keys_and_tokens_are_hidden(text: str) -> None:
    assert "s3cr3t-key" not in redacted(text)
    assert HIDDEN in redacted(text)


@pytest.mark.parametrize("text", ["how many tokens: wanted 20, seen 19", "max_tokens: 20", '{"type":"token","t":"a"}'])
def test_what_opens_no_door_is_shown(text: str) -> None:
    assert redacted(text) == text
