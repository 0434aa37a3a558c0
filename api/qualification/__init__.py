"""The qualification APIs: TMF679 and TMF645."""
