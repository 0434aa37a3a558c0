#!/bin/sh
# Makes the namespace that TEMPORAL_NAMESPACE names, at the server that TEMPORAL_ADDRESS names.
# A namespace that is there already stays as it is.
set -eu

temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
