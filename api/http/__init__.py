"""What every route of the gateway does alike: bodies, patches, answers, errors, methods."""
