"""Document 2's questions, as stories."""
