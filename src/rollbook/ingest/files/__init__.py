"""Events from files of any columns; which column becomes what stands in docs/imports/files.md."""

from rollbook.ingest.files.reading import import_file

__all__ = ["import_file"]
