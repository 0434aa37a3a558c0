"""Order management (TMF622, TMF641, TMF652): taking orders in, changing, holding, cancelling, deleting them."""
