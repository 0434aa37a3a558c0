"""List queries as TM Forum APIs write them (TMF630), and what a filter matches."""
