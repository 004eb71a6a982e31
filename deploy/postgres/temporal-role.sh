#!/bin/sh
# Runs once, when the database is new: Temporal keeps its tables in databases of its own, under a role of its own.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\set password `cat /run/secrets/temporal-password`
create role temporal login createdb password :'password';
SQL
