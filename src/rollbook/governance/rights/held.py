"""Held: everything that is kept about a person, as the tables of an access request's package."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from rollbook.governance import consent, letters
from rollbook.governance.directory import Directory
from rollbook.governance.lifecycle.packing import Packing
from rollbook.governance.lifecycle.storage import Storage
from rollbook.governance.pseudonyms import pseudonyms_of
from rollbook.governance.pseudonyms.rotation import carried
from rollbook.governance.tenants import tenants_of
from rollbook.store import Store, dead_letters
from rollbook.store.erasing import Erasing, finder
from rollbook.store.records import holdings
from rollbook.store.records.database import Record
from rollbook.store.records.holdings import Known
from rollbook.store.records.lifecycle import LifecycleRecords

PAGE = 1_000
TEXT = re.compile(r'"((?:[^"\\]|\\.)+)"')

README = """This package holds everything that {tenant} keeps about you in Rollbook.

Made:        {made}
Known as:    {users}

Each table is here twice with the same rows: as JSON, and as CSV for a spreadsheet. Times are in UTC.

{tables}

Other people's data is not in it, even where it speaks of you. Lines of the audit trail hold digests instead of
names; what they say about whom your data was shown to is in disclosures. If something is wrong, ask for a
rectification; if it should not be kept, ask for an erasure.
"""
TABLES = {
    "events": "what you did, as it came in",
    "archived_events": "what you did, longer ago",
    "activity": "events and seconds by day, course and type, counted from the events",
    "learner_days": "the days on which you were active",
    "people": "when you were first and last seen; in the records: what the roster knows of you",
    "dead_letters": "what was sent about you and could not be taken in",
    "directory": "your name, and what else the directory says of you",
    "message_texts": "what you wrote to an AI",
    "standing": "for which purposes your events may be used, and why",
    "requests": "what you have asked for before",
}

Rows = list[dict[str, Any]]
Source = Callable[[Store, str, Known], dict[str, Rows]]


def event_tables(store: Store, tenant: str, known: Known) -> dict[str, Rows]:
    """The person's rows of every table of events."""
    erasing = Erasing(store.engine)
    with erasing.of(known.users):
        return {target.table: erasing.rows(target, tenant) for target in erasing.targets()}


def records(store: Store, tenant: str, known: Known) -> dict[str, Rows]:
    """The person's records, without what is sealed or says how it is kept."""
    found = holdings.rows(store.records.database, tenant, known)
    return {("records_" + table if table == "people" else table): _plain(rows) for table, rows in found.items()}


def letters_of(store: Store, tenant: str, known: Known) -> dict[str, Rows]:
    """Dead letters that name the person, as they came in."""
    kept = ("id", "received", "dialect", "stage", "reason", "detail", "body", "encoding")
    return {"dead_letters": [{name: row[name] for name in kept} for row in named_letters(store, tenant, known)]}


def archived(store: Store, tenant: str, known: Known) -> dict[str, Rows]:
    """The person's events that have left the tables for archives."""
    packing = Packing(Storage(store.settings), store.settings.data)
    users, found = pa.array(known.users, pa.string()), list[dict[str, Any]]()
    for row in LifecycleRecords(store.records.database).archives(tenant):
        if row["state"] == "kept":
            for rows in packing.read(row["folder"], packing.manifest(row["folder"])):
                # an archive knows people by the pseudonyms of its time
                rows = carried(store, tenant, rows)
                found += rows.filter(pc.is_in(rows["user"], users)).to_pylist()
    return {"archived_events": found}


def standing(store: Store, tenant: str, known: Known) -> dict[str, Rows]:
    """How the person stands to every purpose."""
    return {
        "standing": [{"user": user, **one} for user in known.users[:1] for one in consent.shown(store, tenant, user)]
    }


def directory_of(store: Store, tenant: str, known: Known) -> dict[str, Rows]:
    """What the directory says of the person, unsealed."""
    if not tenants_of(store).settings(tenant).directory:
        return {}
    entries = Directory(store, tenant).of(known.users)
    return {"directory": [{"user": user, **entry} for user, entry in entries.items()]}


SOURCES: tuple[Source, ...] = (event_tables, archived, records, directory_of, letters_of, standing)


def held(store: Store, tenant: str, known: Known) -> dict[str, Rows]:
    """Everything by table; empty tables are left out."""
    found = {table: rows for source in SOURCES for table, rows in source(store, tenant, known).items()}
    return {table: rows for table, rows in found.items() if rows}


def package(tables: dict[str, Rows], *, tenant: str, known: Known, made: str) -> bytes:
    """The zip: a README, and every table as JSON and CSV."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        lines = [f"{table}: {len(rows)} rows; {TABLES.get(table, 'records')}" for table, rows in tables.items()]
        told = {"tenant": tenant, "made": made, "users": ", ".join(known.users), "tables": "\n".join(lines)}
        archive.writestr("README.txt", README.format(**told))
        for table, rows in tables.items():
            archive.writestr(f"{table}.json", json.dumps(rows, default=str, ensure_ascii=False, indent=1))
            archive.writestr(f"{table}.csv", _csv(rows))
    return content.getvalue()


def named_letters(store: Store, tenant: str, known: Known) -> Iterator[Record]:
    """Dead letters in which one of the person's words stands."""
    wanted, users, sealing = finder(known.words), set(known.users), pseudonyms_of(store).sealing
    for offset in range(0, 10**9, PAGE):
        rows = dead_letters.listed(store.engine, tenant, limit=PAGE, offset=offset)
        for row in letters.opened(sealing, tenant, rows):
            text = dead_letters.original(row).decode("utf-8", "replace")
            if wanted.search(text) or wanted.search(row["detail"]) or _stored_ids(store, tenant, text) & users:
                yield row
        if len(rows) < PAGE:
            return


def _stored_ids(store: Store, tenant: str, text: str) -> set[str]:
    """What every text in a letter would be stored as, if it were a user's id: a pseudonym tells no id back."""
    chain = pseudonyms_of(store).chain(tenant)
    found = set(TEXT.findall(text)) if chain is not None else set()
    longest = store.settings.max_id_length
    return {chain.of(one) for one in found if chain is not None and len(one) <= longest}


def _plain(rows: list[Record]) -> Rows:
    return [{name: value for name, value in row.items() if not isinstance(value, bytes)} for row in rows]


def _csv(rows: Rows) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    written = csv.DictWriter(text, names, lineterminator="\n")
    written.writeheader()
    written.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    """A spreadsheet must not take a text for a formula."""
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False, default=str)
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
