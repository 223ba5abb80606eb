"""Words: which events are of a conversation with an AI, and which of their properties are what was said in it."""

import re
from functools import lru_cache
from typing import Any

import msgspec

# anywhere in a type, and `ai` as a word of its own: conversation.message.sent, AI_MESSAGE_SENT, aiChat, llm_call
_TYPE = re.compile(
    r"conversation|message|chat|prompt|assistant|dialogue?|llm|(?:^|[^a-z])(?:ai|bot|gpt)(?:[^a-z]|$)", re.IGNORECASE
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

# what is said, asked or answered; a number under one of these names is not
WORDS = frozenset(
    {
        "answer", "answer_text", "body", "caption", "completion", "content", "delta", "input", "input_text", "message",
        "message_content", "message_text", "messages", "output", "output_text", "prompt", "query", "question",
        "raw_text", "reply", "response", "response_text", "system_prompt", "text", "transcript", "user_input",
        "user_message", "utterance", "ai_response", "ai_message", "assistant_message", "bot_response", "history",
    }
)  # fmt: skip

MOST_TYPES = 4096

Fields = dict[str, msgspec.Raw]

_fields = msgspec.json.Decoder(Fields).decode
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


@lru_cache(MOST_TYPES)
def is_of_conversation(type: str) -> bool:
    """Whether events of this type are said to be of a conversation with an AI."""
    return _TYPE.search(_CAMEL.sub("_", type)) is not None


def is_word(name: str) -> bool:
    """Whether a property of this name holds what was said."""
    return _CAMEL.sub("_", name).replace("-", "_").lower() in WORDS


def taken_apart(properties: bytes) -> tuple[bytes, bytes | None]:
    """The properties without what was said, at any depth; and that, as a JSON object by where it stood. None: nothing.

    Raises RecursionError only for what is nested deeper than ROLLBOOK_MAX_NESTING ever lets in.
    """
    words: dict[str, Any] = {}
    rest = _without(properties, "", words)
    return (rest, msgspec.json.encode(words)) if words else (properties, None)


def _without(text: bytes, path: str, words: dict[str, Any]) -> bytes:
    if text[:1] == b"[":
        return _list_without(text, path, words)
    before, rest = len(words), Fields()
    for name, raw in _fields(text).items():
        value, where = bytes(raw), f"{path}.{name}" if path else name
        if is_word(name) and value[:1] in (b'"', b"{", b"["):
            words[where] = raw
        elif value[:1] in (b"{", b"["):
            rest[name] = msgspec.Raw(_without(value, where, words))
        else:
            rest[name] = raw
    return msgspec.json.encode(rest) if len(words) > before else text


def _list_without(text: bytes, path: str, words: dict[str, Any]) -> bytes:
    before, rest = len(words), []
    for place, raw in enumerate(_items(text)):
        value = bytes(raw)
        is_nested = value[:1] in (b"{", b"[")
        rest.append(msgspec.Raw(_without(value, f"{path}.{place}", words)) if is_nested else raw)
    return msgspec.json.encode(rest) if len(words) > before else text
