"""The catalog APIs: TMF620, TMF633 and TMF634."""
