"""Reads metrics from a URL as a strict parser of the format does, and prints their names."""

import sys
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families

with urllib.request.urlopen(sys.argv[1]) as response:
    content_type = response.headers["Content-Type"]
    assert content_type.startswith("application/openmetrics-text; version=1.0.0"), content_type
    text = response.read().decode()
for family in text_string_to_metric_families(text):
    assert family.documentation, family.name
    print(family.name, family.type)
