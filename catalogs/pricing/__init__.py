"""Prices of products and of orders."""
