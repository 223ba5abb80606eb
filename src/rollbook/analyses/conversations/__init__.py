"""Conversations: what is asked about dialogues with a bot, a tutor or a coach."""
