#!/bin/sh
# Creates Temporal's databases and brings their tables to this version's; run again, it changes nothing.
set -eu
SQL_PASSWORD="$(cat /run/secrets/temporal-password)"
export SQL_PASSWORD

bring() {
  tool="temporal-sql-tool --plugin postgres12 --endpoint postgres --port 5432 --user temporal --database $1"
  # Both fail where the database and its tables are there already; what else may be wrong shows in the last line.
  $tool create || true
  $tool setup-schema --version 0.0 || true
  $tool update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

bring temporal temporal
bring temporal_visibility visibility
