"""Publishing: committed events through Redis, as document 2 says."""

from rollbook.ingest.publishing.publisher import Publisher, publisher_of

__all__ = ["Publisher", "publisher_of"]
