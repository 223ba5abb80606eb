"""Live: answers and events that are sent as soon as they change, over WebSocket and server-sent events."""
