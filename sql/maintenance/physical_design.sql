-- How the tables lie on Redshift's nodes. Runs after sql/ddl, with a deployment in which it is new or has changed, each
-- statement by itself. On Redshift alone: the other engines of the DDL have no such statements.

-- Dimensions are small and joined by every query: each node has them whole.
alter table dim_customer alter diststyle all;
alter table dim_product alter diststyle all;
alter table dim_date alter diststyle all;
alter table dim_channel alter diststyle all;
alter table daily_metrics_batch alter diststyle all;

-- Lines of a transaction lie together, for baskets and orders; unlike the customer, which guests lack, it is never null.
alter table fact_sales alter diststyle key distkey transaction_id;

-- Visitor and session are null for all that services report, which would pile up on one node.
alter table fact_event alter diststyle even;
alter table fact_session alter diststyle key distkey session_key;

-- Loads replace days, and questions are of periods: blocks of other days are skipped.
alter table fact_sales alter compound sortkey (ordered_on, product_id);
alter table fact_event alter compound sortkey (occurred_on, event_type);
alter table fact_session alter compound sortkey (started_on, channel);
alter table daily_metrics_batch alter compound sortkey (occurred_on, event_type);

-- A version is found by its thing and time.
alter table dim_customer alter compound sortkey (subject_id, valid_from);
alter table dim_product alter compound sortkey (product_id, valid_from);
alter table dim_date alter compound sortkey (date_on);
