"""What Entra's public page about a tenant says of its cloud."""

from __future__ import annotations

import pytest

from shared.graph.tenant_cloud import match_cloud


@pytest.mark.requirement("CONN-5")
@pytest.mark.parametrize(
    ("instance", "part", "expected"),
    [
        ("microsoftonline.com", None, "global"),
        ("microsoftonline.com", "GCC", "global"),
        ("microsoftonline.us", "DODCON", "usgov"),
        ("microsoftonline.us", None, "usgov"),
        ("microsoftonline.us", "DOD", "dod"),
        ("partner.microsoftonline.cn", None, "china"),
        ("microsoftonline.example", "DOD", None),
        (None, None, None),
        (["microsoftonline.us"], {"DOD": 1}, None),
    ],
)
def test_the_cloud_of_a_configuration(instance: object, part: object, expected: str | None) -> None:
    assert match_cloud({"cloud_instance_name": instance, "tenant_region_sub_scope": part}) == expected
    assert match_cloud({}) is None
