"""Every setting, with its names in the environment; a file for each topic."""

from rollbook.settings.later import LATER, WITHOUT_MEANING
from rollbook.settings.settings import Settings, ignored, is_later, load, names_of

__all__ = ["LATER", "WITHOUT_MEANING", "Settings", "ignored", "is_later", "load", "names_of"]
