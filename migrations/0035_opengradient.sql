-- The source `opengradient`: a registry of enclaves that send heartbeats, and a relay of settlements, on another network.
-- An operator is the owner of enclaves; `deployment` holds its chain, and this table what it has besides.
create table opengradient (
    singleton                  boolean primary key default true check (singleton),
    registry                   address not null,
    relay                      address not null,
    heartbeat_interval_seconds bigint  not null check (heartbeat_interval_seconds > 0),
    heartbeat_max_age_seconds  bigint  not null check (heartbeat_max_age_seconds > heartbeat_interval_seconds),
    genesis                    bigint  not null, -- unix seconds at which period 0 begins
    slot_seconds               bigint  not null check (slot_seconds > 0),
    slots_per_period           bigint  not null check (slots_per_period > 0),
    report_window              bigint  not null, -- seconds after a period's end until which its last slots can turn out to be in a gap of the relay
    deployed_at                bigint  not null  -- unix seconds of the first block
);

-- The schedule of uptime periods, whatever the source.
create view uptime_schedule as
    select block_number, log_index, genesis, slot_seconds, slots_per_period, report_window from uptime_ledger_configured
    union all
    select start_block, 0, genesis, slot_seconds, slots_per_period, report_window from opengradient cross join deployment;

-- One row per `TEETypeAdded` log.
create table tee_type_added (
    block_number bigint   not null references block on delete cascade,
    log_index    int      not null,
    tx_hash      bytes32  not null,
    type_id      smallint not null,
    name         text     not null,
    primary key (block_number, log_index)
);

-- One row per `TEERegistered` log; registration enables.
create table tee_registered (
    block_number bigint   not null references block on delete cascade,
    log_index    int      not null,
    tx_hash      bytes32  not null,
    tee_id       bytes32  not null,
    owner        address  not null,
    tee_type     smallint not null,
    primary key (block_number, log_index)
);

create unique index on tee_registered (tee_id);
create index on tee_registered (owner, block_number, log_index);

-- What no event tells of an enclave, one row per `TEERegistered` log. `calldata`: of the transaction that registered it, whose
-- key hashes to `tee_id`. `state`: `getTEE`, where the registration was called by a contract. `unknown`: neither; then all is null.
create table tee_details (
    block_number    bigint  not null references block on delete cascade,
    log_index       int     not null,
    tee_id          bytes32 not null,
    found_in        text    not null check (found_in in ('calldata', 'state', 'unknown')),
    payment_address address,
    endpoint        text,
    pcr_hash        bytes32, -- of the code that it runs; only `state` tells
    primary key (block_number, log_index),
    check ((found_in = 'unknown') = (payment_address is null)),
    check ((payment_address is null) = (endpoint is null)),
    check (pcr_hash is null or found_in = 'state')
);

create index on tee_details (tee_id);

-- One row per `TEEEnabled` log.
create table tee_enabled (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    tee_id       bytes32 not null,
    primary key (block_number, log_index)
);

-- One row per `TEEDisabled` log.
create table tee_disabled (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    tee_id       bytes32 not null,
    primary key (block_number, log_index)
);

-- One row per `HeartbeatReceived` log. By far the most rows: the decoder checks lengths, and a trigger on `block` deletes what
-- a foreign key would, because both cost more per row than the row itself.
create table heartbeat_received (
    block_number bigint not null,
    log_index    int    not null,
    tx_hash      bytea  not null,
    tee_id       bytea  not null,
    signed_at    bigint not null, -- unix seconds, as the enclave signed them: not when they arrived
    primary key (block_number, log_index)
);

create function delete_heartbeats() returns trigger language plpgsql as $$
declare
    lowest bigint;
    highest bigint;
begin
    select min(number), max(number) into lowest, highest from deleted where not empty;
    if lowest is not null then
        -- The range lets the primary key find them.
        delete from heartbeat_received
        where block_number between lowest and highest and block_number in (select number from deleted);
    end if;
    return null;
end
$$;

create trigger delete_heartbeats after delete on block
    referencing old table as deleted for each statement execute function delete_heartbeats();

-- One row per `PCRApproved` log.
create table pcr_approved (
    block_number bigint   not null references block on delete cascade,
    log_index    int      not null,
    tx_hash      bytes32  not null,
    pcr_hash     bytes32  not null,
    tee_type     smallint not null,
    version      text     not null,
    primary key (block_number, log_index)
);

-- One row per `PCRRevoked` log; the enclaves that it disabled were told of before, in the same transaction.
create table pcr_revoked (
    block_number bigint   not null references block on delete cascade,
    log_index    int      not null,
    tx_hash      bytes32  not null,
    pcr_hash     bytes32  not null,
    tee_type     smallint not null,
    primary key (block_number, log_index)
);

-- One row per `RoleGranted` log of registry or relay: who may register, manage and settle.
create table tee_role_granted (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    contract     address not null,
    role         bytes32 not null,
    account      address not null,
    sender       address not null,
    primary key (block_number, log_index)
);

-- One row per `RoleRevoked` log of registry or relay.
create table tee_role_revoked (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    contract     address not null,
    role         bytes32 not null,
    account      address not null,
    sender       address not null,
    primary key (block_number, log_index)
);

-- One row per `BatchSettlement` log: receipts of nobody knows whom, by the root of their tree.
create table batch_settlement (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    merkle_root  bytes32 not null,
    batch_size   uint256 not null, -- as the relayer says
    blob_id      bytea   not null,
    primary key (block_number, log_index)
);

create index on batch_settlement (merkle_root, block_number, log_index);

-- One row per `IndividualSettlement` log.
create table individual_settlement (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    tee_id       bytes32 not null,
    account      address not null, -- `ethAddress`
    input_hash   bytes32 not null,
    output_hash  bytes32 not null,
    timestamp    uint256 not null, -- as signed
    blob_id      bytea   not null,
    signature    bytea   not null,
    receipt_id   bytes32 not null, -- hash of enclave, input, output and timestamp: what is settled
    primary key (block_number, log_index)
);

create index on individual_settlement (receipt_id, block_number, log_index);

-- One row per log of registry or relay that is none of the events above. The contracts are not ours: what their owners add is
-- kept as it is instead of stopping the indexer.
create table other_log (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    contract     address not null,
    topics       bytea   not null check (length(topics) % 32 = 0),
    data         bytea   not null,
    primary key (block_number, log_index)
);
