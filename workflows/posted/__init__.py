"""The parts of a posted order alone: acceptance, dates, fulfilment, amendments, its end."""
