"""Document 2, Studyin Analytics, over HTTP."""

from rollbook.delivery.api.studyin.routes import router

__all__ = ["router"]
