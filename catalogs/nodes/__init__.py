"""What an order is about: its products, services and resources, each with what is wanted and what is installed."""
