#!/bin/sh
# Brings Temporal's two databases up to the schema of the image that runs this; safe to repeat.
# SQL_HOST, SQL_PORT, SQL_USER, SQL_PASSWORD and SQL_PLUGIN say where they are.
set -eu

schemas=/etc/temporal/schema/postgresql/v12

SQL_DATABASE=temporal temporal-sql-tool setup-schema -v 0.0
SQL_DATABASE=temporal temporal-sql-tool update-schema -d "$schemas/temporal/versioned"
SQL_DATABASE=temporal_visibility temporal-sql-tool setup-schema -v 0.0
SQL_DATABASE=temporal_visibility temporal-sql-tool update-schema -d "$schemas/visibility/versioned"
