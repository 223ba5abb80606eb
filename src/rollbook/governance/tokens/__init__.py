"""Tokens: JWTs signed by the operator of Rollbook or by an issuer that a tenant trusts."""

from rollbook.governance.tokens.signing import sign
from rollbook.governance.tokens.tokens import Tokens

__all__ = ["Tokens", "sign"]
