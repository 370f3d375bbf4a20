-- One row a channel that the contracts know.
-- key: channel
with
final as (
  select channel, channel_name, channel_group, is_online
  from (
    values
      ('web', 'Web site', 'direct', true),
      ('mobile', 'Mobile app', 'direct', true),
      ('email', 'E-mail', 'marketing', true),
      ('social', 'Social media', 'marketing', true),
      ('search', 'Search engine', 'marketing', true),
      ('store', 'Store', 'retail', false)
  ) as channels (channel, channel_name, channel_group, is_online)
)
select
  cast(channel as varchar(16)) as channel,
  cast(channel_name as varchar(32)) as channel_name,
  cast(channel_group as varchar(16)) as channel_group,
  cast(is_online as boolean) as is_online
from final
