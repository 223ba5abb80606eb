"""Consent: whose events may be used, and for what."""

from rollbook.governance.consent.decisions import Decision, decide, history, object_to, restrict, shown
from rollbook.governance.consent.disclosing import directory_information
from rollbook.governance.consent.purposes import PURPOSES, Described, Purpose, purpose_of, purposes
from rollbook.governance.consent.standing import Rule, Standing, left_out, standing_of

__all__ = [
    "PURPOSES",
    "Decision",
    "Described",
    "Purpose",
    "Rule",
    "Standing",
    "decide",
    "directory_information",
    "history",
    "left_out",
    "object_to",
    "purpose_of",
    "purposes",
    "restrict",
    "shown",
    "standing_of",
]
