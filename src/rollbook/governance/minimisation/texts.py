"""Walking through a JSON text: objects and lists are taken apart, what nobody changes stays as it was written."""

from collections.abc import Callable

import msgspec

Members = dict[str, msgspec.Raw]

members = msgspec.json.Decoder(Members).decode
items = msgspec.json.Decoder(list[msgspec.Raw]).decode
encode = msgspec.json.Encoder().encode

_QUOTE, _OBJECT, _LIST = b'"', b"{", b"["


def is_object(raw: bytes) -> bool:
    """Whether it is an object's text."""
    return raw[:1] == _OBJECT


def is_list(raw: bytes) -> bool:
    """Whether it is a list's text."""
    return raw[:1] == _LIST


def text_of(raw: bytes) -> str | None:
    """The text that it is; None: it is none."""
    return msgspec.json.decode(raw, type=str) if raw[:1] == _QUOTE else None


def each_text(raw: bytes, change: Callable[[str], str]) -> bytes:
    """The same JSON, every text in it (names of members, too) as `change` gives it."""
    if is_object(raw):
        return encode({change(name): msgspec.Raw(each_text(bytes(v), change)) for name, v in members(raw).items()})
    if is_list(raw):
        return encode([msgspec.Raw(each_text(bytes(item), change)) for item in items(raw)])
    text = text_of(raw)
    return raw if text is None else encode(change(text))


def plain(name: str) -> str:
    """A member's name without case, underscores, hyphens and spaces: `userId`, `user_id` and `USER-ID` are one."""
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")
