-- An enclave, by block: the newest row at or below a block is its state there. Every restart of one makes a new identity.
create table enclave (
    block_number  bigint   not null references block on delete cascade,
    tee_id        bytes32  not null,
    operator      address  not null, -- its owner
    tee_type      smallint not null,
    registered_at bigint   not null, -- unix seconds
    enabled       boolean  not null,
    changed_at    bigint   not null, -- unix seconds of the newest registration, enabling or disabling
    revoked_pcr   bytes32,           -- whose revocation disabled it; null when it is enabled or was disabled by itself
    primary key (tee_id, block_number)
);

create index on enclave (operator, tee_id, block_number);
create index on enclave (block_number);

-- An operator whose enclaves are all disabled is `inactive`.
alter table operator_profile
    drop constraint operator_profile_status_check,
    add constraint operator_profile_status_check
        check (status in ('active', 'inactive', 'jailed', 'exiting', 'tombstoned'));

alter table network_account add column operators_inactive bigint not null default 0;

-- Heartbeats of an enclave in a closed period, for those that sent any or were registered in it. A heartbeat counts when it was
-- signed after every earlier one that did, and not longer before its receipt than `heartbeat_max_age_seconds`.
create table enclave_period (
    period    bigint  not null references network_period on delete cascade,
    tee_id    bytes32 not null,
    operator  address not null,
    counted   int     not null,
    replayed  int     not null, -- signed no later than one that counted
    stale     int     not null, -- signed too long before its receipt, or after it
    alive_at  bigint  not null, -- unix seconds of the block of the newest that counted; of the registration before the first
    signed_at bigint,           -- what the newest that counted signed; null before the first
    primary key (tee_id, period)
);

create index on enclave_period (period);
create index on enclave_period (operator, period);

-- The relay of heartbeats at the end of a closed period. Without any heartbeat for longer than an interval and a third of what
-- an enclave may be late by, the relay is silent, and no silence that the gap overlaps is held against an operator.
create table relay_period (
    period      bigint primary key references network_period on delete cascade,
    received_at bigint, -- unix seconds of the newest heartbeat that counted; null before the first
    resumed_at  bigint, -- unix seconds of the heartbeat that ended the newest gap; the first ended one
    observed    varbit not null -- one bit for each slot, the first leftmost: silence at its end is an enclave's own
);

-- What does not add up, one row per log and kind; found when the period of the log was closed, those before the first with it.
--   replayed_heartbeat    signed no later than one that came before
--   stale_heartbeat       signed longer before its receipt than it is believed, or after it
--   repeated_receipt      settled before: the same enclave, input, output and time
--   repeated_root         the same batch was settled before
--   unknown_enclave       a settlement of an enclave that was not registered
--   disabled_enclave      a settlement of an enclave that was disabled
--   silent_enclave        a settlement of an enclave without a heartbeat that counted for longer than one is believed, while
--                         the relay was at work
create table finding (
    block_number  bigint  not null references block on delete cascade,
    log_index     int     not null,
    kind          text    not null check (kind in (
        'replayed_heartbeat', 'stale_heartbeat', 'repeated_receipt', 'repeated_root', 'unknown_enclave', 'disabled_enclave',
        'silent_enclave')),
    period        bigint  not null references network_period on delete cascade,
    tx_hash       bytes32 not null,
    tee_id        bytes32,          -- null for a root, as the next
    operator      address,          -- owner of the enclave; null when it was not registered
    subject       bytes32,          -- receipt or root; null for heartbeats
    signed_at     bigint,           -- unix seconds, as signed, 2^63 - 1 for more; null for roots
    alive_at      bigint,           -- unix seconds of the enclave's newest sign of life before it; null for roots and unknown enclaves
    earlier_block bigint,           -- first log that it repeats; null when it repeats none, as the next
    earlier_log   int,
    primary key (block_number, log_index, kind)
);

create index on finding (kind, block_number, log_index);
create index on finding (operator, block_number, log_index, kind);
create index on finding (operator, kind, block_number, log_index);
create index on finding (period);
