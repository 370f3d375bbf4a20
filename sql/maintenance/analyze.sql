-- Tells the planner how many rows and values there are. Runs daily after the load, before people ask; a table that has hardly
-- changed is skipped by itself.
analyze fact_event;
analyze fact_session;
analyze fact_sales;
analyze daily_metrics_batch;
analyze dim_customer;
analyze dim_product;
analyze dim_date;
analyze dim_channel;
