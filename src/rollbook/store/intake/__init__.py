"""What the way in notes beside the events, and what it looks up about their people."""
