"""Lint: what is wrong or odd in a catalog, before any order meets it."""
