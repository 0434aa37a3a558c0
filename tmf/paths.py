"""Base paths of the APIs, by their standards: of those that the gateway serves, and of those that systems do.

Callers and servers both take them from here; a collection's path is its resource's name below.
"""

from __future__ import annotations

TMF620 = "/tmf-api/productCatalogManagement/v4"
TMF622 = "/tmf-api/productOrderingManagement/v4"
TMF622_V5 = "/tmf-api/productOrderingManagement/v5"
TMF633 = "/tmf-api/serviceCatalogManagement/v4"
TMF634 = "/tmf-api/resourceCatalog/v4"
TMF637 = "/tmf-api/productInventory/v4"
TMF638 = "/tmf-api/serviceInventory/v4"
TMF639 = "/tmf-api/resourceInventoryManagement/v4"
TMF640 = "/tmf-api/ServiceActivationAndConfiguration/v4"
TMF641 = "/tmf-api/serviceOrdering/v4"
TMF645 = "/tmf-api/serviceQualificationManagement/v4"
TMF652 = "/tmf-api/resourceOrdering/v4"
TMF653 = "/tmf-api/serviceTestManagement/v4"
TMF679 = "/tmf-api/productOfferingQualificationManagement/v4"
TMF702 = "/tmf-api/ResourceActivationAndConfiguration/v4"
RESOURCE_POOLS = "/tmf-api/resourcePoolManagement/v4"
BILLING = "/billing/v1"
