"""The orders themselves: what TMF622, TMF641 and TMF652 say of them, as far as it is read."""
