"""The addresses below their own at which the downstream systems are called."""

from __future__ import annotations

PRODUCT = "/tmf-api/productInventory/v4/product"
SERVICE = "/tmf-api/serviceInventory/v4/service"
RESOURCE = "/tmf-api/resourceInventoryManagement/v4/resource"
RESERVATION = "/tmf-api/resourcePoolManagement/v4/reservation"
AVAILABILITY = "/tmf-api/resourcePoolManagement/v4/availabilityCheck"
QUALIFICATION = "/tmf-api/serviceQualificationManagement/v4/checkServiceQualification"
SERVICE_TEST = "/tmf-api/serviceTestManagement/v4/serviceTest"
CHARGE = "/billing/v1/charge"
