"""Access: keys, tokens, limits, tickets."""
