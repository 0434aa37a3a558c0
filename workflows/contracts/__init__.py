"""The contracts of the workflows: ids, messages, refusals, policies, search attributes."""
