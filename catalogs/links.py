"""Links of the catalog APIs: their collections, and the address of each version of an entry."""

from __future__ import annotations

import re
from enum import StrEnum
from urllib.parse import quote

from tmf.paths import TMF620, TMF633, TMF634

_VERSIONED = re.compile(r"(.*):\(version=(.*)\)", re.DOTALL)


class Collection(StrEnum):
    """A collection of the catalog APIs, by its path."""

    CATALOG = f"{TMF620}/catalog"
    CATEGORY = f"{TMF620}/category"
    OFFERING = f"{TMF620}/productOffering"
    PRICE = f"{TMF620}/productOfferingPrice"
    PRODUCT = f"{TMF620}/productSpecification"
    SERVICE_CATALOG = f"{TMF633}/serviceCatalog"
    SERVICE_CATEGORY = f"{TMF633}/serviceCategory"
    SERVICE_CANDIDATE = f"{TMF633}/serviceCandidate"
    SERVICE = f"{TMF633}/serviceSpecification"
    RESOURCE_CATALOG = f"{TMF634}/resourceCatalog"
    RESOURCE_CATEGORY = f"{TMF634}/resourceCategory"
    RESOURCE_CANDIDATE = f"{TMF634}/resourceCandidate"
    RESOURCE = f"{TMF634}/resourceSpecification"

    @property
    def resource(self) -> str:
        """The name of its resource: `productOffering`."""
        return self.rpartition("/")[2]

    @property
    def definition(self) -> str:
        """What its standard calls the resource: `ProductOffering`."""
        return f"{self.resource[0].upper()}{self.resource[1:]}"


def entry_href(base_url: str, collection: Collection, entry_id: str, version: str | None = None) -> str:
    """Return the address of an entry, of a certain version in the notation of TMF620: `line:(version=1.0)`."""
    versioned = entry_id if version is None else f"{entry_id}:(version={version})"
    return f"{base_url}{collection}/{quote(versioned, safe=':()=')}"


def split_version(text: str) -> tuple[str, str | None]:
    """Return the id and the version that the last step of an address names, the version None where it names none."""
    found = _VERSIONED.fullmatch(text)
    return (found[1], found[2]) if found else (text, None)
