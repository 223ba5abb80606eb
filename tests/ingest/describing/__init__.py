"""What tenants say of their events, and what is said of events on their way in."""
