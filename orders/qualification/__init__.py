"""Qualification (TMF679 and TMF645): what is asked and how it is answered."""
