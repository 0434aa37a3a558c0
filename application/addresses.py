"""The addresses below their own at which the downstream systems are called."""

from __future__ import annotations

from tmf.paths import BILLING, RESOURCE_POOLS, TMF637, TMF638, TMF639, TMF645, TMF653

PRODUCT = f"{TMF637}/product"
SERVICE = f"{TMF638}/service"
RESOURCE = f"{TMF639}/resource"
RESERVATION = f"{RESOURCE_POOLS}/reservation"
AVAILABILITY = f"{RESOURCE_POOLS}/availabilityCheck"
QUALIFICATION = f"{TMF645}/checkServiceQualification"
SERVICE_TEST = f"{TMF653}/serviceTest"
CHARGE = f"{BILLING}/charge"
