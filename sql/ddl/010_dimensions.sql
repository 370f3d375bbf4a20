-- Dimensions. What stands behind a column is its meaning in the data dictionary; a column named as what it comes from has
-- its meaning from there. A version of a customer or product holds from valid_from (inclusive) to valid_to (exclusive).

-- One row a version of a customer: no personal data.
create table if not exists dim_customer (
  customer_version_key varchar(32) not null, -- Hash of subject id and valid_from
  subject_id varchar(36) not null,
  country varchar(2),
  city varchar(400),
  acquisition_channel varchar(16),
  birth_decade bigint,
  version_no bigint not null, -- 1 for the oldest version, then counted up
  is_current boolean not null, -- No later version is known
  is_deleted boolean not null, -- The source has deleted the customer as of this version
  is_inferred boolean not null, -- Facts name the customer, no row describes them
  signup_month date,
  valid_from timestamp not null, -- Since when the version holds, inclusive
  valid_to timestamp not null, -- Until when it holds, exclusive
  primary key (customer_version_key)
);

-- One row a version of a product.
create table if not exists dim_product (
  product_version_key varchar(32) not null, -- Hash of product id and valid_from
  product_id varchar(64) not null,
  product_name varchar(8192),
  category varchar(8192),
  brand varchar(8192),
  price decimal(18, 4),
  cost decimal(18, 4),
  version_no bigint not null, -- 1 for the oldest version, then counted up
  is_current boolean not null, -- No later version is known
  is_deleted boolean not null, -- The source has deleted the product as of this version
  is_inferred boolean not null, -- Facts name the product, no row describes it
  valid_from timestamp not null, -- Since when the version holds, inclusive
  valid_to timestamp not null, -- Until when it holds, exclusive
  primary key (product_version_key)
);

-- One row a day.
create table if not exists dim_date (
  year_no bigint not null, -- Year
  quarter_no bigint not null, -- Quarter, 1 to 4
  month_no bigint not null, -- Month, 1 to 12
  day_of_month bigint not null, -- 1 to 31
  day_of_year bigint not null, -- 1 to 366
  iso_week bigint not null, -- ISO 8601 week, 1 to 53
  iso_weekday bigint not null, -- 1 for Monday to 7 for Sunday
  is_weekend boolean not null, -- Saturday or Sunday
  date_on date not null, -- The day
  month_on date not null, -- First day of its month
  primary key (date_on)
);

-- One row a channel.
create table if not exists dim_channel (
  channel varchar(16) not null, -- The channel as events and sales name it
  channel_name varchar(32) not null, -- Its name for people
  channel_group varchar(16) not null, -- direct, marketing or retail
  is_online boolean not null, -- Not in a store
  primary key (channel)
);
