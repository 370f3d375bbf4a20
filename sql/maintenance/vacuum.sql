-- Frees the space of replaced rows and sorts what was added. Runs weekly, outside of loads, each statement by itself: VACUUM
-- does not run in a transaction. Redshift also does this on its own when it is idle; a warehouse that pauses seldom is.
vacuum fact_event;
vacuum fact_session;
vacuum fact_sales;
vacuum daily_metrics_batch;
vacuum dim_customer;
vacuum dim_product;
vacuum dim_date;
vacuum dim_channel;
