"""Event definitions over HTTP, and what comes in without one."""
