-- Tells the planner how many rows and values there are. Runs weekly behind vacuum.sql; in between Redshift does so by itself
-- when it is idle. A table that has hardly changed is skipped.
analyze fact_event;
analyze fact_session;
analyze fact_sales;
analyze daily_metrics_batch;
analyze dim_customer;
analyze dim_product;
analyze dim_date;
analyze dim_channel;
