"""How long lists of product orders take."""
