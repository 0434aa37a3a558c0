"""The documents of the gateway: OpenAPI, the meaning of errors, tables of the pages in docs/."""
