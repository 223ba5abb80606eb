"""Scrubbing: e-mail addresses, phone numbers and names are taken out of an event's properties, by rules.

Rules find what looks like it, and miss what does not: they lower what is held about people, they promise nothing.
"""

import re
from collections.abc import Iterable

import msgspec

from rollbook.governance.minimisation.texts import Members, encode, is_list, is_object, items, members, plain, text_of
from rollbook.governance.pseudonyms import version_of

EMAIL, PHONE, NAME = "[email]", "[phone]", "[name]"

# Members whose whole value is one, however they are spelled (see `plain`).
MEMBERS: dict[str, str] = {
    **dict.fromkeys(("email", "emailaddress", "mail", "mailto"), EMAIL),
    **dict.fromkeys(("phone", "phonenumber", "telephone", "tel", "mobile", "mobilenumber", "cellphone", "fax"), PHONE),
    **dict.fromkeys(("firstname", "lastname", "givenname", "familyname", "middlename", "fullname", "surname"), NAME),
    **dict.fromkeys(("nickname", "displayname", "realname", "legalname", "preferredname", "maidenname"), NAME),
    **dict.fromkeys(("studentname", "learnername", "pupilname", "teachername", "instructorname", "tutorname"), NAME),
    **dict.fromkeys(("parentname", "guardianname", "childname", "authorname", "sendername", "recipientname"), NAME),
}
# `name` alone is as often a course's; it is a person's within one of these.
PERSONS = frozenset(
    {
        *("user", "actor", "person", "learner", "student", "pupil", "child", "participant", "member"),
        *("teacher", "instructor", "tutor", "mentor", "parent", "guardian", "author", "sender", "recipient"),
    }
)

_NOT_IN_EMAIL = r"\s@<>\"'(),:;\[\]{}|\\/"
_EMAIL = re.compile(rf"[^{_NOT_IN_EMAIL}]{{1,64}}@[^{_NOT_IN_EMAIL}.]{{1,63}}(?:\.[^{_NOT_IN_EMAIL}.]{{1,63}}){{1,8}}")
# +49 30 1234567, +1 (555) 123-4567 · 030 1234567, (020) 7946 0958, 0171/1234567 · 555-123-4567, (555) 123-4567.
# Digits without a plus or a gap are an id or a number as often, and stay; so do dates, times, versions and scores.
_PHONE = re.compile(
    r"""
    (?: (?<![\w+]) \+ [1-9] (?:[ ./()-]{0,2}\d){7,14}
      | (?<![\w+.,/-]) \(? 0[1-9]\d{1,3} \)? [ /-]{1,2} \d{2,} (?:[ -]\d{2,}){0,3}
      | (?<![\w+.,/-]) (?:1[ -])? (?:\([2-9]\d\d\)[ ]? | [2-9]\d\d[.-]) \d{3} [.-] \d{4}
    ) (?! [\w:] | [.,/-]\d )
    """,
    re.VERBOSE | re.ASCII,
)
FEWEST_DIGITS, MOST_DIGITS = 8, 15
# what stands in the names of members above, and in every phone number: quick to look for
_IN_NAMES = (b"mail", b"phone", b"tel", b"mobile", b"fax", b"name")
_IN_PHONES = re.compile(rb"[0-9)][ /().-]{1,3}[0-9(]")


def suspect(properties: bytes) -> bool:
    """Whether there may be something to take out."""
    lower = properties.lower()
    if b"\\" in lower or b"@" in lower or any(word in lower for word in _IN_NAMES):
        return True
    maybe = b"+" in lower or _IN_PHONES.search(lower) is not None
    return maybe and _PHONE.search(properties.decode()) is not None


def scrubbed(properties: bytes, allowed: Iterable[str] = ()) -> bytes:
    """The properties without e-mail addresses, phone numbers and names, but in members of the names allowed."""
    return _scrubbed(properties, frozenset(map(plain, allowed)), person=False)


def scrubbed_text(text: str) -> str:
    """A text without e-mail addresses and phone numbers."""
    return _PHONE.sub(_phone, _EMAIL.sub(EMAIL, text))


def _phone(found: re.Match[str]) -> str:
    digits = sum(map(str.isdigit, found[0]))
    return PHONE if FEWEST_DIGITS <= digits <= MOST_DIGITS else found[0]


def _scrubbed(raw: bytes, allowed: frozenset[str], *, person: bool) -> bytes:
    """`person`: it is an object that stands for one."""
    if is_object(raw):
        changed: Members = {}
        for name, value in members(raw).items():
            changed[_free(scrubbed_text(name), changed)] = msgspec.Raw(_member(name, bytes(value), allowed, person))
        return encode(changed)
    if is_list(raw):
        return encode([msgspec.Raw(_scrubbed(bytes(item), allowed, person=person)) for item in items(raw)])
    text = text_of(raw)
    return raw if text is None else encode(scrubbed_text(text))


def _free(name: str, taken: Members) -> str:
    """The name, or one with a number where two members would have the same after scrubbing."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free


def _member(name: str, value: bytes, allowed: frozenset[str], person: bool) -> bytes:
    known = plain(name)
    if known in allowed:
        return value
    instead = MEMBERS.get(known) or (NAME if person and known == "name" else None)
    if instead is not None:
        return _whole(value, instead)
    return _scrubbed(value, allowed, person=known in PERSONS)


def _whole(value: bytes, instead: str) -> bytes:
    """All texts and numbers in a value replaced; truths, nulls, empty texts and pseudonyms tell nothing."""
    if is_object(value):
        return encode({name: msgspec.Raw(_whole(bytes(one), instead)) for name, one in members(value).items()})
    if is_list(value):
        return encode([msgspec.Raw(_whole(bytes(item), instead)) for item in items(value)])
    text = text_of(value)
    if text is None:
        return value if value in (b"true", b"false", b"null") else encode(instead)
    return value if not text or version_of(text) is not None else encode(instead)
