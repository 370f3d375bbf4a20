-- The current version of each customer and product, for who needs no history.
create or replace view dim_customer_current as
select subject_id, country, city, acquisition_channel, birth_decade, is_deleted, is_inferred, signup_month, valid_from
from dim_customer
where is_current;

create or replace view dim_product_current as
select product_id, product_name, category, brand, price, cost, is_deleted, is_inferred, valid_from
from dim_product
where is_current;
