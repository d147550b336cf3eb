-- One row per webhook that the indexer was ever started with. Its URL may hold a secret and is not kept.
create table webhook (
    webhook   text        primary key check (webhook ~ '^[0-9a-f]{16}$'), -- beginning of the SHA-256 of its URL
    host      text        not null,                                       -- scheme, host and port of its URL
    queued_to bigint      not null check (queued_to >= 0),                -- alerts of blocks up to this one are queued for good
    since     timestamptz not null default now()
);

-- One row per message to a webhook. A message outlives the block that it tells of: a reorg after it was sent is answered by
-- a message that retracts it. The messages of one alert are numbered; even ones raise it, odd ones retract it.
create table webhook_message (
    webhook          text        not null references webhook on delete cascade,
    alert            text        not null, -- id of the alert
    sequence         int         not null check (sequence >= 0),
    event            text        not null generated always as (case when sequence % 2 = 0 then 'raised' else 'retracted' end) stored,
    place            bigint      not null generated always as identity, -- messages to a webhook are sent in this order
    block_number     bigint      not null,
    block_hash       bytes32     not null,
    body             jsonb       not null, -- the alert as it was when it was queued
    state            text        not null default 'pending'
        check (state in ('pending', 'delivered', 'dead', 'withdrawn')), -- withdrawn: a reorg came before it was acknowledged
    attempts         int         not null default 0 check (attempts >= 0), -- since it was queued or last retried by hand
    first_attempt_at timestamptz,          -- null while nobody can have seen it
    next_attempt_at  timestamptz not null default now(),
    last_error       text,                 -- why the last attempt failed, null when none did
    queued_at        timestamptz not null default now(),
    ended_at         timestamptz,          -- when it was delivered, given up or withdrawn
    primary key (webhook, alert, sequence),
    check ((state = 'pending') = (ended_at is null))
);

create unique index on webhook_message (webhook, place) where state = 'pending';
create index on webhook_message (webhook, block_number);
create index on webhook_message (state, place);
create index on webhook_message (alert);
