"""Questions about the system that sends the events: its requests, errors and endpoints."""
