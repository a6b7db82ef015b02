-- The roles and the database that compose.yaml names, as deploy/database.py makes them for a local run.
CREATE ROLE bling_360hub_sync_owner LOGIN PASSWORD 'development';
CREATE ROLE bling_360hub_sync_sync_core LOGIN PASSWORD 'development';
CREATE ROLE bling_360hub_sync_bling_gateway LOGIN PASSWORD 'development';
CREATE ROLE bling_360hub_sync_hub_gateway LOGIN PASSWORD 'development';

CREATE DATABASE bling_360hub_sync OWNER bling_360hub_sync_owner;
REVOKE ALL ON DATABASE bling_360hub_sync FROM PUBLIC;
GRANT CONNECT ON DATABASE bling_360hub_sync
   TO bling_360hub_sync_sync_core, bling_360hub_sync_bling_gateway, bling_360hub_sync_hub_gateway;
