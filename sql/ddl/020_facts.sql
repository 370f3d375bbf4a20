-- Facts carry the durable keys of their dimensions (subject_id, product_id), so that a late version never re-keys a row.
-- Events and sessions have no primary key here: their keys hold the day, so that the model of each day keeps them unique, as checks
-- judge, and an index over millions of hashes takes two fifths of the time of their load.

-- One row a transaction line: the only source of revenue. Price, discount and amount are in the reporting currency.
create table if not exists fact_sales (
  sale_key varchar(32) not null, -- Hash of transaction and line
  transaction_id varchar(64) not null,
  subject_id varchar(36),
  product_id varchar(64) not null,
  channel varchar(16) not null,
  country varchar(2) not null,
  payment_method varchar(16) not null,
  currency varchar(3) not null, -- Currency that was paid in
  line_no bigint not null,
  quantity bigint not null,
  unit_price decimal(18, 4),
  discount decimal(18, 4) not null,
  amount decimal(18, 4) not null,
  is_return boolean not null, -- The quantity is negative
  ordered_on date not null,
  ordered_at timestamp not null,
  primary key (sale_key)
);

-- One row an event.
create table if not exists fact_event (
  event_key varchar(32) not null, -- Hash of date and event id
  event_id varchar(36) not null,
  event_type varchar(64) not null,
  visitor_id varchar(36), -- Who did it: the browser or device, else the person
  subject_id varchar(36),
  anonymous_subject_id varchar(36),
  session_key varchar(32), -- The session that it is part of; null for what no person did
  channel varchar(16),
  campaign varchar(8192),
  experiment varchar(64),
  variant varchar(64),
  page varchar(8192),
  referrer varchar(8192),
  device_family varchar(64),
  product_id varchar(64),
  order_id varchar(64),
  search_query varchar(8192),
  button_id varchar(64),
  form_id varchar(64),
  service varchar(64),
  log_level varchar(16),
  currency varchar(3),
  quantity bigint,
  item_count bigint,
  result_count bigint,
  duration_ms bigint,
  duration_s bigint,
  price decimal(18, 4),
  amount decimal(18, 4),
  cpu_percent double precision,
  latency_ms double precision,
  is_success boolean,
  occurred_on date not null,
  occurred_at timestamp not null
);

-- One row a session: events of one visitor on one UTC day without a gap of 30 minutes.
create table if not exists fact_session (
  session_key varchar(32) not null, -- Hash of the visitor and the time of the first event
  visitor_id varchar(36) not null, -- The browser or device, else the person
  subject_id varchar(36),
  channel varchar(16),
  campaign varchar(8192),
  landing_page varchar(8192), -- Page of the first event that has one
  device_family varchar(64),
  event_count bigint not null, -- Events of the session
  page_view_count bigint not null, -- Of these, page views
  funnel_step bigint not null, -- Furthest step reached in order: 1 visit, 2 product view, 3 cart, 4 checkout, 5 purchase
  duration_s bigint not null, -- Seconds from the first event to the last
  has_login boolean not null, -- A login succeeded
  has_purchase boolean not null, -- A purchase event is among them
  started_on date not null, -- Day of the session, UTC
  started_at timestamp not null, -- Time of the first event
  ended_at timestamp not null -- Time of the last event
);

-- One row a day, event type and currency ('' where the events carry none): what the stream's counters must equal.
create table if not exists daily_metrics_batch (
  event_type varchar(64) not null,
  currency varchar(3) not null,
  event_count bigint not null, -- Events of the day, type and currency
  amount decimal(18, 4) not null, -- Sum of their amounts
  occurred_on date not null,
  primary key (occurred_on, event_type, currency)
);
