#!/bin/bash
# Makes each part's own role and databases. The image runs it once, when the server's data directory is new.
set -euo pipefail

create() { # create ROLE PASSWORD DATABASE...
    local role=$1 password=$2
    shift 2
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "${POSTGRES_DB:-$POSTGRES_USER}" \
        --set role="$role" --set password="$password" <<'SQL'
CREATE ROLE :"role" LOGIN PASSWORD :'password';
SQL
    local database
    for database in "$@"; do
        psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" \
            --dbname "${POSTGRES_DB:-$POSTGRES_USER}" --set role="$role" --set database="$database" <<'SQL'
CREATE DATABASE :"database" OWNER :"role" ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
SQL
    done
}

create ordersaga "$ORDERSAGA_DB_PASSWORD" ordersaga
create temporal "$TEMPORAL_DB_PASSWORD" temporal temporal_visibility
create systems "$SYSTEMS_DB_PASSWORD" inventory activation billing
