"""The orchestration plan: its parts, their graph, their dates, and what comes of them."""
