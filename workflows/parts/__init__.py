"""The parts that the workflow of every order is put together from."""
