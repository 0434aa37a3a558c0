"""Reference billing: what each product is charged."""
