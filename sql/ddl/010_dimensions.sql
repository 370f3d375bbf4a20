-- Dimensions. A version of a customer or product holds from valid_from (inclusive) to valid_to (exclusive).

-- One row a version of a customer: no personal data.
create table if not exists dim_customer (
  customer_version_key varchar(32) not null,
  subject_id varchar(36) not null,
  country varchar(2),
  city varchar(400),
  acquisition_channel varchar(16),
  birth_decade bigint,
  version_no bigint not null,
  is_current boolean not null,
  is_deleted boolean not null,
  is_inferred boolean not null,
  signup_month date,
  valid_from timestamp not null,
  valid_to timestamp not null,
  primary key (customer_version_key)
);

-- One row a version of a product.
create table if not exists dim_product (
  product_version_key varchar(32) not null,
  product_id varchar(64) not null,
  product_name varchar(8192),
  category varchar(8192),
  brand varchar(8192),
  price decimal(18, 4),
  cost decimal(18, 4),
  version_no bigint not null,
  is_current boolean not null,
  is_deleted boolean not null,
  is_inferred boolean not null,
  valid_from timestamp not null,
  valid_to timestamp not null,
  primary key (product_version_key)
);

-- One row a day.
create table if not exists dim_date (
  year_no bigint not null,
  quarter_no bigint not null,
  month_no bigint not null,
  day_of_month bigint not null,
  day_of_year bigint not null,
  iso_week bigint not null,
  iso_weekday bigint not null,
  is_weekend boolean not null,
  date_on date not null,
  month_on date not null,
  primary key (date_on)
);

-- One row a channel.
create table if not exists dim_channel (
  channel varchar(16) not null,
  channel_name varchar(32) not null,
  channel_group varchar(16) not null,
  is_online boolean not null,
  primary key (channel)
);
