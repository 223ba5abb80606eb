"""Naming: user ids within properties become pseudonyms, too."""

import re
from collections.abc import Callable, Iterator

import msgspec
import numpy as np

from rollbook.governance.minimisation.texts import each_text, encode, is_list, is_object, items, members, plain, text_of

# Members whose value is a user's id, however they are spelled (see `plain`). Names that mean other things as often
# (author, parent, account, name, owner, sub) are not among them.
USER_MEMBERS = frozenset(
    {
        *("user", "userid", "username", "uid", "login", "loginid", "email", "emailaddress", "mail"),
        *("actor", "actorid", "person", "personid", "participantid", "memberid", "senderid", "recipientid"),
        *("learner", "learnerid", "student", "studentid", "studentnumber", "pupil", "pupilid"),
        *("teacherid", "instructorid", "tutorid", "mentorid", "authorid"),
    }
)
# Within an object that stands for a person (`"actor": {"mbox": …, "account": {"name": …}}`), these are, too.
PERSON_MEMBERS = frozenset({"id", "name", "mbox", "mboxsha1sum", "openid", "account"})

# in small letters: how the names above begin
_WORDS = (
    *(b"user", b"uid", b"author", b"actor", b"learner", b"login", b"student", b"sender", b"pupil", b"person"),
    *(b"participant", b"instructor", b"teacher", b"tutor", b"mentor", b"member", b"recipient"),
    *(b"mail", b"email", b"e-mail", b"e_mail", b"e mail"),
)
_SUSPECT = re.compile(rb'"(?:' + b"|".join(map(re.escape, _WORDS)) + b")")
# the first three bytes of each, with the bit set that tells small letters from capitals; and the first two
_BEGINS = np.array(sorted({int.from_bytes(bytes(byte | 0x20 for byte in word[:3])) for word in _WORDS}), np.uint32)
_PAIRS = np.zeros(1 << 16, bool)
_PAIRS[_BEGINS >> 8] = True
MANY_BYTES = 10_000
# shorter ids are words and numbers that stand in many texts
SHORTEST_OWN_ID = 4

Name = Callable[[str], str]


def suspect(properties: bytes) -> bool:
    """Whether a user's id may stand in these properties (one event's, or many's), by the names of their members."""
    if b"\\" in properties and b"\\u" in properties:
        return True
    if len(properties) > MANY_BYTES and not _may_name(properties):
        return False
    return _SUSPECT.search(properties.lower()) is not None


def _may_name(properties: bytes) -> bool:
    """Whether after some quotation mark stand three letters that begin one of the names; much faster than a search."""
    letters = np.frombuffer(properties, np.uint8)
    marks = np.flatnonzero(letters[:-3] == ord('"'))
    small = letters | 0x20
    first, second = small[marks + 1].astype(np.uint32), small[marks + 2].astype(np.uint32)
    likely = np.flatnonzero(_PAIRS[first << 8 | second])
    third = small[marks[likely] + 3]
    return bool(np.isin(first[likely] << 16 | second[likely] << 8 | third, _BEGINS).any())


def renamed(properties: bytes, name: Name) -> bytes:
    """The properties with the users that their members name as `name` gives them."""
    return _renamed(properties, name, person=False)


def _renamed(raw: bytes, name: Name, *, person: bool) -> bytes:
    """`person`: it is an object that stands for one."""
    if is_object(raw):
        changed = {}
        for key, value in members(raw).items():
            known = plain(key)
            is_user = known in USER_MEMBERS or (person and known in PERSON_MEMBERS)
            change = _user(bytes(value), name) if is_user else _renamed(bytes(value), name, person=False)
            changed[key] = msgspec.Raw(change)
        return encode(changed)
    if is_list(raw):
        return encode([msgspec.Raw(_renamed(bytes(item), name, person=person)) for item in items(raw)])
    return raw


def _user(raw: bytes, name: Name) -> bytes:
    """What stands for a user: an id as text or whole number, a list of those, or an object."""
    if is_object(raw):
        return _renamed(raw, name, person=True)
    if is_list(raw):
        return encode([msgspec.Raw(_user(bytes(item), name)) for item in items(raw)])
    text = text_of(raw)
    if text is None:
        text = raw.decode() if raw.lstrip(b"-").isdigit() else ""
    return encode(name(text)) if text else raw


def is_own(user: str) -> bool:
    """Whether a user's id is long enough to be looked for in all texts."""
    return len(user) >= SHORTEST_OWN_ID


def is_word_in(user: str, text: str) -> bool:
    """Whether a text holds a user's id as a whole word: not amid other letters or digits."""
    return next(_places(user, text), None) is not None


def without(properties: bytes, user: str, stored: str) -> bytes:
    """The properties with a user's own id replaced wherever it stands in a text as a whole word."""
    return each_text(properties, lambda text: replaced(text, user, stored))


def replaced(text: str, user: str, stored: str) -> str:
    """A text with the whole words that are a user's id replaced."""
    if user not in text:
        return text
    parts, done = [], 0
    for place in _places(user, text):
        parts += [text[done:place], stored]
        done = place + len(user)
    return "".join([*parts, text[done:]])


def _places(user: str, text: str) -> Iterator[int]:
    """Where the id stands as a whole word."""
    place = text.find(user)
    while place >= 0:
        end = place + len(user)
        whole = not (text[place - 1 : place].isalnum() or text[end : end + 1].isalnum())
        if whole:
            yield place
        place = text.find(user, end if whole else place + 1)
