"""An entry of each collection of the catalog APIs, as the shipped catalogs have it, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from catalogs.links import Collection, entry_href

BASE_URL = "http://localhost:8620"

_VALID: dict[str, Any] = {"validFor": {"startDateTime": "2024-01-01T00:00:00.000Z"}}


def _entry(collection: Collection, entry_id: str, kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": entry_id,
        "href": entry_href(BASE_URL, collection, entry_id),
        "@type": kind,
        "name": name,
        "version": "1.0",
        "lifecycleStatus": "Active",
        "lastUpdate": "2026-11-25T00:00:00.000Z",
        **more,
    }


def _reference(
    collection: Collection, entry_id: str, kind: str, name: str, version: str | None = None, **more: Any
) -> dict[str, Any]:
    address = entry_href(BASE_URL, collection, entry_id, version)
    pinned = {"version": version} if version else {}
    return {"id": entry_id, **pinned, **more, "href": address, "name": name, "@referredType": kind}


def _characteristic(name: str, value_type: str = "string", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "valueType": value_type,
        "configurable": True,
        "minCardinality": 0,
        "maxCardinality": 1,
        **more,
    }


def _price(price_id: str, name: str) -> dict[str, Any]:
    return _reference(Collection.PRICE, price_id, "ProductOfferingPrice", name)


_VPN = "Business VPN"
_SITES: dict[str, Any] = {"description": "Sites of a business, joined by a private network.", **_VALID}
_CORE: dict[str, Any] = {"category": [_reference(Collection.SERVICE_CATEGORY, "vpn", "ServiceCategory", _VPN)]}

CATALOG = _entry(
    Collection.CATALOG,
    "vpn",
    "Catalog",
    _VPN,
    catalogType="ProductCatalog",
    category=[_reference(Collection.CATEGORY, "business", "Category", "Business")],
    **_SITES,
)

CATEGORY = _entry(
    Collection.CATEGORY,
    "mobile",
    "Category",
    "Mobile",
    description="Calls, messages and data on the way.",
    isRoot=False,
    parentId="residential",
    productOffering=[_reference(Collection.OFFERING, "mobile-plan", "ProductOffering", "Mobile Plan")],
)

OFFERING = _entry(
    Collection.OFFERING,
    "mobile-plan",
    "ProductOffering",
    "Mobile Plan",
    description="Calls, messages and data, on a SIM card or an eSIM.",
    isBundle=False,
    isSellable=True,
    category=[_reference(Collection.CATEGORY, "mobile", "Category", "Mobile")],
    marketSegment=[{"id": "consumer", "name": "Consumers"}],
    productSpecification=_reference(Collection.PRODUCT, "mobile-plan", "ProductSpecification", "Mobile Plan"),
    productOfferingPrice=[
        _price("mobile-activation", "Mobile Plan, activation"),
        _price("mobile-5-monthly", "Mobile Plan 5 GB, monthly"),
        _price("mobile-20-monthly", "Mobile Plan 20 GB, monthly"),
        _price("mobile-50-monthly", "Mobile Plan 50 GB, monthly"),
        _price("mobile-roaming-world-monthly", "World roaming, monthly"),
        _price("mobile-data-overage", "Data beyond the volume"),
    ],
    productOfferingTerm=[
        {"name": "Monthly", "description": "Can be ended each month.", "duration": {"amount": 1, "units": "month"}}
    ],
    **_VALID,
)

PRICE = _entry(
    Collection.PRICE,
    "internet-250-monthly",
    "ProductOfferingPrice",
    "Fibre Internet 250, monthly",
    priceType="recurring",
    recurringChargePeriodType="month",
    recurringChargePeriodLength=1,
    price={"unit": "EUR", "value": 34.99},
    tax=[{"taxCategory": "VAT", "taxRate": 19}],
    isBundle=False,
    popRelationship=[
        _reference(
            Collection.PRICE,
            "half-price-half-year",
            "ProductOfferingPrice",
            "Half price for six months",
            relationshipType="discount",
        )
    ],
    prodSpecCharValueUse=[
        {"name": "downloadSpeed", "productSpecCharacteristicValue": [{"value": 250, "isDefault": False}]}
    ],
)

PRODUCT = _entry(
    Collection.PRODUCT,
    "vpn-core",
    "ProductSpecification",
    "VPN Core",
    productSpecCharacteristic=[
        _characteristic(
            "topology",
            minCardinality=1,
            productSpecCharacteristicValue=[
                {"value": "hubAndSpoke", "isDefault": True},
                {"value": "anyToAny", "isDefault": False},
            ],
        )
    ],
    serviceSpecification=[
        _reference(Collection.SERVICE, "cfs-vpn-core", "CustomerFacingServiceSpecification", "VPN core")
    ],
)

SERVICE_CATALOG = _entry(Collection.SERVICE_CATALOG, "vpn", "ServiceCatalog", _VPN, **_CORE, **_SITES)

SERVICE_CATEGORY = _entry(
    Collection.SERVICE_CATEGORY,
    "vpn",
    "ServiceCategory",
    _VPN,
    isRoot=True,
    serviceCandidate=[
        _reference(Collection.SERVICE_CANDIDATE, "cfs-vpn-core", "ServiceCandidate", "VPN core"),
        _reference(Collection.SERVICE_CANDIDATE, "rfs-vpn-routing", "ServiceCandidate", "VPN routing"),
        _reference(Collection.SERVICE_CANDIDATE, "cfs-site-access", "ServiceCandidate", "Site access"),
        _reference(Collection.SERVICE_CANDIDATE, "rfs-site-survey", "ServiceCandidate", "Site survey"),
        _reference(Collection.SERVICE_CANDIDATE, "rfs-ethernet-access", "ServiceCandidate", "Ethernet access line"),
        _reference(Collection.SERVICE_CANDIDATE, "rfs-vpn-cpe", "ServiceCandidate", "Managed VPN router"),
        _reference(Collection.SERVICE_CANDIDATE, "cfs-site-overlay", "ServiceCandidate", "Site overlay"),
        _reference(Collection.SERVICE_CANDIDATE, "rfs-overlay-tunnel", "ServiceCandidate", "Overlay tunnel"),
    ],
    **_SITES,
)

SERVICE_CANDIDATE = _entry(
    Collection.SERVICE_CANDIDATE,
    "cfs-vpn-core",
    "ServiceCandidate",
    "VPN core",
    serviceSpecification=_reference(
        Collection.SERVICE, "cfs-vpn-core", "CustomerFacingServiceSpecification", "VPN core", "1.0"
    ),
    **_CORE,
)

SERVICE = _entry(
    Collection.SERVICE,
    "cfs-vpn-core",
    "CustomerFacingServiceSpecification",
    "VPN core",
    specCharacteristic=[_characteristic("topology", minCardinality=1), _characteristic("routeTarget")],
    serviceSpecRelationship=[
        _reference(
            Collection.SERVICE,
            "rfs-vpn-routing",
            "ResourceFacingServiceSpecification",
            "VPN routing",
            relationshipType="dependency",
        )
    ],
    **{"@baseType": "ServiceSpecification"},
)

RESOURCE_CATALOG = _entry(
    Collection.RESOURCE_CATALOG,
    "vpn",
    "ResourceCatalog",
    _VPN,
    category=[_reference(Collection.RESOURCE_CATEGORY, "vpn", "ResourceCategory", _VPN)],
    **_SITES,
)

RESOURCE_CATEGORY = _entry(
    Collection.RESOURCE_CATEGORY,
    "vpn",
    "ResourceCategory",
    _VPN,
    isRoot=True,
    resourceCandidate=[
        _reference(Collection.RESOURCE_CANDIDATE, "access-port", "ResourceCandidate", "Access port"),
        _reference(Collection.RESOURCE_CANDIDATE, "access-vlan", "ResourceCandidate", "Access VLAN"),
        _reference(Collection.RESOURCE_CANDIDATE, "vpn-cpe", "ResourceCandidate", "VPN router"),
        _reference(Collection.RESOURCE_CANDIDATE, "wan-prefix", "ResourceCandidate", "WAN prefix"),
        _reference(Collection.RESOURCE_CANDIDATE, "lan-prefix", "ResourceCandidate", "LAN prefix"),
        _reference(Collection.RESOURCE_CANDIDATE, "route-target", "ResourceCandidate", "Route target"),
        _reference(Collection.RESOURCE_CANDIDATE, "tunnel-id", "ResourceCandidate", "Tunnel identifier"),
    ],
    **_SITES,
)

RESOURCE_CANDIDATE = _entry(
    Collection.RESOURCE_CANDIDATE,
    "vpn-cpe",
    "ResourceCandidate",
    "VPN router",
    category=[_reference(Collection.RESOURCE_CATEGORY, "vpn", "ResourceCategory", _VPN)],
    resourceSpecification=_reference(
        Collection.RESOURCE, "vpn-cpe", "PhysicalResourceSpecification", "VPN router", "1.0"
    ),
)

RESOURCE = _entry(
    Collection.RESOURCE,
    "vpn-cpe",
    "PhysicalResourceSpecification",
    "VPN router",
    category="Physical",
    resourceSpecCharacteristic=[_characteristic("siteName"), _characteristic("wanPrefix")],
    **{"@baseType": "ResourceSpecification"},
)
