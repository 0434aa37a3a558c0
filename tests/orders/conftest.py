"""How hypothesis tries the domain: without a deadline, which on a busy machine would say nothing of the code."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("steady", deadline=None)
settings.load_profile("steady")
