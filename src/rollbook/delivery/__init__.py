"""SHOW: what Rollbook knows, over HTTP, as pages and as files."""
