"""Sealing: only the tenant's own key, under the right master key and in the right context, reads what was sealed."""

import base64
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from rollbook.errors import Invalid, NotFound, Unavailable
from rollbook.governance.sealing import Sealing
from rollbook.governance.sealing.master import master_key
from rollbook.settings import load
from rollbook.store import Store
from rollbook.store.records.sealing import SealedRecords

shared = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@shared
@given(data=strategies.binary(max_size=2_000), context=strategies.text(max_size=30))
def test_what_is_sealed_is_read_again_by_whoever_opens_the_store(
    store: Store, tenant: str, data: bytes, context: str
) -> None:
    sealed = Sealing(store).seal(tenant, data, context=context)
    assert Sealing(store).unseal(tenant, sealed, context=context) == data
    assert len(data) < 8 or data not in sealed


def test_no_two_seals_are_alike(store: Store, tenant: str) -> None:
    sealing = Sealing(store)
    assert sealing.seal(tenant, b"ada", context="names") != sealing.seal(tenant, b"ada", context="names")


def test_another_tenant_context_or_ring_cannot_read_it(store: Store, tenant: str) -> None:
    sealing = Sealing(store)
    sealed = sealing.seal(tenant, b"ada", context="names")
    other = f"{tenant}-other"
    sealing.seal(other, b"bob", context="names")
    sealing.seal(tenant, b"bob", context="names", ring="people")
    for owner, context, ring in ((other, "names", "data"), (tenant, "letters", "data"), (tenant, "names", "people")):
        with pytest.raises(Invalid, match="altered, or belongs elsewhere"):
            sealing.unseal(owner, sealed, context=context, ring=ring)  # type: ignore[arg-type]


def test_a_changed_bit_anywhere_is_noticed(store: Store, tenant: str) -> None:
    sealing = Sealing(store)
    sealed = sealing.seal(tenant, b"ada", context="names")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises((Invalid, NotFound)):
            sealing.unseal(tenant, bytes(changed), context="names")


def test_keys_differ_by_purpose_tenant_and_ring_and_stay(store: Store, tenant: str) -> None:
    sealing = Sealing(store)
    keys = [
        sealing.key_for(tenant, "a"),
        sealing.key_for(tenant, "b"),
        sealing.key_for(tenant, "a", ring="people"),
        sealing.key_for(f"{tenant}-other", "a"),
    ]
    assert len(set(keys)) == 4
    assert all(len(key) == 32 for key in keys)
    sealing.renew(tenant, "data")
    assert Sealing(store).key_for(tenant, "a") == keys[0]
    assert Sealing(store).key_for(tenant, "a", version=2) != keys[0]


def test_a_new_key_seals_and_the_old_one_still_reads(store: Store, tenant: str) -> None:
    sealing = Sealing(store)
    before = sealing.seal(tenant, b"ada", context="names")
    assert sealing.renew(tenant, "data") == 2
    after = sealing.seal(tenant, b"ada", context="names")
    assert (before[1:3], after[1:3]) == (b"\0\1", b"\0\2")
    assert sealing.unseal(tenant, before, context="names") == sealing.unseal(tenant, after, context="names") == b"ada"


def test_what_was_sealed_under_a_destroyed_key_is_gone_and_a_later_key_is_another(store: Store, tenant: str) -> None:
    sealing = Sealing(store)
    sealed, kept = (sealing.seal(tenant, b"ada", context="names", ring=ring) for ring in ("people", "data"))
    key = sealing.key_for(tenant, "digests", ring="people")
    assert sealing.destroy(tenant, "people") == 1
    with pytest.raises(NotFound, match="was destroyed"):
        sealing.unseal(tenant, sealed, context="names", ring="people")
    assert sealing.unseal(tenant, kept, context="names") == b"ada"
    assert sealing.versions(tenant, "people") == ()
    assert sealing.key_for(tenant, "digests", ring="people") != key
    assert sealing.versions(tenant, "people") == (2,)
    records = SealedRecords(store.records.database)
    assert [bool(row["sealed"]) for row in records.keys(tenant, "people")] == [False, True]


def test_the_master_key_is_made_once_and_is_for_its_owner_only(tmp_path: Path) -> None:
    given = load(data=tmp_path)
    key = master_key(given, lambda: False)
    path = tmp_path / "master.key"
    assert base64.b64decode(path.read_text()) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert master_key(given, lambda: True) == key
    assert [found.name for found in tmp_path.iterdir()] == ["master.key"]


def test_a_lost_master_key_is_not_made_anew_over_what_was_sealed(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"master\.key is missing"):
        master_key(load(data=tmp_path), lambda: True)
    assert not (tmp_path / "master.key").exists()


@pytest.mark.parametrize(
    "text", ["ab" * 32, base64.b64encode(b"\xab" * 32).decode(), base64.urlsafe_b64encode(b"\xab" * 32).decode()]
)
def test_a_master_key_is_given_in_letters_or_by_a_file(tmp_path: Path, text: str) -> None:
    assert master_key(load(data=tmp_path, master_key=text), lambda: True) == b"\xab" * 32
    file = tmp_path / "given"
    file.write_text(text + "\n")
    assert master_key(load(data=tmp_path, master_key_file=file), lambda: True) == b"\xab" * 32


@pytest.mark.parametrize("text", ["secret-but-short", "ab" * 31, "z" * 64, "ab" * 33])
def test_a_wrong_master_key_is_refused_and_never_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(Invalid, match="32 bytes in base64 or hex") as told:
        master_key(load(data=tmp_path, master_key=text), lambda: True)
    assert text not in str(told.value)
    assert text not in repr(load(data=tmp_path, master_key=text))


def test_another_master_key_reads_no_tenants_keys(store: Store, tenant: str) -> None:
    Sealing(store).seal(tenant, b"ada", context="names")
    other = Sealing(store)
    other._master = b"\0" * 32
    with pytest.raises(Unavailable, match="another master key"):
        other.seal(tenant, b"ada", context="names")
