"""Characteristics that only a run can know."""

from __future__ import annotations

import pytest
from temporalio.exceptions import ApplicationError

from workflows.parts.late_values import evaluated


def test_what_is_known_late_is_computed_and_a_fault_names_its_characteristic() -> None:
    known = {"port": {"id": "r-1", "value": "olt-1/1/1/7"}}
    assert evaluated({"oltPort": "assigned.port.value"}, known, {}) == {"oltPort": "olt-1/1/1/7"}
    with pytest.raises(ApplicationError, match="oltPort") as caught:
        evaluated({"oltPort": "assigned.vlan.value"}, known, {})
    assert (caught.value.type, caught.value.non_retryable) == ("ExpressionError", True)
