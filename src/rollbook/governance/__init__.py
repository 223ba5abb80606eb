"""MAY: who may see and do what."""
