"""Checks of an order: every rule of the catalogs and of the installed base that it breaks."""
