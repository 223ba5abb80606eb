"""Who may see what: access, privacy, audit, lifecycle."""
